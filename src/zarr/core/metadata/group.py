"""Metadata of groups, and of all below a group, as value classes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, Literal, Self, TypeAlias

from zarr import _formats
from zarr.abc.metadata import Metadata
from zarr.core.common import ZARR_JSON, ZATTRS_JSON, ZGROUP_JSON
from zarr.core.metadata.documents import as_buffers
from zarr.core.metadata.v2 import ArrayV2Metadata
from zarr.core.metadata.v3 import ArrayV3Metadata
from zarr.errors import MetadataValidationError, NodeTypeValidationError

__all__ = [
    "ConsolidatedMetadata",
    "GroupMetadata",
    "LateGroupMetadata",
    "NodeMetadata",
    "NodesBelow",
    "node_metadata",
]


class NodesBelow(Mapping[str, "NodeMetadata"]):
    """Metadata by path, made when they are asked for: a group may have copies of thousands.

    Parameters
    ----------
    paths : dict
        The paths, as keys.
    made : callable
        Function that returns the metadata at a path.
    """

    def __init__(self, paths: Mapping[str, object], made: Callable[[str], NodeMetadata]) -> None:
        self._paths, self._made = paths, made

    def __getitem__(self, path: str) -> NodeMetadata:
        if path not in self._paths:
            raise KeyError(path)
        return self._made(path)

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)

    def __repr__(self) -> str:
        return repr(dict(self))

    def __reduce__(self) -> Any:
        return dict, (dict(self),)


@dataclass(frozen=True)
class ConsolidatedMetadata:
    """Copies of the metadata of all nodes below a group.

    Parameters
    ----------
    metadata : dict
        Metadata by path, relative to the group.
    kind : {'inline'}
        Where the copies are.
    must_understand : bool, default False
        Whether readers must not ignore the copies.
    """

    metadata: Mapping[str, NodeMetadata]
    kind: Literal["inline"] = "inline"
    must_understand: Literal[False] = False

    def to_dict(self) -> dict[str, Any]:
        """Return the member of the metadata of a group in format 3.

        Returns
        -------
        dict
            The copies as JSON has them.
        """
        metadata = {path: node.to_dict() for path, node in sorted(self.metadata.items())}
        return {"kind": self.kind, "must_understand": self.must_understand, "metadata": metadata}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], *, path: str | None = None) -> Self:
        """Return the copies that metadata hold.

        Parameters
        ----------
        data : dict
            The copies as JSON has them.
        path : str, optional
            Path of the group, for messages.

        Returns
        -------
        ConsolidatedMetadata
            The copies.

        Raises
        ------
        MetadataValidationError
            If they are of another kind.
        """
        if data.get("kind") != "inline":
            raise MetadataValidationError(
                f"Consolidated metadata kind={data.get('kind')!r} is not 'inline'."
            )
        prefix = f"{path}/" if path else ""
        nodes = data.get("metadata") or {}
        return cls({at: node_metadata(members, prefix + at) for at, members in nodes.items()})

    @property
    def flattened_metadata(self) -> dict[str, NodeMetadata]:
        """Metadata by path; here, they are never nested."""
        return dict(self.metadata)


@dataclass(frozen=True)
class GroupMetadata(Metadata):
    """Metadata of a group.

    Parameters
    ----------
    attributes : dict, optional
        User attributes.
    zarr_format : {2, 3}, default 3
        Version of the format.
    consolidated_metadata : ConsolidatedMetadata, optional
        Copies of the metadata of all nodes below.
    extra_fields : dict, optional
        Other members of the metadata, which readers may skip.

    Raises
    ------
    MetadataValidationError
        If there is no such version of the format.
    """

    attributes: dict[str, Any] = field(default_factory=dict)
    zarr_format: Literal[2, 3] = 3
    consolidated_metadata: ConsolidatedMetadata | None = None
    node_type: Literal["group"] = field(default="group", init=False)
    extra_fields: dict[str, Any] = field(default_factory=dict)

    def __init__(
        self,
        attributes: dict[str, Any] | None = None,
        zarr_format: Literal[2, 3] = 3,
        consolidated_metadata: ConsolidatedMetadata | None = None,
        extra_fields: Mapping[str, Any] | None = None,
    ) -> None:
        if zarr_format not in _KEYS:
            raise MetadataValidationError(f"zarr_format must be 2 or 3, not {zarr_format!r:.50}")
        members = {
            "attributes": dict(attributes or {}),
            "zarr_format": zarr_format,
            "consolidated_metadata": consolidated_metadata,
            "extra_fields": dict(extra_fields or {}),
        }
        for name, value in members.items():
            object.__setattr__(self, name, value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, GroupMetadata):
            return NotImplemented
        return all(getattr(self, f.name) == getattr(other, f.name) for f in fields(self))

    __hash__ = None  # type: ignore[assignment]

    def to_dict(self) -> dict[str, Any]:
        """Return the members of the metadata, the attributes among them.

        Returns
        -------
        dict
            The members as JSON has them.
        """
        members = {
            "attributes": self.attributes,
            "zarr_format": self.zarr_format,
            "node_type": self.node_type,
            **self.extra_fields,
        }
        if self.consolidated_metadata is not None:
            members["consolidated_metadata"] = self.consolidated_metadata.to_dict()
        return members

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], *, path: str | None = None) -> Self:
        """Return the metadata whose members are given.

        Parameters
        ----------
        data : dict
            The members as JSON has them.
        path : str, optional
            Path of the group, for messages.

        Returns
        -------
        GroupMetadata
            The metadata.

        Raises
        ------
        MetadataValidationError
            If they are invalid.
        """
        given = dict(data)
        if given.pop("node_type", "group") != "group":
            where = f" at {path!r}" if path else ""
            raise NodeTypeValidationError(
                f"node_type must be 'group', not {data['node_type']!r:.50}{where}"
            )
        copies = given.pop("consolidated_metadata", None)
        return cls(
            attributes=given.pop("attributes", None),
            zarr_format=given.pop("zarr_format", 3),
            consolidated_metadata=None
            if copies is None
            else ConsolidatedMetadata.from_dict(copies),
            extra_fields=given,
        )

    def to_buffer_dict(self, prototype: Any) -> dict[str, Any]:
        """Return the documents by key, below the path of the group.

        Parameters
        ----------
        prototype : BufferPrototype
            The classes of buffers.

        Returns
        -------
        dict
            The text of each document, as a buffer.
        """
        key, has_attributes = _KEYS[self.zarr_format]
        if has_attributes:
            return as_buffers({key: self.to_dict()}, prototype)
        documents = {key: {"zarr_format": self.zarr_format}, ZATTRS_JSON: self.attributes}
        return as_buffers(documents, prototype)


class LateGroupMetadata(GroupMetadata):
    """Metadata of a group whose copies of metadata are read when they are asked for."""

    @classmethod
    def of(
        cls,
        attributes: dict[str, Any],
        zarr_format: Literal[2, 3],
        find: Callable[[], ConsolidatedMetadata | None],
    ) -> Self:
        """Return the metadata with copies that `find` returns, or None if there are none."""
        made = cls(attributes, zarr_format)
        vars(made).pop("consolidated_metadata")
        vars(made)["_find"] = find
        return made

    @cached_property
    def consolidated_metadata(self) -> ConsolidatedMetadata | None:
        """Copies of the metadata of all nodes below."""
        found: ConsolidatedMetadata | None = vars(self)["_find"]()
        return found

    def __reduce__(self) -> Any:
        return GroupMetadata, (self.attributes, self.zarr_format, self.consolidated_metadata)

    def __repr__(self) -> str:
        kind, members = self.__reduce__()
        return repr(kind(*members))


_KEYS = {2: (ZGROUP_JSON, False), 3: (ZARR_JSON, True)}
"""By version of the format, the key of a group, and whether its attributes are under it."""

NodeMetadata: TypeAlias = ArrayV2Metadata | ArrayV3Metadata | GroupMetadata


def node_metadata(members: Mapping[str, Any], path: str | None = None) -> NodeMetadata:
    """Return the metadata of an array or group whose members are given.

    Raises
    ------
    MetadataValidationError
        If they are invalid.
    """
    version = members.get("zarr_format")
    if _formats.by_version(version) is None:
        raise MetadataValidationError("zarr_format is missing")
    arrays: dict[Any, Any] = {2: ArrayV2Metadata, 3: ArrayV3Metadata}
    is_array = members.get("node_type") == "array" or "shape" in members
    kind = arrays[version] if is_array else GroupMetadata
    found: NodeMetadata = kind.from_dict(members, path=path)
    return found
