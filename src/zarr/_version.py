"""The version: the build reads it from here, and so does ``zarr.__version__``.

Builds for packages that require ``zarr<3`` replace this file: see ``hatch_build.py``.
"""

__version__ = "3.5.0"
