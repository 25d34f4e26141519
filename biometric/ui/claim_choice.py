"""The choice of whom a person claims to be, as HTML."""

from collections.abc import Sequence

from biometric.entities import Identity, comparable_text
from biometric.messages.translation import gettext as _
from biometric.ui import elements, introductions
from biometric.ui.picture_uris import Pictures
from biometric.ui.text_format import count, escape

ROWS = 60
"""Most identities shown at once; the search narrows them down."""


def claims(identities: Sequence[Identity], chosen: str | None, pictures: Pictures, query: str = "") -> str:
    """Return identities as radio rows (action `claim`, value: the identity's id), those that contain `query`."""
    if not identities:
        return introductions.of_empty_gallery()
    wanted = comparable_text(query)
    matching = [
        identity for identity in identities if wanted in comparable_text(identity.name) or identity.id == chosen
    ]
    rows = "".join(_claim(identity, identity.id == chosen, pictures) for identity in matching[:ROWS])
    if not matching:
        rows = f'<p class="sl-quiet">{escape(_("No name contains “{query}”.").format(query=query.strip()))}</p>'
    elif len(matching) > ROWS:
        text = _("{n:,} more. Type a part of the name to find them.").format(n=len(matching) - ROWS)
        rows += f'<p class="sl-quiet">{text}</p>'
    title = _("Who do they say they are?")
    return f'<p class="sl-label">{title}</p><div class="sl-claims" role="radiogroup" aria-label="{title}">{rows}</div>'


def _claim(identity: Identity, chosen: bool, pictures: Pictures) -> str:
    shot = elements.picture(pictures.crop(identity.thumbnail, 72), "", "sl-thumb")
    return (
        f'<button type="button" role="radio" class="sl-claim" aria-checked="{"true" if chosen else "false"}" '
        f'data-action="claim" data-value="{escape(identity.id)}" data-key="claim:{escape(identity.id)}">'
        f'<span class="sl-radio" aria-hidden="true"></span>{shot}'
        f'<span class="sl-name" dir="auto">{escape(identity.name)}</span> '
        f"<small>{count(identity.reference_count, 'reference')}</small></button>"
    )
