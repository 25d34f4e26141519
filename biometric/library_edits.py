"""The part of the library's service that says who is whom in an observation: joins and splits its people."""

from collections.abc import Collection

from biometric.entities import ObservedClip
from biometric.service import Sightline


class ObservationEdits:
    """Joins and splits the people of observations: one person whose track broke, or a track that changed its person.

    Nothing is decoded and no model runs. The observation that is given stays as it is, which is the way back; the one
    that is returned says in `warnings` what was done, and is enrolled, verified and identified like any other.

    Example:
        >>> import biometric
        >>> with biometric.open_service() as service:
        ...     observed = service.observe("demo/visit-1-beige-coat.mp4")
        ...     parts = service.split(observed, person=1, frame=40)
        ...     whole = service.join(parts, [1, 2])
        >>> [person.person for person in parts.observations], [person.person for person in whole.observations]
        ([1, 2], [1])
        >>> whole.observations[0].kept == observed.observations[0].kept
        True
    """

    def join(self, observed: ObservedClip, people: Collection[int], *, force: bool = False) -> ObservedClip:
        """Return the observation with these people as one, who has all their samples and the lowest of the numbers.

        Args:
            people: their numbers, at least two; those of everybody else stay.
            force: also where they look like different people: the lowest score among them is below the verification
                threshold, or somebody has no usable sample to compare.

        Raises:
            PeopleSeenTogether: two of them are seen at different places in the same frames. `force` changes nothing.
            PeopleLookDifferent: they look like different people, and `force` was not said.
            UnknownPerson: there is nobody of one of the numbers.
            InvalidInput: fewer than two people.
        """
        return self._opened().edits.join(observed, people, force=force)

    def split(self, observed: ObservedClip, person: int, frame: int) -> ObservedClip:
        """Return the observation with one person as two: from a frame on it is somebody of the lowest free number.

        Args:
            person: the person's number, from 1.
            frame: number of the frame, from 0, at which the other person begins.

        Raises:
            SplitRefused: one of the two parts has no usable sample.
            UnknownPerson: there is nobody of that number.
        """
        return self._opened().edits.split(observed, person, frame)

    def split_tracks(self, observed: ObservedClip, person: int) -> ObservedClip:
        """Return the observation with each track of one person as somebody of their own, as before they were linked.

        Takes also apart who was detected twice in the same frames, which `split` at a frame cannot. The first track
        keeps the person's number, the others take the lowest free ones.

        Args:
            person: the person's number, from 1; `observation.linked` lists the tracks.

        Raises:
            SplitRefused: the person is one track.
            UnknownPerson: there is nobody of that number.
        """
        return self._opened().edits.split_tracks(observed, person)

    def _opened(self) -> Sightline:
        raise NotImplementedError
