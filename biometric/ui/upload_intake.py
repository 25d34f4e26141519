"""Receives uploads in place of Gradio, which leaves the file of an upload that breaks off, and trusts its length.

Room is reserved before the first byte is written, bytes are counted as they arrive, and what is not complete goes.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO, Any
from urllib.parse import parse_qs

from gradio_client.utils import (  # type: ignore[import-untyped]
    strip_invalid_filename_characters,
)
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from biometric.errors import InvalidInput, StorageFull
from biometric.messages import describe_error
from biometric.messages.translation import gettext as _
from biometric.ui.asgi import App, Message, Receive, Scope, Send, answer, headers_of
from biometric.ui.clients import client_of, sender_of
from biometric.ui.upload_progress import UploadProgress, UploadProgresses
from biometric.ui.uploads import Uploads

PATH = "/gradio_api/upload"
PROGRESS_PATH = "/gradio_api/upload_progress"
MOST_FILES = 500
"""Most files of one upload."""
WRITTEN_AT_ONCE = 512_000
"""Bytes that are collected before they are written, which takes a thread."""
PROGRESS_EVERY = 0.15
"""Seconds between two messages about the progress of an upload."""


class UploadForm:
    """Takes a form of files apart and writes each into a folder of its own, `folder/<number>/<name>`.

    Args:
        folder: where the files go.
        content_type: the header that says how the form is built.

    Raises:
        InvalidInput: it is no such form.
    """

    def __init__(self, folder: Path, content_type: str) -> None:
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data" or not options.get(b"boundary"):
            raise InvalidInput("An upload must be a form of files.")
        self.name = ""
        self._folder = folder
        self._count = 0
        self._file: IO[bytes] | None = None
        self._field, self._value, self._disposition = b"", b"", b""
        self._complete = False
        self._parser = MultipartParser(
            options[b"boundary"],
            {
                "on_part_begin": self._begin,
                "on_header_field": self._header_field,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._open,
                "on_part_data": self._write,
                "on_part_end": self.close,
                "on_end": self._end,
            },
        )

    def feed(self, data: bytes) -> None:
        """Take more of the form. Raises `InvalidInput`: it is not built as it says; `OSError`: it cannot be written."""
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise InvalidInput("The upload is damaged. Upload the file again.") from error

    def finish(self) -> None:
        """Make sure that all of the form has arrived. Raises `InvalidInput`: it has not, or holds no file."""
        if not self._complete or not self._count:
            raise InvalidInput("The upload is damaged. Upload the file again.")

    def close(self) -> None:
        """Close the file that is written, if any."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _begin(self) -> None:
        self._field, self._value, self._disposition = b"", b"", b""

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._field.lower() == b"content-disposition":
            self._disposition = self._value
        self._field, self._value = b"", b""

    def _open(self) -> None:
        options = parse_options_header(self._disposition)[1]
        if options.get(b"name") != b"files" or b"filename" not in options:
            return  # whatever else the form says is not needed
        if self._count >= MOST_FILES:
            raise InvalidInput("An upload must hold at most {most} files.", most=MOST_FILES)
        self.name = Path(options[b"filename"].decode("utf-8", "replace").replace("\0", "")).name
        place = self._folder / str(self._count)
        place.mkdir(mode=0o700)
        self._count += 1
        stored = strip_invalid_filename_characters(self.name)
        self._file = open(  # noqa: SIM115 - closed by `close`
            place / (stored if stored.strip(". ") else "clip"), "xb", opener=_open_for_owner
        )

    def _write(self, data: bytes, start: int, end: int) -> None:
        if self._file is not None:
            self._file.write(memoryview(data)[start:end])

    def _end(self) -> None:
        self._complete = True


def _open_for_owner(path: str, flags: int) -> int:
    return os.open(path, flags, mode=0o600)


