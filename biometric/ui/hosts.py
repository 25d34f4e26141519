"""Under which names the page is served, and whether a request comes from the page itself."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from biometric.entities.web_addresses import is_loopback, read_host


def is_local_host(host: str) -> bool:
    """Return whether a `Host` header names this machine: localhost or a loopback address, with any port."""
    name = read_host(host)
    return name is not None and is_loopback(name)


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
