"""Who sends a request: the address that limits count by, and the sender that an upload belongs to."""

import ipaddress
import re
import secrets
from collections.abc import Sequence
from http.cookies import CookieError, SimpleCookie
from typing import Any

from biometric.entities.web_addresses import Network
from biometric.ui.asgi import Scope, headers_of

CLIENT = "sightline.client"
SENDER = "sightline.sender"
USER = "sightline.user"
ROLE = "sightline.role"
"""Names in a request's scope of what is known of its sender: address, whose uploads are its, who is signed in as what.

The last two are missing where nobody is asked to sign in.
"""
COOKIE = "sightline-sender"
"""Cookie by which a browser's uploads are told from others'; it opens nothing."""
_COOKIE_VALUE = re.compile(r"[A-Za-z0-9_-]{43}")


def new_cookie() -> str:
    """Return a value for `COOKIE`."""
    return secrets.token_urlsafe(32)


def cookie_of(scope: Scope, name: str) -> str:
    """Return a cookie of a request, "" where there is none."""
    try:
        morsel = SimpleCookie(headers_of(scope).get("cookie", "")).get(name)
    except CookieError:
        return ""
    return "" if morsel is None else morsel.value


def sender_cookie(scope: Scope) -> str:
    """Return the sender's cookie, "" where there is none that this program made."""
    value = cookie_of(scope, COOKIE)
    return value if _COOKIE_VALUE.fullmatch(value) else ""


def client_of(scope: Scope) -> str:
    """Return the address that a request comes from, as far as it is known."""
    return str(scope.get(CLIENT) or (scope.get("client") or ("",))[0])


def sender_of(scope: Scope) -> str:
    """Return whose the uploads of a request are: a login's, a browser's, or all programs' of one address."""
    known = scope.get(SENDER)
    if known:
        return str(known)
    cookie = sender_cookie(scope)
    return f"browser:{cookie}" if cookie else f"address:{client_of(scope)}"


def is_trusted(address: str, proxies: Sequence[Network]) -> bool:
    """Return whether an address is that of a proxy whose word counts."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(known in network for network in proxies)


def forwarded_client(peer: str, forwarded: str, proxies: Sequence[Network]) -> str:
    """Return who asked a trusted proxy: the last address of `X-Forwarded-For` that is no proxy of ours.

    What stands before it was written by that client itself, and means nothing.
    """
    for text in reversed([part.strip() for part in forwarded.split(",")]):
        try:
            address = str(ipaddress.ip_address(text))
        except ValueError:
            return peer
        if not is_trusted(address, proxies):
            return address
        peer = address
    return peer


def user_of(scope: Scope) -> str:
    """Return the name of whoever is signed in, "" where nobody is asked to."""
    return str(scope.get(USER) or "")


def owner_of(request: Any) -> tuple[str, str]:
    """Return whose page sent a request that a handler got from Gradio: who is signed in, and the address."""
    scope = getattr(getattr(request, "request", None), "scope", None)
    return (user_of(scope), client_of(scope)) if isinstance(scope, dict) else ("", "")
