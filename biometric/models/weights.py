"""Finds the weight files that serve a role, fetches the recommended ones, and checks every byte before use.

Order, for each role: the file or card that the settings name (its successor, where a card that has one is named and its
files are not there) → the recommended card, if its files are there → any other card but a starter or a card that has a
successor, whose files are there (with a notice) → the recommended card, downloaded → the starter
(with a notice), at once where downloading is switched off. Cards whose file needs a library that is not installed are
passed over, unless they are named.
"""

import logging
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from biometric.entities import Notice, NoticeCode, Progress
from biometric.entities.model_cards import Card, CardFile, Role
from biometric.errors import InvalidSetting, ModelError, StorageFull, WeightsCorrupt
from biometric.errors.phrases import Phrase
from biometric.models.cards import read_manifests
from biometric.models.fetching import PATIENCE, Opener, fetch_card, missing, open_https
from biometric.models.own_weights import digest, fresh_digest, own_card
from biometric.models.ultralytics_setup import is_installed
from biometric.models.weight_location import locate_files
from biometric.settings import Settings

logger = logging.getLogger(__name__)

QUICK = 4.0
"""Seconds that a download has to begin in where a starter could serve instead."""
AGAIN = 1.5
"""The same, soon after a download that failed slowly: the other role must not make people wait as long again."""
REMEMBERED = 300.0
"""Seconds for which a slow failure is remembered."""


@dataclass(frozen=True, slots=True)
class Weights:
    """What serves a role: a card and where its files are; `paths` is empty while they have to be fetched.

    Attributes:
        notice: what people should know when it is not what was recommended, or None.
    """

    card: Card
    paths: tuple[Path, ...] = ()
    notice: Notice | None = None

    @property
    def present(self) -> bool:
        """Whether the files are on this machine."""
        return bool(self.paths)

    @property
    def main(self) -> Path:
        """The file to open: the card's first. Only where `present`."""
        return self.paths[0]


