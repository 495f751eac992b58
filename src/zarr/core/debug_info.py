"""What to include in a report of a defect."""

from __future__ import annotations

import platform
import sys
from contextlib import suppress
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
    found = {"platform": platform.platform(), "python": platform.python_version()}
    found |= {"zarr": __version__, **_versions()}
    sys.stdout.write("".join(f"{name}: {version}\n" for name, version in found.items()))


def _versions() -> dict[str, str]:
    """Return the versions of those packages that are installed."""
    installed = {}
    for package in _PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            installed[package] = metadata.version(package)
    return installed
