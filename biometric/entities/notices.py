"""Codes with numbers for all messages to people: warnings, reasons, refusals, evidence.

Code makes and compares notices; `biometric.messages` alone turns them into sentences. JSON carries both.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, auto
from typing import Any

Value = str | int | float
"""The values that a notice may have: text that is a name or a code of its own, and finite numbers."""


class NoticeCode(StrEnum):
    """The kind of a notice. The codes stand in JSON files and in stored calibrations: they are never renamed."""

    # damage of a clip
    CLIP_CUT_SHORT = auto()
    CLIP_CUT_SHORT_ESTIMATED = auto()
    CLIP_UNREADABLE_DATA = auto()
    CLIP_LOST_DATA = auto()

    # what was observed
    GREY_FOOTAGE = auto()
    SINGLE_PICTURE = auto()
    JOINED_BY_HAND = auto()
    SPLIT_BY_HAND = auto()
    TRACKS_SPLIT_BY_HAND = auto()

    # what was compared
    REFERENCE_WITHOUT_COLOUR = auto()
    PROBE_WITHOUT_COLOUR = auto()

    # models
    STARTER_WEIGHTS = auto()
    ALL_STARTER_WEIGHTS = auto()
    STARTER_WEIGHTS_NAMED = auto()
    STARTER_WITHOUT_TORCH = auto()
    SUPERSEDED_WEIGHTS = auto()
    REPLACEMENT_WEIGHTS = auto()
    BETTER_WEIGHTS_PRESENT = auto()
    INPUT_FORMAT_ASSUMED = auto()
    DETECTOR_ON_CPU = auto()
    DEVICE_FAILED = auto()

    # why a sample was refused
    TOO_SMALL = auto()
    LOW_CONFIDENCE = auto()
    CUT_OFF = auto()
    ODD_SHAPE = auto()
    COVERED = auto()
    BLURRED = auto()
    UNLIKE_OTHER_SAMPLES = auto()

    # why a crop is not trained with, besides these
    NOT_FOLLOWED = auto()
    FOLLOWED_TOO_BRIEFLY = auto()

    # what an enrollment should be checked for
    LOOKS_LIKE = auto()
    UNLIKE_OWN_REFERENCES = auto()
    NAME_EXISTS = auto()
    NAME_EXISTS_UNLIKE = auto()
    NAME_EXISTS_NOT_COMPARABLE = auto()

    # why a verification was decided so
    SCORE_BELOW_THRESHOLD = auto()
    SCORE_REACHES_THRESHOLD = auto()
    SOMEBODY_ELSE_CLOSER = auto()
    BYSTANDER_CLOSER = auto()
    BYSTANDER_ALSO_REACHES = auto()

    # why an identification was decided so
    NO_GOOD_SAMPLE = auto()
    NOBODY_TO_COMPARE = auto()
    REFERENCES_EXPIRED = auto()
    SOME_REFERENCES_EXPIRED = auto()
    PEOPLE_EXPIRED = auto()
    NOBODY_REACHES_THRESHOLD = auto()
    BEST_REACHES_THRESHOLD = auto()
    CLOSE_CALL = auto()
    NAME_IN_TWO_PLACES = auto()
    NAME_ALSO_ELSEWHERE = auto()

    # what verdicts changed
    SAID_NOT_TO_BE = auto()
    NOBODY_ELSE_REACHES_THRESHOLD = auto()
    CHANGED_BY_VERDICT = auto()
    LOOKS_LIKE_SAID_NOT_TO_BE = auto()
    NAME_EXISTS_SAID_NOT_TO_BE = auto()

    # what a threshold rests on
    CARD_EVIDENCE = auto()
    CARD_NOT_MEASURED = auto()
    SETTING_NAMED = auto()
    CALIBRATED = auto()
    COUNTED_AS_ERRORS = auto()
    FOR_GALLERY_SIZE = auto()
    GALLERY_HAS_GROWN = auto()
    CARD_THRESHOLD_DECIDES = auto()
    CAMERA_NOT_LEARNT = auto()
    CAMERA_UNKNOWN = auto()
    CAMERA_NOT_IN_COHORT = auto()
    CAMERA_UNKNOWN_TO_COHORT = auto()
    COHORT_NOT_KEPT = auto()
    COHORT_TOO_SMALL = auto()
    COHORT_NOT_USED = auto()

    # what a calibration rests on
    CLIP_USED_IN_PART = auto()
    CLIP_LEFT_OUT = auto()
    NAMES_TAKEN_FOR_PEOPLE = auto()
    DOUBTFUL_COMPARISONS = auto()
    SAME_VISIT_FLATTERS = auto()
    IDENTIFICATION_NEEDS_GALLERY = auto()
    IDENTIFICATION_NEEDS_DATA = auto()
    IDENTIFICATION_NOT_SEPARABLE = auto()
    CONFIRMED_ARE_SELECTED = auto()
    WRONG_ANSWERS_REACH = auto()
    WRONG_ANSWERS_SCORE_ONE = auto()
    BELOW_MODEL_CARD = auto()
    NO_LIKELIHOOD_RATIO = auto()
    LIKELIHOOD_BASIS = auto()
    STORED_NOTE = auto()


VALUES: Mapping[NoticeCode, tuple[str, ...]] = {
    NoticeCode.CLIP_CUT_SHORT: ("readable", "claimed"),
    NoticeCode.CLIP_CUT_SHORT_ESTIMATED: ("readable", "claimed"),
    NoticeCode.CLIP_UNREADABLE_DATA: ("readable",),
    NoticeCode.CLIP_LOST_DATA: ("incomplete", "frames"),
    NoticeCode.GREY_FOOTAGE: (),
    NoticeCode.SINGLE_PICTURE: (),
    NoticeCode.JOINED_BY_HAND: ("person", "people"),
    NoticeCode.SPLIT_BY_HAND: ("person", "other", "frame"),
    NoticeCode.TRACKS_SPLIT_BY_HAND: ("person", "others"),
    NoticeCode.REFERENCE_WITHOUT_COLOUR: ("name",),
    NoticeCode.PROBE_WITHOUT_COLOUR: ("name",),
    NoticeCode.STARTER_WEIGHTS: ("role",),
    NoticeCode.ALL_STARTER_WEIGHTS: (),
    NoticeCode.STARTER_WEIGHTS_NAMED: ("setting",),
    NoticeCode.STARTER_WITHOUT_TORCH: ("role", "recommended", "setting"),
    NoticeCode.SUPERSEDED_WEIGHTS: ("setting", "title", "successor"),
    NoticeCode.REPLACEMENT_WEIGHTS: ("role", "title", "recommended"),
    NoticeCode.BETTER_WEIGHTS_PRESENT: ("role", "title"),
    NoticeCode.INPUT_FORMAT_ASSUMED: ("file", "format", "description"),
    NoticeCode.DETECTOR_ON_CPU: ("detector",),
    NoticeCode.DEVICE_FAILED: ("device",),
    NoticeCode.TOO_SMALL: ("width", "height", "min_width", "min_height"),
    NoticeCode.LOW_CONFIDENCE: ("confidence",),
    NoticeCode.CUT_OFF: ("edge",),
    NoticeCode.ODD_SHAPE: (),
    NoticeCode.COVERED: ("share",),
    NoticeCode.BLURRED: (),
    NoticeCode.UNLIKE_OTHER_SAMPLES: (),
    NoticeCode.NOT_FOLLOWED: (),
    NoticeCode.FOLLOWED_TOO_BRIEFLY: (),
    NoticeCode.LOOKS_LIKE: ("name", "other", "score", "threshold"),
    NoticeCode.UNLIKE_OWN_REFERENCES: ("name", "score", "threshold"),
    NoticeCode.NAME_EXISTS: ("name", "score", "threshold"),
    NoticeCode.NAME_EXISTS_UNLIKE: ("name", "score", "threshold"),
    NoticeCode.NAME_EXISTS_NOT_COMPARABLE: ("name",),
    NoticeCode.SCORE_BELOW_THRESHOLD: (),
    NoticeCode.SCORE_REACHES_THRESHOLD: (),
    NoticeCode.SOMEBODY_ELSE_CLOSER: (),
    NoticeCode.BYSTANDER_CLOSER: ("person", "score", "own_score"),
    NoticeCode.BYSTANDER_ALSO_REACHES: ("person", "score", "own_score"),
    NoticeCode.NO_GOOD_SAMPLE: (),
    NoticeCode.NOBODY_TO_COMPARE: (),
    NoticeCode.REFERENCES_EXPIRED: ("name", "expired"),
    NoticeCode.SOME_REFERENCES_EXPIRED: ("name", "gone", "all"),
    NoticeCode.PEOPLE_EXPIRED: ("people",),
    NoticeCode.NOBODY_REACHES_THRESHOLD: (),
    NoticeCode.BEST_REACHES_THRESHOLD: (),
    NoticeCode.CLOSE_CALL: ("name",),
    NoticeCode.NAME_IN_TWO_PLACES: ("name", "person", "frames", "score", "own_score"),
    NoticeCode.NAME_ALSO_ELSEWHERE: ("name", "person", "frames", "score", "own_score"),
    NoticeCode.SAID_NOT_TO_BE: ("name", "score", "threshold"),
    NoticeCode.NOBODY_ELSE_REACHES_THRESHOLD: ("names",),
    NoticeCode.CHANGED_BY_VERDICT: ("name", "person"),
    NoticeCode.LOOKS_LIKE_SAID_NOT_TO_BE: ("name", "other", "score", "threshold"),
    NoticeCode.NAME_EXISTS_SAID_NOT_TO_BE: ("name",),
    NoticeCode.CARD_EVIDENCE: ("text",),
    NoticeCode.CARD_NOT_MEASURED: (),
    NoticeCode.SETTING_NAMED: ("setting",),
    NoticeCode.CALIBRATED: ("day", "errors", "trials", "basis", "searched", "upper", "target", "low", "high"),
    NoticeCode.COUNTED_AS_ERRORS: ("comparisons",),
    NoticeCode.FOR_GALLERY_SIZE: ("identities",),
    NoticeCode.CAMERA_NOT_LEARNT: ("camera",),
    NoticeCode.CAMERA_UNKNOWN: (),
    NoticeCode.CAMERA_NOT_IN_COHORT: ("camera",),
    NoticeCode.CAMERA_UNKNOWN_TO_COHORT: (),
    NoticeCode.COHORT_NOT_KEPT: (),
    NoticeCode.COHORT_TOO_SMALL: ("people", "needed"),
    NoticeCode.COHORT_NOT_USED: (),
    NoticeCode.GALLERY_HAS_GROWN: ("identities", "references", "rate"),
    NoticeCode.CARD_THRESHOLD_DECIDES: (),
    NoticeCode.CLIP_USED_IN_PART: ("number", "total"),
    NoticeCode.CLIP_LEFT_OUT: ("number", "total", "problem"),
    NoticeCode.NAMES_TAKEN_FOR_PEOPLE: (),
    NoticeCode.DOUBTFUL_COMPARISONS: ("comparisons", "score"),
    NoticeCode.SAME_VISIT_FLATTERS: (),
    NoticeCode.IDENTIFICATION_NEEDS_GALLERY: (),
    NoticeCode.IDENTIFICATION_NEEDS_DATA: (
        "identities",
        "rate",
        "strangers_needed",
        "strangers",
        "needed",
        "available",
    ),
    NoticeCode.IDENTIFICATION_NOT_SEPARABLE: (),
    NoticeCode.CONFIRMED_ARE_SELECTED: (),
    NoticeCode.WRONG_ANSWERS_REACH: ("purpose", "answers", "value", "clear"),
    NoticeCode.WRONG_ANSWERS_SCORE_ONE: ("purpose", "answers", "value"),
    NoticeCode.BELOW_MODEL_CARD: ("purpose", "value", "card"),
    NoticeCode.NO_LIKELIHOOD_RATIO: ("people",),
    NoticeCode.LIKELIHOOD_BASIS: ("people", "pairs"),
    NoticeCode.STORED_NOTE: ("text",),
}
"""Names of the values that a notice of each code carries: all of them, no others.

