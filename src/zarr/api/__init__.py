"""The functions of `zarr` for code for the 3.x library, with and without coroutines."""
