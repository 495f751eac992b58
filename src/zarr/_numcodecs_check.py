"""Fails, with the cure, where numcodecs cannot be imported because of a package that it tries."""

from importlib.metadata import PackageNotFoundError, version

__all__: list[str] = []


def _zfpy() -> str:
    try:
        return f"zfpy {version('zfpy')}"
    except PackageNotFoundError:
        return ""


try:
    import numcodecs  # noqa: F401
except ValueError as error:  # numcodecs reads the version of zfpy as three numbers
    if not _zfpy():
        raise
    raise ImportError(
        f"numcodecs cannot be imported together with {_zfpy()} ({error}); zarr does not need zfpy: "
        "pip uninstall zfpy, or install another version of it: pip install 'zfpy<1.0.1.post0'"
    ) from error
