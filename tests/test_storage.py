"""Files are written whole or not at all, leftovers of killed processes go, and those of living ones stay."""

import errno
import hashlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

import pytest

from biometric.errors import PathRefused, StorageFull
from biometric.gallery.backup_files import FolderArchive
from biometric.storage import (
    PrivateFolder,
    atomic_files,
    atomic_folder,
    atomic_path,
    check_writable,
    claims,
    describe_os_error,
    file_digest,
    file_lock,
    make_private_folder,
    remove_leftovers,
    remove_quietly,
    resolve_inside,
    write_atomically,
)
from biometric.storage.byte_search import found_in
from biometric.storage.sqlite_files import connect_database, create_database

PROJECT = Path(__file__).parent.parent


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


class Writer:
    """Another process, between the beginning and the end of a write into a folder."""

    CODE = (
        "import sys, time; from pathlib import Path; from biometric import storage\n"
        "with getattr(storage, sys.argv[1])(Path(sys.argv[2])) as partial:\n"
        "    print(partial.name, flush=True); sys.stdin.read(1)\n"
    )

    def __init__(self, kind: str, destination: Path) -> None:
        command = [sys.executable, "-c", self.CODE, kind, str(destination)]
        self._process = subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.partial = destination.with_name(self._process.stdout.readline().strip())

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()

    def finish(self) -> int:
        self._process.communicate("x")
        return self._process.returncode


@pytest.fixture(params=["atomic_path", "atomic_folder"])
def writer(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Writer]:
    writer = Writer(request.param, tmp_path / "export.zip")
    yield writer
    writer.kill()


# --- writing ---------------------------------------------------------------------------------------------------------


def test_a_file_appears_when_it_is_complete_and_only_for_its_owner(tmp_path: Path) -> None:
    destination = tmp_path / "table.csv"
    previous = os.umask(0)
    try:
        with atomic_path(destination) as partial:
            assert (partial.parent, partial.suffix, mode(partial)) == (tmp_path, ".partial", 0o600)
            partial.write_bytes(b"rows")
            assert not destination.exists()
    finally:
        os.umask(previous)
    assert (destination.read_bytes(), mode(destination), names(tmp_path)) == (b"rows", 0o600, ["table.csv"])
    write_atomically(destination, "größer\r\n", mode=0o644)
    assert (destination.read_bytes(), mode(destination)) == ("größer\r\n".encode(), 0o644)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, GeneratorExit])
def test_a_failed_write_leaves_the_former_file_and_nothing_else(tmp_path: Path, error: type[BaseException]) -> None:
    def write_half_a_file() -> None:
        with atomic_path(tmp_path / "x") as partial:
            partial.write_text("half")
            raise error

    def fill_half_a_folder() -> None:
        with atomic_folder(tmp_path / "folder") as partial:
            (partial / "half").write_text("half")
            raise error

    (tmp_path / "x").write_text("former")
    for work in (write_half_a_file, fill_half_a_folder):
        with pytest.raises(error):
            work()
    assert ((tmp_path / "x").read_text(), names(tmp_path)) == ("former", ["x"])


@pytest.mark.parametrize("writing", [atomic_path, atomic_folder])
def test_what_cleaning_up_cannot_do_does_not_hide_the_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writing: Callable[[Path], AbstractContextManager[Path]]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "cleaning up failed")

    def work() -> None:
        with writing(tmp_path / "x"):
            monkeypatch.setattr(Path, "unlink", fail)
            monkeypatch.setattr(shutil, "rmtree", fail)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()


@pytest.mark.parametrize("name", ["x" * 255, "é" * 127 + "x", "界" * 85, "\udcff" * 255], ids=["x", "e", "zh", "byte"])
def test_the_longest_names_can_be_written_and_longer_ones_are_refused_at_once(tmp_path: Path, name: str) -> None:
    assert len(os.fsencode(name)) == 255
    write_atomically(tmp_path / name, b"content")
    assert (tmp_path / name).read_bytes() == b"content"
    (tmp_path / name).unlink()
    with atomic_folder(tmp_path / name):
        pass
    with pytest.raises(OSError, match="File name too long") as raised, atomic_path(tmp_path / f"{name}x"):
        raise AssertionError("refused before the work is done")
    assert describe_os_error(raised.value) == "the name is too long"


