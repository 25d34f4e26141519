"""Says who is whom in an observation: joins people who are one person, and splits one who is two.

The arithmetic is that of `person_edits`; here stands the rule that people who look different are joined only where
somebody says so a second time.
"""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from biometric.domain.comparison import decide
from biometric.domain.person_edits import (
    JoinEdit,
    PersonEdit,
    TracksEdit,
    join_people,
    least_score,
    split_person,
    split_tracks,
)
from biometric.entities import ObservedClip, Purpose, Threshold
from biometric.errors import PeopleLookDifferent


class PersonEditor:
    """Joins and splits the people of observations. An observation that is given stays as it is.

    Args:
        threshold: returns the threshold in force for a purpose, a value set by the caller (or None) and a folder.
    """

    def __init__(self, threshold: Callable[[Purpose, float | None, Path | None], Threshold]) -> None:
        self._threshold = threshold

    def join(
        self, observed: ObservedClip, people: Collection[int], *, force: bool = False, gallery: Path | None = None
    ) -> ObservedClip:
        """Return the observation with these people as one, who has the samples of all of them and the lowest number.

        Args:
            people: their numbers, from 1, at least two.
            force: also where the lowest score among them is below the verification threshold, or somebody has no
                usable sample to compare.
            gallery: folder of the gallery whose threshold counts; None: the configured one.

        Raises:
            UnknownPerson: there is nobody of one of the numbers.
            PeopleSeenTogether: two of them are seen at different places in the same frames; `force` changes nothing.
            PeopleLookDifferent: they look like different people, and that was not forced.
            InvalidInput: fewer than two people.
        """
        joined = join_people(observed, people)  # where that is impossible, nothing is compared
        if force:
            return joined
        threshold, score = self._threshold("verification", None, gallery), least_score(observed, people)
        if decide(score, threshold):
            return joined
        numbers = ", ".join(map(str, sorted(set(people))))
        if score is None:
            raise PeopleLookDifferent(
                "People {people} cannot be compared, because somebody has no usable sample. A joined person of two "
                "people is recognised as neither. Nothing was changed.",
                score,
                threshold,
                people=numbers,
            )
        raise PeopleLookDifferent(
            "People {people} look like different people: the lowest score among them is {score:.3f}, below the "
            "threshold of {threshold:.3f}. A joined person of two people is recognised as neither. Nothing was "
            "changed.",
            score,
            threshold,
            people=numbers,
        )

    def split(self, observed: ObservedClip, person: int, frame: int) -> ObservedClip:
        """Return the observation with one person as two: from `frame` on it is somebody of the lowest free number.

        Args:
            person: the person's number, from 1.
            frame: 0-based number of the frame at which the other person begins.

        Raises:
            UnknownPerson: there is nobody of that number.
            SplitRefused: one of the two parts has no usable sample.
        """
        return split_person(observed, person, frame)

    def split_tracks(self, observed: ObservedClip, person: int) -> ObservedClip:
        """Return the observation with each track of one person, from 1, as somebody of their own.

        Raises:
            UnknownPerson: there is nobody of that number.
            SplitRefused: the person is one track.
        """
        return split_tracks(observed, person)

    def apply(
        self, observed: ObservedClip, edits: Sequence[PersonEdit], *, gallery: Path | None = None
    ) -> ObservedClip:
        """Return the observation after these edits, in their order; numbers are those after the edits before.

        Raises:
            InvalidInput: one of them cannot be made; see `join`, `split` and `split_tracks`. Nothing has changed.
        """
        for edit in edits:
            if isinstance(edit, JoinEdit):
                observed = self.join(observed, edit.people, force=edit.forced, gallery=gallery)
            elif isinstance(edit, TracksEdit):
                observed = self.split_tracks(observed, edit.person)
            else:
                observed = self.split(observed, edit.person, edit.frame)
        return observed
