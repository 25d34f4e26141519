"""From entities to what the page shows. Pure functions of values and `Pictures`; nothing here decides anything."""

from collections.abc import Callable, Sequence
from pathlib import Path

from biometric.entities import (
    BiometricReference,
    Candidate,
    Enrollment,
    FrameRange,
    Identity,
    Notice,
    NoticeCode,
    Observation,
    ObservedClip,
    Progress,
    Sample,
    VideoInfo,
)
from biometric.errors import UnknownIdentity
from biometric.messages import clock, describe, refusal_name
from biometric.messages.detail_sentences import describe_detail
from biometric.messages.durations import describe_place, describe_progress
from biometric.messages.person_sentences import describe_looks, stretch_frames
from biometric.messages.translation import gettext as _
from biometric.ui import elements, problems
from biometric.ui.picture_uris import Pictures
from biometric.ui.sized_pictures import sized_figure
from biometric.ui.text_format import count, decimal, escape
from biometric.ui.turns import Place

References = Callable[[str], Sequence[BiometricReference]]
"""Looks up the references of an identity id."""


def facts(info: VideoInfo) -> str:
    """Return a clip's facts: "10 fps, 740 frames, 1:14.0 · 1280 × 720", and its damage in words.

    Of a photograph there are only size and kind.
    """
    if info.photograph:
        return f'<p class="sl-facts">{escape(f"photograph · {info.width} × {info.height} · {info.codec.upper()}")}</p>'
    frames = count(info.frame_count, "frame")
    if info.frame_count_source != "decoded":  # the file only claims so many
        frames = _("about {frames}").format(frames=frames)
    line = _("{fps:.4g} fps, {frames}, {time} · {width} × {height} · {codec}").format(
        fps=info.fps, frames=frames, time=clock(info.duration), width=info.width, height=info.height, codec=info.codec
    )
    html = f'<p class="sl-facts">{escape(line)}</p>'
    if info.damage is not None:
        html += elements.banner("warning", _("This clip is damaged"), describe(info.damage))
    return html


def range_line(frames: FrameRange, info: VideoInfo) -> str:
    """Return "frames 63–130 · 0:06.3–0:13.0 · 68 frames"."""
    times = f"{clock(info.time_of(frames.first))}–{clock(info.time_of(frames.last))}"
    if not info.time_is_exact(frames.last):
        times = _("about {times}").format(times=times)
    return _("frames {first}–{last} · {times} · {frames}").format(
        first=frames.first, last=frames.last, times=times, frames=count(len(frames), "frame")
    )


def ends(first: str, last: str, frames: FrameRange, info: VideoInfo) -> str:
    """Return the pictures (`data:` URIs) of the first and last chosen frame with the line on the range."""
    figures = elements.figure(first, _("Frame {frame}").format(frame=frames.first), clock(info.time_of(frames.first)))
    figures += elements.figure(last, _("Frame {frame}").format(frame=frames.last), clock(info.time_of(frames.last)))
    line = escape(range_line(frames, info))
    return f'<div class="sl-ends">{figures}</div><p class="sl-facts">{line}</p>'


def waiting(place: Place) -> str:
    """Return the status line of a job that waits for its turn: "Waiting for its turn: 2nd in line, about 3 min"."""
    return working(_("Waiting for its turn: {place}").format(place=describe_place(place.number, place.seconds)))


def working(progress: Progress | str) -> str:
    """Return the status line of running work, with a bar where there is a number."""
    bar = ""
    if isinstance(progress, Progress) and progress.total > 0:
        done = min(progress.done, progress.total)
        bar = f'<progress max="{progress.total}" value="{done}" aria-hidden="true"></progress>'
    text = describe_progress(progress) if isinstance(progress, Progress) else progress
    return f'<div class="sl-status sl-busy">{bar}<p>{escape(text)}</p></div>'


def status_message(text: str) -> str:
    """Return the status line of a finished or cancelled job."""
    return f'<div class="sl-status" role="status"><p>{escape(text)}</p></div>' if text else ""


def frame_numbers(first: int, last: int) -> str:
    """Return "frames 63–190", or "frame 63" where there is one."""
    return (
        _("frame {first}").format(first=first)
        if first == last
        else _("frames {first}–{last}").format(first=first, last=last)
    )


def span(observation: Observation) -> str:
    """Return in which frames a person is in view: "frames 63–130, 410–520"."""
    return stretch_frames(observation)


def looks_line(observed: ObservedClip) -> str:
    """Return in which frames people were looked for, as HTML; "" where nothing is to be said."""
    said = describe_looks(observed.looks)
    return f'<p class="sl-quiet">{escape(said)}</p>' if said else ""


def samples_line(observation: Observation) -> str:
    """Return "12 of 43 samples kept", with the commonest reason when none is."""
    kept_count = len(observation.kept)
    line = _("{n:,} of {samples} kept").format(
        n=kept_count, samples=count(kept_count + observation.refused_count, "sample")
    )
    if observation.template is None and observation.refusals:
        commonest = observation.refusals.most_common(1)[0][0]
        reasons = [sample.refusal for sample in observation.refused if sample.refusal is not None]
        example = next((reason for reason in reasons if reason.code is commonest), None)
        line += f": {refusal_name(commonest) if example is None else describe(example)}"
    return line


