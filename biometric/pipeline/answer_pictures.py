"""What the pictures behind an answer allow: their pixels and sharpness, and whether both sides have colour.

Read from the stored crops, which are there for every reference, also for one that was enrolled by an earlier version
or imported.
"""

import dataclasses
import statistics
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path

from biometric.domain.detail_costs import costs_of
from biometric.entities import UNADAPTED, Enrollment, Identification, Purpose, Verification
from biometric.entities.picture_detail import ComparedDetail, PictureDetail
from biometric.entities.robustness import RobustnessTable
from biometric.errors import GalleryCorrupt, UnknownIdentity
from biometric.pipeline.crop_colour import CropColours
from biometric.ports import CropStore, Gallery, SharpnessOf

_REMEMBERED = 10_000
"""People and references whose detail is remembered."""


class AnswerPictures:
    """Completes answers by what their pictures allow; remembers what it has read. Several threads may ask.

    Args:
        crops: reads the stored crops.
        sharpness: measures one, as `PictureDetail.sharpness` says.
        robustness: what pixels and blur cost the model in use, None where nobody has measured it.
    """

    def __init__(
        self, crops: CropStore, sharpness: SharpnessOf, robustness: Callable[[], RobustnessTable | None]
    ) -> None:
        self._crops, self._sharpness, self._robustness = crops, sharpness, robustness
        self._colours = CropColours(crops)
        self._details: OrderedDict[tuple[Path, ...], PictureDetail | None] = OrderedDict()
        self._lock = threading.Lock()

    def checked_verification(self, gallery: Gallery, verification: Verification) -> Verification:
        """Return the verification with its detail, and with a warning where one side alone has colour."""
        checked = self._colours.checked_verification(gallery, verification)
        reference = self._of_reference(gallery, checked.identity.id, checked.reference_id)
        return dataclasses.replace(checked, detail=self._compared(checked, reference, "verification"))

    def checked_identification(self, gallery: Gallery, identification: Identification) -> Identification:
        """Return the identification with its detail, the closest reference's, and with a warning as above."""
        checked = self._colours.checked_identification(gallery, identification)
        reference = None
        if checked.candidates:
            first = checked.candidates[0]
            reference = self._of_reference(gallery, first.identity.id, first.reference_id)
        return dataclasses.replace(checked, detail=self._compared(checked, reference, "identification"))

    def checked_enrollment(self, gallery: Gallery, enrollment: Enrollment) -> Enrollment:
        """Return the enrollment with its detail: of the new reference, and of the one that it was compared with."""
        compared = self._of_reference(gallery, enrollment.identity.id, enrollment.compared_reference_id)
        detail = ComparedDetail(self.of_crops(enrollment.reference.crops), compared)
        return dataclasses.replace(enrollment, detail=detail)

    def of_crops(self, crops: Sequence[Path]) -> PictureDetail | None:
        """Return the medians over the crops that can be read; None where there is none."""
        key = tuple(crops)
        with self._lock:
            if key in self._details:
                return self._details[key]
        heights, sharpnesses = [], []
        for path in key:
            try:
                image = self._crops.load(path)
            except GalleryCorrupt:  # a missing picture changes no answer
                continue
            heights.append(image.shape[0])
            sharpnesses.append(self._sharpness(image))
        detail = None
        if heights:
            height = round(statistics.median(heights))
            detail = PictureDetail(height, statistics.median(sharpnesses), len(heights))
        with self._lock:
            self._details[key] = detail
            while len(self._details) > _REMEMBERED:
                self._details.popitem(last=False)
        return detail

    def _compared(
        self, answer: Verification | Identification, reference: PictureDetail | None, purpose: Purpose
    ) -> ComparedDetail:
        observation = answer.observation
        probe = self.of_crops(tuple(sample.crop for sample in observation.kept if sample.crop is not None))
        detail, template = ComparedDetail(probe, reference), observation.template
        # What was measured holds for scores as they are, and those of one model.
        if detail.least_height is None or template is None or answer.threshold.adaptation != UNADAPTED:
            return detail
        table = self._robustness()
        if table is None or table.model_id != template.model_id:
            return detail
        return dataclasses.replace(detail, costs=costs_of(detail, table, purpose))

    def _of_reference(self, gallery: Gallery, identity_id: str, reference_id: str | None) -> PictureDetail | None:
        if reference_id is None:
            return None
        try:
            references = gallery.references(identity_id)
        except UnknownIdentity:  # removed meanwhile
            return None
        return self.of_crops(next((item.crops for item in references if item.id == reference_id), ()))
