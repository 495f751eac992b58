"""What the data types of the 3.x library have in common, where it has it."""

from __future__ import annotations

from typing import Literal, TypeAlias

from zarr.core.dtype.wrapper import HasEndianness, HasItemSize, HasLength, HasObjectCodec
from zarr.errors import DataTypeValidationError, UnstableSpecificationWarning

__all__ = [
    "ENDIANNESS_STR", "SPECIAL_FLOAT_STRINGS", "DataTypeValidationError", "EndiannessStr",
    "HasEndianness", "HasItemSize", "HasLength", "HasObjectCodec", "SpecialFloatStrings",
    "UnstableSpecificationWarning",
]  # fmt: skip

EndiannessStr: TypeAlias = Literal["little", "big"]
SpecialFloatStrings: TypeAlias = Literal["NaN", "Infinity", "-Infinity"]

ENDIANNESS_STR = ("little", "big")
SPECIAL_FLOAT_STRINGS = ("NaN", "Infinity", "-Infinity")
