"""Names and addresses in the web, read strictly."""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

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

    @classmethod
    def read(cls, text: str) -> "PublicAddress":
        """Return the address of a text like "https://sightline.example". Raises `ValueError`: it is none."""
        parts = urlsplit(text.strip().rstrip("/"))
        if parts.scheme not in {"http", "https"} or parts.path or parts.query or parts.fragment:
            raise ValueError("an address needs http or https, a name, and nothing after it")
        if read_host(parts.netloc) is None:
            raise ValueError("the address names no host")
        usual = {"http": ":80", "https": ":443"}[parts.scheme]
        return cls(parts.scheme, parts.netloc.lower().removesuffix(usual))


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


def is_loopback(host: str) -> bool:
    """Whether a host name or address is reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_networks(text: str) -> tuple[Network, ...]:
    """Return the networks of a text like "127.0.0.1, 10.0.0.0/8". Raises `ValueError`: a part is none."""
    return tuple(ipaddress.ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip())
