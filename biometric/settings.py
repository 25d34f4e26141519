"""One frozen `Settings`; the only reader of the environment.

Every field is set by the environment variable `SIGHTLINE_<FIELD>` (upper case); the README's table is
checked against `SETTINGS` by a test.
"""

import ipaddress
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from biometric.errors import InvalidSetting

PROJECT = Path(__file__).resolve().parent.parent


DEFAULT_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sightline"


@dataclass(frozen=True, slots=True)
class Settings:
    """Configuration of one process. Paths are absolute; numbers are checked.

    Attributes:
        host, port: where the page is served.
        login: "name:password" asked for by the page, or None. Needed to serve beyond this machine.
        gallery, query: folders of the gallery and of the crops of unknown people.
        models: an extra folder of weights, searched after `models/`, or None.
        detector, embedder: a weight file or a card's name, or None for the recommended card.
        device: "auto", "cpu" or "cuda" ("cuda:1", …).
        offline: never try to download weights.
        cache: folder for converted weights.
        temp: folder for uploads of this process, wiped at start.
        analysis_fps: analysed frames per second of footage; 0 analyses every frame.
        samples: most samples embedded per person.
        verification_threshold, identification_threshold: override the model card's, or None.
        max_upload_mb: largest upload, in 1e6 bytes.
        max_pixels: most pixels of one frame.
        max_seconds: longest clip, in seconds.
        max_frames: most frames of one clip.
        mcp: also serve the API as tools of the Model Context Protocol.
    """

    host: str = "127.0.0.1"
    port: int = 7860
    login: str | None = None
    gallery: Path = PROJECT / "gallery"
    query: Path = PROJECT / "query"
    models: Path | None = None
    detector: str | None = None
    embedder: str | None = None
    device: str = "auto"
    offline: bool = False
    cache: Path = DEFAULT_CACHE
    temp: Path = Path(tempfile.gettempdir()) / "sightline"
    analysis_fps: float = 10.0
    samples: int = 8
    verification_threshold: float | None = None
    identification_threshold: float | None = None
    max_upload_mb: int = 2000
    max_pixels: int = 36_000_000
    max_seconds: int = 4 * 3600
    max_frames: int = 1_000_000
    mcp: bool = False

    def __post_init__(self) -> None:
        _check(1 <= self.port <= 65535, "SIGHTLINE_PORT", "a port from 1 to 65535", self.port)
        _check(0 <= self.analysis_fps <= 1000, "SIGHTLINE_ANALYSIS_FPS", "a number from 0 to 1000", self.analysis_fps)
        _check(1 <= self.samples <= 256, "SIGHTLINE_SAMPLES", "a whole number from 1 to 256", self.samples)
        for name in ("max_upload_mb", "max_pixels", "max_seconds", "max_frames"):
            value = getattr(self, name)
            _check(value >= 1, f"SIGHTLINE_{name.upper()}", "a whole number of at least 1", value)
        for name in ("verification_threshold", "identification_threshold"):
            threshold = getattr(self, name)
            within = threshold is None or -1.0 <= threshold <= 1.0
            _check(within, f"SIGHTLINE_{name.upper()}", "a number from -1 to 1", threshold)
        kind = self.device.split(":")[0]
        _check(kind in {"auto", "cpu", "cuda"}, "SIGHTLINE_DEVICE", "auto, cpu, cuda or cuda:N", self.device)
        if self.login is not None:
            user, _, password = self.login.partition(":")
            _check(bool(user and len(password) >= 8), "SIGHTLINE_LOGIN", "name:password with 8 characters or more", "…")
        _check(
            self.login is not None or is_loopback(self.host),
            "SIGHTLINE_HOST",
            "an address of this machine, unless SIGHTLINE_LOGIN sets a name:password",
            self.host,
        )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None, **overrides: object) -> "Settings":
        """Read `SIGHTLINE_*`; keyword `overrides` (such as a command line's) that are not None win.

        Raises:
            InvalidSetting: a value cannot be used, or a `SIGHTLINE_*` variable is not known (a typo must not pass).
        """
        environment = os.environ if environment is None else environment
        known = {f"SIGHTLINE_{field.name.upper()}": field.name for field in fields(cls)}
        values: dict[str, object] = {}
        for variable, text in environment.items():
            if not variable.startswith("SIGHTLINE_") or variable in _OUTSIDE:
                continue
            if variable not in known:
                raise InvalidSetting(f"{variable} is not a setting of Sightline. Known: {', '.join(sorted(known))}.")
            if text.strip():
                values[known[variable]] = _parse(variable, known[variable], text.strip())
        values.update({name: value for name, value in overrides.items() if value is not None})
        return cls(**values)  # type: ignore[arg-type]


_OUTSIDE = {"SIGHTLINE_SHARED"}
"""Variables of the tests, not of the app."""

_PATHS = {"gallery", "query", "models", "cache", "temp"}
_INTEGERS = {"port", "samples", "max_upload_mb", "max_pixels", "max_seconds", "max_frames"}
_NUMBERS = {"analysis_fps", "verification_threshold", "identification_threshold"}
_FLAGS = {"offline", "mcp"}


def _parse(variable: str, name: str, text: str) -> object:
    try:
        if name in _PATHS:
            return Path(text).expanduser().resolve()
        if name in _INTEGERS:
            return int(text)
        if name in _NUMBERS:
            return float(text)
    except ValueError as error:
        raise InvalidSetting(f"{variable} must be a number, got {text!r}.") from error
    if name in _FLAGS:
        _check(text.lower() in {"0", "1", "true", "false", "yes", "no"}, variable, "1 or 0", text)
        return text.lower() in {"1", "true", "yes"}
    return text


def _check(condition: bool, variable: str, expected: str, got: object) -> None:
    if not condition:
        raise InvalidSetting(f"{variable} must be {expected}, got {got}.")


def is_loopback(host: str) -> bool:
    """Whether a host name or address is reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
