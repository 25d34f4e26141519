"""What went wrong, and what to know besides an answer: titles by kind, banners, and words at a field."""

import itertools
from collections.abc import Mapping, Sequence

from biometric import errors
from biometric.entities import Notice, NoticeCode
from biometric.errors import BiometricError
from biometric.messages import describe, describe_error
from biometric.messages.translation import N_
from biometric.messages.translation import gettext as _
from biometric.ui import elements
from biometric.ui.text_format import escape

_TITLES: tuple[tuple[type[BiometricError], str], ...] = (
    (errors.NameMissing, N_("Name missing")),
    (errors.InvalidName, N_("This name cannot be used")),
    (errors.NameTaken, N_("Name taken")),
    (errors.IdentityExists, N_("Name taken")),
    (errors.LooksDifferent, N_("Looks like a different person")),
    (errors.InvalidCamera, N_("This camera cannot be used")),
    (errors.InvalidThreshold, N_("This threshold cannot be used")),
    (errors.InvalidFrameRange, N_("Frames out of range")),
    (errors.InvalidSetting, N_("A setting cannot be used")),
    (errors.DatasetInvalid, N_("This data set cannot be used")),
    (errors.TruthInvalid, N_("These labels cannot be used")),
    (errors.PathRefused, N_("This path cannot be used")),
    (errors.UnknownIdentity, N_("Nobody of that name")),
    (errors.UnknownReference, N_("No such reference")),
    (errors.UnknownVerdict, N_("No such verdict")),
    (errors.UnknownSighting, N_("No such sighting")),
    (errors.UnknownGroup, N_("No such unknown person")),
    (errors.PeopleSeenTogether, N_("Seen together")),
    (errors.PeopleLookDifferent, N_("They look like different people")),
    (errors.SplitRefused, N_("Cannot be split here")),
    (errors.UndoRefused, N_("This cannot be undone")),
    (errors.UploadMissing, N_("The upload is gone")),
    (errors.UnknownPerson, N_("No such person in these frames")),
    (errors.ClipMissing, N_("No clip yet")),
    (errors.ClaimMissing, N_("Nobody chosen")),
    (errors.FootageChanged, N_("The footage was changed")),
    (errors.ThresholdBelowCard, N_("Below the model card's threshold")),
    (errors.CalibrationUnusable, N_("This calibration cannot be used")),
    (errors.UnknownClip, N_("Not in the library")),
    (errors.ClipNotFound, N_("File not found")),
    (errors.EmptyClip, N_("Empty file")),
    (errors.NotAVideo, N_("Not a video or photograph")),
    (errors.PhotographUnreadable, N_("This photograph cannot be read")),
    (errors.NoVideoTrack, N_("No pictures in this file")),
    (errors.ClipTooLarge, N_("File too large")),
    (errors.DamagedClip, N_("This clip is damaged")),
    (errors.NobodyFound, N_("Nobody in these frames")),
    (errors.NoUsableSample, N_("Nobody can be seen well enough")),
    (errors.SeveralPeople, N_("Several people are in these frames")),
    (errors.CalibrationRefused, N_("Not enough footage for this error rate")),
    (errors.WeightsMissing, N_("A model is missing")),
    (errors.WeightsCorrupt, N_("A model is damaged")),
    (errors.UnsupportedModel, N_("This model cannot be used")),
    (errors.ModelMismatch, N_("Enrolled with another model")),
    (errors.ModelError, N_("A model cannot be used")),
    (errors.TrainingError, N_("Training stopped")),
    (errors.EmptyGallery, N_("Nobody is enrolled yet")),
    (errors.BasisMissing, N_("No legal basis yet")),
    (errors.InvalidBasis, N_("This basis cannot be used")),
    (errors.InvalidRetention, N_("These days cannot be used")),
    (errors.OnLegalHold, N_("Under a legal hold")),
    (errors.GalleryCorrupt, N_("The gallery is damaged")),
    (errors.EvaluationLibraryMissing, N_("A library is missing")),
    (errors.CallerGone, N_("The call was given up")),
    (errors.TooManyJobs, N_("Too many jobs are waiting")),
    (errors.CohortGone, N_("The cohort is not kept any more")),
    (errors.GalleryBusy, N_("The gallery is in use")),
    (errors.GalleryUnavailable, N_("The gallery cannot be opened")),
    (errors.EncryptionLibraryMissing, N_("A package is missing")),
    (errors.GalleryNotEncrypted, N_("The gallery is not encrypted")),
    (errors.GalleryLocked, N_("The gallery's key is wrong or missing")),
    (errors.WrongPassphrase, N_("The passphrase is wrong or missing")),
    (errors.AttachRefused, N_("People of this export are here already")),
    (errors.ArchiveInvalid, N_("This is not a Sightline export")),
    (errors.UnknownJob, N_("No such job")),
    (errors.JobStateRefused, N_("Not possible with this job")),
    (errors.JobQueueCorrupt, N_("The queue is damaged")),
    (errors.JobQueueBusy, N_("The queue is in use")),
    (errors.JobQueueError, N_("The queue cannot be used")),
    (errors.KeptFootageCorrupt, N_("The library is damaged")),
    (errors.KeptFootageBusy, N_("The library is in use")),
    (errors.KeptFootageError, N_("The library cannot be opened")),
    (errors.PeopleRemain, N_("Somebody is still seen")),
    (errors.SoundNotKept, N_("The sound cannot be kept")),
    (errors.TooFewPeople, N_("Too few people to measure")),
    (errors.NoCase, N_("There is no case")),
    (errors.CaseExists, N_("The folder is not empty")),
    (errors.CaseChanged, N_("The case was changed")),
    (errors.CaseIncomplete, N_("The case is not complete")),
    (errors.CaseOfAnotherKey, N_("The case is somebody else's")),
    (errors.CaseModelDiffers, N_("Another model serves here")),
    (errors.CaseError, N_("The case cannot do that")),
    (errors.UsersUnreadable, N_("The users cannot be read")),
    (errors.StorageFull, N_("Cannot be written")),
)
"""What happened, in a few words, by kind of error; of several that fit the first one counts."""