class UploadIntake:
    """ASGI middleware that receives uploads and tells their progress; everything else passes.

    Args:
        app: the app to pass on to.
        uploads: where they lie afterwards.
        limit: most bytes of one upload request.
    """

    def __init__(self, app: App, *, uploads: Uploads, limit: int) -> None:
        self._app = app
        self._uploads = uploads
        self._limit = limit
        self._progresses = UploadProgresses()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer uploads, and requests for their progress; pass any other request on."""
        path = scope["path"].rstrip("/") if scope["type"] == "http" else ""
        if path == PATH and scope["method"] == "POST":
            await self._receive_upload(scope, receive, send)
        elif path == PROGRESS_PATH and scope["method"] == "GET":
            await self._tell_progress(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _receive_upload(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = headers_of(scope)
        length = headers.get("content-length", "")
        if not (length.isascii() and length.isdecimal()):
            await answer(send, 411, _("An upload must say its length."))
            return
        if int(length) > self._limit:
            await answer(
                send, 413, _("The file is larger than the limit of {most:.0f} MB.").format(most=self._limit / 1e6)
            )
            return
        sender, upload_id = sender_of(scope), _upload_id(scope)
        progress = self._progresses.begin(sender, upload_id)
        try:
            with self._uploads.arriving(int(length), client_of(scope)) as folder:
                form = UploadForm(folder, headers.get("content-type", ""))
                if not await _read_form(form, int(length), receive, progress):
                    return  # the caller is gone
                paths = self._uploads.arrived(folder, sender)
            await answer(send, 200, json.dumps([str(path) for path in paths]), "application/json")
        except InvalidInput as error:
            await answer(send, 400, describe_error(error))
        except (StorageFull, OSError) as error:
            text = describe_error(error) if isinstance(error, StorageFull) else _("The upload could not be stored.")
            await answer(send, 507, text)
        finally:
            self._progresses.end(sender, upload_id, progress)

    async def _tell_progress(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send what arrives of the sender's upload as events, as Gradio's page expects them, until it is complete."""
        sender, upload_id = sender_of(scope), _upload_id(scope)
        progress = self._progresses.find(sender, upload_id)
        for _waited in range(20):  # the page asks for it at the same moment as it begins to send
            if progress is not None:
                break
            await asyncio.sleep(PROGRESS_EVERY)
            progress = self._progresses.find(sender, upload_id)
        if progress is None:
            await answer(send, 404, _("There is no such upload."))
            return
        gone = asyncio.ensure_future(_disconnected(receive))
        try:
            headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            async for message in _messages(progress, gone):
                await send({"type": "http.response.body", "body": message, "more_body": True})
            if not gone.done():
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            gone.cancel()


async def _read_form(form: UploadForm, length: int, receive: Receive, progress: UploadProgress) -> bool:
    """Read a form of at most `length` bytes; False where its sender is gone before the end.

    Raises:
        InvalidInput: it is longer, or damaged.
        OSError: it cannot be written.
    """
    waiting = bytearray()
    try:
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return False
            waiting += message.get("body", b"")
            progress.received += len(message.get("body", b""))
            if progress.received > length:
                raise InvalidInput("The upload is longer than it says.")
            last = not message.get("more_body", False)
            if last or len(waiting) >= WRITTEN_AT_ONCE:
                await asyncio.to_thread(form.feed, bytes(waiting))
                waiting.clear()
                progress.name = form.name
            if last:
                form.finish()
                return True
    finally:
        form.close()


async def _messages(progress: UploadProgress, gone: "asyncio.Future[None]") -> AsyncIterator[bytes]:
    while not gone.done():
        done, more = progress.done, progress.received - progress.told
        if more and progress.name:
            progress.told += more
            yield _event({"msg": "update", "orig_name": progress.name, "chunk_size": more})
        if done:
            yield _event({"msg": "done"})
            return
        await asyncio.wait([gone], timeout=PROGRESS_EVERY)


def _event(message: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(message)}\n\n".encode()


def _upload_id(scope: Scope) -> str:
    """Return by which word a page asks for the progress of its upload."""
    query: bytes = scope.get("query_string", b"")
    return parse_qs(query.decode("latin-1")).get("upload_id", [""])[0][:100]


async def _disconnected(receive: Receive) -> None:
    """Return when the caller is gone."""
    message: Message = {"type": ""}
    while message["type"] != "http.disconnect":
        message = await receive()
