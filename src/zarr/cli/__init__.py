"""The commands of ``zarr``: one module each, thin over the function of the same name.

The entry point is `_zarr_command`, which imports one of these modules when its command is used.
They may import everything; nothing imports them.
"""
