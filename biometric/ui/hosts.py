"""Under which names the page is served, and whether a request comes from the page itself."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

_HOST = re.compile(
    r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?)(?::(?P<port>[0-9]{1,5}))?"
)


@dataclass(frozen=True, slots=True)
class PublicAddress:
    """Where people reach the page when something stands in front of it.

    Attributes:
        scheme: "http" or "https".
        host: name and, where it is not the usual one, port, as browsers write it.
    """

    scheme: str
    host: str


def read_host(text: str) -> str | None:
    """Return the name in a `Host` header in lower case, without brackets and port; None where it is none.

    Names with a user, a path, spaces or anything else that a host has not are none.
    """
    match = _HOST.fullmatch(text)
    if match is None or not 0 < int(match["port"] or 80) <= 65535:
        return None
    name = match["name"].lower()
    if not name.startswith("["):
        return name
    try:
        return str(ipaddress.IPv6Address(name[1:-1]))
    except ValueError:
        return None


def is_local_host(host: str) -> bool:
    """Return whether a `Host` header names this machine: localhost or a loopback address, with any port."""
    name = read_host(host)
    if name is None:
        return False
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def is_same_origin(headers: Mapping[str, str], host: str) -> bool:
    """Return whether a request comes from our own page, or from a program that is no browser.

    Browsers send `Origin` with every cross-site write, and `Sec-Fetch-Site` with everything; programs send neither.
    Following a link from another site to the page itself (a navigation) is fine.
    """
    origin = headers.get("origin")
    if origin is not None:
        return origin_host(origin) == host.lower()
    site = headers.get("sec-fetch-site", "none")
    return site in {"same-origin", "none"} or headers.get("sec-fetch-mode") == "navigate"


def origin_host(origin: str) -> str | None:
    """Return host and port of an `Origin` header, None where it is no web address."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return None
    return parts.netloc.lower() if parts.scheme in {"http", "https"} and read_host(parts.netloc) is not None else None