_told = itertools.count()
"""Numbers what is told: a browser does not notice the same words a second time, and would not go there."""

REFUSAL = "refusal"
"""`data-key` of what a sheet of tiles refused."""

NOTICE_TITLES: Mapping[NoticeCode, str] = {
    NoticeCode.CLIP_CUT_SHORT: N_("This clip is damaged"),
    NoticeCode.CLIP_CUT_SHORT_ESTIMATED: N_("This clip is damaged"),
    NoticeCode.CLIP_UNREADABLE_DATA: N_("This clip is damaged"),
    NoticeCode.CLIP_LOST_DATA: N_("This clip is damaged"),
    NoticeCode.GREY_FOOTAGE: N_("Footage without colour"),
    NoticeCode.SINGLE_PICTURE: N_("Only one picture"),
    NoticeCode.JOINED_BY_HAND: N_("People joined by hand"),
    NoticeCode.SPLIT_BY_HAND: N_("People split by hand"),
    NoticeCode.TRACKS_SPLIT_BY_HAND: N_("People split by hand"),
    NoticeCode.STARTER_WEIGHTS: N_("Less accurate model"),
    NoticeCode.ALL_STARTER_WEIGHTS: N_("Less accurate models"),
    NoticeCode.STARTER_WEIGHTS_NAMED: N_("Less accurate model"),
    NoticeCode.STARTER_WITHOUT_TORCH: N_("Less accurate model"),
    NoticeCode.SUPERSEDED_WEIGHTS: N_("Another model serves"),
    NoticeCode.REPLACEMENT_WEIGHTS: N_("Another model serves"),
    NoticeCode.BETTER_WEIGHTS_PRESENT: N_("A better model is there"),
    NoticeCode.INPUT_FORMAT_ASSUMED: N_("A model without a description"),
    NoticeCode.DETECTOR_ON_CPU: N_("Slower than it could be"),
    NoticeCode.DEVICE_FAILED: N_("Slower than it could be"),
    NoticeCode.LOOKS_LIKE: N_("Looks like somebody enrolled"),
    NoticeCode.UNLIKE_OWN_REFERENCES: N_("Looks like a different person"),
    NoticeCode.BYSTANDER_ALSO_REACHES: N_("Somebody else reaches the threshold, too"),
    NoticeCode.NAME_ALSO_ELSEWHERE: N_("Somebody else reaches the threshold, too"),
}
"""Titles of warnings, which say what was found."""


def problem(error: BiometricError) -> str:
    """Return the bad-news banner of an error."""
    return elements.banner("bad", title_of(error), describe_error(error))


def refusal(error: BiometricError) -> str:
    """Return `problem` for somebody who asked for what was refused: it comes into view and takes the keyboard."""
    return _told_now(problem(error))


def title_of(error: BiometricError) -> str:
    """Return what happened, in a few words."""
    return _(next((title for kind, title in _TITLES if isinstance(error, kind)), N_("This cannot be done")))


def field_problem(error: BiometricError, field: str, key: str = "field-problem") -> str:
    """Return an error as it stands at its field, which is focused and marked.

    Args:
        field: CSS selector of the field.
        key: the id of what is returned, unique in the page.
    """
    return (
        f'<p class="sl-field-error" role="alert" id="{escape(key)}" data-field="{escape(field)}" '
        f'data-told="{next(_told)}">{_briefly(error)}</p>'
    )


def sheet_refusal(error: BiometricError) -> str:
    """Return an error as it stands on a sheet of tiles; its `data-key` is `REFUSAL`."""
    return f'<p class="sl-field-error" role="alert" tabindex="-1" data-key="{REFUSAL}">{_briefly(error)}</p>'


def _briefly(error: BiometricError) -> str:
    words = f"<strong>{escape(title_of(error))}.</strong> {escape(describe_error(error))}"
    return f"{elements.icon('bad')}<span>{words}</span>"


def field_note(text: str, field: str) -> str:
    """Return what to do with a field, which is focused; `field` is a CSS selector."""
    return f'<p class="sl-quiet" role="status" data-field="{escape(field)}">{escape(text)}</p>'


def frames_outside(numbers: Sequence[int], top: int) -> str:
    """Return that the clip has no such frames, and what became of the fields; `top` is the clip's last frame."""
    text = _("This clip has frames 0–{top}, no frame {numbers}. The field was set to the nearest one.")
    wrong = ", ".join(str(number) for number in numbers)
    return f'<p class="sl-quiet" role="status">{escape(text.format(top=top, numbers=wrong))}</p>'


def defect() -> str:
    """Return the banner of an unexpected error; details are in the server's log only."""
    return _told_now(
        elements.banner(
            "bad",
            _("Something went wrong inside Sightline"),
            _("Nothing was stored. Try again; if it happens again, the server's log says more."),
        )
    )


def _told_now(html: str) -> str:
    return f'<div data-told="{next(_told)}">{html}</div>'


def notes(warnings: Sequence[Notice]) -> str:
    """Return a banner for each warning."""
    return "".join(
        elements.banner("warning", _(NOTICE_TITLES.get(warning.code, N_("Worth knowing"))), describe(warning))
        for warning in warnings
    )
