"""What each request passes before it comes to Gradio, in this order."""

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from starlette.middleware import Middleware

from biometric.accounts.user_database import UserDatabase
from biometric.entities.audit import AuditEvent
from biometric.entities.web_addresses import PublicAddress, is_loopback, read_networks
from biometric.errors import InvalidSetting
from biometric.settings import Settings
from biometric.ui.audit_page import PATH as AUDIT_PATH
from biometric.ui.audit_page import AuditPage
from biometric.ui.call_forms import CallForms
from biometric.ui.change_feed import ChangeFeed
from biometric.ui.event_streams import EventStreams, OpenStreams
from biometric.ui.first_paint import FirstPaint
from biometric.ui.guard import Guard
from biometric.ui.page import Page
from biometric.ui.permissions import Permissions
from biometric.ui.request_bodies import RequestBodies
from biometric.ui.sign_in import OwnPage, SignIn, WhoBar
from biometric.ui.tool_calls import ToolCalls
from biometric.ui.upload_intake import UploadIntake
from biometric.ui.users_page import PATH as USERS_PATH
from biometric.ui.users_page import UsersPage

UPLOADS_AT_ONCE = 5
"""All uploads together may take this many times the largest one."""
FORM_BYTES = 100_000
"""What a form may have around its file."""


def middleware(
    settings: Settings, page: Page, blocks: Any, *, stopping: Callable[[], bool], launched: threading.Event
) -> list[Middleware]:
    """Return the layers, the outermost first; sets the quota of the page's uploads, and which of its pages are open.

    Args:
        blocks: the page as Gradio knows it.
        stopping: whether the server is about to end.
        launched: set once the server is known to answer.
    """
    limit = settings.max_upload_mb * 1_000_000
    page.uploads.quota = UPLOADS_AT_ONCE * limit
    streams = OpenStreams(blocks)
    page.sessions.is_open = streams.is_open
    users = users_of(settings, page.service.gallery().audit.record)
    public = None if settings.public_address is None else PublicAddress.read(settings.public_address)
    return [
        Middleware(
            Guard,
            loopback=is_loopback(settings.host),
            public=public,
            proxies=read_networks(settings.trusted_proxy),
        ),
        Middleware(
            SignIn, users=users, pages=_own_pages(users, page), launched=launched, open_pages=frozenset({AUDIT_PATH})
        ),
        Middleware(UploadIntake, uploads=page.uploads, limit=limit + FORM_BYTES),
        Middleware(RequestBodies, uploads=page.uploads, permissions=Permissions(lambda: blocks.fns)),
        Middleware(CallForms, handlers=lambda: blocks.fns),
        Middleware(ChangeFeed, state_of=partial(page.workspace_state, stalled=streams.stalled), stopping=stopping),
        Middleware(ToolCalls),
        Middleware(EventStreams, streams=streams),
        Middleware(WhoBar),
        Middleware(FirstPaint),
    ]


def check_web(settings: Settings) -> None:
    """Make sure that the page can be served as the settings say.

    Raises:
        InvalidSetting: settings that are needed together are not, or it would be open to everybody.
    """
    if (settings.tls_certificate is None) is not (settings.tls_key is None):
        raise InvalidSetting("SIGHTLINE_TLS_CERTIFICATE and SIGHTLINE_TLS_KEY are needed together.")
    for file in (settings.tls_certificate, settings.tls_key):
        if file is not None and not file.is_file():
            raise InvalidSetting("There is no file {file}, which SIGHTLINE_TLS_… names.", file=file)
    if settings.trusted_proxy and settings.public_address is None:
        raise InvalidSetting("SIGHTLINE_TRUSTED_PROXY needs SIGHTLINE_PUBLIC_ADDRESS, where people reach the page.")
    reached = not is_loopback(settings.host) or settings.public_address is not None
    if reached and not users_of(settings).is_needed:
        raise InvalidSetting(
            "The page would be open to everybody who reaches it. Add a user first: users add NAME --role admin."
        )


def _own_pages(users: UserDatabase, page: Page) -> dict[str, OwnPage]:
    return {USERS_PATH: UsersPage(users), AUDIT_PATH: AuditPage(page.service.gallery)}


def users_of(settings: Settings, record: Callable[[AuditEvent], object] = lambda event: None) -> UserDatabase:
    """Return the users of the settings' data folder; `record` takes what is done into the audit trail."""
    return UserDatabase(settings.data / "users.db", _login(settings), record=record)


def _login(settings: Settings) -> tuple[str, str] | None:
    if settings.login is None:
        return None
    name, _colon, password = settings.login.get_secret_value().partition(":")
    return name, password
