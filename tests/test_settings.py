"""Settings come from the environment, checked, with nothing passing by a typo."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pydantic
import pytest

from biometric import locations
from biometric.errors import InvalidSetting, StorageFull
from biometric.models.ultralytics_setup import quiet_ultralytics
from biometric.settings import Settings
from tests.conftest import PROJECT

NAMES = list(Settings.model_fields)


def test_defaults_hold_without_an_environment() -> None:
    settings = Settings.from_environment({})
    assert settings == Settings()
    assert (settings.host, settings.port, settings.login) == ("127.0.0.1", 7860, None)
    assert settings.verification_threshold is None
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        settings.port = 1


@pytest.mark.parametrize("name", NAMES)
def test_every_field_is_documented(name: str) -> None:
    attributes = (Settings.__doc__ or "").split("Attributes:")[1]
    documented = {each.strip() for line in re.findall(r"^\s+([\w, ]+):", attributes, re.M) for each in line.split(",")}
    assert name in documented


VALUES = {
    "host": ("localhost", "localhost"),
    "port": ("8000", 8000),
    "login": ("ada:long enough", pydantic.SecretStr("ada:long enough")),
    "public_address": ("https://sightline.example", "https://sightline.example"),
    "trusted_proxy": ("127.0.0.1, 10.0.0.0/8", "127.0.0.1, 10.0.0.0/8"),
    "tls_certificate": ("/tls/c.pem", Path("/tls/c.pem")),
    "tls_key": ("/tls/k.pem", Path("/tls/k.pem")),
    "data": ("/data/d", Path("/data/d")),
    "gallery": ("/data/g", Path("/data/g")),
    "query": ("/data/q", Path("/data/q")),
    "library": ("/data/l", Path("/data/l")),
    "footage": (f"/data/f{os.pathsep}/data/h", (Path("/data/f"), Path("/data/h"))),
    "analysis_roots": ("/data/r", (Path("/data/r"),)),
    "models": ("/data/m", Path("/data/m")),
    "detector": ("yolo26n.pt", "yolo26n.pt"),
    "embedder": ("osnet", "osnet"),
    "device": ("cuda:1", "cuda:1"),
    "decoding": ("hardware", "hardware"),
    "tracker": ("botsort", "botsort"),
    "offline": ("yes", True),
    "temp": ("/data/t", Path("/data/t")),
    "cache": ("/data/c", Path("/data/c")),
    "analysis_fps": ("0", 0.0),
    "thorough": ("1", True),
    "full_precision": ("1", True),
    "quiet_seconds": ("2.5", 2.5),
    "bridged_seconds": ("0", 0.0),
    "samples": ("3", 3),
    "linking": ("off", False),
    "verification_threshold": ("0", 0.0),
    "identification_threshold": ("-0.5", -0.5),
    "key_file": ("/keys/k", Path("/keys/k")),
    "passphrase": ("long enough words", pydantic.SecretStr("long enough words")),
    "trash_days": ("0.5", 0.5),
    "audit_heads": ("heads", Path.cwd() / "heads"),
    "audit_head_minutes": ("5", 5.0),
    "query_hours": ("24", 24.0),
    "keep_sightings": ("off", False),
    "sighting_hours": ("24", 24.0),
    "clip_time_pattern": ("%d.%m.%Y-%H-%M", "%d.%m.%Y-%H-%M"),
    "clip_time_zone": ("UTC", "UTC"),
    "library_days": ("0.5", 0.5),
    "library_mb": ("1", 1),
    "max_upload_mb": ("1", 1),
    "max_pixels": ("1", 1),
    "max_seconds": ("1", 1),
    "max_frames": ("1", 1),
    "session_minutes": ("90", 90),
    "away_seconds": ("1", 1),
    "mcp": ("1", True),
    "language": ("de", "de"),
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
        ("QUIET_SECONDS", "-1"),
        ("BRIDGED_SECONDS", "2.1"),
        ("SAMPLES", "0"),
        ("SAMPLES", "2.5"),
        ("TRASH_DAYS", "-1"),
        ("TRASH_DAYS", "inf"),
        ("VERIFICATION_THRESHOLD", "1.01"),
        ("IDENTIFICATION_THRESHOLD", "nan"),
        ("MAX_FRAMES", "0"),
        ("DEVICE", "tpu"),
        ("DEVICE", "cudaX"),
        ("PORT", "8000.5"),
        ("IDENTIFICATION_THRESHOLD", "inf"),
        ("VERIFICATION_THRESHOLD", "high"),
        ("MAX_PIXELS", "-1"),
        ("OFFLINE", "maybe"),
        ("PUBLIC_ADDRESS", "sightline.example"),
        ("PUBLIC_ADDRESS", "https://sightline.example/page"),
        ("PUBLIC_ADDRESS", "https://me@sightline.example"),
        ("TRUSTED_PROXY", "my proxy"),
        ("LANGUAGE", "klingon"),
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
    assert (refusal.value.__cause__, refusal.value.__context__) == (None, None), "pydantic's message has it"
    settings = Settings(login="ada:a long secret")
    assert "secret" not in f"{settings} {settings!r} {settings.model_dump()} {settings.model_dump_json()}"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("GALERY", "GALLERY"),
        ("GALLERY_DIR", "GALLERY"),
        ("CACHE_FOLDER", "CACHE"),
        ("PROT", "PORT"),
        ("PORY", "PORT"),
        ("PRT", "PORT"),
        ("PORTT", "PORT"),
        ("MPC", "MCP"),
        ("MODEL", "MODELS"),
        ("DECTECTOR", "DETECTOR"),
        ("MAX_UPLOAD", "MAX_UPLOAD_MB"),
        ("VERIFICATION_TRESHOLD", "VERIFICATION_THRESHOLD"),
        ("IDENTIFY_THRESHOLD", "IDENTIFICATION_THRESHOLD"),
        ("gallery", "GALLERY"),
    ],
)
def test_a_misspelt_setting_is_refused_and_the_right_name_said(written: str, meant: str) -> None:
    with pytest.raises(InvalidSetting, match=rf"^SIGHTLINE_{written} is not a setting .*SIGHTLINE_{meant} is probably"):
        Settings.from_environment({f"SIGHTLINE_{written}": "/data"})


@pytest.mark.parametrize(
    "other",
    # Those of a container's service discovery are set without anybody's asking.
    ["SHARED", "SERVICE_HOST", "SERVICE_PORT", "PORT_7860_TCP", "PORT_7860_TCP_ADDR", "REPORT", "LOG", "DEBUG", "HOME"],
)
def test_other_variables_are_ignored(other: str) -> None:
    assert Settings.from_environment({f"SIGHTLINE_{other}": "x", "GALLERY": "/x", "sightline_port": "1"}) == Settings()


def test_a_setting_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InvalidSetting, match=r"^Sightline has no setting galery\. Is gallery meant\?$"):
        Settings(galery="/data")
    with pytest.raises(InvalidSetting, match=r"^Sightline has no setting colour\.$"):
        Settings(colour="red")


@pytest.mark.parametrize("name", ["data", "gallery", "query", "library", "models", "cache", "temp"])
@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        ("~nobody-of-that-name/g", "the account nobody-of-that-name has no home folder"),
        ("a\0b", "cannot be followed"),
    ],
)
def test_a_folder_that_cannot_be_meant_is_refused(name: str, written: str, words: str) -> None:
    with pytest.raises(InvalidSetting, match=rf"^SIGHTLINE_{name.upper()} .*{words}"):
        Settings.from_environment({}, **{name: written})


def test_a_home_that_is_no_folder_is_no_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", "/dev/null")
    with pytest.raises(InvalidSetting, match="this account has no home folder"):
        Settings(gallery="~/g")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(InvalidSetting, match="loop of symbolic links"):
        Settings(gallery=tmp_path / "loop" / "g")


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


# --- where things are ------------------------------------------------------------------------------------------------


def checkout(folder: Path, project: str = 'name = "sightline"') -> Path:
    """A folder that looks like a checkout; returns its package."""
    (folder / "biometric").mkdir(parents=True)
    (folder / "models").mkdir()
    (folder / "models" / "manifest.toml").touch()
    (folder / "pyproject.toml").write_text(f"[project]\n{project}\n")
    return folder / "biometric"


def test_a_checkout_is_recognised_and_nothing_else(tmp_path: Path) -> None:
    assert locations.find_checkout(checkout(tmp_path / "a")) == tmp_path / "a"
    assert locations.find_checkout(checkout(tmp_path / "b", 'name = "another"')) is None
    assert locations.find_checkout(checkout(tmp_path / "c", "no toml")) is None
    bare = checkout(tmp_path / "d")
    (tmp_path / "d" / "pyproject.toml").unlink()
    assert locations.find_checkout(bare) is None
    without = checkout(tmp_path / "e")
    (tmp_path / "e" / "models" / "manifest.toml").unlink()
    assert locations.find_checkout(without) is None
    # A wheel that was unpacked into a checkout's folder is an installed package: it carries its weights inside.
    installed = checkout(tmp_path / "f")
    (installed / "models" / "shipped").mkdir(parents=True)
    (installed / "models" / "shipped" / "manifest.toml").touch()
    assert locations.find_checkout(installed) is None


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """As where there is no checkout; returns the home folder."""
    monkeypatch.setattr(locations, "checkout", lambda: None)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for variable in ("XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    return home


@pytest.mark.skipif(sys.platform != "linux", reason="the folders of Linux; platformdirs knows those of other systems")
def test_without_a_checkout_data_live_in_the_platforms_folders(
    installed: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    data = installed / ".local" / "share" / "sightline"
    settings = Settings()
    assert (settings.data, settings.gallery, settings.query) == (data, data / "gallery", data / "query")
    assert settings.cache == installed / ".cache" / "sightline"
    assert settings.weight_folders == (data / "models", locations.PACKAGE / "models" / "shipped")
    assert settings.manifests == (
        locations.PACKAGE / "models" / "shipped" / "manifest.toml",
        data / "models" / "manifest.toml",
    )
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    assert Settings().gallery == tmp_path / "xdg" / "sightline" / "gallery"
    assert not list(tmp_path.rglob("sightline")), "settings make nothing"


def test_one_setting_moves_all_data(tmp_path: Path) -> None:
    settings = Settings.from_environment({"SIGHTLINE_DATA": str(tmp_path), "SIGHTLINE_QUERY": str(tmp_path / "q")})
    assert (settings.gallery, settings.query) == (tmp_path / "gallery", tmp_path / "q")
    assert settings.weight_folders[0] == tmp_path / "models"


def test_in_a_checkout_data_stay_at_the_top_level() -> None:
    settings = Settings()
    assert settings.gallery == PROJECT / "gallery"
    assert settings.query == PROJECT / "query"
    assert settings.weight_folders == (PROJECT / "models",)
    assert settings.manifests == (PROJECT / "models" / "manifest.toml",)
    assert Settings(models="/data/m").weight_folders == (PROJECT / "models", Path("/data/m"))


@pytest.mark.parametrize("home", ["/dev/null", "/dev/null/home"])
def test_an_account_without_a_home_keeps_its_cache_with_its_temporary_files(
    installed: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, home: str
) -> None:
    monkeypatch.setenv("HOME", home)
    monkeypatch.setattr("os.access", lambda path, mode: path != Path("/"))  # as for everybody but root
    with pytest.raises(InvalidSetting, match=r"There is no place for the gallery.*SIGHTLINE_DATA"):
        Settings()
    assert Settings(data=tmp_path, temp=tmp_path / "t").cache == tmp_path / "t" / "cache"


@pytest.mark.parametrize("home", [None, "/dev/null", "/nonexistent", ""])
def test_importing_needs_no_home(home: str | None, tmp_path: Path) -> None:
    environment = {"PATH": "", "SIGHTLINE_TEMP": str(tmp_path)} | ({} if home is None else {"HOME": home})
    code = (
        "import biometric, biometric.settings, biometric.bootstrap, biometric.cli, biometric.models.tracking;"
        "print(biometric.settings.Settings.from_environment().cache)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=PROJECT, capture_output=True, text=True, check=True
    )
    if home == "/dev/null":
        assert Path(done.stdout.strip()) == tmp_path / "cache"


def test_no_folder_for_temporary_files_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def none() -> str:
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", none)
    with pytest.raises(InvalidSetting, match="SIGHTLINE_TEMP"):
        Settings()
    assert Settings(temp=tmp_path).temp == tmp_path


def test_the_cache_is_the_settings_and_no_other(tmp_path: Path) -> None:
    """Nothing else is made in the home folder, whatever is imported first."""
    home, cache = tmp_path / "home", tmp_path / "cache"
    home.mkdir()
    code = (
        "import biometric.models.tracking; from biometric.bootstrap import build;"
        "from biometric.settings import Settings; service = build(Settings.from_environment());"
        "import os; print(os.environ['YOLO_CONFIG_DIR']); service.close()"
    )
    environment = {"HOME": str(home), "SIGHTLINE_CACHE": str(cache), "SIGHTLINE_TEMP": str(tmp_path / "temp")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str(cache / "ultralytics")
    assert list(home.iterdir()) == []


def test_a_cache_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageFull, match=r"The cache folder .*file cannot be used.*SIGHTLINE_CACHE"):
        quiet_ultralytics(tmp_path / "file")
