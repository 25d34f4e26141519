"""Connections that end when nothing comes, and are counted by address: what the web server leaves to others.

uvicorn waits for ever for the rest of a request, and takes any number of connections.
"""

import asyncio
import ipaddress
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import h11
import uvicorn.config
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 15.0
"""Within which the head of a request must be complete."""
PAUSE_SECONDS = 20.0
"""Most seconds without a byte of a request's body."""
GRACE_SECONDS = 60.0
"""After which a body must have come with `SLOWEST` bytes a second on average."""
SLOWEST = 4_000
LOOK_EVERY = 1.0
CONNECTIONS = 600
"""Most connections at a time."""
CONNECTIONS_OF_ONE = 120
"""Most connections of one address at a time; a browser has at most six."""

_REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain\r\ncontent-length: 21\r\n"
    b"retry-after: 10\r\nconnection: close\r\n\r\nToo many connections."
)


class BoundedConnection(H11Protocol):
    """One connection of uvicorn's, with time limits for what comes in.

    Attributes:
        patience: factor of all time limits.
        unlimited: addresses of proxies, behind which many clients stand.
    """

    patience: ClassVar[float] = 1.0
    unlimited: ClassVar[tuple[Any, ...]] = ()
    _open: ClassVar[Counter[str]] = Counter()

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._address = ""
        self._looking: asyncio.TimerHandle | None = None
        self._head_since: float | None = time.monotonic()
        self._body_since = self._last_at = self._looked_at = time.monotonic()
        self._body_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, or refuse it where there are too many."""
        super().connection_made(transport)
        self._address = counted_address(self.client[0] if self.client else "")
        self._open[self._address] += 1
        limited = not any(_is_in(self._address, network) for network in self.unlimited)
        if self._open.total() > CONNECTIONS or (limited and self._open[self._address] > CONNECTIONS_OF_ONE):
            transport.write(_REFUSAL)
            transport.close()
            return
        self._looking = self.loop.call_later(LOOK_EVERY * self.patience, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        if self._looking is not None:
            self._looking.cancel()
        self._open[self._address] -= 1
        if self._open[self._address] <= 0:
            del self._open[self._address]
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Note when the head of a request began, and what comes of its body."""
        if self.transport.is_closing():
            return
        self._last_at = time.monotonic()
        if self._head_since is None and self.conn.their_state is not h11.SEND_BODY:
            self._head_since = self._last_at
        self._body_bytes += len(data)
        before = self.cycle
        super().data_received(data)
        if self.cycle is not before:
            self._head_since, self._body_since, self._body_bytes = None, self._last_at, 0

    def _look(self) -> None:
        now = time.monotonic()
        if self._is_stuck(now):
            self.transport.abort()
            return
        self._looked_at = now
        self._looking = self.loop.call_later(LOOK_EVERY * self.patience, self._look)

    def _is_stuck(self, now: float) -> bool:
        if self.conn.their_state is h11.SEND_BODY:
            if self.flow.read_paused:  # it is this program that is slow
                self._last_at, self._body_since = now, self._body_since + (now - self._looked_at)
                return False
            lasted = now - self._body_since
            slow = lasted > GRACE_SECONDS * self.patience and self._body_bytes < SLOWEST * lasted
            return slow or now - self._last_at > PAUSE_SECONDS * self.patience
        if self.conn.their_state is h11.IDLE and self._head_since is not None:
            return now - self._head_since > HEAD_SECONDS * self.patience
        return False


def counted_address(address: str) -> str:
    """Return what connections are counted by: an address, or the network of 64 bits that one of IPv6 is in."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(known, ipaddress.IPv4Address):
        return str(known)
    if known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    return str(ipaddress.ip_network((known, 64), strict=False).network_address)


def _is_in(address: str, network: Any) -> bool:
    try:
        return ipaddress.ip_address(address) in network
    except ValueError:
        return False


@contextmanager
def bounded_connections(unlimited: tuple[Any, ...] = ()) -> Iterator[None]:
    """Let servers that are started within the context have bounded connections.

    Gradio starts uvicorn itself and passes no choice of connection on.
    """
    protocols: dict[str, Any] = uvicorn.config.HTTP_PROTOCOLS
    former = protocols["auto"]
    protocols["auto"] = f"{__name__}:{BoundedConnection.__name__}"
    BoundedConnection.unlimited = unlimited
    try:
        yield
    finally:
        protocols["auto"] = former
