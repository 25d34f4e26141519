"""`python -m biometric models list | fetch | check`."""

import argparse
import dataclasses
from typing import Any

from biometric.cli.command_support import DONE, WRONG, run, show
from biometric.entities.model_cards import Card
from biometric.entities.model_reports import ModelCheck, ModelStatus
from biometric.messages import describe
from biometric.messages.translation import gettext as _
from biometric.messages.translation import pgettext, tell
from biometric.ports import ModelAdministration
from biometric.results.answer_json import model_status_json
from biometric.settings import Settings


def add_commands(commands: Any) -> None:
    """Add the `models` commands to a parser's commands."""
    models = commands.add_parser("models", help="list, fetch and check models", description="Manage models.")
    actions = models.add_subparsers(metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="show the model of each role", description="Show the model of each role.")
    listing.set_defaults(command=_list)
    fetching = actions.add_parser("fetch", help="download the recommended weights", description="Download weights.")
    fetching.add_argument("role", nargs="?", metavar="ROLE", help="detector or embedder (default: both)")
    fetching.set_defaults(command=_fetch)
    checking = actions.add_parser(
        "check", help="load every model and run it once", description="Verify checksums, load each model, run it once."
    )
    checking.set_defaults(command=_check)
    for parser in (listing, fetching, checking):
        parser.add_argument("--json", action="store_true", help="print JSON")


def _models() -> ModelAdministration:
    from biometric.bootstrap import build_models

    return build_models(Settings.from_environment())


def _list(options: argparse.Namespace) -> int:
    models = _models()
    statuses, cards = models.status(), models.cards()
    lines = [_line(status) for status in statuses]
    lines += ["", _("All cards of models/manifest.toml:")]
    lines += [card_line(card) for card in cards]
    result = {
        "models": [model_status_json(status) for status in statuses],
        "cards": [card_json(card) for card in cards],
    }
    show(options, result, "\n".join(lines))
    return DONE


def _fetch(options: argparse.Namespace) -> int:
    models = _models()
    run(models.fetch(options.role))
    statuses = models.status()
    show(options, {"models": [model_status_json(status) for status in statuses]}, "\n".join(map(_line, statuses)))
    return DONE


def _check(options: argparse.Namespace) -> int:
    checks = _models().check()
    show(options, {"models": [dataclasses.asdict(check) for check in checks]}, "\n".join(map(_check_line, checks)))
    return WRONG if any(check.problem for check in checks) else DONE


def _line(status: ModelStatus) -> str:
    text = _("{role}: {card} ({state}), {device}, licence {licence}").format(
        role=pgettext("role", status.role),
        card=status.card,
        state=tell(status.state),
        device=status.device,
        licence=status.licence,
    )
    text += f"\n  {status.path}" if status.path is not None else ""
    notice_text = tell(status.problem) if status.notice is None else describe(status.notice)
    return text + (f"\n  {notice_text}" if notice_text else "")


def card_line(card: Card) -> str:
    """Return a line about a card for people."""
    mark = _("recommended") if card.recommended else _("starter") if card.starter else ""
    text = _("{role}: {card}, {title}, licence {licence}")
    name = f"{card.id} ({mark})" if mark else card.id
    lines = [text.format(role=pgettext("role", card.role), card=name, title=card.title, licence=card.licence)]
    return "\n".join([*lines, *(f"  {file.name}  {file.url or ''}".rstrip() for file in card.files)])


def card_json(card: Card) -> dict[str, Any]:
    """Return a card as JSON."""
    files = [{"name": file.name, "bytes": file.size, "url": file.url} for file in card.files]
    return {
        "card": card.id,
        "role": str(card.role),
        "title": card.title,
        "recommended": card.recommended,
        "starter": card.starter,
        "licence": card.licence,
        "files": files,
    }


def _check_line(check: ModelCheck) -> str:
    if check.problem:
        text = _("{role}: {card} does not work. {problem}")
        return text.format(role=pgettext("role", check.role), card=check.card or _("none"), problem=tell(check.problem))
    text = _("{role}: {card} works on {device}").format(
        role=pgettext("role", check.role), card=check.card, device=check.device
    )
    if check.milliseconds is None:
        return text
    return _("{text}, {milliseconds:.1f} ms a picture").format(text=text, milliseconds=check.milliseconds)
