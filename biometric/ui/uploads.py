"""Uploaded clips: counted while they wait, moved under a generated name, and removed when they are no longer needed.

Gradio names an upload by its contents, so two people who send one clip share one file. Each upload therefore counts
as one claim on its file; taking it returns the claim, and the file is removed with the last one.
"""

import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from biometric.errors import StorageFull, UploadMissing
from biometric.storage import link_or_copy, remove_quietly
from biometric.ui.session import Footage, Session

UNUSED_FOR = 3600.0
"""Seconds after which an upload that nobody took gives way to others; longer than a full queue takes."""


class Uploads:
    """What lies in Gradio's upload folder; safe for several threads.

    Args:
        root: Gradio's upload folder; an upload is `root/<digest>/<name>`.
        clock: seconds that only rise.
    """

    def __init__(self, root: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.root = root.resolve()
        self._clock = clock
        self._claims: dict[Path, int] = {}
        self._since: dict[Path, float] = {}
        self._arriving = 0
        self._lock = threading.Lock()

    @contextmanager
    def arriving(self) -> Iterator[None]:
        """Keep every file while an upload is received: it may turn out to be the same as one that is on its way out."""
        with self._lock:
            self._arriving += 1
        try:
            yield
        finally:
            with self._lock:
                self._arriving -= 1
                self._sweep()

    def arrived(self, path: Path) -> None:
        """Count one upload of a file."""
        with self._lock:
            self._claims[path] = max(0, self._claims.get(path, 0)) + 1
            self._since[path] = self._clock()

    def release(self, path: Path) -> None:
        """Give one claim back; the file goes when there is none left."""
        with self._lock:
            self._claims[path] = self._claims.get(path, 1) - 1
            self._sweep()

    def make_room(self) -> None:
        """Remove uploads that nobody took for a long time."""
        with self._lock:
            for path, since in self._since.items():
                if self._clock() - since >= UNUSED_FOR:
                    self._claims[path] = 0
            self._sweep()

    def is_upload(self, path: Path) -> bool:
        """Return whether a resolved path is a file that was uploaded."""
        return path.parent.parent == self.root and path.is_file()

    def take(self, source: Path, folder: Path, *, keep: bool = False) -> Path:
        """Put an upload into a folder of the session, under a generated name; an example is kept where it is, too.

        Raises:
            UploadMissing: the upload is gone.
            StorageFull: there is no room.
        """
        suffix = source.suffix.lower() if re.fullmatch(r"\.[A-Za-z0-9]{1,6}", source.suffix) else ""
        clip = folder / f"clip{suffix}"
        try:
            if keep:
                shutil.copyfile(source, clip)
            else:
                link_or_copy(source, clip)
                self.release(source)
            clip.chmod(0o600)
        except FileNotFoundError as error:
            raise UploadMissing("The upload is no longer there. Upload the file again.") from error
        except OSError as error:
            raise StorageFull(
                "The clip could not be kept for this session: {reason}. Free some space.", reason=error.strerror
            ) from error
        return clip

    @contextmanager
    def borrowed(self, source: Path) -> Iterator[Path]:
        """Give a call an upload for as long as it runs, and remove it then.

        Raises:
            UploadMissing, StorageFull: as `take`.
        """
        folder = self.root / f"call-{secrets.token_urlsafe(12)}"
        folder.mkdir(mode=0o700)
        try:
            yield self.take(source, folder)
        finally:
            remove_quietly(folder)

    def _sweep(self) -> None:
        if self._arriving:
            return
        for path in [path for path, claims in self._claims.items() if claims <= 0]:
            del self._claims[path]
            self._since.pop(path, None)
            if path.parent.parent == self.root:
                remove_quietly(path)
                with suppress(OSError):
                    path.parent.rmdir()


def discard(former: Footage, session: Session) -> None:
    """Remove a clip that no tab uses any more."""
    if former.clip is not None and all(footage.clip != former.clip for footage in session.tabs.values()):
        remove_quietly(former.clip.parent)