def test_folders_and_devices_are_not_replaced_by_files(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name, reason in (("folder", "Is a directory"), ("pipe", "It is a device or a pipe")):
        with pytest.raises(OSError, match=reason):
            write_atomically(tmp_path / name, b"")
    assert names(tmp_path) == ["folder", "pipe"]


def test_a_missing_folder_is_not_made(tmp_path: Path) -> None:
    for destination in (tmp_path / "absent" / "x", tmp_path / "absent" / "there" / "x"):
        with pytest.raises(FileNotFoundError):
            write_atomically(destination, b"")
        with pytest.raises(FileNotFoundError), file_lock(destination, 0):
            pass
    assert names(tmp_path) == []


def test_a_link_is_replaced_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("target")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    write_atomically(tmp_path / "link", b"new")
    assert ((tmp_path / "target").read_text(), (tmp_path / "link").is_symlink()) == ("target", False)


def test_a_folder_appears_as_one(tmp_path: Path) -> None:
    destination = tmp_path / "results"
    with atomic_folder(destination) as partial:
        (partial / "inner").mkdir()
        (partial / "inner" / "file").write_text("new")
        (partial / "inner" / "read only").touch(mode=0o400)
        assert (mode(partial), destination.exists()) == (0o700, False)
    assert ((destination / "inner" / "file").read_text(), names(tmp_path)) == ("new", ["results"])
    with pytest.raises(FileExistsError), atomic_folder(destination):
        raise AssertionError("refused before anything is made")
    with atomic_folder(destination, replace=True) as partial:
        (partial / "other").touch()
    assert (names(destination), names(tmp_path)) == (["other"], ["results"])


def test_a_replaced_folder_comes_back_where_the_new_one_cannot_be_put(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    destination = tmp_path / "results"
    destination.mkdir()
    (destination / "former").touch()
    rename = Path.rename

    def fail(path: Path, target: Path) -> Path:
        if target == destination and (path / "new").exists():
            raise OSError(errno.EIO, "no")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="no"), atomic_folder(destination, replace=True) as partial:
        (partial / "new").touch()
    assert (names(destination), names(tmp_path)) == (["former"], ["results"])


def test_files_appear_as_one_in_a_folder_that_is_new(tmp_path: Path) -> None:
    with atomic_files(tmp_path / "query" / "clip", last="a.json") as partial:
        (partial / "a.json").write_text("{}")
        (partial / "b.mp4").write_text("frames")
        assert not (tmp_path / "query" / "clip").exists()
    assert (names(tmp_path / "query"), names(tmp_path / "query" / "clip")) == (["clip"], ["a.json", "b.mp4"])
    assert [mode(tmp_path / "query"), mode(tmp_path / "query" / "clip")] == [0o700, 0o700]


def test_files_join_those_that_are_there_and_the_last_one_comes_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, order, replace = tmp_path / "clip", [], Path.replace
    folder.mkdir()
    for name in ("a.json", "b.mp4", "other"):
        (folder / name).write_text("former")
    monkeypatch.setattr(Path, "replace", lambda path, target: (order.append(target.name), replace(path, target))[1])
    with atomic_files(folder, last="a.json") as partial:
        for name in ("a.json", "b.mp4", "c.csv"):
            (partial / name).write_text("new")
    assert {path.name: path.read_text() for path in folder.iterdir()} == {
        **dict.fromkeys(("a.json", "b.mp4", "c.csv"), "new"),
        "other": "former",
    }
    assert order == ["b.mp4", "c.csv", "a.json"]
    assert names(tmp_path) == ["clip"]


@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize("error", [OSError(errno.EIO, "no"), KeyboardInterrupt()])
def test_files_that_cannot_all_join_leave_the_folder_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, links: bool
) -> None:
    folder, replace = tmp_path / "clip", Path.replace
    folder.mkdir()
    for name in ("a", "c"):
        (folder / name).write_text("former")

    def fail(path: Path, target: Path) -> Path:
        if path.name == "c" and path.read_text() == "new":
            raise error
        return replace(path, target)

    def no_links(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    def work() -> None:
        with atomic_files(folder) as partial:
            for name in ("a", "b", "c"):
                (partial / name).write_text("new")

    monkeypatch.setattr(Path, "replace", fail)
    if not links:
        monkeypatch.setattr(os, "link", no_links)
    with pytest.raises(type(error)):
        work()
    assert {path.name: path.read_text() for path in folder.iterdir()} == {"a": "former", "c": "former"}
    assert names(tmp_path) == ["clip"]


def test_a_folder_in_the_place_of_a_file_stays(tmp_path: Path) -> None:
    (tmp_path / "clip" / "a" / "inner").mkdir(parents=True)
    with pytest.raises(IsADirectoryError), atomic_files(tmp_path / "clip") as partial:
        (partial / "a").touch()
    assert names(tmp_path / "clip" / "a") == ["inner"]


def test_sets_of_files_of_several_writers_are_never_mixed(tmp_path: Path) -> None:
    folder, errors = tmp_path / "clip", []

    def write(number: int) -> None:
        try:
            for _ in range(10):
                with atomic_files(folder) as partial:
                    for name in ("a", "b", "c"):
                        (partial / name).write_text(str(number))
        except Exception as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len({path.read_text() for path in folder.iterdir()}) == 1
    assert names(tmp_path) == ["clip"]


def test_whether_a_folder_takes_files_is_known_before_the_work(tmp_path: Path) -> None:
    check_writable(tmp_path, 1000)
    check_writable(tmp_path / "not" / "yet" / "there", 1000)
    assert names(tmp_path) == []
    with pytest.raises(OSError, match="No space") as raised:
        check_writable(tmp_path, 1 << 60)
    assert describe_os_error(raised.value) == "the disk is full"
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        check_writable(tmp_path / "file" / "folder")
    with pytest.raises(OSError, match=r"Read-only|Permission|No such"):
        check_writable(Path("/proc/self/folder"))


def test_many_writers_of_one_path_never_meet(tmp_path: Path) -> None:
    destination, errors = tmp_path / "answer.json", []
    contents = {bytes([65 + number]) * 5000 for number in range(8)}

    def write(content: bytes) -> None:
        try:
            for _ in range(25):
                write_atomically(destination, content)
                assert destination.read_bytes() in contents
        except Exception as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=write, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert names(tmp_path) == ["answer.json"]


# --- what killed processes left --------------------------------------------------------------------------------------


def test_promise_3_the_next_writer_removes_what_a_killed_one_left(writer: Writer, tmp_path: Path) -> None:
    assert writer.partial.exists()
    writer.kill()
    assert writer.partial.exists()
    write_atomically(tmp_path / "another", b"")
    assert names(tmp_path) == ["another"]


def test_promise_3_what_a_living_process_writes_stays(writer: Writer, tmp_path: Path) -> None:
    for number in range(5):
        write_atomically(tmp_path / f"{number}", b"")
        assert remove_leftovers(tmp_path) == []
    assert writer.partial.exists()
    assert writer.finish() == 0
    assert names(tmp_path) == ["0", "1", "2", "3", "4", "export.zip"]


def test_what_this_process_writes_stays_also_for_its_other_threads(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "x") as partial:
        assert remove_leftovers(tmp_path) == []
        write_atomically(tmp_path / "y", b"")
        assert partial.exists()
    assert names(tmp_path) == ["x", "y"]


def test_a_lock_file_without_a_file_goes_and_files_of_others_stay(tmp_path: Path) -> None:
    token = "0123456789abcdef"
    for name in (f".{token}.lock", f".x.{token}.partial", ".x.partial", f"x.{token}.partial", ".x.0123.partial"):
        (tmp_path / name).touch()
    (tmp_path / "private-of-mine").mkdir()
    assert remove_leftovers(tmp_path) == [tmp_path / f".x.{token}.partial"]
    assert names(tmp_path) == [".x.0123.partial", ".x.partial", "private-of-mine", f"x.{token}.partial"]
    assert remove_leftovers(tmp_path / "absent") == []


def test_looking_for_leftovers_does_not_slow_a_large_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []
    look = claims.remove_leftovers
    monkeypatch.setattr(claims, "remove_leftovers", lambda folder: (looks.append(folder), look(folder))[1])
    for number in range(2000):
        (tmp_path / f"{number}").touch()
    for _ in range(100):
        write_atomically(tmp_path / "x", b"")
    assert 1 <= len(looks) <= 10


# --- folders, locks, digests -----------------------------------------------------------------------------------------


def test_private_folders_are_made_with_all_their_parents(tmp_path: Path) -> None:
    previous = os.umask(0)
    try:
        make_private_folder(tmp_path / "a" / "b")
        make_private_folder(tmp_path / "a" / "b")
    finally:
        os.umask(previous)
    assert [mode(tmp_path / "a"), mode(tmp_path / "a" / "b")] == [0o700, 0o700]
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError):
        make_private_folder(tmp_path / "file")


