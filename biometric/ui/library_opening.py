"""Opens a kept clip in a tab as it was answered: nothing is decoded, no model runs."""

import dataclasses
from pathlib import Path

from biometric.entities import AnswerKind, KeptAnswer, ObservedClip, ThresholdSource
from biometric.errors import ClipNotFound, KeptFootageCorrupt, StorageFull
from biometric.footage_keeper import FootageKeeper
from biometric.storage import describe_os_error, link_or_copy, remove_quietly
from biometric.ui.page import Page
from biometric.ui.session import Footage, Session
from biometric.ui.uploads import discard


@dataclasses.dataclass(frozen=True, slots=True)
class OpenedClip:
    """A kept clip that a tab has now.

    Attributes:
        answer: the answer that it was opened at.
        decidable: its people can be decided on at once; else they have to be looked at again (another model, damage).
        same_kind: the answer is one of the tab's own kind.
    """

    footage: Footage
    answer: KeptAnswer
    decidable: bool
    same_kind: bool


def open_kept(page: Page, session: Session, tab: str, clip_id: str, answer_id: str | None) -> OpenedClip:
    """Give a tab a kept clip with range, observation, threshold, and the person that an answer is about.

    The tab gets files of its own, so that removing the clip from the library takes nothing away from it.

    Args:
        answer_id: None: the tab's newest answer about the clip, else the newest of all.

    Raises:
        UnknownClip: clip or answer is no longer there.
        KeptFootageError: the library cannot be read.
        StorageFull: there is no room.
    """
    keeper = page.service.library
    answer = _answer(keeper, tab, clip_id, answer_id)
    folder = session.new_folder("clip")
    try:
        footage, observed = _footage(page, answer, folder)
    except BaseException:
        remove_quietly(folder)
        raise
    decidable = observed is not None and keeper.is_current(answer)
    if observed is not None and decidable:
        footage.observe(observed)
        _choose_person(footage, answer)
    same_kind = answer.kind == tab
    if same_kind and answer.threshold is not None and answer.threshold.source is ThresholdSource.USER:
        session.thresholds[tab] = answer.threshold
    if answer.kind is AnswerKind.VERIFICATION:
        session.claimed = answer.people[0].identity_id or session.claimed
    session.jobs.cancel(tab, f"{tab}-clip")
    discard(session.put(tab, footage), session)
    session.latest = session.tab = tab
    return OpenedClip(footage, answer, decidable, same_kind)


def _answer(keeper: FootageKeeper, tab: str, clip_id: str, answer_id: str | None) -> KeptAnswer:
    if answer_id is not None:
        return keeper.answer(clip_id, answer_id)
    clip = keeper.clip(clip_id)
    return clip.latest_of(AnswerKind(tab)) or keeper.answer(clip_id)


def _footage(page: Page, answer: KeptAnswer, folder: Path) -> tuple[Footage, ObservedClip | None]:
    """Return the clip with files of the session's own, and what was seen in it, None where that cannot be read."""
    keeper = page.service.library
    kept = keeper.clip(answer.clip_id)
    try:
        clip = _own(kept.path, folder)
        observed = _own_observation(keeper.observation(answer), clip, folder / "crops")
        info = observed.video
        page.service.remember(clip, info)
    except KeptFootageCorrupt:
        observed, info = None, page.service.probe(clip)
    except FileNotFoundError as error:
        raise ClipNotFound("The file of {clip} is no longer there. Upload the clip again.", clip=kept.label) from error
    except OSError as error:
        raise StorageFull(
            "The clip could not be opened: {reason}. Free some space.", reason=describe_os_error(error)
        ) from error
    footage = Footage(
        clip=clip,
        label=kept.label,
        info=info,
        player=clip if info.browser_playable and not info.photograph else None,
        first=min(answer.first_frame, info.frame_count - 1),
        last=min(answer.last_frame, info.frame_count - 1),
        accept_damaged=observed is not None and observed.damage_accepted,
        ends_later=True,
        camera=kept.camera or None,
    )
    return footage, observed


def _own_observation(kept: ObservedClip, clip: Path, folder: Path) -> ObservedClip:
    folder.mkdir(mode=0o700)
    people = [
        dataclasses.replace(
            person,
            samples=tuple(
                sample if sample.crop is None else dataclasses.replace(sample, crop=_own(sample.crop, folder))
                for sample in person.samples
            ),
        )
        for person in kept.observations
    ]
    return dataclasses.replace(kept, path=clip, folder=folder, observations=tuple(people))


def _own(source: Path, folder: Path) -> Path:
    target = folder / source.name
    link_or_copy(source, target)
    return target


def _choose_person(footage: Footage, answer: KeptAnswer) -> None:
    """Choose the person whom a verification or an enrollment was about."""
    observed = footage.observed
    if observed is None or answer.kind is AnswerKind.IDENTIFICATION:
        return
    person = answer.people[0].person
    if person in {observation.person for observation in observed.usable}:
        footage.person, footage.picked = person, True
