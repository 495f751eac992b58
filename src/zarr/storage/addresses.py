"""Where data really are, by one name for each place, whatever object or URL leads there."""

from __future__ import annotations

import os
from collections.abc import Hashable, Mapping
from typing import Any
from urllib.parse import urlsplit

from zarr._system import real_name
from zarr.storage.identity import identity_of

__all__ = ["Address", "address_in_fsspec", "address_in_obstore", "address_of_file"]

Address = tuple[Hashable, str]
"""A space of names, and a path in it without a slash at its ends."""

_LOOPBACK = {"localhost", "::1", "0.0.0.0"}  # noqa: S104 (nothing is bound to it)

_FAMILIES = {
    "s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs", "abfs": "az", "abfss": "az", "az": "az",
    "adl": "az", "http": "http", "https": "http",
}  # fmt: skip
"""Names of protocols for the same servers."""

_SECRETS = ("key", "secret", "token", "password", "username", "sas_token", "credential")
_IRRELEVANT = ("config_kwargs", "asynchronous", "loop", "skip_instance_cache", "auto_mkdir")


def address_of_file(path: str) -> Address:
    """Return the address of a file or folder of this machine; links are followed."""
    return "file", real_name(path)


def address_in_fsspec(fs: Any, path: str) -> Address:
    """Return the address of `path` in a file system of fsspec."""
    if type(fs).__name__ == "DirFileSystem":
        return address_in_fsspec(fs.fs, fs._join(path))
    if any(cls.__name__ == "CachingFileSystem" for cls in type(fs).__mro__):
        return address_in_fsspec(fs.fs, path)
    protocol = fs.protocol if isinstance(fs.protocol, str) else fs.protocol[0]
    if protocol in ("file", "local"):
        return address_of_file(path)
    path = path.strip("/")
    family = _FAMILIES.get(protocol)
    if family == "http":
        return _address_in_web(path)
    if family == "s3":
        named = getattr(fs, "endpoint_url", None)
        named = named or (getattr(fs, "client_kwargs", None) or {}).get("endpoint_url")
        return ("s3", _s3_endpoint(named)), path
    if family == "az":
        return ("az", getattr(fs, "account_name", None)), path
    if family == "gs":
        return ("gs", _host(getattr(fs, "_endpoint", None))), path
    # That of the file system that reads an archive is among its options.
    return (protocol, repr(_place(getattr(fs, "storage_options", {})))), path


def address_in_obstore(origin: Any, path: str) -> Address:
    """Return the address of `path` in a store of obstore."""
    kind = type(origin).__name__
    if kind == "MemoryStore":
        return ("obstore memory", identity_of(origin).number), path
    prefix = getattr(origin, "prefix", None)
    if kind == "LocalStore":
        return address_of_file(os.path.join(str(prefix or "/"), path))
    if kind == "HTTPStore":
        return _address_in_web(_joined(origin.url, path))
    config = getattr(origin, "config", None) or {}
    if kind == "S3Store":
        space: Hashable = "s3", _s3_endpoint(config.get("endpoint"))
    elif kind == "AzureStore":
        space = "az", config.get("account_name")
    else:
        space = "gs", _host(config.get("base_url"))
    bucket = config.get("bucket") or config.get("container_name")
    return space, _joined(bucket, prefix, path)


def _joined(*parts: Any) -> str:
    return "/".join(text for part in parts if part and (text := str(part).strip("/")))


def _address_in_web(url: str) -> Address:
    parts = urlsplit(url)
    return ("http", _host(url)), parts.path.strip("/")


def _s3_endpoint(url: str | None) -> str:
    """Return the host of an S3 service; that of Amazon has many, and a bucket's name is unique."""
    names = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
    host = _host(url or next((os.environ[name] for name in names if os.environ.get(name)), None))
    return "" if host.endswith("amazonaws.com") else host


def _host(url: str | None) -> str:
    """Return the host in a URL, and the port unless it is that of the scheme."""
    if not url:
        return ""
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port
    if port in (None, {"http": 80, "https": 443}.get(parts.scheme)):
        port = None
    host = "127.0.0.1" if host in _LOOPBACK else host
    return host if port is None else f"{host}:{port}"


def _place(options: Any) -> Any:
    """Return the options of a file system that say where it is, not who may read it how."""
    if isinstance(options, Mapping):
        items = {name: _place(value) for name, value in sorted(options.items())}
        return {n: v for n, v in items.items() if n not in (*_SECRETS, *_IRRELEVANT) and v != {}}
    return options