def test_promise_3_folders_of_dead_processes_go_and_those_in_use_stay(tmp_path: Path) -> None:
    root = tmp_path / "temp"
    running = PrivateFolder(root)
    dead = root / "private-0123456789abcdef"
    (dead / "files").mkdir(parents=True)
    (dead / "files" / "clip.mp4").write_bytes(b"footage")
    (root / ".0123456789abcdef.lock").touch()
    of_0_1 = root / "run-dead"
    of_0_1.mkdir()
    (of_0_1 / "in-use").touch()
    other = root / "notes"
    other.mkdir()
    second = PrivateFolder(root)
    assert not dead.exists()
    assert not of_0_1.exists()
    assert running.files.is_dir()
    assert second.path != running.path
    assert other.is_dir()
    assert [mode(path) for path in (root, running.path, running.files)] == [0o700] * 3
    running.close()
    running.close()
    assert not running.path.exists()
    second.close()
    assert names(root) == ["notes"]


def test_a_folder_of_0_1_that_is_in_use_stays(tmp_path: Path) -> None:
    folder = tmp_path / "run-living"
    folder.mkdir()
    with file_lock(folder / "in-use", 0):
        PrivateFolder(tmp_path).close()
        assert folder.is_dir()


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "in-use").touch()
    (tmp_path / "temp").mkdir()
    for name in ("run-link", "private-0123456789abcdef"):
        (tmp_path / "temp" / name).symlink_to(elsewhere)
    PrivateFolder(tmp_path / "temp").close()
    assert names(elsewhere) == ["in-use"]