def sample_grid(
    samples: Sequence[Sample], pictures: Pictures, dropped: set[str] | None = None, action: str | None = None
) -> str:
    """Return crops with their frame number and reason; with an `action` each is a switch between kept and dropped."""
    cells = []
    for sample in samples:
        name = sample.detection.crop_name
        out = dropped is not None and name in dropped
        frame = sample.detection.frame_index
        note = _("dropped") if out else describe(sample.refusal) if sample.refusal is not None else ""
        image = elements.picture(pictures.crop(sample.crop, 120), "")
        label = _("Sample of frame {frame}, dropped") if out else _("Sample of frame {frame}, kept")
        words = f"<span>{_('frame {frame}').format(frame=frame)}</span> <small>{escape(note)}</small>"
        if action is None:
            cells.append(f'<div class="sl-sample">{image}{words}</div>')
            continue
        cells.append(
            f'<button type="button" role="checkbox" class="sl-sample" aria-checked="{"false" if out else "true"}" '
            f'data-action="{action}" data-value="{escape(name)}" data-key="{action}:{escape(name)}" '
            f'aria-label="{label.format(frame=frame)}">'
            f"{image}{words}</button>"
        )
    return f'<div class="sl-samples">{"".join(cells)}</div>'


def refused(observation: Observation, pictures: Pictures, limit: int = 60) -> str:
    """Return the refused samples behind a summary, each with its reason; "" when there is none."""
    samples, total = observation.refused[:limit], observation.refused_count
    if not total:
        return ""
    more = f"<p>{_('{n:,} more are not shown.').format(n=total - len(samples))}</p>" if total > len(samples) else ""
    shown = sample_grid(samples, pictures)
    summary = _("{samples}, and why").format(samples=count(total, "refused sample"))
    return f"<details><summary>{summary}</summary>{shown}{more}</details>"


def enrolled(enrollment: Enrollment, warnings: Sequence[Notice], pictures: Pictures, own: References) -> str:
    """Return the good news of an enrollment, the images kept, its warnings, and look-alikes with both pictures."""
    identity, reference = enrollment.identity, enrollment.reference
    kept_text = count(len(reference.crops), "sample")
    title = _("{name} is enrolled").format(name=identity.name)
    text = _("{samples} kept from {frames}.").format(
        samples=kept_text, frames=frame_numbers(reference.first_frame, reference.last_frame)
    )
    if enrollment.added:
        title = _("{name} has another reference").format(name=identity.name)
        text += _(" {name} was enrolled before and now has {references}.").format(
            name=identity.name, references=count(identity.reference_count, "reference")
        )
    html = elements.banner("good", title, text)
    for twin in enrollment.lookalikes:
        html += lookalike(twin, enrollment, pictures, own)
    shown = (NoticeCode.LOOKS_LIKE, NoticeCode.LOOKS_LIKE_SAID_NOT_TO_BE)  # with pictures
    html += problems.notes([warning for warning in warnings if warning.code not in shown])
    crops = "".join(
        f'<div class="sl-sample">{elements.picture(pictures.crop(path, 160), path.stem)}</div>'
        for path in reference.crops
    )
    html += f'<p class="sl-quiet">{escape(describe_detail(enrollment.detail, enrollment.added))}</p>'
    html += f'<h4>{_("Images kept in the gallery")}</h4><div class="sl-samples">{crops}</div>'
    return html + refused(enrollment.observation, pictures)


def lookalike(twin: Candidate, enrollment: Enrollment, pictures: Pictures, own: References) -> str:
    """Return the warning that somebody enrolled looks like the new person, with both pictures."""
    best = enrollment.observation.best
    name, other = enrollment.identity.name, twin.identity.name
    both = sized_figure(pictures, best.crop if best else None, name, _("just enrolled"))
    both += sized_figure(pictures, matched(twin, own), other, _("score {score}").format(score=decimal(twin.score)))
    text = _(
        "{other}, already enrolled, scores {score} against {name}. If they are one person, say so on "
        "the People tab (“Same person as …”); if not, they may be confused."
    ).format(other=other, score=decimal(twin.score), name=name)
    if twin.identity.id in enrollment.told_apart:
        text = _(
            "{other}, already enrolled, scores {score} against {name}. You said that they are different "
            "people; they may be confused in other footage."
        ).format(other=other, score=decimal(twin.score), name=name)
    return elements.banner(
        "warning",
        _("{name} looks like {other}").format(name=name, other=other),
        text,
        body=f'<div class="sl-pair">{both}</div>',
    )


def matched(candidate: Candidate, own: References) -> Path | None:
    """Return the best crop of the candidate's best reference, else the identity's thumbnail."""
    return reference_crop(candidate.identity, candidate.reference_id, own)


def reference_crop(identity: Identity, reference_id: str | None, own: References) -> Path | None:
    """Return the best crop of one of an identity's references, else the identity's thumbnail."""
    try:
        for reference in own(identity.id):
            if reference.id == reference_id:
                return reference.best_crop or next(iter(reference.crops), None)
    except UnknownIdentity:  # removed meanwhile, in another window
        return None
    return identity.thumbnail
