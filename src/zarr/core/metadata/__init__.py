"""Metadata of arrays and groups as value classes, for code for the 3.x library."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from zarr.core.metadata.v2 import ArrayV2Metadata
from zarr.core.metadata.v3 import ArrayMetadataJSON_V3, ArrayV3Metadata

__all__ = ["ArrayMetadata", "ArrayMetadataJSON_V3", "ArrayV2Metadata", "ArrayV3Metadata"]

ArrayMetadata: TypeAlias = ArrayV2Metadata | ArrayV3Metadata
ArrayV2MetadataDict: TypeAlias = Mapping[str, Any]
ArrayMetadataDict: TypeAlias = Mapping[str, Any]