def test_processes_that_start_together_do_not_remove_each_others_folders(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from biometric.storage import PrivateFolder\n"
        "sys.stdin.read(1)\n"
        "for _ in range(100):\n"
        "    folder = PrivateFolder(Path(sys.argv[1]))\n"
        "    assert folder.files.is_dir()\n"
        "    (folder.files / 'upload').touch()\n"
        "    folder.close()\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "temp")]
    processes = [
        subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("x")
        process.stdin.flush()
    errors = [process.communicate()[1] for process in processes]
    assert errors == [""] * 4
    assert names(tmp_path / "temp") == []


def test_a_folder_that_cannot_be_made_is_told_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageFull, match="SIGHTLINE_TEMP"):
        PrivateFolder(tmp_path / "file" / "temp")


def test_a_lock_is_held_against_other_threads_and_processes(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from biometric.storage import file_lock\n"
        "with file_lock(Path(sys.argv[1]), 0): pass"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "lock")]
    with file_lock(tmp_path / "lock", 0):
        result = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
        assert "another process holds the lock" in result.stderr
        outcome = []

        def try_it() -> None:
            try:
                with file_lock(tmp_path / "lock", 0.05):
                    outcome.append("held twice")
            except TimeoutError as error:
                outcome.append(error.filename)

        thread = threading.Thread(target=try_it)
        thread.start()
        thread.join()
        assert outcome == [str(tmp_path / "lock")]
    subprocess.run(command, cwd=PROJECT, check=True)


