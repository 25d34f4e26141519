"""The question before a reference goes under a name that somebody has: one person, or two?"""

from dataclasses import dataclass

from markupsafe import Markup

from biometric.entities import (
    NOTHING_GIVEN,
    BiometricReference,
    GalleryChange,
    GivenBasis,
    NameConflict,
    ObservedClip,
    name_key,
)
from biometric.errors import InvalidName, UnknownIdentity
from biometric.messages import describe
from biometric.messages.translation import gettext as _
from biometric.ports import Gallery
from biometric.ui import elements
from biometric.ui.picture_uris import Pictures
from biometric.ui.presenters import References
from biometric.ui.session import Footage, Session
from biometric.ui.sized_pictures import with_size
from biometric.ui.templating import render
from biometric.ui.text_format import shortened


@dataclass(slots=True)
class Addition:
    """A reference that waits for an answer.

    Attributes:
        token: clip, frames, person, name, dropped samples, gallery and edits that it is made from.
        name: the name that was typed.
        conflict: whose name that is, and how both compare.
        clip: label of the new person's clip.
        given: on which basis the person is enrolled.
        same_person: the tick that below the threshold has to come first.
    """

    token: tuple[object, ...]
    name: str
    conflict: NameConflict
    clip: str
    given: GivenBasis = NOTHING_GIVEN
    same_person: bool = False

    @property
    def allowed(self) -> bool:
        """Whether the button that adds the reference can be pressed."""
        return self.conflict.reaches_threshold or self.same_person

    def fits(self, footage: Footage, observed: ObservedClip) -> bool:
        """Whether the question is about the footage as it is chosen now."""
        return self.token == enrollment_token(footage, observed, self.name)


def question(addition: Addition, pictures: Pictures) -> str:
    """Return both pictures, the score with the threshold, and the buttons (actions `add`, `other_name`, `same`).

    Below the threshold the button that adds has another wording and rests until the tick is set.
    """
    conflict = addition.conflict
    name, unlike = conflict.identity.name, not conflict.reaches_threshold
    title, mood = _("{name} is enrolled already").format(name=name), "info"
    text = _("Add this reference if it is the same person. If it is somebody else of that name, choose another name.")
    if unlike:
        title, mood = _("Looks like a different person"), "warning"
        text = _("The score is below the threshold. A wrong reference lets others pass as {name}.").format(name=name)
    if conflict.score is None:
        text = describe(conflict.notice)
    return render(
        "addition.html",
        title=title,
        mood=mood,
        text=_("{text} Nothing was stored yet.").format(text=text),
        sample=pictures.crop(conflict.sample_crop, 260),
        reference=pictures.crop(conflict.reference_crop, 260),
        clip=with_size(addition.clip, pictures, conflict.sample_crop),
        name=shortened(name),
        pixels=with_size("", pictures, conflict.reference_crop),
        references=conflict.identity.reference_count,
        scale=Markup(elements.scale(conflict.score, conflict.threshold)),  # noqa: S704 - escaped there
        unlike=unlike,
        same_person=addition.same_person,
    )


def enrollment_token(footage: Footage, observed: ObservedClip, name: str) -> tuple[object, ...]:
    """Return what an enrollment is made from: clip, frames, person, name, dropped samples, gallery, edits."""
    person = footage.person if len(observed.usable) > 1 else None
    dropped = frozenset(footage.dropped)
    return (observed.video.digest, observed.frames, person, name_key(name), dropped, footage.gallery, footage.edits)


def latest_reference(
    session: Session, token: tuple[object, ...] | None, references: References
) -> BiometricReference | None:
    """Return what was enrolled last, where it is still in the gallery.

    Args:
        token: what it has to be made from; None: anything.
    """
    if session.enrolled is None or token not in (None, session.enrolled[0]):
        return None
    _, identity_id, reference_id = session.enrolled
    try:
        return next((reference for reference in references(identity_id) if reference.id == reference_id), None)
    except UnknownIdentity:
        return None


def name_is_used(session: Session, name: object) -> bool:
    """Return whether a name is the one that the last enrollment was made under."""
    if session.enrolled is None or not isinstance(name, str):
        return False
    try:
        return name_key(name) == session.enrolled[0][3]
    except InvalidName:
        return False


def enrolled_again(
    gallery: Gallery, observed: ObservedClip, name: str, enrolled: BiometricReference
) -> tuple[str, GalleryChange | None]:
    """Say that the same frames of the same person were enrolled before; the reference gets another camera, if any.

    Returns:
        What is said, and the change of the camera.
    """
    if observed.camera == enrolled.camera:
        note = _("These frames of {wanted} were enrolled just now. Nothing was added a second time.")
        return elements.banner("info", _("Already enrolled"), note.format(wanted=name)), None
    change = gallery.set_camera(enrolled.id, observed.camera)
    note = _(
        "These frames of {name} were enrolled just now, and nothing was added a second time. The camera of the "
        "reference is {camera} now; it was {former}."
    ).format(name=name, camera=observed.camera or _("unknown"), former=enrolled.camera or _("unknown"))
    return elements.banner("good", _("Camera changed"), note), change
