"""The sentences of `biometric.messages`, in English: format strings, filled with the values of a notice.

`messages.extraction` puts all of these tables into the catalogues.
"""

from collections.abc import Mapping
from typing import Final

from biometric.entities.calibration import FitBasis
from biometric.entities.decisions import ThresholdSource
from biometric.entities.gallery_changes import ChangeKind
from biometric.entities.notices import NoticeCode
from biometric.messages.adaptation_templates import ADAPTATION_TEMPLATES
from biometric.messages.model_templates import MODEL_TEMPLATES

TEMPLATES: Final[Mapping[NoticeCode, str]] = {
    NoticeCode.CLIP_CUT_SHORT: "The clip is damaged: {readable} of {claimed} frames can be read.",
    NoticeCode.CLIP_CUT_SHORT_ESTIMATED: "The clip is damaged: {readable} of about {claimed} frames can be read.",
    NoticeCode.CLIP_UNREADABLE_DATA: (
        "The clip is damaged: it ends early or holds unreadable data; {readable} frames can be read."
    ),
    NoticeCode.CLIP_LOST_DATA: (
        "The clip is damaged: {incomplete} of {frames} frames have lost data and may look wrong."
    ),
    NoticeCode.GREY_FOOTAGE: (
        "The footage has no colour. Scores are lower without colour, so that people may not be recognised."
    ),
    NoticeCode.SINGLE_PICTURE: (
        "Only one picture was looked at, which is weak evidence: pose, light and what is hidden cannot be averaged "
        "out. A clip, or several photographs of different moments, are stronger."
    ),
    NoticeCode.JOINED_BY_HAND: "Person {person} was joined by hand from the people {people}.",
    NoticeCode.SPLIT_BY_HAND: "From frame {frame} on, person {person} was split by hand: that is person {other} now.",
    NoticeCode.TRACKS_SPLIT_BY_HAND: (
        "Person {person} was split by hand into tracks, which are people of their own now: {others}."
    ),
    NoticeCode.REFERENCE_WITHOUT_COLOUR: (
        "{name} was enrolled from footage without colour, and this person's footage has colour. Scores between the two "
        "are lower; enroll {name} from colour footage, too."
    ),
    NoticeCode.PROBE_WITHOUT_COLOUR: (
        "This person's footage has no colour, and {name} was enrolled from footage with colour. Scores between the two "
        "are lower; enroll {name} from footage without colour, too."
    ),
    **MODEL_TEMPLATES,
    NoticeCode.TOO_SMALL: ("too small ({width}×{height} pixels; at least {min_width}×{min_height} are needed)"),
    NoticeCode.LOW_CONFIDENCE: "the detector is not sure that this is a person ({confidence:.2f})",
    NoticeCode.CUT_OFF: "cut off by the {edge} edge of the picture",
    NoticeCode.ODD_SHAPE: "shows only a part of a person, or more than one",
    NoticeCode.COVERED: "{share:.0%} hidden behind somebody else",
    NoticeCode.BLURRED: "blurred",
    NoticeCode.UNLIKE_OTHER_SAMPLES: "does not look like the other samples",
    NoticeCode.NOT_FOLLOWED: "not followed by the tracker",
    NoticeCode.FOLLOWED_TOO_BRIEFLY: "followed for too few frames",
    NoticeCode.LOOKS_LIKE: (
        "{name} scores {score} against {other}, who is already enrolled (identification threshold {threshold}). They "
        "may be one person, or look alike."
    ),
    NoticeCode.UNLIKE_OWN_REFERENCES: (
        "The new reference scores only {score} against {name}'s earlier ones (verification threshold {threshold}). "
        "Check that this is the same person."
    ),
    NoticeCode.NAME_EXISTS: (
        "{name} is enrolled already, and the new reference scores {score} against theirs (verification threshold "
        "{threshold}), so it looks like the same person."
    ),
    NoticeCode.NAME_EXISTS_UNLIKE: (
        "{name} is enrolled already, but the new reference scores only {score} against theirs (verification threshold "
        "{threshold}), so it looks like a different person."
    ),
    NoticeCode.NAME_EXISTS_NOT_COMPARABLE: (
        "{name} is enrolled already, and the new reference cannot be compared with theirs, so nothing says that it is "
        "the same person."
    ),
    NoticeCode.SCORE_BELOW_THRESHOLD: "The score is below the threshold.",
    NoticeCode.SCORE_REACHES_THRESHOLD: "The score reaches the threshold.",
    NoticeCode.SOMEBODY_ELSE_CLOSER: "The score passes the threshold, but somebody else enrolled is closer.",
    NoticeCode.BYSTANDER_CLOSER: (
        "The score passes the threshold, but person {person}, seen elsewhere in the same frames, is closer: {score} "
        "against {own_score}. One name cannot be in two places."
    ),
    NoticeCode.BYSTANDER_ALSO_REACHES: (
        "Person {person}, seen elsewhere in the same frames, also reaches the threshold: {score} against {own_score}. "
        "Check which of them was meant."
    ),
    NoticeCode.NO_GOOD_SAMPLE: "No sample is good enough.",
    NoticeCode.NOBODY_TO_COMPARE: "Nobody is enrolled to compare with.",
    NoticeCode.REFERENCES_EXPIRED: "The references of {name} expired on {expired}. Enroll {name} again.",
    NoticeCode.SOME_REFERENCES_EXPIRED: "Of the {all} references of {name}, {gone} have expired: {name} is "
    "recognised by the others only, and shown where these are not enough. Enroll {name} again to be safe.",
    NoticeCode.PEOPLE_EXPIRED: "People whose references have expired were left out ({people:,}). Enroll them again.",
    NoticeCode.NOBODY_REACHES_THRESHOLD: "Nobody enrolled scores at or above the threshold.",
    NoticeCode.BEST_REACHES_THRESHOLD: "The best score reaches the threshold.",
    NoticeCode.CLOSE_CALL: "A close call: {name} scores almost the same.",
    NoticeCode.NAME_IN_TWO_PLACES: (
        "{name} is the best candidate, but person {person}, seen elsewhere in {frames} of the same frames, is closer "
        "to {name}: {score} against {own_score}. One name cannot be in two places."
    ),
    NoticeCode.NAME_ALSO_ELSEWHERE: (
        "Person {person}, seen elsewhere in {frames} of the same frames, also reaches the threshold for {name}: "
        "{score} against {own_score}. Check which of them is {name}."
    ),
    NoticeCode.SAID_NOT_TO_BE: (
        "You said that this is not {name}, so it is no match, whatever the score ({score}, threshold {threshold})."
    ),
    NoticeCode.NOBODY_ELSE_REACHES_THRESHOLD: (
        "You said that this is not {names}, and nobody else enrolled scores at or above the threshold."
    ),
    NoticeCode.CHANGED_BY_VERDICT: (
        "This answer would be another one if you had not said that person {person} is not {name}."
    ),
    NoticeCode.LOOKS_LIKE_SAID_NOT_TO_BE: (
        "{name} scores {score} against {other}, who is already enrolled (identification threshold {threshold}). You "
        "said that they are different people; they may be confused in other footage."
    ),
    NoticeCode.NAME_EXISTS_SAID_NOT_TO_BE: (
        "{name} is enrolled already, and you said of this person that it is not {name}."
    ),
    NoticeCode.CARD_EVIDENCE: "{text}",
    NoticeCode.CARD_NOT_MEASURED: (
        "not measured for this model; a cautious value, calibrate it on footage of your own"
    ),
    NoticeCode.SETTING_NAMED: "{setting}",
    NoticeCode.CALIBRATED: (
        "Calibrated on your footage on {day}: {errors:,} of {trials:,} {basis} reach it, so the rate is at most "
        "{upper:.2g} (target {target:g}) with 95 % confidence, if the people seen are a random sample of your "
        "cameras' people. 95 % interval of the threshold: {low:.2f} to {high:.2f}, drawing people anew."
    ),
    NoticeCode.COUNTED_AS_ERRORS: (
        "{comparisons:,} comparisons that may be of one person were counted as errors up to their scores."
    ),
    NoticeCode.FOR_GALLERY_SIZE: "It was fitted for a gallery of {identities:,} identities.",
    NoticeCode.GALLERY_HAS_GROWN: (
        "The gallery has grown to {identities:,} identities with {references:,} references since, so that more "
        "searches name somebody wrongly, up to {rate:.2g} of them: calibrate again."
    ),
    NoticeCode.CARD_THRESHOLD_DECIDES: "The model card's threshold decides, not the lower calibrated one.",
    **ADAPTATION_TEMPLATES,
    NoticeCode.CLIP_USED_IN_PART: "Clip {number} of {total} is damaged and was used as far as it can be read.",
    NoticeCode.CLIP_LEFT_OUT: "Clip {number} of {total} was left out: {problem}.",
    NoticeCode.NAMES_TAKEN_FOR_PEOPLE: "Two names in the gallery are taken to be two people.",
    NoticeCode.DOUBTFUL_COMPARISONS: (
        "{comparisons:,} comparisons of people in the clips with names scored {score} or more. They may be the "
        "enrolled people themselves, but count as errors of every threshold up to their score. If thresholds are too "
        "high for that reason, calibrate on clips in which no enrolled person is seen."
    ),
    NoticeCode.SAME_VISIT_FLATTERS: (
        "Scores of one person within one visit are too favourable: clothes, light and camera are the same."
    ),
    NoticeCode.CONFIRMED_ARE_SELECTED: (
        "Answers that people confirmed are selected: only answers that were shown could be confirmed, so the share of "
        "people who are missed may be higher."
    ),
    NoticeCode.WRONG_ANSWERS_REACH: (
        "Answers of {purpose} that you called wrong and that reach the threshold of {value:.3f}: {answers:,}. From "
        "{clear:.3f} on, none of the wrong answers would have been named."
    ),
    NoticeCode.WRONG_ANSWERS_SCORE_ONE: (
        "Answers of {purpose} that you called wrong and that reach the threshold of {value:.3f}: {answers:,}. One of "
        "them scored 1.00, so no threshold excludes all of them."
    ),
    NoticeCode.BELOW_MODEL_CARD: (
        "The threshold of {purpose}, {value:.3f}, is below the model card's, {card:.3f}, so strangers reach it more "
        "often."
    ),
    NoticeCode.IDENTIFICATION_NEEDS_GALLERY: (
        "Identification keeps its default threshold. An identification threshold is for a gallery of a certain size, "
        "and nobody is enrolled yet. Enroll the people to be recognised, then calibrate again."
    ),
    NoticeCode.IDENTIFICATION_NEEDS_DATA: (
        "Identification keeps its default threshold. For a gallery of {identities:,} and a false-positive "
        "identification rate of {rate:g}, it takes {strangers_needed:,} strangers in clips other than the "
        "enrollments' (there are {strangers:,}), or {needed:,} independent comparisons of different people (there are "
        "{available:,}). Add footage, or choose a higher rate."
    ),
    NoticeCode.IDENTIFICATION_NOT_SEPARABLE: (
        "Identification keeps its default threshold. People who must be different score 1.00 with each other, so no "
        "threshold can tell them apart. Check that nobody is enrolled under two names."
    ),
    NoticeCode.NO_LIKELIHOOD_RATIO: (
        "There is no likelihood ratio: it needs references from different clips of {people} people or more."
    ),
    NoticeCode.LIKELIHOOD_BASIS: (
        "From {people:,} people with references of several clips and {pairs:,} pairs of people."
    ),
    NoticeCode.STORED_NOTE: "{text}",
}

