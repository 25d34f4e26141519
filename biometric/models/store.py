"""Chooses, fetches, verifies and loads the models, on first use and once; decides what they run on.

Importing this module loads no library: the adapters are imported by the methods that need them.
"""

import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from biometric.entities import Frame, Image, Progress, Threshold, ThresholdSource
from biometric.errors import BiometricError, InvalidSetting
from biometric.models.cards import Card, Format, Role
from biometric.models.sealing import sealed_folder
from biometric.models.weights import Weights, WeightStore
from biometric.ports import Detector, Embedder, ModelStatus
from biometric.settings import PROJECT, Settings

LoadDetector = Callable[[Weights, str, Path], Detector]
LoadEmbedder = Callable[[Weights, str, Path], Embedder]
"""Make an adapter of weights, a device ("cpu", "cuda", "cuda:1", …) and the cache folder."""


@dataclass(frozen=True, slots=True)
class ModelCheck:
    """Outcome of trying a model: `problem` is a sentence for people, "" when it works.

    Attributes:
        milliseconds: for one picture, best of three after a first; None when it did not run.
    """

    role: str
    card: str
    device: str
    milliseconds: float | None
    problem: str = ""


class ModelStore:
    """ports.Models.

    Args:
        settings: which models, which device, where the cache is.
        weights: where files are found; made of the settings when None.
        load_detector, load_embedder: make adapters; fakes in tests.
        cuda_devices: counts NVIDIA GPUs that torch can use.

    Raises:
        InvalidSetting: the manifest is invalid.
    """

    def __init__(
        self,
        settings: Settings,
        weights: WeightStore | None = None,
        load_detector: LoadDetector | None = None,
        load_embedder: LoadEmbedder | None = None,
        cuda_devices: Callable[[], int] | None = None,
    ) -> None:
        self._settings = settings
        self._weights = weights or WeightStore.of_project(PROJECT, settings.models, settings.offline)
        self._load_detector = load_detector or _load_detector
        self._load_embedder = load_embedder or _load_embedder
        self._cuda_devices = cuda_devices or _cuda_devices
        self._locks = {role: threading.Lock() for role in Role}
        self._detector: Detector | None = None
        self._embedder: Embedder | None = None
        self._device: str | None = None

    def detector(self) -> Detector:
        """The detector; fetched, verified and loaded by the first call.

        Raises:
            ModelError: missing, corrupt or unsupported weights.
            InvalidSetting: a device or file is named that is not there.
        """
        with self._locks[Role.DETECTOR]:
            if self._detector is None:
                weights = self._obtained(Role.DETECTOR)
                self._detector = self._load_detector(weights, self.device(), self._settings.cache)
            return self._detector

    def embedder(self) -> Embedder:
        """The embedder; fetched, verified and loaded by the first call. Raises as `detector`."""
        with self._locks[Role.EMBEDDER]:
            if self._embedder is None:
                weights = self._obtained(Role.EMBEDDER)
                self._embedder = self._load_embedder(weights, self.device(), self._settings.cache)
            return self._embedder

    def embedder_id(self) -> str:
        """The model id of the embedder that is or would be used; loads nothing.

        Raises:
            ModelError, InvalidSetting: the embedder that is named cannot be used.
        """
        return self._chosen(Role.EMBEDDER).card.id

    def device(self) -> str:
        """What models run on: "cuda" (or "cuda:1", …) when asked for, or there and nothing is asked; else "cpu".

        Raises:
            InvalidSetting: SIGHTLINE_DEVICE names a GPU that is not there.
        """
        if self._device is None:
            self._device = self._chosen_device()
        return self._device

    def _chosen_device(self) -> str:
        asked = self._settings.device
        if asked == "cpu":
            return "cpu"
        count = self._cuda_devices()
        if asked == "auto":
            return "cuda" if count else "cpu"
        number = asked.partition(":")[2] or "0"
        if not number.isdigit() or int(number) >= count:
            found = {0: "no CUDA device was found", 1: "one CUDA device was found (cuda:0)"}
            raise InvalidSetting(
                f"SIGHTLINE_DEVICE is {asked}, but {found.get(count, f'{count} CUDA devices were found')}. "
                "Set it to auto or cpu, or install an NVIDIA driver and the CUDA build of torch."
            )
        return asked

    def _chosen(self, role: Role) -> Weights:
        return self._weights.choose(role, self._named(role))

    def _named(self, role: Role) -> str | None:
        return self._settings.detector if role is Role.DETECTOR else self._settings.embedder

    def _obtained(self, role: Role) -> Weights:
        """Weights on this machine with every byte checked; downloads where that is allowed."""
        fetching = self._weights.obtain(self._chosen(role))
        while True:
            try:
                next(fetching)
            except StopIteration as stop:
                return stop.value  # type: ignore[no-any-return]

    def fetch(self, role: str | None = None) -> Generator[Progress, None, None]:
        """Download and verify the weights that a role (or each) uses by setting or recommendation.

        Unlike first use, this fetches the recommended card also where another one could serve.

        Raises:
            InvalidSetting: no such role.
            ModelError, StorageFull: as `detector`.
        """
        for item in _roles(role):
            chosen, recommended = self._chosen(item), self._weights.recommended(item)
            if self._named(item) is None and chosen.card is not recommended:
                chosen = Weights(recommended)
            yield from self._weights.obtain(chosen)

    def notices(self) -> tuple[str, ...]:
        """Sentences about replaced weights and devices, for people. Loads nothing."""
        sentences = []
        for role in Role:
            try:
                weights = self._chosen(role)
            except BiometricError:
                continue  # told by status() and on use
            sentences += [weights.notice or weights.card.notice]
        detector = self._detector
        if detector is not None and self.device() != "cpu" and detector.device.startswith("CPU"):
            sentences.append(
                f"The detector {detector.name} runs on the CPU: its file is an export that CUDA cannot run."
            )
        return tuple(sentence for sentence in sentences if sentence)

    def status(self) -> list[ModelStatus]:
        """What serves each role: card, state ("loaded", "ready", "to be fetched", "missing", "error"), device.

        Loads nothing; on the CPU path not even torch.
        """
        return [self._status(role) for role in Role]

    def _status(self, role: Role) -> ModelStatus:
        loaded = self._detector if role is Role.DETECTOR else self._embedder
        try:
            weights = self._chosen(role)
            device = loaded.device if loaded is not None else self._expected_device(weights)
        except BiometricError as error:
            return ModelStatus(role, self._named(role) or "", "error", "", None, "", str(error))
        if loaded is not None:
            state = "loaded"
        elif weights.present:
            state = "ready"
        else:
            state = "missing" if self._settings.offline else "to be fetched"
        path = weights.main if weights.present else None
        card = weights.card
        return ModelStatus(role, card.id, state, device, path, card.licence, weights.notice or card.notice)

    def _expected_device(self, weights: Weights) -> str:
        device = self.device()
        exported = weights.card.role is Role.DETECTOR and not weights.card.files[0].name.endswith(".pt")
        if device != "cpu" and not exported:
            return f"CUDA · {device}"
        return "CPU · torch" if weights.card.format is Format.SAFETENSORS else "CPU · OpenVINO"

    def threshold(self, purpose: str) -> Threshold:
        """The default for "verification" or "identification": the settings', else the embedder's card's.

        Raises:
            ValueError: another purpose.
            ModelError, InvalidSetting: the embedder that is named cannot be used.
        """
        settings = self._settings
        override = settings.verification_threshold if purpose == "verification" else settings.identification_threshold
        default = self.card_threshold(purpose)
        if override is not None:
            return Threshold(override, ThresholdSource.SETTING, f"SIGHTLINE_{purpose.upper()}_THRESHOLD")
        return default

    def card_threshold(self, purpose: str) -> Threshold:
        """The embedder's card's threshold for "verification" or "identification", never the settings'.

        Raises:
            ValueError: another purpose.
            ModelError, InvalidSetting: the embedder that is named cannot be used.
        """
        default = self._chosen(Role.EMBEDDER).card.threshold(purpose)
        return Threshold(default.value, ThresholdSource.MODEL_CARD, default.evidence, default.fmr)

    def cards(self) -> tuple[Card, ...]:
        """All cards of the manifest."""
        return self._weights.cards

    def coherence(self) -> float:
        """Least comparison score of two parts of one person's track: the card's threshold, never the settings'."""
        return float(self.card_threshold("verification").value)

    def check(self) -> list[ModelCheck]:
        """Verify checksums now, load each model and run it on a made-up picture; problems are reported, not raised."""
        return [self._check(role) for role in Role]

    def _check(self, role: Role) -> ModelCheck:
        card = ""
        try:
            weights = self._chosen(role)
            card = weights.card.id
            if weights.present:
                self._weights.verify(weights, again=True)
            if role is Role.DETECTOR:
                detector = self.detector()
                frame = Frame(0, _picture(720, 1280), 0.0)
                return ModelCheck(role, card, detector.device, _milliseconds(lambda: detector.detect([frame])))
            embedder = self.embedder()
            crop = _picture(256, 128)
            return ModelCheck(role, card, embedder.device, _milliseconds(lambda: embedder.embed([crop])))
        except BiometricError as error:
            return ModelCheck(role, card, "", None, str(error))

    def close(self) -> None:
        """Release the models; the next use loads them again."""
        for role in Role:
            with self._locks[role]:
                if role is Role.DETECTOR:
                    self._detector = None
                else:
                    self._embedder = None


