"""Which names and labels are accepted, how they are stored, and when two spellings name one person.

Refused are only characters that change how the text around them is read: control characters (category Cc), lone
surrogates (Cs), and the marks that turn the writing direction of the text around them: embeddings and overrides (U+202A
to U+202E) and isolates (U+2066 to U+2069). Everything else may be part of a name:

- U+200C and U+200D (Persian and Indic names, emoji), variation selectors and tags are stored as typed.
- U+200E, U+200F and U+061C mark the direction at one place and reorder no other word; contact lists add them to names.
- Private-use characters stand for names that Unicode lacks; unassigned ones are of a newer Unicode than this Python's.

Those of them that are invisible are left out of the key by which names are compared, so that no two people have names
that look alike.
"""

import re
import unicodedata

from biometric.errors import InvalidCamera, InvalidName, NameMissing

NAME_LIMIT = 100
"""Longest name of an identity, in characters (Unicode code points) after normalisation."""

CAMERA_LIMIT = 100
"""Longest name of a camera, in characters."""

LABEL_LIMIT = 255
"""Longest label of a clip, in characters; file names are not longer."""

_UNSAFE = re.compile("[\0-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_TYPED_SPACE = str.maketrans("\t\n\v\f\r", "     ")
_BLANK = str.maketrans({"\u2800": " "})  # a Braille pattern without dots

# Unicode's Default_Ignorable_Code_Point (DerivedCoreProperties.txt); Python's unicodedata does not provide it.
_INVISIBLE = re.compile(
    "(\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f)"  # an emoji made of tags, such as a region's flag, is visible
    "|[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def has_unsafe_characters(text: str) -> bool:
    """Return whether text holds a control character, a surrogate, or a mark that turns the writing direction."""
    return _UNSAFE.search(text) is not None


def clean_label(text: str) -> str:
    """Return a clip's label as it is stored and shown: unsafe characters as "?", a longer one ending in "…".

    Unlike a name, a label is not typed for Sightline: a file may have any name, so nothing is refused.
    """
    label = _UNSAFE.sub("?", text)
    return label if len(label) <= LABEL_LIMIT else label[: LABEL_LIMIT - 1] + "…"


def clean_name(text: str) -> str:
    """Return the one spelling under which a name is stored: NFC, any white space as single spaces, ends stripped.

    Raises:
        NameMissing: nothing visible.
        InvalidName: longer than `NAME_LIMIT`, or with unsafe characters.
    """
    text = text.translate(_TYPED_SPACE)
    if has_unsafe_characters(text):
        raise InvalidName(
            "The name contains control characters or marks that turn the writing direction. Type it again without them."
        )
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not name:
        raise NameMissing("The name is empty. Type the name of the person to enroll.")
    if len(name) > NAME_LIMIT:
        raise InvalidName(
            "The name has {length:,} characters; at most {most} are allowed. Type a shorter one.",
            length=len(name),
            most=NAME_LIMIT,
        )
    if not comparable_text(name):
        raise NameMissing("The name has no visible characters. Type the name of the person to enroll.")
    return name


def clean_camera(text: str) -> str:
    """Return the one spelling under which a camera is stored, as `clean_name` does; "" where nothing is visible.

    A camera without a name is the unknown one, which all unnamed footage shares.

    Raises:
        InvalidCamera: longer than `CAMERA_LIMIT`, or with unsafe characters.
    """
    text = text.translate(_TYPED_SPACE)
    camera = " ".join(unicodedata.normalize("NFC", text).split())
    if has_unsafe_characters(text) or len(camera) > CAMERA_LIMIT:
        raise InvalidCamera(
            "The camera may have at most {camera_limit} characters, none of them control characters. Type it again.",
            camera_limit=CAMERA_LIMIT,
        )
    return camera if comparable_text(camera) else ""


def clean_text(text: str, limit: int) -> str | None:
    """Return free text as it is stored: NFC, white space as single spaces, "" where nothing is visible.

    None: it is longer than `limit` characters, or has control characters or marks that turn the writing direction.
    """
    cleaned = " ".join(unicodedata.normalize("NFC", text.translate(_TYPED_SPACE)).split())
    if has_unsafe_characters(cleaned) or len(cleaned) > limit:
        return None
    return cleaned if comparable_text(cleaned) else ""


def name_key(text: str) -> str:
    """Return the key by which two spellings are one person.

    Case, NFC or NFD, kinds of white space, and invisible characters make no difference.

    Raises:
        InvalidName: as `clean_name`.
    """
    return comparable_text(clean_name(text))


def number_name(name: str, number: int) -> str:
    """Return a cleaned name with a number, such as "Ada (2)", where the name alone is taken; it keeps the limit."""
    suffix = f" ({number})"
    return name[: NAME_LIMIT - len(suffix)].rstrip() + suffix


def comparable_text(text: str) -> str:
    """Return any text as names are compared and searched: folded in case and form, without invisible characters."""
    folded = unicodedata.normalize("NFD", text).casefold()
    visible = _INVISIBLE.sub(lambda match: match[1] or "", folded)
    return unicodedata.normalize("NFC", " ".join(visible.translate(_BLANK).split()))