REFUSAL_NAMES: Final[Mapping[NoticeCode, str]] = {
    NoticeCode.TOO_SMALL: "too small",
    NoticeCode.LOW_CONFIDENCE: "the detector is not sure that this is a person",
    NoticeCode.CUT_OFF: "cut off by the edge of the picture",
    NoticeCode.ODD_SHAPE: "shows only a part of a person, or more than one",
    NoticeCode.COVERED: "hidden behind somebody else",
    NoticeCode.BLURRED: "blurred",
    NoticeCode.UNLIKE_OTHER_SAMPLES: "does not look like the other samples",
    NoticeCode.NOT_FOLLOWED: "not followed by the tracker",
    NoticeCode.FOLLOWED_TOO_BRIEFLY: "followed for too few frames",
}
"""Refusals without their numbers, for counting."""

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "role": {"detector": "detector", "embedder": "embedder"},
    "purpose": {"verification": "verification", "identification": "identification"},
    "edge": {"left": "left", "right": "right", "upper": "upper", "lower": "lower"},
    "basis": {
        FitBasis.PAIRS: "pairs of different people",
        FitBasis.SEARCHES: "strangers searched in the gallery",
        FitBasis.PAIRS_FOR_SEARCHES: (
            "pairs of different people, taking the {searched:,} comparisons of a search for independent,"
        ),
    },
    "format": {
        "openvino": "BGR pixels 0…255, as in Open Model Zoo's files,",
        "onnx": "RGB with ImageNet's mean and std, as in torchreid's exports,",
    },
    "problem": {
        "ClipNotFound": "there is no such file",
        "EmptyClip": "the file is empty",
        "NotAVideo": "it is not a video that can be read here",
        "PhotographUnreadable": "it is a photograph that is damaged or cannot be read here",
        "NoVideoTrack": "it has no video track",
        "ClipTooLarge": "it is larger than the limits allow",
        "DamagedClip": "it is damaged",
    },
}
"""Words for values that are codes of their own, looked up with the value's name as context; others are shown as they
are. What a command is given stays a code, `{role}`; in sentences stands `{Role}` or `{role_name}`."""

