"""Composes what the People tab shows from the gallery as it is now."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from biometric.domain.constraints import verdicts_between
from biometric.domain.resemblance import Resemblance, frames_shared, resemblance, resemblances
from biometric.entities import BiometricReference, GalleryChange, Identity, PersonLifetime, Threshold
from biometric.entities.erasure import ErasureCertificate
from biometric.erasing.people_eraser import PeopleEraser
from biometric.erasing.subject_reporter import SubjectReporter
from biometric.errors import InvalidInput, UnknownIdentity, UnknownReference
from biometric.messages import describe_error
from biometric.messages.life_cycle_sentences import describe_lifetime
from biometric.messages.translation import N_
from biometric.messages.translation import gettext as _
from biometric.messages.verdict_sentences import describe_different
from biometric.ports import Gallery
from biometric.ui import face_choice, people_pages
from biometric.ui.browser_input import NOT_UNDERSTOOD
from biometric.ui.erasure_display import outlook_words
from biometric.ui.face_choice import Answer, Caution, FaceChoice, LastWord
from biometric.ui.gallery_history import history
from biometric.ui.people_lifetimes import lifetimes_of, retention_line
from biometric.ui.people_state import PeopleState
from biometric.ui.picture_uris import Pictures
from biometric.ui.subject_reports import write_report
from biometric.ui.templating import render

GONE = N_("This person is no longer in the gallery.")
REFERENCE_GONE = N_("This reference is no longer in the gallery.")


@dataclass(frozen=True, slots=True)
class PeopleDesk:
    """Answers the clicks of one workspace on the gallery as it is now.

    Args:
        gallery: the gallery; asked for each time, because it may be opened anew.
        threshold: the verification threshold in force, by which two identities look alike or not.
        pictures: turns crops into pictures of the page.
        trash_days: how long what is removed can be brought back.
        eraser: erases people with all that was written about them; None: from the gallery alone.
        reporter: writes subject reports; None: it cannot be asked for them.
    """

    gallery: Callable[[], Gallery]
    threshold: Callable[[], Threshold]
    pictures: Pictures
    trash_days: float
    eraser: PeopleEraser | None = None
    reporter: SubjectReporter | None = None

    # --- what is shown -------------------------------------------------------------------------------------------

    def html(self, state: PeopleState) -> str:
        """Return the place that the state is at, or that its person is gone meanwhile."""
        if state.place == "history":
            return history(self.gallery(), state, self.pictures, self.trash_days)
        if state.place == "everybody":
            return self._everybody(state)
        try:
            return self._of_person(state)
        except (UnknownIdentity, UnknownReference) as error:
            return render("gone.html", text=describe_error(error))

    def settle(self, state: PeopleState) -> None:
        """Leave a place whose person or reference a change has just taken away."""
        if state.identity is None:
            return
        try:
            references = self.gallery().references(self.person(state).id)
        except UnknownIdentity:
            state.go("everybody", focus="people")
            return
        if state.place == "move" and state.reference not in {reference.id for reference in references}:
            state.go("person", identity=state.identity, focus="person")

    def _of_person(self, state: PeopleState) -> str:
        identity = self.person(state)
        references = self.gallery().references(identity.id)
        if state.place == "person":
            words = self._outlook(identity) if state.question == "erase" else []
            lasting = [item for item in self._lifetimes() if item.identity_id == identity.id]
            said = describe_lifetime(lasting[0]) if lasting else ""
            return people_pages.person(identity, references, state, self.pictures, words, said)
        choice = self._choice(identity, references, state)
        if state.other is not None:
            return face_choice.last_word(choice, self._last_word(identity, references, state), state)
        compared = self._compared(references, state)
        found, more = self._faces(identity, compared, state)
        return face_choice.faces(choice, found, more, self.threshold(), state, self.pictures)

    def _everybody(self, state: PeopleState) -> str:
        lifetimes = self._lifetimes()
        retention = retention_line(self.gallery(), lifetimes) if lifetimes else ""
        return people_pages.everybody(self.gallery().identities(), state, self.pictures, lifetimes, retention)

    def _lifetimes(self) -> list[PersonLifetime]:
        return lifetimes_of(self.gallery(), self.gallery().identities())

    def person(self, state: PeopleState) -> Identity:
        """Return the person whose page is open. Raises `UnknownIdentity`."""
        return self.identity(state.identity or "")

    def identity(self, identity_id: str) -> Identity:
        """Return an identity. Raises `UnknownIdentity`."""
        for identity in self.gallery().identities():
            if identity.id == identity_id:
                return identity
        raise UnknownIdentity(GONE)

    def _compared(self, references: list[BiometricReference], state: PeopleState) -> list[BiometricReference]:
        """Return what is compared with others: the reference that is to be moved, else all of the person."""
        if state.place != "move":
            return references
        moved = [reference for reference in references if reference.id == state.reference]
        if not moved:
            raise UnknownReference(REFERENCE_GONE)
        return moved

    def _faces(
        self, identity: Identity, compared: list[BiometricReference], state: PeopleState
    ) -> tuple[list[Resemblance], int]:
        """Return the most alike identities, of those whose name contains the search text, and how many are left out."""
        gallery = self.gallery()
        others = [other for other in gallery.identities() if other.id != identity.id]
        if not state.query.strip():
            found = resemblances(gallery, compared, face_choice.FACES, but=[identity.id])
            return found, len(others) - len(found)
        named = people_pages.matching(others, state.query)
        scored = [resemblance(gallery, compared, other) for other in named[: face_choice.FACES]]
        alike = sorted((item for item in scored if item is not None), key=lambda item: -item.score)
        return alike, max(0, len(named) - face_choice.FACES)

    def _choice(self, identity: Identity, references: list[BiometricReference], state: PeopleState) -> FaceChoice:
        if state.place == "same person":
            intro = _(
                "Choose the face that is the same person. The most alike come first; the score says how alike they are."
            )
            return FaceChoice(identity, _("Who is the same person as {name}?").format(name=identity.name), intro)
        [moved] = self._compared(references, state)
        intro = _("Frames {first}–{last} of {clip}. Choose the person they belong to.").format(
            first=moved.first_frame, last=moved.last_frame, clip=moved.clip_name
        )
        rest = [reference for reference in references if reference.id != moved.id]
        if rest:
            own = dict(self.gallery().scores(moved.template, identity.id))
            best = max((own[reference.id] for reference in rest if reference.id in own), default=None)
            if best is not None:
                text = _(" Against {name}'s other references they score {best:.2f}.")
                intro += text.format(name=identity.name, best=best)
        return FaceChoice(
            identity, _("Whose reference is this, if not {name}'s?").format(name=identity.name), intro, new_person=True
        )

    def _last_word(self, identity: Identity, references: list[BiometricReference], state: PeopleState) -> LastWord:
        other = self.identity(state.other or "")
        gallery, threshold = self.gallery(), self.threshold()
        compared, others = self._compared(references, state), gallery.references(other.id)
        closest = resemblance(gallery, compared, other)
        if closest is None:
            raise UnknownReference(REFERENCE_GONE)
        between = verdicts_between(gallery.verdicts(), (identity.id, compared), (other.id, others))
        said = describe_different(identity.name, other.name, between)
        warnings = face_choice.cautions(
            identity.name, other.name, closest.score, threshold, frames_shared(compared, others), said
        )
        own_crop = face_choice.best_crop(compared, closest.own_reference_id)
        other_crop = face_choice.best_crop(others, closest.reference_id)
        own_note = _("this reference") if state.place == "move" else _closest_of(len(compared))
        pair = ((identity.name, own_note), (other.name, _closest_of(len(others))))
        return LastWord(
            _question(identity, other, state),
            warnings,
            face_choice.sides(pair, (own_crop, other_crop), self.pictures),
            face_choice.scale(closest.score, threshold),
            _answers(identity, other, warnings, state),
        )

    def _outlook(self, identity: Identity) -> list[str]:
        """Return what erasing somebody will do."""
        return [] if self.eraser is None else outlook_words(self.eraser.outlook(identity.id))

    def report(self, identity_id: str, state: PeopleState) -> str:
        """Write everything held about somebody into a file; return the line with the link to it."""
        if self.reporter is None or state.new_folder is None:
            raise InvalidInput(NOT_UNDERSTOOD)
        return write_report(self.reporter, identity_id, state.new_folder("subject"))

    def erase(self, identity_id: str, by: str) -> tuple[GalleryChange, ErasureCertificate | None]:
        """Erase somebody for good; return the change and the certificate."""
        if self.eraser is None:
            return self.gallery().erase(identity_id, by), None
        return self.eraser.erase(identity_id, by=by)

    # --- what a click is about -----------------------------------------------------------------------------------

    def shown_person(self, state: PeopleState, identity_id: str) -> Identity:
        """Return the person whose page is open, when the click came from that page."""
        if identity_id != state.identity:
            raise InvalidInput("The page has moved on to somebody else meanwhile. Nothing was changed.")
        return self.person(state)

    def chosen_face(self, state: PeopleState, other_id: str) -> Identity:
        """Return the face that the last word is about, when the click came from there."""
        if other_id != state.other:
            raise InvalidInput("Choose the face first; nothing was changed.")
        return self.identity(other_id)

    def reference(self, state: PeopleState, reference_id: str) -> BiometricReference:
        """Return a reference of the person whose page is open. Raises `UnknownReference`."""
        for reference in self.gallery().references(self.person(state).id):
            if reference.id == reference_id:
                return reference
        raise UnknownReference(REFERENCE_GONE)

    def sample(self, state: PeopleState, key: str) -> tuple[BiometricReference, Path]:
        """Return a sample of the person whose page is open: its reference and crop. Raises `UnknownReference`."""
        reference = self.reference(state, key.partition("/")[0])
        for crop in reference.crops:
            if people_pages.sample_key(reference, crop) == key:
                return reference, crop
        raise UnknownReference("This picture is no longer in the gallery.")


def _closest_of(references: int) -> str:
    return (
        _("the only reference")
        if references == 1
        else _("the closest of {references:,} references").format(references=references)
    )


def _question(identity: Identity, other: Identity, state: PeopleState) -> str:
    if state.place == "move":
        return _("Move this reference from {name} to {other}?").format(name=identity.name, other=other.name)
    return _("Are {name} and {other} the same person?").format(name=identity.name, other=other.name)


def _answers(
    identity: Identity, other: Identity, warnings: tuple[Caution, ...], state: PeopleState
) -> tuple[Answer, ...]:
    if state.place == "move":
        return (
            Answer(
                "move-to", other.id, _("Move anyway") if warnings else _("Move to {other}").format(other=other.name)
            ),
        )
    words = _("Join anyway, keep the name {}") if warnings else _("Same person, keep the name {}")
    return (
        Answer("keep-own-name", other.id, words.format(f"“{identity.name}”")),
        Answer("keep-other-name", other.id, words.format(f"“{other.name}”")),
    )
