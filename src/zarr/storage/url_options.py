"""The options of fsspec for a URL of an object store, as obstore has them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from http.client import HTTPException
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

__all__ = ["obstore_options"]

Options = dict[str, Any]

_OURS = {"retries", "exceptions", "dimension_separator"}
"""Options of the stores themselves, which both have."""

_AMAZON = "https://s3.amazonaws.com"

_BUCKET = re.compile("[a-zA-Z0-9._-]+")

_PATIENCE = 5.0
"""Seconds to wait for the name of a bucket's region."""

_CREDENTIALS_LAST = timedelta(minutes=5)
"""After what time credentials that expire are asked for again."""


def obstore_options(url: str, options: Mapping[str, Any]) -> Options | None:
    """Return the options of `ObjectStore` that mean what `options` mean to fsspec.

    Parameters
    ----------
    url : str
        A URL.
    options : Mapping
        Options of the file system of ``fsspec`` for that URL.

    Returns
    -------
    dict or None
        None if the URL is not one of an object store, or if anything about it is better left
        to fsspec: an option that has no equal, or credentials that obstore would not find.
    """
    protocol, separator, rest = url.partition("://")
    translate = _TRANSLATIONS.get(protocol) if separator and "::" not in url else None
    bucket = rest.partition("/")[0]
    if translate is None or not bucket or any(c in rest for c in "?#@"):
        return None
    if find_spec("obstore") is None:
        return None
    own = {name: value for name, value in options.items() if name in _OURS}
    others = {n: v for n, v in options.items() if n not in _OURS and v is not None}
    found = translate(bucket, others)
    return None if found is None else {**found, **own}


# -- S3 ------------------------------------------------------------------------------------


def _s3(bucket: str, options: Options) -> Options | None:
    client = dict(options.pop("client_kwargs", {}))
    endpoint = options.pop("endpoint_url", None) or client.pop("endpoint_url", None)
    endpoint = endpoint or _variable("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
    region = client.pop("region_name", None) or _variable("AWS_REGION", "AWS_DEFAULT_REGION")
    found = _s3_credentials(options, region)
    if found is None or options or client:
        return None
    region = found.get("region", region)
    if _variable("AWS_CA_BUNDLE") and not (endpoint or "").startswith("http:"):
        return None
    if endpoint:
        return {**found, **_at(endpoint), "region": region or "us-east-1"}
    if (region or "").startswith("cn-"):
        return None  # obstore does not know that their servers have names of their own
    if not _BUCKET.fullmatch(bucket):
        return None  # botocore says what is wrong with it, or knows that it is no name
    return {**found, "region": _region_of(bucket) or region or "us-east-1"}


def _s3_credentials(options: Options, region: str | None) -> Options | None:
    """Take the credentials out of `options`; return None where fsspec must find them."""
    key, secret, token = (options.pop(name, None) for name in ("key", "secret", "token"))
    if options.pop("anon", False):
        return {"skip_signature": True}
    if key and secret:
        given = {"access_key_id": key, "secret_access_key": secret}
        return {**given, "session_token": token} if token else given
    if key or secret or token:
        return None
    if _variable("AWS_ACCESS_KEY_ID") and not _has_configuration():
        return {}  # which obstore reads itself
    return _s3_credentials_of_botocore(region)


def _has_configuration() -> bool:
    """Tell whether there are files from which the tools of AWS read settings."""
    files = (_variable("AWS_CONFIG_FILE") or "~/.aws/config", "~/.aws/credentials")
    return bool(_variable("AWS_PROFILE")) or any(Path(f).expanduser().exists() for f in files)


def _s3_credentials_of_botocore(region: str | None) -> Options | None:
    """Return the credentials that s3fs would find, None if there are none or more settings."""
    if find_spec("botocore") is None:
        return {}
    session = import_module("botocore.session").get_session()
    configured = session.get_scoped_config()
    if configured.keys() & {"endpoint_url", "services", "s3", "ca_bundle"}:
        return None
    credentials = session.get_credentials()
    if credentials is None:
        return None
    found: Options = {"credential_provider": _provider(credentials)}
    if region is None and configured.get("region"):
        found["region"] = configured["region"]
    return found


def _provider(credentials: Any) -> Callable[[], Options]:
    """Return what obstore calls for credentials, and again before they expire."""

    def provide() -> Options:
        found = credentials.get_frozen_credentials()
        lasts = not hasattr(credentials, "refresh_needed")
        return {
            "access_key_id": found.access_key,
            "secret_access_key": found.secret_key,
            "token": found.token,
            "expires_at": None if lasts else datetime.now(UTC) + _CREDENTIALS_LAST,
        }

    return provide


def _region_of(bucket: str) -> str | None:
    """Return the region of a bucket of Amazon, None if it cannot be found out now.

    botocore follows the service from region to region; obstore must know it before.
    """
    try:
        return _told_region(bucket)
    except (OSError, HTTPException):
        return None


@lru_cache(maxsize=1000)  # an answer, but no failure
def _told_region(bucket: str) -> str:
    """Return the region of a bucket, which the service of Amazon tells everybody, or raise."""
    request = Request(f"{_AMAZON}/{bucket}", method="HEAD")  # noqa: S310 (a constant URL)
    try:
        with urlopen(request, timeout=_PATIENCE) as answer:  # noqa: S310
            headers = answer.headers
    except HTTPError as error:  # 'moved' and 'denied' tell it, too
        headers = error.headers
    region: str | None = headers.get("x-amz-bucket-region")
    if region is None:
        raise OSError(f"the answer names no region of the bucket {bucket!r}")
    return region


# -- Google Cloud Storage and Azure --------------------------------------------------------


def _gs(_bucket: str, options: Options) -> Options | None:
    token = options.pop("token", None)
    endpoint = options.pop("endpoint_url", None)
    if options or endpoint or _variable("STORAGE_EMULATOR_HOST"):
        return None
    if token == "anon":  # noqa: S105 (a word)
        return {"skip_signature": True}
    if isinstance(token, str) and token.endswith(".json"):
        return {"application_credentials": token}
    return None  # gcsfs tries more places than obstore, and comes to an end without credentials


def _az(container: str, options: Options) -> Options | None:
    account = options.pop("account_name", None) or _variable("AZURE_STORAGE_ACCOUNT_NAME")
    key, sas = options.pop("account_key", None), options.pop("sas_token", None)
    endpoint = options.pop("endpoint_url", None)
    anon = options.pop("anon", None)
    if options or not account or (key or sas or anon) is None:
        return None
    found: Options = {"account_name": account}
    if key or sas:
        found |= {"account_key": key} if key else {"sas_key": sas.lstrip("?")}
    elif anon:
        found["skip_signature"] = True
    else:
        return None
    return {**found, **_at(endpoint)} if endpoint else found


def _at(endpoint: str) -> Options:
    """Return the options for a server at an address of its own."""
    client = {"client_options": {"allow_http": True}} if endpoint.startswith("http:") else {}
    return {"endpoint": endpoint, **client}


def _variable(*names: str) -> str | None:
    """Return the first variable of the environment that is set."""
    return next((os.environ[name] for name in names if os.environ.get(name)), None)


_TRANSLATIONS: dict[str, Callable[[str, Options], Options | None]] = {
    "s3": _s3, "s3a": _s3, "gs": _gs, "gcs": _gs, "az": _az, "abfs": _az,
}  # fmt: skip