STRENGTHS: Final[tuple[tuple[float, str], ...]] = (
    (1e6, "extremely strong"),
    (1e4, "very strong"),
    (1e3, "strong"),
    (1e2, "moderately strong"),
    (1e1, "moderate"),
    (2.0, "weak"),
)
"""Verbal scale of the ENFSI Guideline for Evaluative Reporting in Forensic Science (2015), p. 17: least ratio, words.

Below 2 the observation supports neither proposition; ratios below 1 are read upside down, for the other one."""

SOURCES: Final[Mapping[ThresholdSource, str]] = {
    ThresholdSource.MODEL_CARD: "model card",
    ThresholdSource.USER: "set by you",
    ThresholdSource.SETTING: "setting",
    ThresholdSource.CALIBRATION: "calibration",
}
"""Where a threshold came from."""

CHANGES: Final[Mapping[ChangeKind, str]] = {
    ChangeKind.ENROLLED: "{first} was enrolled with {samples}.",
    ChangeKind.IMPORTED: "An export was imported: {references} of {people}.",
    ChangeKind.REMOVED: "{first} was removed with {references}.",
    ChangeKind.REFERENCE_REMOVED: "A reference of {first} was removed.",
    ChangeKind.SAMPLE_REMOVED: "A sample of {first} was removed.",
    ChangeKind.REFERENCE_MOVED: "A reference of {first} was given to {second}.",
    ChangeKind.MERGED: "{first} was merged into {second}, with {references}.",
    ChangeKind.RENAMED: "{first} was renamed to {second}.",
    ChangeKind.COVER_CHOSEN: "{first} got another cover picture.",
    ChangeKind.CAMERA_NAMED: "A reference of {first} got another camera.",
    ChangeKind.CALIBRATED: "The thresholds were calibrated on your footage.",
    ChangeKind.CALIBRATION_CHOSEN: "The thresholds of an earlier calibration were put in force again.",
    ChangeKind.CARD_CHOSEN: "The thresholds went back to the model card's.",
    ChangeKind.COHORT_DELETED: "The cohort of strangers was deleted.",
    ChangeKind.VERDICT_CONFIRMED: "It was said that somebody is {first}.",
    ChangeKind.VERDICT_WRONG: "It was said that somebody is not {first}.",
    ChangeKind.VERDICT_UNDECIDED: "It was left open whether somebody is {first}.",
    ChangeKind.VERDICT_WITHDRAWN: "A verdict about {first} was withdrawn.",
    ChangeKind.UNDONE: "Change {undoes} was undone ({first}).",
    ChangeKind.REDONE: "The change that {undoes} had undone was made again ({first}).",
    ChangeKind.BASIS_CHOSEN: "The default basis of enrollments was changed.",
    ChangeKind.RETENTION_SET: "It was set how long references are matched with and kept.",
    ChangeKind.HELD: "{first} was put under a legal hold.",
    ChangeKind.RELEASED: "The legal hold of {first} was released.",
    ChangeKind.PURGED: "The time of {references} was over: deleted, with {samples}.",
    ChangeKind.ERASED: "A person was erased with {references}.",
    ChangeKind.TRASH_EMPTIED: "The trash was emptied: {references}, {samples}.",
    ChangeKind.GROUPS_JOINED: "Unknown people were joined: they are one person.",
    ChangeKind.GROUP_SPLIT: "An unknown person was split: some sightings are somebody else.",
    ChangeKind.GROUP_IGNORED: "An unknown person is ignored.",
    ChangeKind.GROUP_NOTICED: "An unknown person is no longer ignored.",
    ChangeKind.GROUP_NAMED: "An unknown person got the name {first}, with {references}.",
}
"""What a change of the gallery did."""

CHANGES_BY_ONE_NAME: Final[Mapping[ChangeKind, str]] = {
    ChangeKind.REFERENCE_MOVED: "A reference was moved between {first} and {second}.",
    ChangeKind.MERGED: "{second} was merged into {first}, with {references}.",
    ChangeKind.RENAMED: "{first} was renamed.",
}
"""The same where only one of two names is kept: of a merge the target's, of a renaming the present one."""
