"""Looks at the inputs of a case, compares everybody, and does it all again for whoever repeats it."""

import shutil
import tempfile
from collections.abc import Callable, Generator
from pathlib import Path

from biometric.cases.case_documents import document, read_results, read_seen, results_values, seen_values
from biometric.cases.case_folder import PEOPLE, READ_ONLY, CaseFolder, unwritable
from biometric.cases.environment import current_environment, require_models
from biometric.domain.case_comparison import compare, compare_repetition
from biometric.entities import Observation, ObservedClip, Progress
from biometric.entities.cases import (
    CaseCrop,
    CaseInput,
    CaseModel,
    CasePerson,
    CaseResults,
    CaseRole,
    CaseStep,
    ObservedInput,
    Repetition,
)
from biometric.errors import CaseChanged, CaseIncomplete
from biometric.errors.phrases import Phrase
from biometric.ports import CropStore, Models
from biometric.storage import atomic_folder, file_digest, write_atomically

Observe = Callable[[Path, CaseInput], Generator[Progress, None, ObservedClip]]
"""Finds and describes the people of an input's file."""
SEEN = "people.json"


class Examination:
    """The work on a case.

    Args:
        observe: with the settings and models of the case.
        models: those that `observe` uses, `here` with their checksums.
        crops: reads the pictures of people.
    """

    def __init__(
        self, case: CaseFolder, observe: Observe, models: Models, here: tuple[CaseModel, ...], crops: CropStore
    ) -> None:
        self._case, self._observe, self._models, self._here, self._crops = case, observe, models, here, crops

    def compare(self) -> Generator[Progress, None, CaseResults]:
        """Look at every input that was not looked at yet, and compare everybody.

        What was seen in an input is stored and recorded when it is complete, so that a later call goes on after the
        last complete one.

        Raises:
            CaseChanged: an input, or what was seen in one, is not what the record says.
            CaseIncomplete: an input or a person is missing, or it is not said who a known person is.
            CaseModelDiffers, ClipError, ModelError, StorageFull: the work cannot be done.
        """
        case = self._case
        require_models(case.manifest, self._here)
        require_record(case)
        with case.working():
            inputs = _required_inputs(case)
            seen: dict[int, ObservedInput] = {}
            recorded = {record.details.get("number") for record in case.records(CaseStep.OBSERVED)}
            for place, item in enumerate(inputs, start=1):
                if item.number not in recorded:
                    yield from self._look(item, place, len(inputs))
                seen[item.number] = read_seen_input(case, item.number)
            results = self._compared(inputs, seen)
            text = document({**results_values(results), "inputs": [item.number for item in inputs]})
            name = case.next_name(CaseStep.COMPARED, "results-{:03d}.json")
            case.record(CaseStep.COMPARED, {"files": {name: case.write(name, text)}, "scores": len(results.scores)})
        return results

    def repeat(self) -> Generator[Progress, None, Repetition]:
        """Do all of it again on the same inputs and say every difference; nothing of the case is changed.

        Raises as `compare`.
        """
        case = self._case
        require_models(case.manifest, self._here)
        require_record(case)
        former, before = read_case_results(case)
        inputs = [item for item in case.inputs() if item.number in before]
        again = {}
        with tempfile.TemporaryDirectory() as scratch:
            for place, item in enumerate(inputs, start=1):
                folder = Path(scratch) / f"{item.number}"
                folder.mkdir()
                again[item.number] = yield from self._described(item, folder, place, len(inputs))
        return compare_repetition((before, former), (again, self._compared(inputs, again)))

    def _compared(self, inputs: list[CaseInput], seen: dict[int, ObservedInput]) -> CaseResults:
        return CaseResults(compare(inputs, seen, self._case.manifest), current_environment(self._models))

    def _look(self, item: CaseInput, place: int, total: int) -> Generator[Progress, None, None]:
        case, target = self._case, self._case.people_folder(item.number)
        try:
            with atomic_folder(target, replace=True) as partial:  # what a killed process left unrecorded is replaced
                seen = yield from self._described(item, partial, place, total)
                write_atomically(partial / SEEN, document(seen_values(seen)), READ_ONLY)
        except OSError as error:
            raise unwritable(target, error) from error
        start = f"{PEOPLE}/{target.name}"
        crops = {f"{start}/{crop.file}": crop.digest for person in seen.people for crop in person.crops}
        files = {f"{start}/{SEEN}": file_digest(target / SEEN), **crops}
        case.record(CaseStep.OBSERVED, {"number": item.number, "people": len(seen.people), "files": dict(files)})

    def _described(
        self, item: CaseInput, folder: Path, place: int, total: int
    ) -> Generator[Progress, None, ObservedInput]:
        """Look at an input; the pictures of its people are copied into `folder`."""
        self._case.require_input(item)
        work = self._observe(self._case.input_path(item), item)
        try:
            while True:
                step = next(work)
                stage = Phrase(
                    "Input {number} of {total}: {stage}", number=place, total=total, stage=Phrase(step.stage)
                )
                yield Progress(stage, step.done, step.total, step.people, step.seconds_left)
        except StopIteration as finished:
            observed: ObservedClip = finished.value
        finally:
            work.close()
        people = tuple(self._person(observation, folder) for observation in observed.observations)
        video = observed.video
        facts: dict[str, str | int | float | bool | None] = {
            "width": video.width,
            "height": video.height,
            "codec": video.codec,
            "frames": video.frame_count,
            "seconds": video.duration,
            "photograph": video.photograph,
            "recorded": video.recorded_at,
            "camera": video.camera,
        }
        frames = observed.frames
        of_models = self._models.notices()  # which the manifest has
        warnings = tuple(warning for warning in observed.warnings if warning not in of_models)
        if video.damage is not None and video.damage not in warnings:
            warnings = (video.damage, *warnings)
        return ObservedInput(item.number, facts, frames.first, frames.last, observed.analysed_frames, warnings, people)

    def _person(self, observation: Observation, folder: Path) -> CasePerson:
        kept = sorted(
            (sample for sample in observation.samples if sample.kept and sample.crop is not None),
            key=lambda sample: -sample.quality,
        )
        shown = kept or [item for item in (observation.best,) if item is not None and item.crop is not None]
        crops = []
        for place, sample in enumerate(shown, start=1):
            if sample.crop is None:
                continue
            target = folder / f"person{observation.person:03d}-{place:02d}-frame{sample.detection.frame_index:08d}.jpg"
            shutil.copyfile(sample.crop, target)
            target.chmod(READ_ONLY)
            height, width = self._crops.load(target).shape[:2]
            digest = file_digest(target)
            crops.append(CaseCrop(target.name, sample.detection.frame_index, sample.quality, digest, (width, height)))
        track, template = observation.tracklet, observation.template
        return CasePerson(
            person=observation.person,
            first=track.first_frame,
            last=track.last_frame,
            first_seconds=track.first_seconds,
            last_seconds=track.last_seconds,
            refused=observation.refused_count,
            crops=tuple(crops),
            vector=None if template is None else template.vector,
        )


def read_seen_input(case: CaseFolder, number: int) -> ObservedInput:
    """Return what was seen in an input. Raises `CaseChanged`, `CaseIncomplete`."""
    return read_seen(case.read(f"{PEOPLE}/{number:04d}/{SEEN}"))


def read_case_results(case: CaseFolder) -> tuple[CaseResults, dict[int, ObservedInput]]:
    """Return the comparisons and what was seen in each input that took part. Raises as `read_seen_input`."""
    values = case.read(case.results_name())
    return read_results(values), {number: read_seen_input(case, number) for number in values["inputs"]}


def require_record(case: CaseFolder) -> None:
    """Raise `CaseChanged` unless the record is as it was signed."""
    report = case.log.verify()
    if not report.intact:
        raise CaseChanged("The record of the case was changed: {problem}", problem=report.problems[0])


def _required_inputs(case: CaseFolder) -> list[CaseInput]:
    inputs = case.inputs_in_use()
    missing = [role for role in CaseRole if not any(item.role is role for item in inputs)]
    if missing:
        raise CaseIncomplete(
            "The case has no {role} footage yet. Add some: case add FOLDER CLIP --as {role}.", role=missing[0].value
        )
    return inputs