def test_a_killed_process_holds_no_lock(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from biometric.storage import file_lock\n"
        "with file_lock(Path(sys.argv[1]), 0): print('held', flush=True); sys.stdin.read(1)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "lock")],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with file_lock(tmp_path / "lock", 0):
        pass


def test_digests_are_those_of_hashlib(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"content")
    assert file_digest(tmp_path / "x") == hashlib.sha256(b"content").hexdigest()
    assert file_digest(tmp_path / "x", "md5") == hashlib.md5(b"content").hexdigest()
    with pytest.raises(FileNotFoundError):
        file_digest(tmp_path / "absent")


def test_removing_what_is_gone_is_fine(tmp_path: Path) -> None:
    remove_quietly(None)
    remove_quietly(tmp_path / "nothing")
    (tmp_path / "folder").mkdir()
    remove_quietly(tmp_path / "folder")
    assert not (tmp_path / "folder").exists()


def test_a_folder_goes_although_somebody_else_removes_parts_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "crops"
    folder.mkdir()
    for name in ("a", "b", "c"):
        (folder / name).write_text("crop")
    unlink = os.unlink

    def somebody_was_faster(path: Any, **options: Any) -> None:
        unlink(path, **options)
        raise FileNotFoundError(path)

    monkeypatch.setattr(os, "unlink", somebody_was_faster)
    remove_quietly(folder)
    assert not folder.exists()


def test_errors_of_the_system_become_a_few_words() -> None:
    assert describe_os_error(OSError(errno.ENOSPC, "No space left on device")) == "the disk is full"
    assert describe_os_error(OSError(errno.EDQUOT, "Disk quota exceeded")) == "the disk is full"
    assert describe_os_error(PermissionError(errno.EACCES, "Permission denied")) == "Permission denied"
    assert describe_os_error(OSError("only a text")) == "only a text"
    assert describe_os_error(OSError()) == "OSError"


# --- paths that people type ------------------------------------------------------------------------------------------


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "site").mkdir(parents=True)
    (tmp_path / "secret").mkdir()
    (tmp_path / "root-beside").mkdir()
    return root


def test_paths_inside_are_resolved(root: Path) -> None:
    for text in ("", " ", ".", str(root), f"{root}/", "site/.."):
        assert resolve_inside(root, text) == root, text
    for text in ("site", " site ", "./site", str(root / "site"), "site/../site", "//".join((str(root), "site"))):
        assert resolve_inside(root, text) == root / "site", text
    assert resolve_inside(root, "not/yet/there") == root / "not/yet/there"
    for text in ("Zoë's gallery (2)", "Screen Recording 10.15\u202fAM", "می\u200cخواهم", "क्\u200dष", "👩\u200d👧"):
        assert resolve_inside(root, text) == root / text


