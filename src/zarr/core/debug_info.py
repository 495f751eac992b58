"""What to include in a report of a defect."""

from __future__ import annotations

import platform
from importlib import metadata

from zarr._version import __version__

__all__ = ["print_debug_info"]

_PACKAGES = (
    "numpy",
    "numcodecs",
    "fasteners",
    "google-crc32c",
    "fsspec",
    "s3fs",
    "gcsfs",
    "obstore",
    "h5py",
)


def print_debug_info() -> None:
    """Print versions of this package, of Python and of packages that it uses.

    ``zarr doctor`` on the command line tells more.

    Examples
    --------
    >>> import zarr
    >>> zarr.print_debug_info()  # doctest: +ELLIPSIS
    platform: ...
    """
    print(f"platform: {platform.platform()}")
    print(f"python: {platform.python_version()}")
    print(f"zarr: {__version__}")
    for package in _PACKAGES:
        try:
            print(f"{package}: {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            continue
