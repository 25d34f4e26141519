"""`python -m biometric library …`: the clips that the page has kept, their answers, and removing them."""

import argparse
from typing import Any

from biometric.cli import command_support
from biometric.cli.command_support import DONE, show
from biometric.cli.gallery_trash import accept_yes, confirm, positive
from biometric.entities import AnswerKind, KeptAnswer, KeptClip
from biometric.errors import InvalidInput, UnknownClip
from biometric.footage_keeper import FootageKeeper
from biometric.messages import clock
from biometric.messages.answer_sentences import describe_answer
from biometric.messages.counted import counted
from biometric.messages.local_dates import day_and_time
from biometric.messages.person_sentences import describe_times
from biometric.messages.translation import gettext as _
from biometric.results.library_json import kept_answer_json, kept_clip_json

SHORTEST_ID = 4
"""Fewest characters by which a clip may be named."""


def add_commands(commands: Any) -> None:
    """Add `library` to the parser of all commands."""
    parser = commands.add_parser(
        "library", help="list, show and remove kept footage", description="List, show and remove kept footage."
    )
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    listing = _add(actions, "list", "list kept clips, the last answered first", _list)
    listing.add_argument("text", nargs="?", default="", help="part of the name of a clip, a person found or a camera")
    listing.add_argument("--limit", metavar="N", type=positive, default=100, help="how many clips (default: 100)")
    _add(actions, "show", "show a kept clip with its answers", _show).add_argument("clip", help="its id or name")
    remove = _add(actions, "remove", "remove a kept clip with its answers, at once and for good", _remove)
    remove.add_argument("clip", help="its id or name")
    accept_yes(remove)
    history = _add(actions, "history", "show who was enrolled, verified and identified in kept clips", _history)
    history.add_argument("--kind", choices=[str(kind) for kind in AnswerKind], help="only answers of this kind")
    history.add_argument("--limit", metavar="N", type=positive, default=20, help="how many answers (default: 20)")


def _add(actions: Any, name: str, summary: str, command: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=summary, description=f"{summary.capitalize()}.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=command)
    return parser


def _keeper(options: argparse.Namespace) -> FootageKeeper:
    return command_support.build_service(options).library


def find_clip(keeper: FootageKeeper, text: str) -> KeptClip:
    """Return the clip of an id, the beginning of one, or a name.

    Raises:
        UnknownClip: there is none.
        InvalidInput: several have that name.
    """
    clips, _total = keeper.clips(limit=1_000_000)
    if len(text) >= SHORTEST_ID:
        by_id = [clip for clip in clips if clip.id.startswith(text.lower())]
        if len(by_id) == 1:
            return by_id[0]
    named = [clip for clip in clips if clip.label == text]
    if not named:
        raise UnknownClip("No kept clip is called {name} (see: library list).", name=text)
    if len(named) > 1:
        raise InvalidInput(
            "{count} kept clips are called {name}. Name one by its id: {ids}.",
            count=len(named),
            name=text,
            ids=", ".join(clip.id for clip in named),
        )
    return named[0]


def _list(options: argparse.Namespace) -> int:
    keeper = _keeper(options)
    clips, total = keeper.clips(options.text, limit=options.limit)
    names = keeper.names()
    lines = [_line(clip, names) for clip in clips]
    if not clips:
        text = _("No kept clip, camera or person has “{text}”.").format(text=options.text)
        lines.append(text if options.text else _("No clip is kept."))
    elif total > len(clips):
        lines.append(_("{n:,} more; see --limit.").format(n=total - len(clips)))
    show(options, [kept_clip_json(clip, names) for clip in clips], "\n".join(lines))
    return DONE


def _line(clip: KeptClip, names: dict[str, str]) -> str:
    length = _("photograph") if clip.photograph else clock(clip.duration)
    latest = "" if clip.latest is None else f"  {describe_answer(clip.latest, names)}"
    camera = f"  {clip.camera}" if clip.camera else ""
    return f"{clip.id[:8]}  {day_and_time(clip.used_at)}  {length}  {clip.label}{camera}{latest}"


def _show(options: argparse.Namespace) -> int:
    keeper = _keeper(options)
    clip, names = find_clip(keeper, options.clip), keeper.names()
    unknown = _("unknown")
    lines = [
        _("{clip}: {length}, {frames}, recorded {when}, camera {camera}").format(
            clip=clip.label,
            length=clock(clip.duration),
            frames=counted(clip.frame_count, "frame"),
            when=clip.recorded_at or unknown,
            camera=clip.camera or unknown,
        ),
        _("id {id}, {size:.1f} MB, kept until {day}").format(
            id=clip.id, size=clip.size / 1e6, day=day_and_time(clip.expires_at)
        ),
        _("file {path}").format(path=clip.path),
    ]
    for answer in clip.answers:
        frames = _("frames {first}–{last}").format(first=answer.first_frame, last=answer.last_frame)
        lines.append(f"{day_and_time(answer.when)}  {describe_answer(answer, names)} ({frames})")
    show(options, kept_clip_json(clip, names), "\n".join(lines))
    return DONE


def _remove(options: argparse.Namespace) -> int:
    keeper = _keeper(options)
    clip = find_clip(keeper, options.clip)
    text = _("Remove {clip} with {answers} for good? This cannot be undone.")
    confirm(options, text.format(clip=clip.label, answers=counted(len(clip.answers), "answer")))
    keeper.remove(clip.id)
    show(
        options,
        {"removed": clip.id, "name": clip.label},
        _("{clip} was removed with its answers.").format(clip=clip.label),
    )
    return DONE


def _history(options: argparse.Namespace) -> int:
    keeper = _keeper(options)
    kind = None if options.kind is None else AnswerKind(options.kind)
    answers, _total = keeper.history(kind, options.limit)
    names = keeper.names()
    lines = [
        f"{day_and_time(answer.when)}  {describe_answer(answer, names)}  {answer.clip_label}{_in_view(answer)}"
        for answer in answers
    ]
    text = "\n".join(lines) or _("There is no answer about a kept clip.")
    show(options, [kept_answer_json(answer, names) for answer in answers], text)
    return DONE


def _in_view(answer: KeptAnswer) -> str:
    """Return when the person of an answer about one is in view, after a comma; "" of answers about several."""
    return "" if answer.kind is AnswerKind.IDENTIFICATION else f", {describe_times(answer.people[0].times)}"
