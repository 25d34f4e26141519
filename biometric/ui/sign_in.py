"""Asks people to sign in before anything is served, where there is somebody who can.

Stands in front of all of Gradio's routes, so that none is left out, and in place of Gradio's own login.
"""

import asyncio
import json
import logging
import secrets
import threading
from collections.abc import Callable, Collection
from urllib.parse import parse_qs

from biometric.accounts.account_types import SignedIn
from biometric.accounts.roles import ROLE_LIMITS, ROLE_NAMES, Role
from biometric.accounts.throttle import Throttle
from biometric.accounts.user_database import SESSION_SECONDS, UserDatabase
from biometric.entities.actors import acting_as
from biometric.errors import BiometricError
from biometric.messages import describe_error
from biometric.messages.translation import gettext as _
from biometric.messages.translation import language
from biometric.ui import tool_calls
from biometric.ui.asgi import App, Message, Receive, Scope, Send, answer, headers_of
from biometric.ui.clients import ROLE, SENDER, USER, client_of, cookie_of
from biometric.ui.open_requests import OpenRequests
from biometric.ui.permissions import refuse_role
from biometric.ui.request_actors import actor_of
from biometric.ui.templating import render
from biometric.ui.upload_intake import PATH as UPLOAD_PATH

logger = logging.getLogger(__name__)

COOKIE = "sightline-session"
LOGIN, LOGOUT, STARTED = "/login", "/logout", "/gradio_api/startup-events"
LOGIN_ENDED = f"{LOGIN}?ended"
"""Where a page goes whose session has ended, which is said there."""
FORM_LIMIT = 8_000
"""Most bytes of a form."""
CHECKS_AT_ONCE = 2
"""Passwords that are compared at a time; each takes 64 MiB."""
CHECKS_WAITING = 20
HTML = "text/html; charset=utf-8"
NOT_KEPT = ("cache-control", "no-store")

OwnPage = Callable[[SignedIn, Scope, bytes], tuple[int, str]]
"""A page of our own: gives status and HTML, or status 303 and the address to go on with."""


