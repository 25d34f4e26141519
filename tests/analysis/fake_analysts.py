"""Processes that analyse clips on fake models. What a clip's file says decides what happens to whoever reads it."""

import hashlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from biometric.analysis.analyst import run_analyst
from biometric.entities import Frame, FrameRange, VideoInfo
from biometric.errors import ClipNotFound, NotAVideo, StorageFull, WeightsMissing
from biometric.job_queue.sqlite_queue import SQLiteJobQueue
from biometric.service import Sightline
from tests.builders import DAMAGED
from tests.fakes import FakeReader, video_info
from tests.lawful import give_galleries_a_default
from tests.test_service import ServiceSetup


class ScriptedReader(FakeReader):
    """Reads a file as its first word says.

    `text` is no video; `crash` and `crash-once` end the process; `slow` takes a second and `long` twenty;
    `damaged` cannot be read to its end; `full` finds the disk full until a file of the same name with `.free` is there.
    """

    def __init__(self) -> None:
        super().__init__(video_info(frame_count=20), grey=True)

    def probe(self, clip: Path) -> VideoInfo:
        if not clip.exists():
            raise ClipNotFound(f"There is no file {clip.name}.")
        content = clip.read_bytes()
        word = content.split()[0] if content else b""
        if word == b"text":
            raise NotAVideo("{name} is not a video.", name=clip.name)
        if word == b"crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        if word == b"crash-once" and not clip.with_suffix(".crashed").exists():
            clip.with_suffix(".crashed").touch()
            os.kill(os.getpid(), signal.SIGSEGV)
        if word == b"full" and not clip.with_suffix(".free").exists():
            raise StorageFull("The disk is full.")
        damage = DAMAGED if word == b"damaged" else None
        return replace(self.info, damage=damage, digest=hashlib.sha256(content).hexdigest())

    def read(self, clip: Path, frames: FrameRange) -> Iterator[Frame]:
        pause = {b"slow": 0.05, b"long": 1.0}.get(clip.read_bytes()[:4], 0.0)
        for frame in super().read(clip, frames):
            time.sleep(pause)
            yield frame


def fake_service(folder: Path, **settings: Any) -> Sightline:
    """A service over fakes whose gallery and library lie in a folder; each process has crops of its own."""
    workspace = folder / f"work-{os.getpid()}"
    workspace.mkdir(parents=True, exist_ok=True)
    setup = ServiceSetup(workspace, ScriptedReader(), gallery=folder / "gallery", query=folder / "query", **settings)
    setup.service.library._open_library = partial(_library, folder)
    return setup.service


def _library(folder: Path) -> Any:
    from biometric.footage_store.footage_library import SQLiteFootageLibrary

    return SQLiteFootageLibrary(folder / "library", 7, 10**9)


def queue_of(folder: Path) -> SQLiteJobQueue:
    return SQLiteJobQueue(folder / "library")


def be_fake_analyst(folder: Path, connection: Connection) -> None:
    give_galleries_a_default()
    run_analyst(connection, partial(_build, folder))


def be_broken_analyst(connection: Connection) -> None:
    os._exit(3)


def be_analyst_without_weights(connection: Connection) -> None:
    run_analyst(connection, _no_weights)


def _no_weights() -> Any:
    raise WeightsMissing("The weights are missing. Fetch them.")


def _build(folder: Path) -> tuple[Sightline, Callable[[], None]]:
    service = fake_service(folder)
    return service, service.close


def clip(folder: Path, name: str, content: str = "") -> Path:
    """Write a clip; without content, its name is what is in it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(content or f"clip {name}")
    return path
