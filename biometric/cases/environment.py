"""What a step of a case runs on: versions, system, processor, and the models that serve."""

import platform
from importlib import metadata
from pathlib import Path

import biometric
from biometric.entities.cases import CaseEnvironment, CaseManifest, CaseModel
from biometric.errors import CaseModelDiffers, ModelError
from biometric.ports import Models
from biometric.settings import Settings

PACKAGES = (
    *("av", "cryptography", "lap", "numpy", "opencv-python", "opencv-python-headless", "openvino", "pillow"),
    *("scikit-learn", "scipy", "torch", "trackers", "ultralytics"),
)
"""Packages that numbers of a case depend on."""

SETTINGS = (
    *("analysis_fps", "bridged_seconds", "decoding", "device", "linking", "quiet_seconds", "samples", "thorough"),
    *("tracker", "max_frames", "max_pixels", "max_seconds", "max_upload_mb"),
)
"""Settings that change what is observed; a case keeps those that it was opened with."""


def current_environment(models: Models | None = None) -> CaseEnvironment:
    """Return what this process runs on, with the devices of models that are loaded."""
    devices = {} if models is None else {status.role: status.device for status in models.status()}
    return CaseEnvironment(
        program=biometric.__version__,
        python=platform.python_version(),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        processor=_processor(),
        packages={name: version for name in PACKAGES if (version := _version(name))},
        devices={str(role): str(device) for role, device in devices.items()},
    )


def current_models(models: Models, settings: Settings) -> tuple[CaseModel, ...]:
    """Return the models that serve, with the checksums of their files. Raises `ModelError`: one cannot be had."""
    models.resolve_embedder()
    models.detector()
    found = []
    for status in models.status():
        if status.problem:
            raise ModelError(status.problem)
        named = settings.detector if status.role == "detector" else settings.embedder
        is_file = named is not None and Path(named).is_file()
        files = {file.basename: f"{file.algorithm}:{file.checksum}" for file in status.files}
        found.append(CaseModel(str(status.role), status.card, str(named) if is_file else status.card, files))
    return tuple(found)


def require_models(manifest: CaseManifest, here: tuple[CaseModel, ...]) -> None:
    """Raise `CaseModelDiffers` unless the models that serve here are those of a case, byte for byte."""
    for model in here:
        wanted = manifest.model(model.role)
        if (model.card, model.files) != (wanted.card, wanted.files):
            raise CaseModelDiffers(
                "The case was opened with the {role} {wanted}, and here serves {card}, or other bytes of it. Numbers "
                "of two models cannot be compared. Put the files of {wanted} where SIGHTLINE_MODELS says: "
                "{files}.",
                role=model.role,
                wanted=wanted.card,
                card=model.card,
                files=", ".join(f"{name} ({checksum})" for name, checksum in wanted.files.items()),
            )


def settings_of(manifest: CaseManifest, scratch: Path, device: str | None = None) -> Settings:
    """Return the settings of a case for this machine; what the service writes besides goes into `scratch`.

    Networks compute in full precision: which one is faster depends on the machine, and numbers on the precision.

    Args:
        device: takes the place of the case's.
    """
    kept: dict[str, object] = {name: value for name, value in manifest.settings.items() if name in SETTINGS}
    for model in manifest.models:
        is_path = model.named != model.card
        if not is_path or Path(model.named).is_file():
            kept[model.role] = model.named
    folders = {name: scratch / name for name in ("gallery", "query", "library")}
    if device is not None:
        kept["device"] = device
    return Settings.from_environment(None, **{**kept, **folders, "library_days": 0, "full_precision": True})


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except (OSError, ValueError):
        pass
    return platform.processor() or platform.machine()
