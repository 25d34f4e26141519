"""Paths typed by people, kept inside their configured root."""

from pathlib import Path

from biometric.errors import PathRefused

_SHOWN = 60
"""Most characters of a refused path that a message repeats."""


def resolve_inside(root: Path, text: str) -> Path:
    """Return the folder or file that `text` names, if it is `root` or lies below it after following links.

    Args:
        root: the configured folder; need not exist.
        text: absolute, or relative to `root`; empty means `root` itself. The path need not exist.

    Raises:
        PathRefused: it leads elsewhere, or is no plain path (a URL, `~`, control characters). The message says what
            is allowed and never where a link leads.
    """
    text = text.strip()
    allowed = f"Type a path inside {root}."
    if not text.isprintable():
        raise PathRefused(f"The path contains a control character. {allowed}")
    shown = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
    if text.startswith("~"):
        raise PathRefused(f"The path {shown} starts with ~, which is not expanded here. {allowed}")
    if "://" in text or text.lower().startswith(("file:", "data:")):
        raise PathRefused(f"{shown} is a web address, not a path. {allowed}")
    try:
        base = root.resolve()
        path = (base / text).resolve()
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: links that lead in a circle
        raise PathRefused(f"The path {shown} cannot be followed. {allowed}") from error
    if path != base and not path.is_relative_to(base):
        raise PathRefused(f"The path {shown} leads outside. {allowed}")
    return path
