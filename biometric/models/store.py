"""Chooses, fetches, verifies and loads the models, on first use and once; decides what they run on.

Importing this module loads no library: the adapters are imported by the methods that need them.
"""

import threading
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TypeVar

from biometric.entities import LinkScores, Notice, NoticeCode, Progress, Threshold, ThresholdSource
from biometric.entities.model_cards import NOT_MEASURED, Card, Role
from biometric.entities.model_reports import ModelCheck, ModelStatus
from biometric.entities.progress import finish
from biometric.entities.robustness import RobustnessTable
from biometric.errors import BiometricError, InvalidSetting
from biometric.errors.phrases import Phrase
from biometric.models import loading
from biometric.models.checking import check_detector, check_embedder
from biometric.models.device_notices import device_notices
from biometric.models.robustness_files import find_robustness
from biometric.models.weights import Weights, WeightStore
from biometric.ports import Detector, Embedder
from biometric.settings import Settings

T = TypeVar("T")

LoadDetector = Callable[[Weights, str, Path], Detector]
LoadEmbedder = Callable[[Weights, str, Path], Embedder]
"""Make an adapter of weights, a device ("cpu", "cuda", "cuda:1", …) and the cache folder."""


class ModelStore:
    """ports.Models.

    The model of a role is chosen once, by its first use: templates, their model id and their thresholds are then of one
    card, whatever is fetched meanwhile. Only `close` allows another choice.

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
        self._weights = weights or WeightStore.of_settings(settings)
        self._load_detector = load_detector or loading.detector_loader(settings.full_precision)
        self._load_embedder = load_embedder or loading.embedder_loader(settings.full_precision)
        self._cuda_devices = cuda_devices or loading.count_cuda_devices
        self._locks = {role: threading.Lock() for role in Role}
        self._serving: dict[Role, Weights] = {}
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
                self._detector = self._loaded(Role.DETECTOR, self._load_detector)
            return self._detector

    def embedder(self) -> Embedder:
        """The embedder; fetched, verified and loaded by the first call. Raises as `detector`."""
        with self._locks[Role.EMBEDDER]:
            if self._embedder is None:
                self._embedder = self._loaded(Role.EMBEDDER, self._load_embedder)
            return self._embedder

    def resolve_embedder(self) -> None:
        """Decide which embedder is used, without loading it, where only an attempted download can decide.

        That is so while the recommended weights are absent and a starter could take their place: until then
        `embedder_id` and the thresholds are the recommended card's.

        Raises:
            ModelError: the starter is corrupt.
        """
        role = Role.EMBEDDER
        with self._locks[role]:
            if self._named(role) is None and not self._chosen(role).present and self._weights.starter(role) is not None:
                self._obtained(role)

    def embedder_id(self) -> str:
        """The model id of the embedder that is or would be used; loads nothing. See `resolve_embedder`.

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
            self._device = loading.choose_device(self._settings.device, self._cuda_devices)
        return self._device

    def _chosen(self, role: Role) -> Weights:
        serving = self._serving.get(role)
        return self._weights.choose(role, self._named(role)) if serving is None else serving

    def _named(self, role: Role) -> str | None:
        return self._settings.detector if role is Role.DETECTOR else self._settings.embedder

    def _obtained(self, role: Role) -> Weights:
        """Weights on this machine with every byte checked; downloads where that is allowed. They serve from now on."""
        if role not in self._serving:
            self._serving[role] = finish(self._weights.serve(role, self._named(role)))
        return self._serving[role]

    def _loaded(self, role: Role, load: Callable[[Weights, str, Path], T]) -> T:
        weights = self._obtained(role)
        try:
            return load(weights, self.device(), self._settings.cache)
        except BaseException:
            del self._serving[role]  # files may be mended before the next try
            raise

    def fetch(self, role: str | None = None) -> Generator[Progress, None, None]:
        """Download and verify the weights that a role (or each) uses by setting or recommendation.

        Unlike first use, this fetches the recommended card also where another one could serve.

        Raises:
            InvalidSetting: no such role.
            ModelError, StorageFull: as `detector`.
        """
        for item in _roles(role):
            chosen, recommended = self._weights.choose(item, self._named(item)), self._weights.recommended(item)
            if self._named(item) is None and chosen.card is not recommended:
                chosen = Weights(recommended)
            yield from self._weights.obtain(chosen)

    def notices(self) -> tuple[Notice, ...]:
        """What people should know about replaced weights and devices. Loads nothing."""
        notices = [notice for role in Role if (notice := self._notice(role)) is not None]
        starters = [notice for notice in notices if notice.code is NoticeCode.STARTER_WEIGHTS]
        if len(starters) == len(Role):
            starters = [Notice(NoticeCode.ALL_STARTER_WEIGHTS)]
        combined = starters + [notice for notice in notices if notice.code is not NoticeCode.STARTER_WEIGHTS]
        if self._detector is None and self._embedder is None:
            return tuple(combined)
        return (*combined, *device_notices(self._detector, self._embedder, self.device()))

    def _notice(self, role: Role) -> Notice | None:
        try:
            weights = self._chosen(role)
            if weights.card.starter and self._named(role) is None:
                now = self._weights.choose(role)
                if now.present and not now.card.starter:
                    return Notice(NoticeCode.BETTER_WEIGHTS_PRESENT, role=str(role), title=now.card.title)
        except BiometricError:
            return None  # reported by status() and on use
        return weights.notice or weights.card.notice

    def status(self) -> list[ModelStatus]:
        """The model of each role: card, state ("loaded", "ready", "to be fetched", "missing", "error"), device.

        Loads nothing; on the CPU path not even torch.
        """
        return [self._status(role) for role in Role]

    def _status(self, role: Role) -> ModelStatus:
        loaded = self._detector if role is Role.DETECTOR else self._embedder
        try:
            weights = self._chosen(role)
            device = loaded.device if loaded is not None else self._expected_device(weights)
        except BiometricError as error:
            return ModelStatus(role, self._named(role) or "", Phrase("error"), "", None, "", problem=error.message)
        absent = Phrase("missing") if self._settings.offline else Phrase("to be fetched")
        state = Phrase("loaded") if loaded is not None else Phrase("ready") if weights.present else absent
        path = weights.main if weights.present else None
        card = weights.card
        notice = self._notice(role)
        return ModelStatus(role, card.id, state, device, path, card.licence, notice, files=card.files)

    def _expected_device(self, weights: Weights) -> str:
        device = self.device()
        exported = weights.card.role is Role.DETECTOR and not weights.card.files[0].name.endswith(".pt")
        if device != "cpu" and not exported:
            return f"CUDA · {device}"
        return "CPU · OpenVINO"

    def threshold(self, purpose: str) -> Threshold:
        """The default for "verification" or "identification": the settings', else the embedder's card's.

        Raises:
            ValueError: another purpose.
            ModelError, InvalidSetting: the embedder that is named cannot be used.
        """
        settings = self._settings
        override = settings.verification_threshold if purpose == "verification" else settings.identification_threshold
        default = self.card_threshold(purpose)
        if override is None:
            return default
        setting = Notice(NoticeCode.SETTING_NAMED, setting=f"SIGHTLINE_{purpose.upper()}_THRESHOLD")
        return Threshold(override, ThresholdSource.SETTING, (setting,))

    def card_threshold(self, purpose: str) -> Threshold:
        """The embedder's card's threshold, never the settings'. Raises as `threshold`."""
        default = self._chosen(Role.EMBEDDER).card.threshold(purpose)
        evidence = Notice(NoticeCode.CARD_EVIDENCE, text=default.evidence)
        if default == NOT_MEASURED:
            evidence = Notice(NoticeCode.CARD_NOT_MEASURED)
        return Threshold(default.value, ThresholdSource.MODEL_CARD, (evidence,), default.fmr)

    def cards(self) -> tuple[Card, ...]:
        """All cards of the manifest."""
        return self._weights.cards

    def min_track_similarity(self) -> float:
        """Least comparison score of two segments of one person's track: the card's threshold, never the settings'."""
        return self.card_threshold("verification").value

    def link_scores(self) -> LinkScores:
        """From which scores tracks of one clip are one person: the card's, never the settings'."""
        return self._chosen(Role.EMBEDDER).card.link_scores()

    def robustness(self) -> RobustnessTable | None:
        """What pixels and blur cost the embedder, where it was measured (`evaluate --robustness --store`)."""
        return find_robustness(self._weights.folders, self.embedder_id())

    def check(self) -> list[ModelCheck]:
        """Verify checksums now, load each model and run it on a made-up picture; problems are reported, not raised.

        Starters that do not serve follow those that do: they must work when they are needed.
        """
        serving = [self._check(role) for role in Role]
        tried = {outcome.card for outcome in serving}
        starters = [starter for role in Role if (starter := self._weights.starter(role)) is not None]
        return serving + [self._check_starter(starter) for starter in starters if starter.card.id not in tried]

    def _check(self, role: Role) -> ModelCheck:
        card = ""
        try:
            weights = self._chosen(role)
            card = weights.card.id
            if weights.present:
                self._weights.verify(weights, again=True)
            if role is Role.DETECTOR:
                detector = self.detector()
                return check_detector(self._chosen(role).card.id, detector)
            embedder = self.embedder()
            return check_embedder(self._chosen(role).card.id, embedder)
        except BiometricError as error:
            return ModelCheck(role, card, "", None, error.message)

    def _check_starter(self, weights: Weights) -> ModelCheck:
        card, cache = weights.card, self._settings.cache
        try:
            self._weights.verify(weights, again=True)
            if card.role is Role.DETECTOR:
                return check_detector(card.id, self._load_detector(weights, self.device(), cache))
            return check_embedder(card.id, self._load_embedder(weights, self.device(), cache))
        except BiometricError as error:
            return ModelCheck(card.role, card.id, "", None, error.message)

    def close(self) -> None:
        """Release the models; the next use loads them again."""
        for role in Role:
            with self._locks[role]:
                if role is Role.DETECTOR:
                    self._detector = None
                else:
                    self._embedder = None
                self._serving.pop(role, None)


def _roles(role: str | None) -> list[Role]:
    if role is None:
        return list(Role)
    try:
        return [Role(role)]
    except ValueError as error:
        raise InvalidSetting(
            "There is no model role {role!r}. Roles: {known}.", role=role, known=", ".join(Role)
        ) from error