class WeightStore:
    """The weights of this machine.

    Args:
        cards: all known cards, see `read_manifests`.
        folders: where weights are looked for, in order; downloads go into the first.
        offline: never download.
        opener: opens https addresses.
    """

    def __init__(
        self, cards: Sequence[Card], folders: Sequence[Path], offline: bool = False, opener: Opener = open_https
    ) -> None:
        if not folders:
            raise ValueError("expected at least one folder of weights, got none")
        self.cards = tuple(cards)
        self.folders = tuple(folders)
        self._offline = offline
        self._opener = opener
        self._verified: set[Path] = set()
        self._failed_slowly: float | None = None  # when, on the monotonic clock

    @classmethod
    def of_settings(cls, settings: Settings) -> "WeightStore":
        """The weights that the settings name: the program's, people's own, and an extra folder.

        Raises:
            InvalidSetting: a manifest is invalid.
        """
        return cls(read_manifests(settings.manifests), settings.weight_folders, settings.offline)

    def recommended(self, role: Role) -> Card:
        """The card that is used when nothing else is said."""
        return next(card for card in self.cards if card.role is role and card.recommended)

    def choose(self, role: Role, wanted: str | None = None) -> Weights:
        """Say what serves a role; reads only names and sizes, except for a file of the user's own.

        Args:
            wanted: a path, a card's id or a file name in the folders of weights; None for the usual order.

        Raises:
            InvalidSetting: `wanted` is neither a file nor a card of this role.
            UnsupportedModel, WeightsCorrupt: a file of the user's own cannot serve the role.
        """
        if wanted is not None:
            setting, named = f"SIGHTLINE_{role.upper()}", self._named(role, wanted)
            if named.card.successor and not named.present:
                return self._succeeding(named.card, setting)
            if named.card.starter:
                return replace(named, notice=Notice(NoticeCode.STARTER_WEIGHTS_NAMED, setting=setting))
            return named
        recommended = self.recommended(role)
        can_run = _can_run(recommended)
        if can_run and (paths := self._locate(recommended)):
            return Weights(recommended, paths)
        for card in self.cards:
            usual = card.role is role and not (card.starter or card.successor)
            if usual and _can_run(card) and (paths := self._locate(card)):
                return Weights(card, paths, self._replacement(role, card))
        starter = self.starter(role) if self._offline or not can_run else None
        return Weights(recommended) if starter is None else starter

    def starter(self, role: Role) -> Weights | None:
        """The starter weights of a role with the notice that they come with, None where they are not here."""
        card = next((card for card in self.cards if card.role is role and card.starter), None)
        paths = () if card is None else self._locate(card)
        if card is None or not paths:
            return None
        recommended = self.recommended(role)
        notice = Notice(NoticeCode.STARTER_WEIGHTS, role=str(role))
        if not _can_run(recommended):
            title, setting = recommended.title, f"SIGHTLINE_{role.upper()}"
            notice = Notice(NoticeCode.STARTER_WITHOUT_TORCH, role=str(role), recommended=title, setting=setting)
        return Weights(card, paths, notice)

    def serve(self, role: Role, wanted: str | None = None) -> Generator[Progress, None, Weights]:
        """Choose, obtain and check what serves a role; the starter, if the recommended card cannot be had soon.

        Raises: as `choose` and `obtain`; a failed download only where there is no starter.
        """
        chosen = self.choose(role, wanted)
        starter = None if wanted is not None or chosen.present else self.starter(role)
        if starter is None:
            return (yield from self.obtain(chosen))
        started = time.monotonic()
        try:
            return (yield from self.obtain(chosen, self._patience(started)))
        except (ModelError, StorageFull) as error:
            logger.warning("starter weights serve as %s: %s", role, error)
            if time.monotonic() - started > QUICK / 4:
                self._failed_slowly = time.monotonic()
        return (yield from self.obtain(starter))

    def _patience(self, now: float) -> float:
        recent = self._failed_slowly is not None and now - self._failed_slowly < REMEMBERED
        return AGAIN if recent else QUICK

    def obtain(self, weights: Weights, patience: float = PATIENCE) -> Generator[Progress, None, Weights]:
        """Download what is not there and check every file; return the weights with their paths.

        Args:
            patience: seconds that each download has to begin in.

        Raises:
            WeightsMissing: absent, and offline or the download failed; names files, source and folder.
            WeightsCorrupt: a checksum does not match.
            StorageFull: the folder cannot be written.
        """
        if not weights.present:
            card = weights.card
            if self._offline:
                raise missing(card, self.folders[0], Phrase("downloading is switched off (SIGHTLINE_OFFLINE)"))
            yield from fetch_card(card, self.folders[0], self._opener, patience)
            weights = Weights(card, tuple(self.folders[0] / file.name for file in card.files), weights.notice)
        self.verify(weights)
        return weights

    def verify(self, weights: Weights, again: bool = False) -> None:
        """Compare every file with its card's checksum, once a process, or now when `again`.

        Raises:
            WeightsCorrupt: a byte differs; names the file and what to do.
        """
        for file, path in zip(weights.card.files, weights.paths, strict=True):
            if path in self._verified and not again:
                continue
            self._verified.discard(path)
            check_file(path, file, weights.card.id)
            self._verified.add(path)

    def _named(self, role: Role, wanted: str) -> Weights:
        setting = f"SIGHTLINE_{role.upper()}"
        card = next((card for card in self.cards if card.id == wanted), None)
        if card is not None:
            if card.role is not role:
                raise InvalidSetting(
                    "{setting} names {wanted}, which is a card for the {role}.",
                    setting=setting,
                    wanted=wanted,
                    role=card.role,
                )
            return Weights(card, self._locate(card))
        candidates = [Path(wanted).expanduser(), *(folder / wanted for folder in self.folders)]
        path = next((candidate for candidate in candidates if candidate.exists()), None)
        if path is not None:
            return self._file(role, path.resolve())
        for card in self.cards:
            if card.role is role and wanted in (card.files[0].name, card.files[0].basename):
                return Weights(card, self._locate(card))
        known = ", ".join(card.id for card in self.cards if card.role is role)
        raise InvalidSetting(
            "{setting} names {wanted}, which is neither a file nor a card. Known cards: {known}.",
            setting=setting,
            wanted=wanted,
            known=known,
        )

    def _succeeding(self, card: Card, setting: str) -> Weights:
        """The card that took the place of a named one whose files are not here, with a notice that says so."""
        successor = next(other for other in self.cards if other.id == card.successor)
        notice = Notice(NoticeCode.SUPERSEDED_WEIGHTS, setting=setting, title=card.id, successor=successor.id)
        return Weights(successor, self._locate(successor), notice)

    def _file(self, role: Role, path: Path) -> Weights:
        """Describe a named file by the card that it belongs to, or by a card of its own."""
        for card in self.cards:
            if card.role is not role:
                continue
            folder = path if path.is_dir() else path.parent
            paths = tuple(folder / file.basename for file in card.files)
            if not all(candidate.is_file() for candidate in paths) or not (path.is_dir() or path == paths[0]):
                continue
            # FP16 and FP32 files share names: a card is claimed by size or, when it is the only one left, by name.
            if all(candidate.stat().st_size == file.size for candidate, file in zip(paths, card.files, strict=True)):
                return Weights(card, paths)
        for card in self.cards:
            if card.role is role and path.is_file() and path.name == card.files[0].basename:
                paths = tuple(path.parent / file.basename for file in card.files)
                if all(candidate.is_file() for candidate in paths):
                    return Weights(card, paths)
        own, paths = own_card(role, path)
        twin = self._twin(role, paths)
        return Weights(own if twin is None else twin, paths, own.notice if twin is None else None)

    def _twin(self, role: Role, paths: tuple[Path, ...]) -> Card | None:
        """The card whose files these are under other names."""
        for card in self.cards:
            if card.role is role and len(card.files) == len(paths):
                pairs = list(zip(paths, card.files, strict=True))
                same_size = all(path.stat().st_size == file.size for path, file in pairs)
                if same_size and all(digest(path, file.algorithm) == file.checksum for path, file in pairs):
                    return card
        return None

    def _locate(self, card: Card) -> tuple[Path, ...]:
        return locate_files(card, self.folders, self.cards)

    def _replacement(self, role: Role, card: Card) -> Notice:
        recommended = self.recommended(role).title
        return Notice(NoticeCode.REPLACEMENT_WEIGHTS, role=str(role), title=card.title, recommended=recommended)


def _can_run(card: Card) -> bool:
    """Whether the libraries that the card's file needs are installed: not torch where OpenVINO reads it."""
    needed = {".pt": ("torch", "ultralytics"), ".safetensors": ("torch",)}.get(PurePath(card.files[0].name).suffix, ())
    return bool(card.graph) or all(map(is_installed, needed))


def check_file(path: Path, file: CardFile, card: str) -> None:
    """Compare a file with what its card says of it, reading it now.

    Raises:
        WeightsCorrupt: a byte differs; names the file and what to do.
    """
    try:
        actual = fresh_digest(path, file.algorithm)
    except OSError as error:
        raise WeightsCorrupt(
            "The weights {path} cannot be read: {reason}.", path=path, reason=error.strerror
        ) from error
    if actual != file.checksum:
        raise WeightsCorrupt(
            "{path} is not the file that its card {id} describes: its {checksum} does not match. Delete "
            "it and fetch it again; give a model of your own another name.",
            path=path,
            id=card,
            checksum=file.algorithm.upper(),
        )
