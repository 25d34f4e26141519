"""`python -m biometric people …`: unknown people seen in kept footage, grouped; named, joined, split, ignored."""

import argparse
from typing import Any

from biometric.cli import basis_options, command_support
from biometric.cli.command_support import DONE, show
from biometric.cli.gallery_trash import add_action, positive, undo_hint
from biometric.domain.unknown_people import UnknownPeople
from biometric.entities import GalleryChange
from biometric.entities.sighting_groups import SightingGroup
from biometric.messages.change_sentences import describe_change
from biometric.messages.group_sentences import describe_counts, describe_group
from biometric.messages.translation import gettext as _
from biometric.results.answer_json import change_json
from biometric.results.group_json import counts_json, group_json
from biometric.service import Sightline

GROUP = "number of the unknown person (see: people unknown), or id of a sighting"


def add_commands(commands: Any) -> None:
    """Add the `people` commands to a parser's commands."""
    summary = "group, name, join, split and ignore unknown people of kept footage"
    people = commands.add_parser("people", help=summary, description=f"{summary.capitalize()}.")
    actions = people.add_subparsers(metavar="ACTION", required=True)
    unknown = add_action(actions, "unknown", "group sightings without a name, and list the groups", _unknown)
    unknown.add_argument("group", metavar="GROUP", nargs="?", help="show this one with its sightings")
    unknown.add_argument("--ignored", action="store_true", help="list those that are ignored")
    unknown.add_argument("--least", type=positive, metavar="N", default=1, help="only of N sightings or more")
    name = add_action(actions, "name", "enroll an unknown person under a name", _name)
    name.add_argument("group", metavar="GROUP", help=GROUP)
    name.add_argument("name", metavar="NAME")
    name.add_argument("--add", action="store_true", help="add the references to somebody who has the name")
    basis_options.add_basis_options(name, "the gallery's")
    join = add_action(actions, "join", "say that several unknown people are one person", _join)
    join.add_argument("groups", metavar="GROUP", nargs="+", help=GROUP)
    split = add_action(actions, "split", "say that some sightings of an unknown person are somebody else", _split)
    split.add_argument("group", metavar="GROUP", help=GROUP)
    split.add_argument("sightings", metavar="SIGHTING", nargs="+", help="id of a sighting that is somebody else")
    ignore = add_action(actions, "ignore", "leave an unknown person out of lists", _ignore)
    ignore.add_argument("group", metavar="GROUP", help=GROUP)
    ignore.add_argument("--no-longer", action="store_true", help="list this one again")


def _open(options: argparse.Namespace) -> tuple[Sightline, UnknownPeople]:
    service = command_support.build_service(options)
    return service, UnknownPeople(service.gallery(), service.models)


def _unknown(options: argparse.Namespace) -> int:
    people = _open(options)[1]
    if options.group is not None:
        group = people.get(people.number_of(options.group))
        lines = [describe_group(group), *(f"  {sighting}" for sighting in group.sighting_ids)]
        show(options, group_json(group), "\n".join(lines))
        return DONE
    counts = people.group()
    groups = people.find(ignored=options.ignored, least=options.least)
    text = "\n".join([describe_counts(counts, people.threshold()), *map(_line, groups)])
    show(options, {**counts_json(counts), "people": [group_json(group) for group in groups]}, text)
    return DONE


def _line(group: SightingGroup) -> str:
    return f"{group.number:5d}  {describe_group(group)}"


def _name(options: argparse.Namespace) -> int:
    service, people = _open(options)
    given = basis_options.given_basis(service.gallery(), options)
    number = people.number_of(options.group)
    identity, change = people.name(number, options.name, given, add=options.add)
    return _done(options, change, {"identity": {"id": identity.id, "name": identity.name}})


def _join(options: argparse.Namespace) -> int:
    people = _open(options)[1]
    numbers = [people.number_of(word) for word in options.groups]
    return _done(options, people.join(numbers), {"group": numbers[0]})


def _split(options: argparse.Namespace) -> int:
    people = _open(options)[1]
    number = people.number_of(options.group)
    change = people.split(number, options.sightings)
    other = people.number_of(options.sightings[0])
    text = _("They are unknown person {number} now.").format(number=other)
    return _done(options, change, {"group": number, "split_off": other}, text)


def _ignore(options: argparse.Namespace) -> int:
    people = _open(options)[1]
    number = people.number_of(options.group)
    return _done(options, people.set_ignored(number, not options.no_longer), {"group": number})


def _done(options: argparse.Namespace, change: GalleryChange, result: dict[str, Any], more: str = "") -> int:
    sentences = [describe_change(change), more, undo_hint(change, options)]
    show(options, {**result, "change": change_json(change)}, " ".join(filter(None, sentences)))
    return DONE
