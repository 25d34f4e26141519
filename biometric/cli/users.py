"""`python -m biometric users add | remove | passwd | role | sign-out | list | token`."""

import argparse
import sys
from datetime import UTC, datetime
from typing import Any

from biometric.accounts.roles import Role, read_role
from biometric.accounts.user_database import UserDatabase
from biometric.cli.command_support import DONE, show, with_passphrase
from biometric.cli.secret_prompts import ask_secret
from biometric.errors import InvalidInput
from biometric.messages.translation import gettext as _
from biometric.settings import Settings


def add_commands(commands: Any) -> None:
    """Add the `users` commands to a parser's commands."""
    users = commands.add_parser("users", help="who may sign in, and tokens", description="Manage who may sign in.")
    actions = users.add_subparsers(metavar="ACTION", required=True)
    adding = actions.add_parser("add", help="add a user", description="Add a user; the first one is an admin.")
    adding.add_argument("name", metavar="NAME")
    adding.add_argument("--role", default=Role.VIEWER.value, help="viewer, examiner, operator or admin")
    _password(adding)
    adding.set_defaults(command=_add)
    removing = actions.add_parser("remove", help="remove a user", description="Remove a user, sessions and tokens.")
    removing.add_argument("name", metavar="NAME")
    removing.set_defaults(command=_remove)
    changing = actions.add_parser("passwd", help="change a password", description="Change a password, end sessions.")
    changing.add_argument("name", metavar="NAME")
    _password(changing)
    changing.set_defaults(command=_passwd)
    role = actions.add_parser("role", help="change a role", description="Give a user another role.")
    role.add_argument("name", metavar="NAME")
    role.add_argument("role", metavar="ROLE")
    role.set_defaults(command=_role)
    ending = actions.add_parser("sign-out", help="end all sessions of a user", description="End a user's sessions.")
    ending.add_argument("name", metavar="NAME")
    ending.set_defaults(command=_sign_out)
    listing = actions.add_parser("list", help="list users and tokens", description="List users and tokens.")
    listing.set_defaults(command=_list)
    token = actions.add_parser("token", help="tokens for programs", description="Tokens for programs.")
    steps = token.add_subparsers(metavar="ACTION", required=True)
    new = steps.add_parser("add", help="make a token", description="Make a token, which is shown once.")
    new.add_argument("name", metavar="NAME", help="whose it is")
    new.add_argument("--role", default=Role.VIEWER.value, help="what it may do, at most what its user may")
    new.add_argument("--days", type=float, default=90.0, help="how long it is good (default: 90)")
    new.add_argument("--label", default="", help="what it is for")
    new.set_defaults(command=_add_token)
    gone = steps.add_parser("remove", help="take a token away", description="Take a token away.")
    gone.add_argument("token", metavar="ID")
    gone.set_defaults(command=_remove_token)
    for parser in (adding, removing, changing, role, ending, listing, new, gone):
        parser.add_argument("--json", action="store_true", help="print JSON")


def _password(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input")


def _users() -> UserDatabase:
    from biometric.bootstrap import open_trail

    settings = with_passphrase(Settings.from_environment())
    return UserDatabase(settings.data / "users.db", record=open_trail(settings).record)


def _read_password(options: argparse.Namespace) -> str:
    if options.password_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise InvalidInput("There is no terminal to ask for the password. Pass it with --password-stdin.")
    password = ask_secret(_("Password: "))
    if password != ask_secret(_("Once more: ")):
        raise InvalidInput("The two passwords differ. Nothing was changed.")
    return password


def _add(options: argparse.Namespace) -> int:
    role = read_role(options.role)
    _users().add(options.name, role, _read_password(options))
    show(options, {"user": options.name, "role": role.value}, _("{name} was added.").format(name=options.name))
    return DONE


def _remove(options: argparse.Namespace) -> int:
    _users().remove(options.name)
    show(options, {"removed": options.name}, _("{name} was removed.").format(name=options.name))
    return DONE


def _passwd(options: argparse.Namespace) -> int:
    _users().set_password(options.name, _read_password(options))
    text = _("{name} has another password, and all sessions have ended.").format(name=options.name)
    show(options, {"changed": options.name}, text)
    return DONE


def _role(options: argparse.Namespace) -> int:
    role = read_role(options.role)
    _users().set_role(options.name, role)
    text = _("{name} has another role.").format(name=options.name)
    show(options, {"user": options.name, "role": role.value}, text)
    return DONE


def _sign_out(options: argparse.Namespace) -> int:
    ended = _users().end_sessions(options.name)
    text = _("All sessions of {name} have ended.").format(name=options.name)
    show(options, {"user": options.name, "ended": ended}, text)
    return DONE


def _list(options: argparse.Namespace) -> int:
    database = _users()
    users, tokens = database.users(), database.tokens()
    lines = [f"{user.name}  {user.role.value}  {_day(user.created_at)}" for user in users]
    lines += [
        f"  {token.id}  {token.user}  {token.role.value}  {_day(token.expires_at)}  {token.label}" for token in tokens
    ]
    result = {
        "users": [
            {"name": user.name, "role": user.role.value, "created": _time(user.created_at), "sessions": user.sessions}
            for user in users
        ],
        "tokens": [
            {
                "id": token.id,
                "user": token.user,
                "role": token.role.value,
                "label": token.label,
                "expires": _time(token.expires_at),
                "used": None if token.used_at is None else _time(token.used_at),
            }
            for token in tokens
        ],
    }
    show(options, result, "\n".join(lines) or _("Nobody was added: the page asks nobody to sign in."))
    return DONE


def _add_token(options: argparse.Namespace) -> int:
    role = read_role(options.role)
    token_id, secret = _users().add_token(options.name, role, options.days, options.label)
    show(options, {"id": token_id, "token": secret, "role": role.value}, secret)
    return DONE


def _remove_token(options: argparse.Namespace) -> int:
    _users().remove_token(options.token)
    show(options, {"removed": options.token}, _("The token was taken away."))
    return DONE


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _day(seconds: float) -> str:
    return _time(seconds)[:10]
