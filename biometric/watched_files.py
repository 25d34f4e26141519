"""Tells which files of a folder change (watchfiles)."""

import threading
from collections.abc import Iterator
from pathlib import Path

from watchfiles import Change, watch

TICK_MS = 500
"""Milliseconds after which a tick comes although nothing changed."""


def changes_below(folder: Path, stop: threading.Event) -> Iterator[set[Path]]:
    """Yield the files that were added or changed below a folder, again and again, until `stop` is set.

    An empty set says that some time has passed. Ends where the folder is not there any more, or is another one.

    Raises:
        OSError: the folder cannot be watched.
    """
    inode = folder.stat().st_ino
    for changes in watch(
        folder,
        watch_filter=None,
        debounce=200,
        rust_timeout=TICK_MS,
        yield_on_timeout=True,
        stop_event=stop,
        raise_interrupt=True,
    ):
        yield {Path(path) for change, path in changes if change is not Change.deleted}
        try:
            if folder.stat().st_ino != inode:
                return
        except OSError:
            return
