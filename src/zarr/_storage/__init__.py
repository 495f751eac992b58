"""Old places of stores, kept so that old imports work; the stores are in `zarr.storage`."""
