"""Small pieces of HTML: banners, tiles, badges, the score scale. Every argument is plain text and is escaped here,
except those named `body`, `html` or `picture`, which these modules made themselves."""

from collections.abc import Sequence
from typing import Literal

from biometric.entities import Threshold, ThresholdSource
from biometric.messages import decimals_apart, describe, describe_evidence, describe_likelihood, describe_origin
from biometric.messages.local_dates import day_of
from biometric.messages.translation import gettext as _
from biometric.ui.text_format import decimal, escape, threshold_text

Mood = Literal["good", "bad", "unsure", "info", "warning"]

_SHAPES: dict[str, str] = {
    "good": '<circle cx="12" cy="12" r="9.5"/><path d="m7.5 12.5 3 3 6-7"/>',
    "bad": '<circle cx="12" cy="12" r="9.5"/><path d="m8.5 8.5 7 7m0-7-7 7"/>',
    "unsure": '<circle cx="12" cy="12" r="9.5" stroke-dasharray="3.6 3.6"/>',
    "info": '<circle cx="12" cy="12" r="9.5"/><path d="M12 11v6m0-10v.5"/>',
    "warning": '<path d="M12 3 2 20.5h20zm0 6.5v5m0 2.6v.4"/>',
    "download": '<path d="M12 3v12m-5-5 5 5 5-5M4 20.5h16"/>',
}


def icon(name: str) -> str:
    """Return an icon drawn in the colour of its text; drawn here, because fonts lack some of the signs."""
    return (
        '<svg class="sl-icon" aria-hidden="true" viewBox="0 0 24 24" fill="none" stroke="currentColor" '
        f'stroke-width="2.2" stroke-linecap="round" stroke-linejoin="round">{_SHAPES[name]}</svg>'
    )


def banner(mood: Mood, title: str, text: str = "", *, body: str = "") -> str:
    """Return a message with icon, bold title and a sentence; bad news is announced at once by screen readers."""
    role = "alert" if mood in {"bad", "warning"} else "status"
    sentence = f"<p>{escape(text)}</p>" if text else ""
    return (
        f'<section class="sl-banner sl-{mood}" role="{role}">'
        f'{icon(mood)}<div class="sl-words"><h3>{escape(title)}</h3>{sentence}{body}</div></section>'
    )


def badge(mood: Mood, text: str) -> str:
    """Return a small word with its icon."""
    return f'<span class="sl-badge sl-{mood}">{icon(mood)} {escape(text)}</span>'


COMING = '<i class="sl-coming"></i>'
"""The place of something that is not known yet."""


def empty(title: str, text: str = "") -> str:
    """Return the quiet place that says what will appear."""
    sentence = f"<p>{escape(text)}</p>" if text else ""
    return f'<div class="sl-empty"><h3>{escape(title)}</h3>{sentence}</div>'


def picture(uri: str, alternative: str, css: str = "sl-picture") -> str:
    """Return an `<img>`; `uri` is a `data:` URI of `pictures`."""
    return f'<img class="{css}" src="{uri}" alt="{escape(alternative)}" loading="lazy" decoding="async">'


def figure(uri: str, caption: str, note: str = "") -> str:
    """Return a picture with a caption and a quiet note."""
    quiet = f"<small>{escape(note)}</small>" if note else ""
    return f"<figure>{picture(uri, caption)}<figcaption>{escape(caption)}{quiet}</figcaption></figure>"


def button(action: str, value: object, text: str, *, css: str = "sl-button", label: str | None = None) -> str:
    """Return a button that sends (action, value) to the component's `act` event."""
    name = f' aria-label="{escape(label)}"' if label is not None else ""
    return (
        f'<button type="button" class="{css}" data-action="{escape(action)}" data-value="{escape(value)}" '
        f'data-key="{escape(action)}:{escape(value)}"{name}>{escape(text)}</button>'
    )


def pairs(rows: Sequence[tuple[str, str]]) -> str:
    """Return a definition list of (term, value)."""
    items = "".join(f"<div><dt>{escape(term)}</dt><dd>{escape(value)}</dd></div>" for term, value in rows if value)
    return f'<dl class="sl-pairs">{items}</dl>'


def scale(score: float | None, threshold: Threshold) -> str:
    """Return the score on a line from 0 to 1, with the threshold and the unsure band marked; numbers as text."""
    decimals = decimals_apart(score, threshold.value)
    text = _("threshold {threshold} ({origin})").format(
        threshold=threshold_text(threshold.value, decimals), origin=describe_origin(threshold)
    )
    if score is None:
        return f'<p class="sl-quiet">{_("No score")} · {escape(text)}</p>'
    number = escape(_("score {score}").format(score=decimal(score, decimals)))
    left, mark, near = _percent(score), _percent(threshold.value), _percent(threshold.unsure_from)
    return (
        f'<div class="sl-scale"><strong>{number}</strong>'
        f'<div class="sl-line" role="img" aria-label="{number}, {escape(text)}">'
        f'<i class="sl-near" style="left:{near:.1f}%;width:{mark - near:.1f}%"></i>'
        f'<i class="sl-fill" style="width:{left:.1f}%"></i><i class="sl-mark" style="left:{mark:.1f}%"></i>'
        f'<i class="sl-dot" style="left:{left:.1f}%"></i></div><span>{escape(text)}</span></div>'
        f"{likelihood(score, threshold)}"
    )


def likelihood(score: float, threshold: Threshold) -> str:
    """Return the likelihood ratio of a score in words and number, "" where there is no calibration that tells."""
    if threshold.likelihood is None:
        return ""
    basis = threshold.likelihood.basis
    title = "" if basis is None else escape(describe(basis))
    return f'<p class="sl-quiet" title="{title}">{escape(describe_likelihood(threshold.likelihood, score))}</p>'


def threshold_evidence(threshold: Threshold) -> str:
    """Return what a threshold rests on; a rate only where the evidence is for exactly this value."""
    rows = [
        _("Threshold {threshold}, {origin}.").format(
            threshold=threshold_text(threshold.value), origin=_origin(threshold)
        )
    ]
    rows += describe_evidence(threshold)
    return '<div class="sl-evidence">' + "".join(f"<p>{escape(row)}</p>" for row in rows) + "</div>"


def _origin(threshold: Threshold) -> str:
    if threshold.source is ThresholdSource.MODEL_CARD:
        return _("from the model card (not calibrated on your footage)")
    if threshold.calibrated_on:
        return _("calibrated on your footage on {day}").format(day=day_of(threshold.calibrated_on))
    if threshold.source is ThresholdSource.USER:
        return _("set by you")
    return _("from {source}").format(source=describe_origin(threshold))


def _percent(value: float) -> float:
    return min(100.0, max(0.0, value * 100))
