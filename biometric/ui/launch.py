"""Serves the page with cautious settings."""

import json
import signal
import socket
import threading
from pathlib import Path
from typing import Any

import gradio as gr

from biometric.entities.web_addresses import read_networks
from biometric.errors import InvalidSetting
from biometric.messages.translation import gettext as _
from biometric.messages.translation import language
from biometric.retention_duty import RetentionDuty
from biometric.service import Sightline
from biometric.settings import Settings
from biometric.ui import ExampleMaker, no_examples
from biometric.ui.build import Interface
from biometric.ui.components import asset
from biometric.ui.connections import bounded_connections
from biometric.ui.page import Page
from biometric.ui.queue_rest import rest_when_idle
from biometric.ui.request_actors import follow_requests
from biometric.ui.request_layers import check_web, middleware
from biometric.ui.theme import sightline_theme
from biometric.ui.tool_calls import let_tools_in

LOADING_SECONDS = 30
"""How long ending waits for models that are being loaded: vendor libraries abort when they are cut off there."""
KEEPING_SECONDS = 10
"""How long ending waits for answers that are being kept."""
QUEUE_SIZE = 20
"""Most waiting events; more are answered with "the queue is full"."""
STYLES = ("sightline.css", "people.css", "grid.css", "library.css", "jobs.css", "calibration.css", "verdict.css")


def serve_page(service: Sightline, examples: ExampleMaker = no_examples, *, block: bool = True) -> Interface:
    """Serve the page; returns when interrupted (or at once, with `block=False`).

    Raises:
        InvalidSetting: the port is taken, or settings that are needed together are not.
    """
    check_web(service.settings)
    interface = Interface(service, examples)
    blocks, settings = interface.blocks, service.settings
    blocks.queue(max_size=QUEUE_SIZE, default_concurrency_limit=8, api_open=False)
    rest_when_idle(blocks)
    follow_requests()
    service.library.start_sweeping()
    interface.erasures.look()
    interface.erasures.start()
    duty = RetentionDuty(service)
    duty.start()
    loading = threading.Thread(target=interface.page.prepare, name="prepare", daemon=True)
    loading.start()
    try:
        with bounded_connections(read_networks(settings.trusted_proxy)):
            launched = threading.Event()
            _server, address, _share = blocks.launch(
                **launch_options(settings, interface.page, blocks, launched), prevent_thread_lock=True
            )
            launched.set()
    except OSError as error:
        raise InvalidSetting(
            "The page cannot be served on {host}, port {port}: the port is in use, or the address is not "
            "this machine's. Choose another port with SIGHTLINE_PORT or --port.",
            host=settings.host,
            port=settings.port,
        ) from error
    let_tools_in(blocks)
    if block:
        print(_("Sightline is at {address} (Ctrl+C ends it)").format(address=address), flush=True)
        try:
            _wait_for_signal()
        except KeyboardInterrupt as error:
            interface.erasures.stop()
            duty.stop()
            blocks.close(verbose=False)
            interface.page.sessions.close()
            interface.page.keeping.wait(KEEPING_SECONDS)
            service.library.close()
            loading.join(LOADING_SECONDS)
            if type(error) is not KeyboardInterrupt:  # a signal; Ctrl+C is the usual way to end the page
                raise
    return interface


def _wait_for_signal() -> None:
    """Wait until the handler of a signal raises something.

    A system may give a signal to any thread, while handlers of Python run in the main one, which sleeps: it is woken
    through a socket.
    """
    if threading.current_thread() is not threading.main_thread():
        threading.Event().wait()
    sleeping, waking = socket.socketpair()
    with sleeping, waking:
        waking.setblocking(False)
        former = signal.set_wakeup_fd(waking.fileno(), warn_on_full_buffer=False)
        try:
            while True:
                sleeping.recv(1)
        finally:
            signal.set_wakeup_fd(former)


def launch_options(
    settings: Settings, page: Page, blocks: gr.Blocks, launched: threading.Event | None = None
) -> dict[str, Any]:
    """Return what `Blocks.launch` is called with: nothing shared, nothing widened, the data folders blocked.

    Args:
        launched: set once it has returned; until then Gradio looks whether the page answers, without signing in.
    """
    tls: dict[str, Any] = {}
    if settings.tls_certificate is not None:
        files = {"ssl_certfile": settings.tls_certificate, "ssl_keyfile": settings.tls_key}
        tls = {**{name: str(file) for name, file in files.items()}, "ssl_verify": False}  # its own look at itself
    return {
        "server_name": settings.host,
        "server_port": settings.port,
        "share": False,
        "quiet": True,
        "show_error": False,
        **tls,
        "max_file_size": settings.max_upload_mb * 1_000_000,
        "allowed_paths": [],
        "blocked_paths": [str(path) for path in _data_folders(settings)],
        "strict_cors": True,
        "run_history": False,
        "enable_monitoring": False,
        "ssr_mode": False,
        "pwa": False,
        "mcp_server": settings.mcp,
        "footer_links": [],
        "state_session_capacity": 200,
        "app_kwargs": {
            "middleware": middleware(
                settings, page, blocks, stopping=lambda: is_stopping(blocks), launched=launched or threading.Event()
            ),
            "docs_url": None,
            "redoc_url": None,
            "openapi_url": None,
        },
        "theme": sightline_theme(),
        "css": "".join(map(asset, STYLES)) + _words_of_styles(),
        "head": asset("head.html") + _language_script(),
    }


def _words_of_styles() -> str:
    """The words that stand in the styles, because Gradio's own parts have no place for others."""
    words = {
        "footage": _("Drop a video or photograph here, or click to choose one"),
        "formats": _("Any common format, also AVI, MKV, H.265 and raw H.264"),
        "clips": _("Drop clips, or click to choose them"),
        "export": _("Drop an export, or click to choose one"),
    }
    return (
        f":root{{{''.join(f'--drop-{name}:{json.dumps(text, ensure_ascii=False)};' for name, text in words.items())}}}"
    )


def _language_script() -> str:
    """The script that lets Gradio's own texts, and the page's `lang`, be in the language of the page's texts.

    Gradio goes by the browser's language, so that a screen reader would read one language with the voice of another.
    """
    name = json.dumps(language())
    return (
        f"<script>Object.defineProperties(navigator, {{language: {{get: () => {name}}}, "
        f"languages: {{get: () => [{name}]}}}}); document.documentElement.lang = {name};</script>"
    )


def is_stopping(blocks: gr.Blocks) -> bool:
    """Return whether the server was told to end, or never ran."""
    return not blocks.is_running or bool(getattr(blocks.server, "should_exit", False))


def _data_folders(settings: Settings) -> list[Path]:
    return [
        settings.data / "users.db",
        settings.gallery,
        settings.query,
        settings.library,
        settings.cache,
        *settings.weight_folders,
    ]