def test_a_root_that_is_a_link_or_absent_works(root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    assert resolve_inside(tmp_path / "link", "site") == root / "site"
    assert resolve_inside(tmp_path / "link", str(root / "site")) == root / "site"
    assert resolve_inside(tmp_path / "later", "x") == tmp_path / "later" / "x"


@pytest.mark.parametrize(
    "text", ["..", "../secret", "site/../../secret", "/", "/etc/passwd", "/proc/self/cwd/secret", "../root-beside"]
)
def test_paths_outside_are_refused(root: Path, text: str) -> None:
    with pytest.raises(PathRefused, match=r"leads outside\. Type a path inside"):
        resolve_inside(root, text)


def test_links_are_followed_and_their_targets_not_told(root: Path, tmp_path: Path) -> None:
    (root / "inner").symlink_to(root / "site")
    assert resolve_inside(root, "inner") == root / "site"
    (root / "out").symlink_to(tmp_path / "secret")
    for text in ("out", "out/file", "out/../.."):
        with pytest.raises(PathRefused) as refusal:
            resolve_inside(root, text)
        assert "secret" not in str(refusal.value)
    (root / "circle").symlink_to(root / "circle")
    with pytest.raises(PathRefused, match="cannot be followed"):
        resolve_inside(root, "circle/x")


@pytest.mark.parametrize("text", ["a\0b", "a\nb", "\x1b[31m", "a\u202eb", "\ud800"])
def test_control_characters_are_refused(root: Path, text: str) -> None:
    with pytest.raises(PathRefused, match="control character"):
        resolve_inside(root, text)


@pytest.mark.parametrize("text", ["~", "~/x", "~root/.ssh"])
def test_a_home_folder_is_refused(root: Path, text: str) -> None:
    with pytest.raises(PathRefused, match="starts with ~"):
        resolve_inside(root, text)


@pytest.mark.parametrize("text", ["http://x/y", "FILE:///etc/passwd", "file:/etc/passwd", "data:text/plain,x"])
def test_web_addresses_are_refused(root: Path, text: str) -> None:
    with pytest.raises(PathRefused, match="web address"):
        resolve_inside(root, text)


def test_a_long_path_is_not_repeated_whole(root: Path) -> None:
    with pytest.raises(PathRefused) as refusal:
        resolve_inside(root, "../" + "x" * 10_000)
    assert len(str(refusal.value)) < 300 + len(str(root))


READS = {
    "digest": file_digest,
    "search": lambda path: found_in(path, [b"nowhere"]),
    "backup": lambda path: FolderArchive(path.parent).open(path.name).close(),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_a_database_that_is_read_as_a_file_stays_locked_for_other_processes(
    tmp_path: Path, read: Callable[[Path], object]
) -> None:
    path = tmp_path / "one.db"
    create_database(path)
    read(path)  # its descriptor may be closed: nothing is open yet
    with closing(connect_database(path, 0)) as writing:
        writing.execute("CREATE TABLE t (x)")
        writing.execute("BEGIN EXCLUSIVE")
        before = len(list(Path("/proc/self/fd").iterdir())) if sys.platform == "linux" else 0
        for _ in range(5):
            read(path)
        other = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN IMMEDIATE')"
        ended = subprocess.run([sys.executable, "-c", other, path], capture_output=True, text=True, check=False)
        assert "database is locked" in ended.stderr
        if sys.platform == "linux":
            assert len(list(Path("/proc/self/fd").iterdir())) <= before + 1


def test_a_deleted_database_that_was_read_takes_no_room(tmp_path: Path) -> None:
    path, another = tmp_path / "one.db", tmp_path / "another"
    create_database(path)
    with closing(connect_database(path, 0)) as db:
        db.execute("CREATE TABLE t (x)")
    assert file_digest(path) == file_digest(path) == hashlib.sha256(path.read_bytes()).hexdigest()
    path.unlink()
    another.write_bytes(b"another")
    assert file_digest(another) == hashlib.sha256(b"another").hexdigest()
    if sys.platform == "linux":
        links = [str(one.readlink()) for one in Path("/proc/self/fd").iterdir() if one.is_symlink()]
        assert not [link for link in links if str(path) in link]


def test_a_database_that_is_made_again_stays_locked_for_other_processes(tmp_path: Path) -> None:
    """Closing any descriptor of a file ends the locks that SQLite holds on it in this process."""
    path = tmp_path / "folder" / "one.db"
    create_database(path)
    with closing(connect_database(path, 0)) as writing:
        writing.execute("CREATE TABLE t (x)")
        writing.execute("BEGIN EXCLUSIVE")
        create_database(path)
        other = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN IMMEDIATE')"
        ended = subprocess.run([sys.executable, "-c", other, path], capture_output=True, text=True, check=False)
        assert "database is locked" in ended.stderr
