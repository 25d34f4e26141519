"""Settings come from the environment, checked, with nothing passing by a typo."""

import re
from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest

from biometric.errors import InvalidSetting
from biometric.settings import Settings

NAMES = [field.name for field in fields(Settings)]


def test_defaults_hold_without_an_environment() -> None:
    settings = Settings.from_environment({})
    assert settings == Settings()
    assert (settings.host, settings.port, settings.login) == ("127.0.0.1", 7860, None)
    assert settings.verification_threshold is None
    with pytest.raises(FrozenInstanceError):
        settings.port = 1  # type: ignore[misc]


@pytest.mark.parametrize("name", NAMES)
def test_every_field_is_documented(name: str) -> None:
    attributes = (Settings.__doc__ or "").split("Attributes:")[1]
    documented = {each.strip() for line in re.findall(r"^\s+([\w, ]+):", attributes, re.M) for each in line.split(",")}
    assert name in documented


VALUES = {
    "host": ("localhost", "localhost"),
    "port": ("8000", 8000),
    "login": ("ada:long enough", "ada:long enough"),
    "gallery": ("/data/g", Path("/data/g")),
    "query": ("/data/q", Path("/data/q")),
    "models": ("/data/m", Path("/data/m")),
    "detector": ("yolo26n.pt", "yolo26n.pt"),
    "embedder": ("osnet", "osnet"),
    "device": ("cuda:1", "cuda:1"),
    "offline": ("yes", True),
    "cache": ("/data/c", Path("/data/c")),
    "temp": ("/data/t", Path("/data/t")),
    "analysis_fps": ("0", 0.0),
    "samples": ("3", 3),
    "verification_threshold": ("0", 0.0),
    "identification_threshold": ("-0.5", -0.5),
    "max_upload_mb": ("1", 1),
    "max_pixels": ("1", 1),
    "max_seconds": ("1", 1),
    "max_frames": ("1", 1),
    "mcp": ("1", True),
}


def test_every_field_has_an_example_here() -> None:
    assert list(VALUES) == NAMES


@pytest.mark.parametrize("name", VALUES)
def test_every_field_is_read_from_its_variable(name: str) -> None:
    text, value = VALUES[name]
    read = getattr(Settings.from_environment({f"SIGHTLINE_{name.upper()}": f" {text} "}), name)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("PORT", "0"),
        ("PORT", "70000"),
        ("PORT", "http"),
        ("ANALYSIS_FPS", "-1"),
        ("ANALYSIS_FPS", "nan"),
        ("SAMPLES", "0"),
        ("SAMPLES", "2.5"),
        ("VERIFICATION_THRESHOLD", "1.01"),
        ("IDENTIFICATION_THRESHOLD", "nan"),
        ("MAX_FRAMES", "0"),
        ("DEVICE", "tpu"),
        ("OFFLINE", "maybe"),
        ("LOGIN", "ada:short"),
        ("LOGIN", "no colon at all"),
        ("LOGIN", ":password123"),
    ],
)
def test_a_value_that_cannot_be_used_names_its_variable(variable: str, text: str) -> None:
    with pytest.raises(InvalidSetting, match=f"^SIGHTLINE_{variable} must be .+\\.$"):
        Settings.from_environment({f"SIGHTLINE_{variable}": text})


def test_a_password_is_not_repeated() -> None:
    with pytest.raises(InvalidSetting) as refusal:
        Settings.from_environment({"SIGHTLINE_LOGIN": "ada:secret"})
    assert "secret" not in str(refusal.value)


def test_an_unknown_variable_is_refused_and_others_ignored() -> None:
    with pytest.raises(InvalidSetting, match=r"SIGHTLINE_GALERY is not a setting.*SIGHTLINE_GALLERY"):
        Settings.from_environment({"SIGHTLINE_GALERY": "/data"})
    assert Settings.from_environment({"GALLERY": "/x", "sightline_port": "1", "SIGHTLINE_SHARED": "/y"}) == Settings()


@pytest.mark.parametrize("text", ["", "   "])
def test_an_empty_variable_is_as_good_as_none(text: str) -> None:
    assert Settings.from_environment({"SIGHTLINE_PORT": text}).port == 7860


def test_overrides_win_and_none_does_not() -> None:
    environment = {"SIGHTLINE_PORT": "8000", "SIGHTLINE_SAMPLES": "3"}
    settings = Settings.from_environment(environment, port=9000, samples=None, verification_threshold=0.0)
    assert (settings.port, settings.samples, settings.verification_threshold) == (9000, 3, 0.0)
    with pytest.raises(InvalidSetting):
        Settings.from_environment({}, port=0)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org", "", "127.0.0.1.example.org"])
def test_promise_7_beyond_this_machine_needs_a_login(host: str) -> None:
    with pytest.raises(InvalidSetting, match="SIGHTLINE_LOGIN"):
        Settings(host=host)
    assert Settings(host=host, login="ada:long enough").host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_this_machine_needs_no_login(host: str) -> None:
    assert Settings(host=host).login is None


def test_paths_are_made_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    settings = Settings.from_environment({"SIGHTLINE_GALLERY": "g", "SIGHTLINE_QUERY": "~/q"})
    assert settings.gallery == tmp_path / "g"
    assert settings.query == tmp_path / "home" / "q"
