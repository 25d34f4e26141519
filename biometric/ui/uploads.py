"""Uploaded clips: room is reserved before they arrive, each belongs to who sent it, and goes when it is not needed.

Each upload has a folder of its own with an unguessable name, also where two people send the same clip.
"""

import os
import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from biometric.errors import StorageFull, UploadMissing
from biometric.messages.translation import N_
from biometric.storage import link_or_copy, make_private_folder, remove_quietly
from biometric.ui.session import Footage, Session

UNUSED_FOR = 3600.0
"""Seconds after which an upload that nobody took is removed; longer than a full queue takes."""
SHARE_IN_FLIGHT = 0.6
"""Most of the quota that uploads of one client may reserve while they arrive."""
ARRIVING = "arriving"
"""Folder of what has not arrived in full."""
NO_ROOM = N_("There is no room for more uploads at the moment. Try again later.")


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An upload that nobody took yet: who sent it, and when."""

    sender: str
    since: float


class Uploads:
    """What lies in the upload folder; safe for several threads.

    Args:
        root: the upload folder; an upload is `root/<token>/<name>`.
        clock: seconds that only rise.
        quota: most bytes of everything below the folder, with what is arriving; None: any number.
    """

    def __init__(self, root: Path, clock: Callable[[], float] = time.monotonic, quota: int | None = None) -> None:
        self.root = root.resolve()
        self.quota = quota
        self._clock = clock
        self._waiting: dict[Path, _Waiting] = {}
        self._reserved: dict[str, tuple[str, int]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def arriving(self, length: int, client: str = "") -> Iterator[Path]:
        """Reserve room for an upload and give the folder that it is to be written into, which goes in the end.

        Args:
            length: bytes that will arrive at most.
            client: whose share of the quota it takes.

        Raises:
            StorageFull: there is no room, counting what others have reserved.
        """
        token = secrets.token_urlsafe(24)
        self._reserve(token, length, client)
        folder = self.root / ARRIVING / token
        try:
            folder.mkdir(mode=0o700, parents=True)
            yield folder
        finally:
            remove_quietly(folder)
            with self._lock:
                del self._reserved[token]

    def _reserve(self, token: str, length: int, client: str) -> None:
        with self._lock:
            self._remove_unused()
            if self.quota is not None:
                mine = sum(size for whose, size in self._reserved.values() if whose == client)
                reserved = sum(size for _, size in self._reserved.values())
                stored = folder_size(self.root, without=self.root / ARRIVING)
                if stored + reserved + length > self.quota:
                    raise StorageFull(NO_ROOM)
                if mine and mine + length > self.quota * SHARE_IN_FLIGHT:
                    raise StorageFull(NO_ROOM)
            self._reserved[token] = (client, length)

    def arrived(self, folder: Path, sender: str = "") -> list[Path]:
        """Take the files of an upload that is complete out of the folder they arrived in; each has one of its own."""
        placed = []
        for file in sorted(folder.iterdir(), key=lambda file: int(file.name)):
            [arrived] = file.iterdir()
            place = self.root / secrets.token_urlsafe(24)
            place.mkdir(mode=0o700)
            placed.append(arrived.rename(place / arrived.name))
        with self._lock:
            self._waiting.update({path: _Waiting(sender, self._clock()) for path in placed})
        return placed

    def may_use(self, path: Path, sender: str) -> bool:
        """Return whether a path is no waiting upload of somebody else."""
        with self._lock:
            upload = self._waiting.get(path)
        return upload is None or secrets.compare_digest(upload.sender.encode(), sender.encode())

    def release(self, path: Path) -> None:
        """Remove an upload that was used."""
        with self._lock:
            self._remove(path)

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
        with self.call_folder() as folder:
            yield self.take(source, folder)

    @contextmanager
    def call_folder(self) -> Iterator[Path]:
        """Give a call a folder of its own for as long as it runs, and remove it then."""
        folder = self.root / f"call-{secrets.token_urlsafe(12)}"
        make_private_folder(folder)
        try:
            yield folder
        finally:
            remove_quietly(folder)

    def _remove_unused(self) -> None:
        for path, upload in list(self._waiting.items()):
            if self._clock() - upload.since >= UNUSED_FOR:
                self._remove(path)

    def _remove(self, path: Path) -> None:
        self._waiting.pop(path, None)
        if path.parent.parent == self.root:
            remove_quietly(path)
            with suppress(OSError):
                path.parent.rmdir()


def folder_size(folder: Path, without: Path | None = None) -> int:
    """Return the bytes of all files below a folder, linked ones once; files that vanish meanwhile count nothing.

    Args:
        without: a folder whose files do not count.
    """
    sizes: dict[tuple[int, int], int] = {}
    for place, folders, files in os.walk(folder):  # which passes over what vanishes; `rglob` raises
        folders[:] = [name for name in folders if Path(place, name) != without]
        for name in (*folders, *files):
            path = Path(place, name)
            try:
                stat = path.lstat()
            except OSError:
                continue
            sizes[stat.st_dev, stat.st_ino] = stat.st_size
    return sum(sizes.values())


def discard(former: Footage, session: Session) -> None:
    """Remove a clip that no tab uses any more."""
    if former.clip is not None and all(footage.clip != former.clip for footage in session.tabs.values()):
        remove_quietly(former.clip.parent)
