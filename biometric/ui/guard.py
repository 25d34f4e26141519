"""Filters requests before Gradio sees them: same-origin writes, known hosts, no way around the queue, headers.

Gradio stores an upload whatever its `Origin`, answers `/run/…` past its queue, and fetches URLs for others. Each of
these is refused here, before Gradio sees the request.
"""

from collections.abc import Sequence
from urllib.parse import unquote

from biometric.entities.web_addresses import Network, PublicAddress, read_host
from biometric.messages.translation import gettext as _
from biometric.ui.asgi import App, Message, Receive, Scope, Send, answer, headers_of
from biometric.ui.clients import CLIENT, COOKIE, forwarded_client, is_trusted, new_cookie, sender_cookie
from biometric.ui.hosts import is_local_host, is_same_origin

_API = "/gradio_api"
_CLOSED = (
    f"{_API}/run/",  # runs past the queue
    f"{_API}/api/",  # the same, older name
    f"{_API}/proxy=",  # fetches URLs for the caller
    f"{_API}/vibe",  # edits the program
    f"{_API}/undo-vibe",
    f"{_API}/run-history",
    f"{_API}/runs",
    f"{_API}/process_recording",
    f"{_API}/deep_link",
    f"{_API}/dev/",
    f"{_API}/profiling",
    f"{_API}/openapi.json",  # describes the API whatever `openapi_url` says; `/info` does, behind the login
    f"{_API}/token",  # hands the cookie's value to scripts, which cannot read it otherwise
    "/openapi.json",
    "/monitoring",
)

SECURITY_HEADERS = {
    # Scripts, styles and pictures come from this server alone. Gradio's page needs inline code and eval (templates).
    "content-security-policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; "
        "connect-src 'self' data: blob:; object-src 'none'; base-uri 'self'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    # To no other site. Not "no-referrer": browsers then send "Origin: null" with the forms of our own pages.
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(self), microphone=(), geolocation=()",
}


_FORWARDED = (b"x-forwarded-", b"forwarded", b"x-real-ip", b"x-gradio-server")
"""Headers by which a proxy tells whom it asks for, and which Gradio believes from anybody."""


class Guard:
    """ASGI middleware around Gradio's app.

    Args:
        app: the app to protect.
        loopback: the page is served to this machine only, so that only its own names are good `Host` headers
            (a foreign name that resolves here is how another site reads answers: DNS rebinding).
        public: where people reach the page when something stands in front of it.
        proxies: addresses of what stands in front of it.
    """

    def __init__(
        self, app: App, *, loopback: bool, public: PublicAddress | None = None, proxies: Sequence[Network] = ()
    ) -> None:
        self._app = app
        self._loopback = loopback
        self._public = public
        self._proxies = tuple(proxies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 4xx with a sentence."""
        if scope["type"] == "websocket":  # the page has none
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope = self._as_asked(scope)
        headers = headers_of(scope)
        if "transfer-encoding" in headers and "content-length" in headers:
            # Two lengths: what stands before or behind this program may believe the other one.
            close = (("connection", "close"),)
            await answer(send, 400, _("A request must say its length in one way."), extra=close)
            return
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await answer(send, *refusal)
            return
        cookie = "" if scope["path"] != "/" or sender_cookie(scope) else _sender_cookie_header(scope)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message["headers"]}
                extra = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]
                message["headers"] = [*message["headers"], *(pair for pair in extra if pair[0] not in present)]
                if cookie:
                    message["headers"].append((b"set-cookie", cookie.encode()))
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _as_asked(self, scope: Scope) -> Scope:
        """Return a request as its client sent it to the address that it knows, without what others may claim of it."""
        headers = headers_of(scope)
        client = (scope.get("client") or ("",))[0]
        changed: Scope = {**scope, CLIENT: client}
        kept = [pair for pair in scope["headers"] if not pair[0].lower().startswith(_FORWARDED)]
        if is_trusted(client, self._proxies) and "x-forwarded-for" in headers:
            changed[CLIENT] = forwarded_client(client, headers["x-forwarded-for"], self._proxies)
            if self._public is not None:
                changed["scheme"] = self._public.scheme
                kept = [pair for pair in kept if pair[0].lower() != b"host"]
                kept.append((b"host", self._public.host.encode("latin-1")))
        changed["headers"] = kept
        return changed

    def _refusal(self, scope: Scope, headers: dict[str, str]) -> tuple[int, str] | None:
        host = headers.get("host", "")
        public = self._public is not None and host.lower() == self._public.host
        if self._loopback and not public and not is_local_host(host):
            return 403, _("This page is served to this machine only, under its own name.")
        if read_host(host) is None:
            return 400, _("The request names no host.")
        if not is_same_origin(headers, host):
            return 403, _("Requests from other web sites are refused.")
        if any(ord(letter) < 32 or ord(letter) == 127 for letter in scope["path"]):
            return 400, _("This address is not served.")  # a line end would still match the route before it
        path = normal_path(scope["path"])
        if any(path.startswith(closed) for closed in _CLOSED) or _fetches_url(path):
            return 403, _("This address is not served.")
        return None


def normal_path(path: str) -> str:
    """Return the path as Gradio will route it, whatever way it was written."""
    text = unquote(path)
    while "//" in text:
        text = text.replace("//", "/")
    return text.lower()


def _fetches_url(path: str) -> bool:
    return path.startswith((f"{_API}/file=http", f"{_API}/file/http", f"{_API}/file=//"))


def _sender_cookie_header(scope: Scope) -> str:
    secure = "; Secure" if scope.get("scheme") == "https" else ""
    return f"{COOKIE}={new_cookie()}; Path=/; HttpOnly; SameSite=Lax{secure}"
