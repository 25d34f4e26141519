"""`python -m biometric models list | fetch | check`."""

import argparse
import dataclasses
from typing import Any

from biometric.cli.common import DONE, run, show
from biometric.models.store import ModelCheck, ModelStore
from biometric.ports import ModelStatus
from biometric.settings import Settings


def add_commands(commands: Any) -> None:
    """Add the `models` commands to a parser's commands."""
    models = commands.add_parser("models", help="list, fetch and check models", description="Manage models.")
    actions = models.add_subparsers(metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="what serves each role", description="Say what serves each role.")
    listing.set_defaults(command=_list)
    fetching = actions.add_parser("fetch", help="download the recommended weights", description="Download weights.")
    fetching.add_argument("role", nargs="?", metavar="ROLE", help="detector or embedder (default: both)")
    fetching.set_defaults(command=_fetch)
    checking = actions.add_parser(
        "check", help="load every model and run it once", description="Verify checksums, load each model, run it once."
    )
    checking.set_defaults(command=_check)
    for made in (listing, fetching, checking):
        made.add_argument("--json", action="store_true", help="print JSON")


def _store() -> ModelStore:
    return ModelStore(Settings.from_environment())


def _list(options: argparse.Namespace) -> int:
    statuses = _store().status()
    show(options, {"models": [_status_json(status) for status in statuses]}, "\n".join(map(_line, statuses)))
    return DONE


def _fetch(options: argparse.Namespace) -> int:
    store = _store()
    run(store.fetch(options.role))
    return _list(options)


def _check(options: argparse.Namespace) -> int:
    checks = _store().check()
    show(options, {"models": [_check_json(check) for check in checks]}, "\n".join(map(_check_line, checks)))
    return DONE


def _line(status: ModelStatus) -> str:
    text = f"{status.role}: {status.card} ({status.state}), {status.device}, licence {status.licence}"
    text += f"\n  {status.path}" if status.path is not None else ""
    return text + (f"\n  {status.notice}" if status.notice else "")


def _status_json(status: ModelStatus) -> dict[str, Any]:
    return {**dataclasses.asdict(status), "path": None if status.path is None else str(status.path)}


def _check_json(check: ModelCheck) -> dict[str, Any]:
    return {name: value if isinstance(value, int | float | str) else str(value) for name, value in _fields(check)}


def _check_line(check: ModelCheck) -> str:
    return ", ".join(f"{name} {value}" for name, value in _fields(check))


def _fields(check: ModelCheck) -> list[tuple[str, Any]]:
    return list(dataclasses.asdict(check).items())
