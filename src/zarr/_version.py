"""The version, in one place: the build reads it from here, and so does ``zarr.__version__``."""

__version__ = "2.19.0"
