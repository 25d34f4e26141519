"""`python -m biometric gallery …`: basis, retention, hold, release."""

import argparse
from typing import Any

from biometric.cli import command_support
from biometric.cli.basis_options import add_basis_options, read_basis, says_basis
from biometric.cli.command_support import DONE, show
from biometric.cli.gallery_trash import add_action
from biometric.errors import InvalidInput
from biometric.messages.life_cycle_sentences import describe_legal_basis, describe_lifetime, describe_retention
from biometric.messages.local_dates import long_day
from biometric.messages.translation import gettext as _
from biometric.ports import Gallery
from biometric.results.life_cycle_json import basis_json, lifetime_json, retention_json


def add_actions(actions: Any) -> None:
    """Add the commands to the parser of `gallery`."""
    basis = add_action(actions, "basis", "show or set on what basis people are enrolled by default", _basis)
    add_basis_options(basis, "as it was")
    basis.add_argument("--clear", action="store_true", help="no default: each enrollment has to say its basis")
    retention = add_action(
        actions, "retention", "show or set how long references are matched with and kept", _retention
    )
    retention.add_argument(
        "action", nargs="?", choices=["show", "set"], default="show", help="show (default): what goes when"
    )
    retention.add_argument("--matching-days", type=float, metavar="N", help="with set: days of matching (default 7)")
    retention.add_argument("--keeping-days", type=float, metavar="N", help="with set: days until deletion (default 30)")
    retention.add_argument("--person", metavar="NAME", help="with set: only for this person")
    retention.add_argument("--as-gallery", action="store_true", help="with set --person: as the gallery's again")
    hold = add_action(actions, "hold", "delete nothing of an identity until release: a legal hold", _hold, "name")
    hold.add_argument("--reason", default="", metavar="TEXT", help="why, such as a file number")
    add_action(actions, "release", "end an identity's legal hold", _release, "name")


def _open_gallery(options: argparse.Namespace) -> Gallery:
    return command_support.build_service(options).gallery()


def _basis(options: argparse.Namespace) -> int:
    gallery = _open_gallery(options)
    if options.clear:
        if says_basis(options):
            raise InvalidInput("Give either --clear or a basis.")
        gallery.set_default_basis(None)
    elif says_basis(options):
        gallery.set_default_basis(read_basis(gallery, options))
    default = gallery.default_basis()
    if default is None:
        text = _("This gallery has no default basis: each enrollment has to say one (--basis and --purpose).")
    else:
        text = _("People are enrolled on this basis by default: {basis}").format(basis=describe_legal_basis(default))
    show(options, {"default_basis": basis_json(default)}, text)
    return DONE


def _retention(options: argparse.Namespace) -> int:
    gallery = _open_gallery(options)
    days = (options.matching_days, options.keeping_days)
    if options.action == "set":
        _set(gallery, options)
    elif options.person or options.as_gallery or any(number is not None for number in days):
        raise InvalidInput("To set days, say so: gallery retention set …")
    gallery.mark_purges_shown()
    retention, lifetimes = gallery.retention(), gallery.lifetimes()
    lines = [_("References are {retention}.").format(retention=describe_retention(retention))]
    lines += [f"{item.name}: {describe_lifetime(item)}" for item in lifetimes]
    result = {"retention": retention_json(retention), "people": [lifetime_json(item) for item in lifetimes]}
    show(options, result, "\n".join(lines))
    return DONE


def _set(gallery: Gallery, options: argparse.Namespace) -> None:
    person = None if options.person is None else gallery.find(options.person)
    if options.as_gallery:
        if person is None:
            raise InvalidInput("--as-gallery needs --person: the gallery has no other retention to go back to.")
        gallery.set_retention(None, person.id)
        return
    if options.matching_days is None and options.keeping_days is None:
        raise InvalidInput("Say --matching-days, --keeping-days, or both.")
    former = gallery.retention()
    if person is not None:
        former = next(item.retention for item in gallery.lifetimes() if item.identity_id == person.id)
    wanted = former.with_days(options.matching_days, options.keeping_days)
    gallery.set_retention(wanted, None if person is None else person.id)


def _hold(options: argparse.Namespace) -> int:
    gallery = _open_gallery(options)
    identity = gallery.find(options.name)
    change = gallery.hold(identity.id, options.reason)
    text = _("{name} is under a legal hold now: nothing is deleted until it is released (gallery release).")
    result = {"identity": identity.name, "held_since": change.when, "reason": options.reason}
    show(options, result, text.format(name=identity.name))
    return DONE


def _release(options: argparse.Namespace) -> int:
    gallery = _open_gallery(options)
    identity = gallery.find(options.name)
    gallery.release(identity.id)
    [lifetime] = [item for item in gallery.lifetimes() if item.identity_id == identity.id]
    text = _("The legal hold of {name} is released.").format(name=identity.name)
    if lifetime.next_purge:
        text += _(" What is overdue is deleted from {day} on.").format(day=long_day(lifetime.next_purge))
    show(options, lifetime_json(lifetime), text)
    return DONE
