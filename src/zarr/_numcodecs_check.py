"""Imports numcodecs, and fails with the cure where that cannot be because of a package it tries."""

import warnings
from importlib.metadata import PackageNotFoundError, version

__all__: list[str] = []


def _zfpy() -> str:
    try:
        return f"zfpy {version('zfpy')}"
    except PackageNotFoundError:
        return ""


try:
    # It warns of crc32c, past all filters, where that stands in for google-crc32c, of which not
    # every Python has a wheel.
    with warnings.catch_warnings(record=True) as caught:
        import numcodecs  # noqa: F401
    for told in caught:
        if not str(told.message).startswith("crc32c usage is deprecated"):
            warnings.warn_explicit(told.message, told.category, told.filename, told.lineno)
except ValueError as error:  # numcodecs reads the version of zfpy as three numbers
    if not _zfpy():
        raise
    raise ImportError(
        f"numcodecs cannot be imported together with {_zfpy()} ({error}); zarr does not need zfpy: "
        "pip uninstall zfpy, or install another version of it: pip install 'zfpy<1.0.1.post0'"
    ) from error