class SignIn:
    """ASGI middleware that lets only those in who have signed in, or whose program has a token.

    Args:
        app: the app to pass on to.
        users: who can sign in.
        pages: pages of our own for those who have signed in, by their path.
        launched: set once Gradio has seen that the page answers; until then one path is open for that.
        open_pages: paths of those that are shown to everybody where nobody is asked to sign in: on this machine alone.
        throttle: slows down who guesses.
    """

    def __init__(
        self,
        app: App,
        *,
        users: UserDatabase,
        pages: dict[str, OwnPage],
        launched: threading.Event,
        open_pages: Collection[str] = (),
        throttle: Throttle | None = None,
    ) -> None:
        self._open_pages = open_pages
        self._app = app
        self._launched = launched
        self._users = users
        self._pages = pages
        self._throttle = throttle or Throttle()
        self._checking: asyncio.Semaphore | None = None
        self._waiting = 0
        self._open = OpenRequests()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request of somebody who is known on; answer others with the way to sign in."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            if not await asyncio.to_thread(lambda: self._users.is_needed):
                if scope["path"].rstrip("/") in self._open_pages:
                    await self._own_page(SignedIn("", Role.ADMIN, ""), scope, receive, send)
                else:
                    await self._app(scope, receive, send)
                return
            await self._serve(scope, receive, send)
        except BiometricError as error:  # the users cannot be read: nobody is let in
            logger.error("nobody can sign in: %s", error)
            await answer(send, 503, describe_error(error))

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].rstrip("/")
        inner = headers_of(scope).get(tool_calls.INNER_HEADER, "")
        if path == STARTED and not self._launched.is_set():
            await self._app(scope, receive, send)
            return
        if inner and secrets.compare_digest(inner.encode(), tool_calls.inner_secret.encode()):
            await self._app(scope, receive, send)  # a tool, whose caller was let in
            return
        if path == LOGIN:
            await self._log_in(scope, receive, send)
            return
        who = await asyncio.to_thread(self._who, scope)
        if who is None:
            await self._turn_away(scope, send)
        elif path == LOGOUT:
            await self._log_out(scope, send)
        elif path in self._pages:
            await self._own_page(who, scope, receive, send)
        elif path == UPLOAD_PATH and scope["method"] == "POST" and not who.role.includes(Role.EXAMINER):
            await refuse_role(send, Role.EXAMINER)
        else:
            signed_in = {**scope, USER: who.name, ROLE: who.role, SENDER: f"login:{who.by}"}
            await self._open.serve(self._app, signed_in, receive, send, who.by, lambda: self._who(scope) is not None)

    def _who(self, scope: Scope) -> SignedIn | None:
        kind, _space, token = headers_of(scope).get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return self._users.token(token.strip())
        return self._users.session(cookie_of(scope, COOKIE))

    async def _turn_away(self, scope: Scope, send: Send) -> None:
        path, ended = scope["path"], bool(cookie_of(scope, COOKIE))
        shown = path == "/" and scope["method"] in {"GET", "HEAD"}
        if shown or (ended and path.rstrip("/") in {LOGOUT, *self._pages}):
            await answer(send, 303, "", extra=(("location", LOGIN_ENDED if ended else LOGIN), NOT_KEPT))
            return
        body = json.dumps({"detail": _("Sign in first, or send a token.")})
        await answer(send, 401, body, "application/json", (("www-authenticate", "Bearer"), NOT_KEPT))

    async def _log_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] in {"GET", "HEAD"}:
            ended = scope.get("query_string") == b"ended"
            await answer(send, 200, _login_page(ended=ended), HTML, (NOT_KEPT,))
            return
        body = await read_form(receive)
        if scope["method"] != "POST" or body is None:
            await answer(send, 400, _("The request is too large."))
            return
        form = form_values(body)
        name, password, from_page = form.get("username", ""), form.get("password", ""), "from_page" in form
        address = client_of(scope)
        secret, left = await self._check(name, password, address)
        if secret is None:
            text = _("Name or password are wrong.")
            status = 401 if from_page else 400
            extra: tuple[tuple[str, str], ...] = (NOT_KEPT,)
            if left:
                text = _("Too many attempts. Wait {minutes} min, then try again.").format(
                    minutes=max(1, round(left / 60))
                )
                status, extra = 429, (NOT_KEPT, ("retry-after", str(max(1, round(left)))))
            if from_page:
                await answer(send, status, _login_page(text, name[:100]), HTML, extra)
            else:
                await answer(send, status, json.dumps({"detail": text}), "application/json", extra)
            return
        self._throttle.succeeded(name, address)
        logger.info("signed in: %r from %s", name[:100], address)
        cookie = ("set-cookie", _cookie(scope, secret, SESSION_SECONDS))
        if from_page:
            await answer(send, 303, "", extra=(("location", "/"), cookie, NOT_KEPT))
        else:
            await answer(send, 200, json.dumps({"success": True}), "application/json", (cookie, NOT_KEPT))

    async def _check(self, name: str, password: str, address: str) -> tuple[str | None, float]:
        """Return the secret of a new session, or None and how many seconds there are to wait until the next attempt."""
        if self._checking is None:
            self._checking = asyncio.Semaphore(CHECKS_AT_ONCE)
        left = self._throttle.seconds_left(name, address)
        if left or self._waiting >= CHECKS_WAITING:
            return None, left or 5.0
        self._waiting += 1
        try:
            async with self._checking:
                left = self._throttle.seconds_left(name, address)  # others were wrong meanwhile
                if left:
                    return None, left
                secret = await asyncio.to_thread(self._users.sign_in, name, password, address)
                if secret is None:
                    self._throttle.failed(name, address)
                return secret, 0.0
        finally:
            self._waiting -= 1

    async def _log_out(self, scope: Scope, send: Send) -> None:
        if scope["method"] != "POST":  # a link of another site must not do it
            await answer(send, 405, _("Press Sign out on the page."), extra=(("allow", "POST"),))
            return
        await asyncio.to_thread(self._users.sign_out, cookie_of(scope, COOKIE))
        gone = ("set-cookie", _cookie(scope, "", 0))
        await answer(send, 303, "", extra=(("location", LOGIN), gone, NOT_KEPT))

    async def _own_page(self, who: SignedIn, scope: Scope, receive: Receive, send: Send) -> None:
        if not who.role.includes(Role.ADMIN):
            await refuse_role(send, Role.ADMIN)
            return
        body = await read_form(receive) if scope["method"] == "POST" else b""
        if body is None:
            await answer(send, 400, _("The request is too large."))
            return
        with acting_as(actor_of({USER: who.name})):
            status, html = await asyncio.to_thread(self._pages[scope["path"].rstrip("/")], who, scope, body)
        if status == 303:
            await answer(send, 303, "", extra=(("location", html), NOT_KEPT))
        else:
            await answer(send, status, html, HTML, (NOT_KEPT,))


class WhoBar:
    """ASGI middleware that adds who is signed in, and the way out, to the page."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and add the bar to the answer where it is the page and somebody is signed in."""
        if scope["type"] != "http" or scope["path"] != "/" or USER not in scope:
            await self._app(scope, receive, send)
            return
        bar = render(
            "who_bar.html",
            name=scope[USER],
            role=_(ROLE_NAMES[scope[ROLE]]),
            limits=_(ROLE_LIMITS[scope[ROLE]]) if scope[ROLE] in ROLE_LIMITS else "",
            admin=scope[ROLE] is Role.ADMIN,
        ).encode()
        start: Message = {}
        chunks: list[bytes] = []

        async def send_page(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
                return
            chunks.append(message.get("body", b""))
            if not message.get("more_body", False):
                body = b"".join(chunks)
                begin = body.find(b"<body")
                where = body.find(b">", begin) + 1
                body = body[:where] + bar + body[where:] if begin >= 0 else body
                headers = [pair for pair in start["headers"] if pair[0].lower() != b"content-length"]
                await send({**start, "headers": [*headers, (b"content-length", str(len(body)).encode())]})
                await send({"type": "http.response.body", "body": body})

        await self._app(scope, receive, send_page)


async def read_form(receive: Receive) -> bytes | None:
    """Return the body of a form, None where it is too long or its sender is gone."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        if len(body) > FORM_LIMIT:
            return None
        if not message.get("more_body", False):
            return bytes(body)


def form_values(body: bytes) -> dict[str, str]:
    """Return the values of a form by name, of each the first."""
    try:
        values = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=20)
    except ValueError:
        return {}
    return {name: found[0] for name, found in values.items()}


def _login_page(problem: str = "", name: str = "", *, ended: bool = False) -> str:
    return render("sign_in.html", language=language(), problem=problem, name=name, ended=ended)


def _cookie(scope: Scope, value: str, seconds: int) -> str:
    secure = "; Secure" if scope.get("scheme") == "https" else ""
    return f"{COOKIE}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
