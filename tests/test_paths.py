"""Paths that people type."""

from pathlib import Path

import pytest

from biometric.errors import PathRefused
from biometric.paths import resolve_inside


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
    assert resolve_inside(root, "Zoë's gallery (2)") == root / "Zoë's gallery (2)"


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
