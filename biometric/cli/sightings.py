"""`python -m biometric sightings …`: who was seen where and when in kept footage, and who looks alike."""

import argparse
from pathlib import Path
from typing import Any

from biometric.cli import command_support
from biometric.cli.command_support import DONE, WRONG, run, show
from biometric.cli.gallery_trash import add_action
from biometric.domain.person_choice import one_person
from biometric.entities.sighting_queries import MOST, SightingFilter
from biometric.entities.sightings import Sighting
from biometric.errors import InvalidInput, NoUsableSample
from biometric.errors.phrases import Phrase
from biometric.messages import decimal
from biometric.messages.sighting_sentences import (
    describe_by_chance,
    describe_camera,
    describe_certainty,
    describe_comparing,
    describe_time_source,
    describe_when,
    describe_who,
)
from biometric.messages.translation import gettext as _
from biometric.messages.translation import ngettext
from biometric.results.answer_json import threshold_json
from biometric.results.sighting_json import hits_json, sighting_json
from biometric.service import Sightline


def add_commands(commands: Any) -> None:
    """Add the `sightings` commands to a parser's commands."""
    summary = "who was seen where and when in kept footage"
    sightings = commands.add_parser("sightings", help=summary, description=f"Say {summary}.")
    actions = sightings.add_subparsers(metavar="ACTION", required=True)
    listed = add_action(actions, "list", "list sightings, the latest first", _list)
    _add_filters(listed)
    searched = add_action(actions, "search", "rank sightings by how much they look like an example", _search)
    example = searched.add_mutually_exclusive_group(required=True)
    example.add_argument("--like", metavar="ID", help="a sighting (see: sightings list)")
    example.add_argument("--picture", type=Path, metavar="FILE", help="a photograph or clip of the person")
    example.add_argument("--name", metavar="NAME", help="somebody enrolled: older sightings of unknown people")
    searched.add_argument("--person", type=int, metavar="N", help="which person of FILE, where there are several")
    searched.add_argument("--least", type=float, default=-1.0, metavar="SCORE", help="leave out lower scores")
    _add_filters(searched, named=False)
    shown = add_action(actions, "show", "show a sighting", _show)
    shown.add_argument("sighting", metavar="ID", help="id of the sighting (see: sightings list)")
    removed = add_action(actions, "remove", "delete sightings, at once and for good", _remove)
    removed.add_argument("sightings", metavar="ID", nargs="+", help="ids of the sightings (see: sightings list)")


def _add_filters(command: argparse.ArgumentParser, *, named: bool = True) -> None:
    if named:
        command.add_argument("--name", metavar="NAME", help="only of this person")
        command.add_argument("--unknown", action="store_true", help="only of nobody enrolled")
    command.add_argument("--camera", metavar="NAME", help='only of this camera, "" for the unknown one')
    command.add_argument("--since", metavar="TIME", help="only from then on, such as 2026-04-12 15:30")
    command.add_argument("--until", metavar="TIME", help="only before then")
    command.add_argument("--limit", type=int, default=24, metavar="N", help="most sightings (default: 24)")
    command.add_argument("--offset", type=int, default=0, metavar="N", help="pass over so many")


def _filter(service: Sightline, options: argparse.Namespace, name: str | None, unnamed: bool) -> SightingFilter:
    if not 1 <= options.limit <= MOST or options.offset < 0:
        raise InvalidInput("--limit must be from 1 to {most}, and --offset 0 or more.", most=MOST)
    if unnamed and name is not None:
        raise InvalidInput("--name and --unknown exclude each other. Leave one out.")
    desk = service.sightings
    return SightingFilter(
        identity_id=None if name is None else service.gallery().find(name).id,
        unnamed=unnamed,
        camera=options.camera,
        since=None if options.since is None else desk.moment(options.since),
        until=None if options.until is None else desk.moment(options.until),
        limit=options.limit,
        offset=options.offset,
    )


def _list(options: argparse.Namespace) -> int:
    service = command_support.build_service(options)
    found, total = service.sightings.find(_filter(service, options, options.name, options.unknown))
    names = service.library.names()
    lines = [_line(item, describe_who(item, names)) for item in found]
    lines.append(ngettext("{n:,} sighting in all.", "{n:,} sightings in all.", total).format(n=total))
    show(options, {"total": total, "sightings": [sighting_json(item, names) for item in found]}, "\n".join(lines))
    return DONE


def _search(options: argparse.Namespace) -> int:
    service = command_support.build_service(options)
    desk, names = service.sightings, service.library.names()
    wanted = _filter(service, options, None, False)
    if options.name is not None:
        return _look_back(service, options)
    if options.like is not None:
        found = desk.like(options.like, wanted, options.least)
    else:
        observed = run(service.observe(options.picture, accept_damaged=True))
        template = one_person(observed, options.person, Phrase("look for")).template
        if template is None:  # for the type checker: one_person chooses among usable people
            raise NoUsableSample("No sample of this person is good enough. Choose another picture.")
        found = desk.search(template, wanted, options.least)
    threshold = desk.threshold()
    lines = [f"{decimal(hit.score)}  {_line(hit.sighting, describe_who(hit.sighting, names))}" for hit in found.hits]
    lines.append(describe_comparing(threshold, found.compared))
    if found.has_more:
        lines.append(_("There are more: add --offset {n}.").format(n=options.offset + options.limit))
    answer = {"compared": found.compared, "more": found.has_more, **threshold_json(threshold)}
    show(options, {**answer, "sightings": hits_json(found.hits, names)}, "\n".join(lines))
    return DONE


def _look_back(service: Sightline, options: argparse.Namespace) -> int:
    identity, names = service.gallery().find(options.name), service.library.names()
    found = service.sightings.look_back(identity.id, limit=options.limit)
    text = ngettext("{name} may be in {n:,} older clip.", "{name} may be in {n:,} older clips.", found.clips)
    lines = [f"{decimal(hit.score)}  {_line(hit.sighting, describe_who(hit.sighting, names))}" for hit in found.hits]
    lines.append(text.format(name=identity.name, n=found.clips))
    lines.append(describe_by_chance(found.by_chance, found.compared))
    hits = hits_json(found.hits, names)
    answer = {"clips": found.clips, "compared": found.compared, "by_chance": found.by_chance}
    show(options, {**answer, **threshold_json(found.threshold), "sightings": hits}, "\n".join(lines))
    return DONE


def _show(options: argparse.Namespace) -> int:
    service = command_support.build_service(options)
    sighting, names = service.sightings.get(options.sighting), service.library.names()
    lines = [
        _line(sighting, describe_who(sighting, names)),
        _("Time: {source}").format(source=describe_time_source(sighting)),
        describe_certainty(sighting),
        "" if sighting.crop is None else _("Picture: {path}").format(path=sighting.crop),
        _("Kept until {day}.").format(day=sighting.keep_until[:10])
        if sighting.keep_until
        else _("Kept by a legal hold."),
    ]
    show(options, sighting_json(sighting, names), "\n".join(filter(None, lines)))
    return DONE


def _remove(options: argparse.Namespace) -> int:
    count = command_support.build_service(options).sightings.remove(options.sightings)
    text = ngettext("{n:,} sighting was deleted for good.", "{n:,} sightings were deleted for good.", count)
    show(options, {"removed": count}, text.format(n=count))
    return DONE if count else WRONG


def _line(sighting: Sighting, who: str) -> str:
    camera = describe_camera(sighting.camera)
    return f"{sighting.id}  {describe_when(sighting)}  {camera}  {who}  {sighting.clip_name}"
