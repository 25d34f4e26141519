"""Whether a person's footage and the biometric reference that it was compared with both have colour.

Told from the crops of both sides: those of a gallery are there for every reference, also for one that was enrolled by
an earlier version or imported, and a clip may have colour by day and none at night.
"""

import dataclasses
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from pathlib import Path

from biometric.domain.colour import ColourMeter
from biometric.entities import Decision, Identification, Identity, Notice, NoticeCode, Observation, Verification
from biometric.errors import GalleryCorrupt, UnknownIdentity
from biometric.ports import CropStore, Gallery

_CROPS_READ = 4
"""Crops looked at for each person: of grey footage all are grey."""

_REMEMBERED = 10_000
"""People and references whose colour is remembered."""


class CropColours:
    """Compares the colour of probes with that of references; remembers what it has read. Several threads may ask.

    Args:
        crops: reads the stored crops.
    """

    def __init__(self, crops: CropStore) -> None:
        self._crops = crops
        self._grey: OrderedDict[object, bool | None] = OrderedDict()
        self._lock = threading.Lock()

    def checked_verification(self, gallery: Gallery, verification: Verification) -> Verification:
        """Return the verification, with a warning where one side alone has colour."""
        if verification.reference_id is None:
            return verification
        compared = [(verification.identity, verification.reference_id)]
        notices = self._notices(gallery, verification.observation, compared)
        return dataclasses.replace(verification, warnings=(*verification.warnings, *notices))

    def checked_identification(self, gallery: Gallery, identification: Identification) -> Identification:
        """Return the identification, with a warning where one side alone has colour.

        Where nobody was identified that is the first such candidate, because the right one may have lost its place.
        """
        compared = [(candidate.identity, candidate.reference_id) for candidate in identification.candidates]
        if identification.decision is Decision.IDENTIFIED:
            compared = compared[:1]
        notices = self._notices(gallery, identification.observation, compared)
        return dataclasses.replace(identification, warnings=(*identification.warnings, *notices))

    def _notices(
        self, gallery: Gallery, observation: Observation, compared: Iterable[tuple[Identity, str]]
    ) -> tuple[Notice, ...]:
        crops = tuple(sample.crop for sample in observation.kept if sample.crop is not None)
        probe_is_grey = self._is_grey(crops, crops)
        for identity, reference_id in compared:
            reference_is_grey = self._reference_is_grey(gallery, identity.id, reference_id)
            if None in (probe_is_grey, reference_is_grey) or probe_is_grey == reference_is_grey:
                continue
            code = NoticeCode.REFERENCE_WITHOUT_COLOUR if reference_is_grey else NoticeCode.PROBE_WITHOUT_COLOUR
            return (Notice(code, name=identity.name),)
        return ()

    def _reference_is_grey(self, gallery: Gallery, identity_id: str, reference_id: str) -> bool | None:
        with self._lock:
            if reference_id in self._grey:
                return self._grey[reference_id]
        try:
            references = gallery.references(identity_id)
        except UnknownIdentity:  # removed meanwhile
            return None
        crops = next((reference.crops for reference in references if reference.id == reference_id), ())
        return self._is_grey(reference_id, crops)

    def _is_grey(self, key: object, crops: Sequence[Path]) -> bool | None:
        """Whether crops are grey; None where none can be read."""
        with self._lock:
            if key in self._grey:
                return self._grey[key]
        meter, is_grey = ColourMeter(), None
        for path in crops[:_CROPS_READ]:
            try:
                meter.add(self._crops.load(path))
            except GalleryCorrupt:  # a missing picture changes no answer
                continue
            is_grey = meter.is_grey
        with self._lock:
            self._grey[key] = is_grey
            while len(self._grey) > _REMEMBERED:
                self._grey.popitem(last=False)
        return is_grey
