"""A case of an examiner: what it holds, what was compared, and whether a repetition gave the same."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from biometric.entities.calibration import Calibration
from biometric.entities.decisions import Threshold
from biometric.entities.footage import Vector
from biometric.entities.life_cycle import EnrollmentBasis
from biometric.entities.notices import Notice
from biometric.errors.phrases import Phrase


class CaseRole(StrEnum):
    """What an input is: footage of people in question, or of somebody known. The values stand in records."""

    QUESTIONED = "questioned"
    KNOWN = "known"


class CaseStep(StrEnum):
    """What the record of a case says was done. The values stand in records."""

    OPENED = "case_opened"
    INPUT_ADDED = "input_added"
    PERSON_CHOSEN = "person_chosen"
    INPUT_WITHDRAWN = "input_withdrawn"
    OBSERVED = "input_observed"
    COMPARED = "compared"
    REPORTED = "report_written"


class NoRatio(StrEnum):
    """Why there is no likelihood ratio."""

    NO_CALIBRATION = "no calibration"
    TOO_FEW_PEOPLE = "too few people in the calibration"


@dataclass(frozen=True, slots=True)
class CaseModel:
    """A model as a case uses it.

    Attributes:
        role: "detector" or "embedder".
        card: its card's id.
        named: what chooses it: the id, or the path of a weight file of the examiner's own.
        files: checksum ("sha256:…") of each file by name; every byte was checked.
    """

    role: str
    card: str
    named: str
    files: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CaseEnvironment:
    """What a step ran on.

    Attributes:
        program: version of Sightline.
        python, system, processor: for people.
        devices: what each model ran on, by role; empty where none was loaded.
        packages: versions by name.
    """

    program: str
    python: str
    system: str
    processor: str
    packages: Mapping[str, str]
    devices: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CaseManifest:
    """What is fixed when a case is opened, before its footage is seen.

    Attributes:
        case_id: 32 hexadecimal digits.
        number, examiner, note: as they were given.
        created_at: ISO 8601, UTC.
        basis: on what basis people are compared.
        threshold: for 1:1 comparisons of scores as they are, with its evidence and likelihood ratio.
        calibration: the one that it is from, or None.
        settings: those that change what is observed, by name.
        notices: what should be known of the models.
    """

    case_id: str
    number: str
    examiner: str
    note: str
    created_at: str
    basis: EnrollmentBasis
    models: tuple[CaseModel, ...]
    threshold: Threshold
    calibration: Calibration | None
    settings: Mapping[str, str | int | float | bool]
    environment: CaseEnvironment
    notices: tuple[Notice, ...] = ()

    def model(self, role: str) -> CaseModel:
        """Return the model of a role. Raises `KeyError`."""
        return {model.role: model for model in self.models}[role]


@dataclass(frozen=True, slots=True)
class CaseInput:
    """A file of a case.

    Attributes:
        number: from 1, in the order in which they were added.
        file: its name in the case.
        label: the name that it had.
        name: of the known person, "" for a questioned input.
        digest: SHA-256, hexadecimal.
        size: bytes.
        person: number of the known person among those seen; None: the only one.
        first, last: frames looked at, 0-based, inclusive; None: to the end.
        accept_damaged: it is used although it is damaged.
        added_at: ISO 8601, UTC.
        withdrawn: why it is not used any more, "" where it is.
    """

    number: int
    file: str
    label: str
    role: CaseRole
    name: str
    digest: str
    size: int
    person: int | None = None
    first: int | None = None
    last: int | None = None
    accept_damaged: bool = False
    added_at: str = ""
    withdrawn: str = ""


@dataclass(frozen=True, slots=True)
class CaseCrop:
    """A kept sample of a person: file beside the description, frame, quality in [0, 1], SHA-256, width and height."""

    file: str
    frame: int
    quality: float
    digest: str
    size: tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class CasePerson:
    """Somebody seen in an input.

    Attributes:
        person: number from 1, in order of appearance.
        first, last: frames, 0-based.
        first_seconds, last_seconds: when these are shown.
        refused: how many samples were refused.
        crops: the kept samples, the best one first.
        vector: (D,) unit float32, the template; None where every sample was refused.
    """

    person: int
    first: int
    last: int
    first_seconds: float
    last_seconds: float
    refused: int
    crops: tuple[CaseCrop, ...]
    vector: Vector | None


@dataclass(frozen=True, slots=True, eq=False)
class ObservedInput:
    """What was seen in an input.

    Attributes:
        number: of the input.
        facts: of the file: "width", "height", "codec", "frames", "seconds", "photograph", "recorded".
        first, last: frames looked at.
        analysed: how many of them were analysed.
        warnings: what should be known of the footage.
        people: everybody seen, in order of appearance.
    """

    number: int
    facts: Mapping[str, str | int | float | bool | None]
    first: int
    last: int
    analysed: int
    warnings: tuple[Notice, ...]
    people: tuple[CasePerson, ...]

    @property
    def usable(self) -> tuple[CasePerson, ...]:
        """The people with a template."""
        return tuple(person for person in self.people if person.vector is not None)


@dataclass(frozen=True, slots=True)
class CaseScore:
    """A questioned person compared with a known one.

    Attributes:
        questioned, known: (number of the input, number of the person).
        name: of the known person.
        score: cosine in [-1, 1].
        reaches: whether it reaches the case's threshold.
        ratio: likelihood ratio, None where it cannot be said.
        low, high: its 95 % interval, None where that is not known.
        limited: the calibration's data are no evidence on ratios beyond this one.
        no_ratio: why there is none.
    """

    questioned: tuple[int, int]
    known: tuple[int, int]
    name: str
    score: float
    reaches: bool
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    limited: bool = False
    no_ratio: NoRatio | None = None


@dataclass(frozen=True, slots=True)
class CaseResults:
    """All comparisons of a case, in order of inputs and people, and what they were made with."""

    scores: tuple[CaseScore, ...]
    environment: CaseEnvironment


class Sameness(StrEnum):
    """How a repetition compares: bit for bit, within the tolerance, or not the same. The values stand in JSON."""

    IDENTICAL = "identical"
    WITHIN_TOLERANCE = "within tolerance"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class Repetition:
    """What repeating a case gave.

    Attributes:
        sameness: of all numbers together.
        compared: how many numbers were compared.
        largest: the largest difference of two scores.
        differences: each difference, in words; "different" ones first.
        environment: what the repetition ran on; `changes` say where that is not what the case ran on.
    """

    sameness: Sameness
    compared: int
    largest: float
    differences: tuple[Phrase, ...]
    changes: tuple[Phrase, ...]
    environment: CaseEnvironment


@dataclass(frozen=True, slots=True)
class CaseCheck:
    """What checking a case found.

    Attributes:
        problems: what shows that something was changed; none: it is as its record says.
        notes: what is unusual, but no proof.
        files: how many files were compared with their checksums.
        records: how many records there are.
        public_key: the key that signed the record.
        own_key: whether that key is here.
    """

    problems: tuple[Phrase, ...]
    notes: tuple[Phrase, ...]
    files: int
    records: int
    public_key: str
    own_key: bool

    @property
    def intact(self) -> bool:
        """Whether nothing shows that the case was changed."""
        return not self.problems