Scores and thresholds are unrounded; `share`, `rate`, `upper` and `target` are in [0, 1]; frame numbers count from 0;
`person` is the number of the other person, whose score is `score`. `role`, `edge`, `format`, `basis`, `problem` and
`purpose` are codes, `expired` is a time (ISO 8601). `STORED_NOTE` holds a sentence of a calibration that was stored
before notes had codes.
"""

REFUSALS = (
    NoticeCode.TOO_SMALL,
    NoticeCode.LOW_CONFIDENCE,
    NoticeCode.CUT_OFF,
    NoticeCode.ODD_SHAPE,
    NoticeCode.COVERED,
    NoticeCode.BLURRED,
    NoticeCode.UNLIKE_OTHER_SAMPLES,
)
"""Why a sample can be refused."""


@dataclass(frozen=True, slots=True, init=False)
class Notice:
    """A message to people, as a code with values: `Notice(NoticeCode.COVERED, share=0.4)`.

    Attributes:
        code: the kind of message.
        values: (name, value) pairs in the order of `VALUES`.

    Raises:
        ValueError: a value is missing, is not one of the code's, or is neither text nor a finite number.
    """

    code: NoticeCode
    values: tuple[tuple[str, Value], ...]

    def __init__(self, code: NoticeCode | str, /, **values: Value) -> None:
        code = NoticeCode(code)
        names = VALUES[code]
        if set(values) != set(names):
            raise ValueError(f"expected the values {list(names)} for {code}, got {sorted(values)}")
        for name, value in values.items():
            if isinstance(value, bool) or not isinstance(value, str | int | float):
                raise ValueError(f"expected text or a number for {name} of {code}, got {value!r}")
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError(f"expected a finite number for {name} of {code}, got {value}")
        object.__setattr__(self, "code", code)
        object.__setattr__(self, "values", tuple((name, values[name]) for name in names))

    def __getitem__(self, name: str) -> Value:
        """Return one value. Raises `KeyError`: the code has none of that name."""
        return dict(self.values)[name]

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON-ready form, which `from_dict` reads: {"code": …, "values": {…}}."""
        return {"code": str(self.code), "values": dict(self.values)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Notice":
        """Read `as_dict`'s form.

        Raises:
            KeyError, TypeError, ValueError: it is not one.
        """
        return cls(data["code"], **data["values"])
