"""All adapters, by the name of their library."""

from __future__ import annotations

from libraries import HDF5, Adapter, Before, Fused, Newest, Ours, Tensorstore, Zarr2, Zarr3, Zarrs
from loops import CodecLoop, Limit

__all__ = ["ADAPTERS"]

ADAPTERS: dict[str, type[Adapter]] = {
    adapter.label: adapter
    for adapter in (
        Ours, Before, Limit, CodecLoop, Zarr2, Zarr3, Newest, Fused, Zarrs, Tensorstore, HDF5,
    )
}  # fmt: skip
