"""On what basis somebody is enrolled, and for how long a reference is matched with and kept."""

import math
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from biometric.entities.names import clean_text
from biometric.errors import InvalidBasis, InvalidRetention

TEXT_LIMIT = 500
"""Most characters of a purpose, of who is responsible, and of a note."""

LONGEST_DAYS = 3650.0
"""Most days for which a reference can be matched with or kept."""

GRACE = timedelta(days=7)
"""How long what is overdue for a reason that nobody saw coming stays after it was shown: of an earlier version's
gallery, or of an import."""

SHORTENED_GRACE = timedelta(days=1)
"""How long what became overdue because somebody shortened the retention stays."""


class LegalBasis(StrEnum):
    """Why somebody may be enrolled. The values stand in databases, exports and commands; `messages` has their names."""

    CONSENT = "consent"
    CONTRACT = "contract"
    EMPLOYMENT = "employment"
    LEGAL_CLAIM = "legal-claim"
    RESEARCH_PROTOCOL = "research-protocol"
    OTHER = "other"

    @classmethod
    def read(cls, text: str) -> "LegalBasis":
        """Return the one that a word names, in any case and with spaces, hyphens or underscores.

        Raises:
            InvalidBasis: there is no such word.
        """
        word = "-".join(text.replace("_", " ").replace("-", " ").lower().split())
        if word not in [basis.value for basis in cls]:
            raise InvalidBasis(
                "{word!r:.60} is no legal basis. Choose one of {words}.", word=text, words=", ".join(cls)
            )
        return cls(word)


class EntryPoint(StrEnum):
    """By which way an enrollment came. The values stand in databases and exports."""

    PAGE = "page"
    COMMAND = "command"
    API = "api"
    LIBRARY = "library"
    IMPORT = "import"


@dataclass(frozen=True, slots=True)
class EnrollmentBasis:
    """Why and for what somebody is enrolled, and who answers for it.

    Args:
        legal_basis: a `LegalBasis`, or its word.
        purpose: what the references are for; 1 to 500 characters.
        responsible: who answers for it, "" where that is not said; at most 500 characters.
        note: anything else, such as where a signed consent lies; at most 500 characters.

    Raises:
        InvalidBasis: a text is too long or not printable, the purpose is empty, or there is no such legal basis.

    Example:
        >>> biometric.EnrollmentBasis("consent", "door of the studio", "Grace Hopper").legal_basis.value
        'consent'
    """

    legal_basis: LegalBasis
    purpose: str
    responsible: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "legal_basis", LegalBasis.read(self.legal_basis))
        for field in ("purpose", "responsible", "note"):
            text = clean_text(getattr(self, field), TEXT_LIMIT)
            if text is None:
                raise InvalidBasis(
                    "Purpose, responsible and note of an enrollment may each have at most {limit} characters, none of "
                    "them control characters. Type them again.",
                    limit=TEXT_LIMIT,
                )
            object.__setattr__(self, field, text)
        if not self.purpose:
            raise InvalidBasis("The purpose is empty. Say what the people are enrolled for, in a few words.")


@dataclass(frozen=True, slots=True)
class GivenBasis:
    """What an enrollment comes with: its basis (None: the gallery's default), and by which way it comes.

    Attributes:
        becomes_default: once the reference is stored, its basis is the gallery's default.
    """

    basis: EnrollmentBasis | None = None
    entry_point: EntryPoint = EntryPoint.LIBRARY
    becomes_default: bool = False


NOTHING_GIVEN = GivenBasis()
"""An enrollment by a program, on the gallery's default."""


ON_PAGE = GivenBasis(entry_point=EntryPoint.PAGE)
"""An enrollment on the page, on the gallery's default."""


@dataclass(frozen=True, slots=True)
class BasisRecord:
    """The basis that was recorded with a reference; `recorded_at` is ISO 8601, UTC."""

    basis: EnrollmentBasis
    recorded_at: str
    entry_point: EntryPoint


@dataclass(frozen=True, slots=True)
class Retention:
    """For how many days after its enrollment a reference is matched with, and is kept.

    Raises:
        InvalidRetention: not numbers above 0 and up to 3650, or it is kept for a shorter time than matched with.
    """

    matching_days: float = 7.0
    keeping_days: float = 30.0

    def __post_init__(self) -> None:
        if not all(
            math.isfinite(days) and 0.0 < days <= LONGEST_DAYS for days in (self.matching_days, self.keeping_days)
        ):
            raise InvalidRetention(
                "Days of retention must be numbers above 0 and up to {most}, got {matching} and {keeping}.",
                most=int(LONGEST_DAYS),
                matching=self.matching_days,
                keeping=self.keeping_days,
            )
        if self.keeping_days < self.matching_days:
            raise InvalidRetention(
                "References would be deleted after {keeping:g} days, but matched with for {matching:g}. Keep them at "
                "least as long as they are matched with.",
                matching=self.matching_days,
                keeping=self.keeping_days,
            )

    def with_days(self, matching: float | None, keeping: float | None) -> "Retention":
        """Return the retention with those days that were given, in place of its own. Raises `InvalidRetention`."""
        return Retention(
            self.matching_days if matching is None else matching, self.keeping_days if keeping is None else keeping
        )


@dataclass(frozen=True, slots=True)
class PersonLifetime:
    """Until when the references of somebody enrolled are matched with and kept.

    Attributes:
        identity_id, name: who.
        retention: what holds for this person.
        is_own: it was set for this person; otherwise it is the gallery's.
        held_since: since when nothing of this person is deleted, ISO 8601, UTC; "" where there is no legal hold.
        hold_reason: as it was given.
        references, expired, without_basis: how many there are, are not matched with any more, and have no recorded
            basis.
        match_until: until when the last of them is matched with.
        next_purge: when the next of them are deleted, and `purge_references` how many then; "" and 0 where a hold
            prevents it, or where that waits until it was shown (`waits_until_shown` says how many).
    """

    identity_id: str
    name: str
    retention: Retention
    is_own: bool
    held_since: str
    hold_reason: str
    references: int
    expired: int
    without_basis: int
    match_until: str
    next_purge: str
    purge_references: int
    waits_until_shown: int

    @property
    def has_expired(self) -> bool:
        """Whether no reference of this person is matched with any more."""
        return self.expired == self.references

    @property
    def is_held(self) -> bool:
        """Whether a legal hold keeps everything of this person."""
        return bool(self.held_since)


@dataclass(frozen=True, slots=True)
class PurgeReport:
    """What a purge deleted for good: how many references, and the ids of people of whom nothing was left."""

    references: int = 0
    identity_ids: tuple[str, ...] = ()
