"""One frozen `Settings`; the only reader of the environment.

Every field is set by the environment variable `SIGHTLINE_<FIELD>` (upper case); the README's table is
checked against `Settings.model_fields` by a test.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from biometric import locations
from biometric.entities.clip_times import read_pattern, read_zone
from biometric.entities.tracker_names import TRACKERS, USUAL_TRACKER
from biometric.entities.web_addresses import PublicAddress, is_loopback, read_networks
from biometric.errors import InvalidSetting
from biometric.errors.misspelt_names import meant_name
from biometric.errors.phrases import Phrase
from biometric.messages import translation
from biometric.messages.translation import N_
from biometric.settings_fields import PREFIX, Folder, Folders, variable_of

_SEVERAL_FOLDERS = N_("one or several folders, separated as in PATH")
_Count = Annotated[int, Field(ge=1, description=N_("a whole number of at least 1"))]


class Settings(BaseSettings):
    """Configuration of one process. Paths are absolute; numbers are checked.

    `Settings(…)` takes what it is given and the defaults; `Settings.from_environment()` also reads the environment.

    Attributes:
        host, port: where the page is served.
        login: "name:password" of an admin, or None; not shown when printed. To serve beyond this machine, it or a user
            (`users add`) is needed.
        public_address: where people reach the page when a reverse proxy stands in front, "https://name", or None.
        trusted_proxy: addresses or networks of that proxy, whose word about its clients counts.
        tls_certificate, tls_key: files in PEM format with which the page is served by https, or None.
        data: folder of gallery, query, library and downloaded weights, where these are not set by themselves.
        gallery, query: folders of the gallery and of the crops of unknown people.
        library: folder of the library of footage.
        footage: folders of this machine whose clips the page may identify; none: only uploads.
        analysis_roots: folders that jobs of `analyze` name clips below, by their last names; none: any clip.
        models: an extra folder of weights, searched after those of `weight_folders`, or None.
        detector, embedder: a weight file or a card's name, or None for the recommended card.
        device: "auto", "cpu" or "cuda" ("cuda:1", …).
        decoding: "software", or "hardware" to read clips by the graphics card where it can.
        tracker: what links detections over time, one of `TRACKERS`.
        offline: never try to download weights.
        cache: folder for converted weights.
        temp: folder for uploads of this process, wiped at start.
        analysis_fps: analysed frames per second of footage; 0 analyses every frame.
        thorough, full_precision: the detector looks at each analysed frame; networks compute in float32 on processors.
        quiet_seconds: seconds after which it looks all the same where nobody was found and nothing changes.
        bridged_seconds: most seconds between two looks at people who walk on as predicted; 0: each frame is looked at.
        samples: most samples embedded per track.
        linking: put tracks of one clip together that show one person.
        verification_threshold, identification_threshold: override the model card's, or None.
        key_file, passphrase: with which the gallery is encrypted; neither: it is not.
        trash_days: how many days what is removed from the gallery can be brought back; 0: it is gone at once.
        audit_heads, audit_head_minutes: folder for signed heads of the audit trail, or None; at most one in that time.
        query_hours: how many hours files of identifications, below the query folder, are kept.
        keep_sightings: who is seen in kept footage is kept in the gallery, too; off: nothing of it.
        sighting_hours: how many hours sightings of unknown people are kept; others as long as references.
        clip_time_pattern: how names of clips say when they were recorded, such as "%Y%m%d_%H%M%S"; "": usual forms.
        clip_time_zone: zone of times without one, such as "Europe/Berlin"; "": that of this machine.
        library_days: how many days footage is kept after its latest answer; 0: none is kept.
        library_mb: how much footage is kept in all, in 1e6 bytes; the clips answered longest ago make room.
        max_upload_mb: largest upload, in 1e6 bytes.
        max_pixels, max_seconds, max_frames: most pixels of one frame, seconds and frames of one clip.
        session_minutes: how long the page's workspace (clips, answers) is kept after the page is closed.
        away_seconds: how long a running job goes on after its page is closed.
        mcp: also serve the API as tools of the Model Context Protocol.
        language: what page, results and answers are written in: "en", "de", or "auto" for the system's language.

    Raises:
        InvalidSetting: a value cannot be used; the message names the variable and what it accepts.

    Example:
        >>> import biometric
        >>> settings = biometric.Settings(gallery="my-gallery", offline=True, login="ada:a long password")
        >>> settings.gallery.name, settings.offline, str(settings.login)
        ('my-gallery', True, '**********')
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, env_prefix=PREFIX)

    host: str = "127.0.0.1"
    port: int = Field(7860, ge=1, le=65535, description=N_("a port from 1 to 65535"))
    login: SecretStr | None = Field(None, description=N_("name:password with 8 characters or more"))
    public_address: str | None = Field(None, description=N_("an address such as https://sightline.example"))
    trusted_proxy: str = Field("", description=N_("addresses or networks, separated by commas"))
    tls_certificate: Folder | None = Field(None, description=N_("a file in PEM format"))
    tls_key: Folder | None = Field(None, description=N_("a file in PEM format"))
    data: Folder = Field(default_factory=locations.default_data_folder, description=N_("a folder"))
    gallery: Folder = Field(default_factory=lambda values: values["data"] / "gallery", description=N_("a folder"))
    query: Folder = Field(default_factory=lambda values: values["data"] / "query", description=N_("a folder"))
    library: Folder = Field(default_factory=lambda values: values["data"] / "library", description=N_("a folder"))
    footage: Folders = Field((), description=_SEVERAL_FOLDERS)
    analysis_roots: Folders = Field((), description=_SEVERAL_FOLDERS)
    models: Folder | None = Field(None, description=N_("a folder"))
    detector: str | None = None
    embedder: str | None = None
    device: str = Field("auto", pattern=r"^(auto|cpu|cuda(:.*)?)$", description=N_("auto, cpu, cuda or cuda:N"))
    decoding: str = Field("software", pattern=r"^(software|hardware)$", description=N_("software or hardware"))
    tracker: str = Field(USUAL_TRACKER, pattern=f"^({'|'.join(TRACKERS)})$", description=", ".join(TRACKERS))
    offline: bool = Field(False, description=N_("1 or 0"))
    temp: Folder = Field(default_factory=locations.default_temp_folder, description=N_("a folder"))
    cache: Folder = Field(
        default_factory=lambda values: locations.default_cache_folder(values["temp"]), description=N_("a folder")
    )
    analysis_fps: float = Field(10.0, ge=0, le=1000, allow_inf_nan=False, description=N_("a number from 0 to 1000"))
    thorough: bool = Field(False, description=N_("1 or 0"))
    full_precision: bool = Field(False, description=N_("1 or 0"))
    quiet_seconds: float = Field(5.0, ge=0, le=3600, allow_inf_nan=False, description=N_("a number from 0 to 3600"))
    bridged_seconds: float = Field(0.4, ge=0, le=2, allow_inf_nan=False, description=N_("a number from 0 to 2"))
    samples: int = Field(8, ge=1, le=256, description=N_("a whole number from 1 to 256"))
    linking: bool = Field(True, description=N_("on or off"))
    verification_threshold: float | None = Field(
        None, ge=-1, le=1, allow_inf_nan=False, description=N_("a number from -1 to 1")
    )
    identification_threshold: float | None = Field(
        None, ge=-1, le=1, allow_inf_nan=False, description=N_("a number from -1 to 1")
    )
    key_file: Folder | None = Field(None, description=N_("a file that gallery new-key made"))
    passphrase: SecretStr | None = Field(None, description=N_("a passphrase"))
    trash_days: float = Field(7.0, ge=0, le=3650, allow_inf_nan=False, description=N_("a number from 0 to 3650"))
    audit_heads: Folder | None = Field(None, description=N_("a folder"))
    audit_head_minutes: float = Field(60.0, ge=0, le=525600, description=N_("a number of minutes from 0 to 525600"))
    query_hours: float = Field(72.0, gt=0, le=87600, allow_inf_nan=False, description=N_("a number up to 87600"))
    keep_sightings: bool = Field(True, description=N_("on or off"))
    sighting_hours: float = Field(72.0, gt=0, le=87600, allow_inf_nan=False, description=N_("a number up to 87600"))
    clip_time_pattern: str = Field("", description=N_("a pattern with %Y, %m, %d, %H, %M and perhaps %S"))
    clip_time_zone: str = Field("", description=N_("a zone such as Europe/Berlin"))
    library_days: float = Field(7.0, ge=0, le=3650, allow_inf_nan=False, description=N_("a number from 0 to 3650"))
    library_mb: _Count = 10_000
    max_upload_mb: _Count = 2000
    max_pixels: _Count = 36_000_000
    max_seconds: _Count = 4 * 3600
    max_frames: _Count = 1_000_000
    session_minutes: int = Field(60, ge=1, le=7 * 24 * 60, description=N_("a whole number of minutes from 1 to 10080"))
    away_seconds: int = Field(90, ge=1, le=24 * 3600, description=N_("a whole number of seconds from 1 to 86400"))
    mcp: bool = Field(False, description=N_("1 or 0"))
    language: str = Field("en", description=translation.accepted())

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            refusal = _refusal(error, values)
        else:
            return
        raise refusal  # outside, so that a password in pydantic's message is in no traceback

    @field_validator("login")
    @classmethod
    def _check_login(cls, login: SecretStr | None) -> SecretStr | None:
        if login is not None:
            user, _, password = login.get_secret_value().partition(":")
            if not user or len(password) < 8:
                raise InvalidSetting(_must_be("login", "…"))
        return login

    @field_validator("language")
    @classmethod
    def _check_language(cls, language: str) -> str:
        if language not in (translation.AUTOMATIC, *translation.languages()):
            raise InvalidSetting(_must_be("language", language))
        return language

    @field_validator("clip_time_pattern", "clip_time_zone")
    @classmethod
    def _check_clip_time(cls, text: str, info: ValidationInfo) -> str:
        try:
            _ = read_pattern(text) if info.field_name == "clip_time_pattern" else read_zone(text)
        except ValueError as error:
            raise InvalidSetting(_must_be(str(info.field_name), text)) from error
        return text

    @field_validator("public_address", "trusted_proxy")
    @classmethod
    def _check_address(cls, text: str | None, info: ValidationInfo) -> str | None:
        field = str(info.field_name)
        try:
            _ = PublicAddress.read(text or "http://a") if field == "public_address" else read_networks(text or "")
        except ValueError as error:
            raise InvalidSetting(_must_be(field, text)) from error
        return text

    @model_validator(mode="after")
    def _check_web(self) -> "Settings":
        if self.login is None and not is_loopback(self.host) and not (self.data / "users.db").is_file():
            raise InvalidSetting(
                "SIGHTLINE_HOST must be an address of this machine, unless SIGHTLINE_LOGIN sets a "
                "name:password or a user was added (users add), got {host}.",
                host=self.host,
            )
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Values come from the caller alone; `from_environment` is the caller that reads the environment."""
        return (init_settings,)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None, **overrides: object) -> "Settings":
        """Read `SIGHTLINE_*`; keyword `overrides` (such as a command line's) that are not None win.

        Variables that are empty count as not set. Other `SIGHTLINE_*` variables are ignored, unless their name is
        nearly that of a setting: a spelling mistake must not pass unnoticed.

        Raises:
            InvalidSetting: a value cannot be used, or the name of a variable is misspelt.
        """
        environment = os.environ if environment is None else environment
        variables = {name: text.strip() for name, text in environment.items() if name.startswith(PREFIX)}
        known = {variable_of(name) for name in cls.model_fields}
        for variable in sorted(variables.keys() - known):
            meant = meant_name(variable.removeprefix(PREFIX), (name.removeprefix(PREFIX) for name in known))
            if meant is not None:
                raise InvalidSetting(
                    "{variable} is not a setting of Sightline. {prefix}{meant} is probably meant: correct the "
                    "name, or remove {variable}.",
                    variable=variable,
                    prefix=PREFIX,
                    meant=meant,
                )
        source = EnvSettingsSource(cls)
        source.env_vars = {name.lower(): text for name, text in variables.items() if name in known and text}
        return cls(**{**source(), **{name: value for name, value in overrides.items() if value is not None}})

    @classmethod
    def language_of_environment(cls, environment: Mapping[str, str] | None = None) -> str:
        """Return `SIGHTLINE_LANGUAGE` alone, for what is said before the other settings are read or without them.

        Raises:
            InvalidSetting: there is no such language.
        """
        variables = os.environ if environment is None else environment
        name = variables.get(variable_of("language"), "").strip()
        return cls(language=name).language if name else cls().language

    @property
    def weight_folders(self) -> tuple[Path, ...]:
        """Where weights are looked for, in order; downloads go into the first."""
        folders = [self.data / "models", locations.shipped_models(), *([] if self.models is None else [self.models])]
        return tuple(dict.fromkeys(folders))

    @property
    def manifests(self) -> tuple[Path, ...]:
        """The lists of models: the program's own, then that of `weight_folders[0]` where people add theirs."""
        files = [folder / "manifest.toml" for folder in (locations.shipped_models(), self.data / "models")]
        return tuple(dict.fromkeys(files))


def _must_be(field: str, value: object) -> Phrase:
    return Phrase(
        "{variable} must be {accepted}, got {value}.",
        variable=variable_of(field),
        accepted=Phrase(str(Settings.model_fields[field].description)),
        value=value,
    )


def _refusal(error: ValidationError, values: Mapping[str, Any]) -> InvalidSetting:
    """The first problem as a sentence, without the value of a secret."""
    field = str(error.errors(include_url=False, include_input=False)[0]["loc"][0])
    if field not in Settings.model_fields:
        meant = meant_name(field, Settings.model_fields)
        hint = "" if meant is None else Phrase(" Is {meant} meant?", meant=meant)
        return InvalidSetting("Sightline has no setting {field}.{hint}", field=field, hint=hint)
    secret = Settings.model_fields[field].annotation == SecretStr | None
    return InvalidSetting(_must_be(field, "…" if secret else values.get(field)))