def _roles(role: str | None) -> list[Role]:
    if role is None:
        return list(Role)
    try:
        return [Role(role)]
    except ValueError as error:
        raise InvalidSetting(f"There is no model role {role!r}. Roles: {', '.join(Role)}.") from error


def _picture(height: int, width: int) -> Image:
    """A made-up (height, width, 3) uint8 picture with structure: gradients and a checkerboard."""
    rows, columns = np.mgrid[0:height, 0:width]
    board = ((rows // 16 + columns // 16) % 2) * 60
    channels = (rows * 255 // height, columns * 255 // width, board + 90)
    return np.stack(channels, axis=-1).astype(np.uint8)


def _milliseconds(run: Callable[[], object]) -> float:
    times = []
    for _ in range(4):
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return min(times[1:]) * 1000  # the first run compiles and allocates


def _cuda_devices() -> int:
    """Count CUDA devices; where no NVIDIA driver is loaded, without the seconds that importing torch takes."""
    if not any(Path(path).exists() for path in ("/dev/nvidiactl", "/dev/nvidia0", "/dev/dxg", "/proc/driver/nvidia")):
        return 0
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def _load_detector(weights: Weights, device: str, cache: Path) -> Detector:
    from biometric.models.detection import UltralyticsDetector

    return UltralyticsDetector(weights.main, _name(weights), device, cache, files=weights.paths)


def _name(weights: Weights) -> str:
    return weights.card.title if weights.card.id.startswith("sha256:") else weights.card.id


def _load_embedder(weights: Weights, device: str, cache: Path) -> Embedder:
    card, path = weights.card, weights.main
    form = card.input
    if form is None:
        raise InvalidSetting(f"The card {card.id} does not say how crops are prepared.")
    if card.format is Format.SAFETENSORS:
        from biometric.models.embedding_torch import TorchEmbedder

        return TorchEmbedder.from_safetensors(path, card.architecture, form, card.id, device, card.dimension)
    if device == "cpu":
        from biometric.models.embedding_openvino import OpenVINOEmbedder

        return OpenVINOEmbedder(path, form, card.id, card.dimension)
    from biometric.models.embedding_torch import TorchEmbedder

    if card.format is Format.ONNX:
        path = _as_ir(weights, cache)
    return TorchEmbedder.from_ir(path, form, card.id, device, card.dimension)


def _as_ir(weights: Weights, cache: Path) -> Path:
    """The IR of an ONNX file, converted once: the form from which torch rebuilds a network."""
    from biometric.models.embedding_openvino import convert_to_ir

    digest = weights.card.files[0].checksum[:16]
    folder = cache / "embedders" / f"{weights.main.stem}-{digest}"

    def make(scratch: Path) -> None:
        convert_to_ir(weights.main, scratch / "model.xml")

    return sealed_folder(folder, make) / "model.xml"
