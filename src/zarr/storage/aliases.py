"""One name for a server that can be reached by several."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Hashable

__all__ = ["canonical_host", "server_name"]

_names: dict[Hashable, Hashable] = {}
"""What each address that was used is called; kept, because a server that restarts calls
itself by another name."""

_servers: dict[Hashable, Hashable] = {}
"""The first address by which each server was reached, by what the server calls itself."""


def canonical_host(host: str) -> str:
    """Return `host` in lower case; ``localhost`` for all names of this machine to itself."""
    host = host.strip("[]").rstrip(".").lower()
    try:
        return "localhost" if ipaddress.ip_address(host).is_loopback else host
    except ValueError:
        return host


def server_name(kind: str, address: Hashable, ask: Callable[[], Hashable | None]) -> Hashable:
    """Return the address that stands, in this process, for all addresses of a server.

    Parameters
    ----------
    kind : str
        What kind of server it is.
    address : hashable
        One of its addresses.
    ask : callable
        Asks the server what it calls itself. None if it does not tell: then `address`
        stands for itself.
    """
    try:
        return _names[kind, address]
    except KeyError:
        said = ask()
        name = address if said is None else _servers.setdefault((kind, said), address)
        return _names.setdefault((kind, address), name)
