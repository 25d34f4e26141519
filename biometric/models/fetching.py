"""Downloads weight files: https only, short time-outs, a temporary name, the checksum, then a rename."""

import contextlib
import functools
import hashlib
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager
from http.client import HTTPException
from pathlib import Path
from typing import IO, Protocol

from biometric.entities import Progress
from biometric.entities.model_cards import Card, CardFile
from biometric.errors import StorageFull, WeightsCorrupt, WeightsMissing
from biometric.errors.phrases import Phrase
from biometric.storage import atomic_path, describe_os_error

TIMEOUT = 5.0
"""Seconds to wait for a connection or for the next bytes: offline, the page must say so soon."""
PATIENCE = 20.0
"""Seconds to wait for the first byte in all, name resolution included, where nothing else could serve."""
_CHUNK = 1 << 18


class Readable(Protocol):
    """What a download needs of a response."""

    def read(self, amount: int, /) -> bytes:
        """Return up to `amount` bytes, none at the end."""


Opener = Callable[[str, float], AbstractContextManager[Readable]]
"""Opens an https address with a time-out in seconds."""
_Answer = Callable[[], AbstractContextManager[tuple[bytes, Readable]]]
"""Opens one address: its first byte and the rest."""


class _HttpsOnly(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: object, newurl: str
    ) -> urllib.request.Request | None:
        if not newurl.startswith("https://"):
            raise urllib.error.URLError(Phrase("a redirection to {url}, which is not https, was refused", url=newurl))
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


def open_https(url: str, timeout: float) -> AbstractContextManager[Readable]:
    """Open an https address; redirections to anything else are refused. Raises OSError."""
    if not url.startswith("https://"):
        raise urllib.error.URLError(Phrase("{url} is not an https address", url=url))
    opened: AbstractContextManager[Readable] = urllib.request.build_opener(_HttpsOnly).open(url, timeout=timeout)
    return opened


def missing(card: Card, folder: Path, why: str) -> WeightsMissing:
    """The error that names the files, where they come from and where to put them."""
    names = ", ".join(file.name for file in card.files)
    source = ", ".join(file.url for file in card.files if file.url) or card.source
    return WeightsMissing(
        "The weights of {title} are not here: {why}. Get {names} from {source}, into the folder {folder}.",
        title=card.title,
        why=why,
        names=names,
        source=source,
        folder=folder,
    )


def fetch_card(
    card: Card, folder: Path, opener: Opener = open_https, patience: float = PATIENCE
) -> Generator[Progress, None, None]:
    """Download a card's files into `folder`, yielding progress in kilobytes; files that are there stay.

    Nothing is left under a file's own name unless its size and checksum are right; closing the generator
    removes unfinished files.

    Args:
        patience: seconds to wait for the first byte of each file, whatever holds it up.

    Raises:
        WeightsMissing: no address, no connection, or the download broke off.
        WeightsCorrupt: what came is not the file that the card describes.
        StorageFull: the folder cannot be written.
    """
    for file in card.files:
        target = folder / file.name
        if target.is_file() and target.stat().st_size == file.size:
            continue
        if not file.url:
            raise missing(card, folder, Phrase("its card has no download address for {file}", file=file.basename))
        yield from _fetch(card, file, folder, functools.partial(_answer, opener, file.url, patience))


def _fetch(card: Card, file: CardFile, folder: Path, answer: _Answer) -> Generator[Progress, None, None]:
    target = folder / file.name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # Weights are no secret, and another account may run the app.
        with atomic_path(target, mode=0o644) as partial:
            with partial.open("wb") as stream:
                checksum = yield from _copy(card, file, folder, answer, stream)
            if checksum != file.checksum:
                raise WeightsCorrupt(
                    "What {address} sent is not {file}: its {checksum} does not match the card. Nothing was "
                    "kept. Try again later, or get the file elsewhere.",
                    address=file.url,
                    file=file.basename,
                    checksum=file.algorithm.upper(),
                )
    except OSError as error:
        raise StorageFull(
            "{target} cannot be written: {reason}. Make room or choose another folder.",
            target=target,
            reason=describe_os_error(error),
        ) from error


def _copy(
    card: Card, file: CardFile, folder: Path, answer: _Answer, stream: IO[bytes]
) -> Generator[Progress, None, str]:
    """Copy the response into `stream`; return its checksum. Network errors become `WeightsMissing`."""
    checksum = hashlib.new(file.algorithm)
    done, started = 0, time.monotonic()
    try:
        with answer() as (first, response):
            chunk = first + response.read(_CHUNK - len(first))
            while chunk:
                done += len(chunk)
                if done > file.size:
                    raise WeightsCorrupt(
                        "What {address} sent is longer than {file} ({size} bytes). Nothing was kept.",
                        address=file.url,
                        file=file.basename,
                        size=file.size,
                    )
                _write(stream, chunk)
                checksum.update(chunk)
                left = (time.monotonic() - started) * (file.size - done) / done
                yield Progress(
                    Phrase("Fetching {file}: kilobyte", file=file.basename),
                    done // 1000,
                    file.size // 1000,
                    seconds_left=left,
                )
                chunk = response.read(_CHUNK)
    except (OSError, HTTPException) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()  # it holds the connection of the refused request
        reason = getattr(error, "reason", None) or error
        raise missing(
            card, folder, Phrase("downloading {file} failed ({reason})", file=file.basename, reason=reason)
        ) from error
    if done < file.size:
        text = Phrase(
            "downloading {file} broke off after {done} of {size} bytes",
            file=file.basename,
            done=done,
            size=file.size,
        )
        raise missing(card, folder, text)
    return checksum.hexdigest()


@contextlib.contextmanager
def _answer(opener: Opener, url: str, patience: float) -> Iterator[tuple[bytes, Readable]]:
    """Open an address; give its first byte (none where it is empty) and the response. Raises OSError, HTTPException.

    The wait is a thread's, because no time-out ends a name resolution that hangs: after `patience` seconds that thread
    continues alone and closes what it still receives.
    """
    answered: Future[tuple[bytes, Readable]] = Future()
    opened = contextlib.ExitStack()

    def ask() -> None:
        try:
            response = opened.enter_context(opener(url, TIMEOUT))
            first = response.read(1)
        except Exception as error:  # noqa: BLE001 - told by the thread that waits, whatever it is
            opened.close()
            if answered.set_running_or_notify_cancel():
                answered.set_exception(error)
            elif isinstance(error, urllib.error.HTTPError):
                error.close()
        else:
            if answered.set_running_or_notify_cancel():
                answered.set_result((first, response))
            else:
                opened.close()

    threading.Thread(target=ask, name="download", daemon=True).start()
    try:
        answer = answered.result(patience)
    except TimeoutError as error:
        if answered.cancel():
            raise TimeoutError(Phrase("no answer within {n:g} seconds", n=patience)) from error
        answer = answered.result()  # it came at the last moment, or was a time-out of the connection itself
    with opened:
        yield answer


def _write(stream: IO[bytes], chunk: bytes) -> None:
    """Write, telling a full disk from a broken connection (both are OSError)."""
    try:
        stream.write(chunk)
    except OSError as error:
        raise StorageFull(
            "The weights cannot be saved: {reason}. Make room and try again.", reason=describe_os_error(error)
        ) from error
