"""`python -m biometric verdict …`: say whether an answer is right, list what was said, take it back."""

import argparse
from typing import Any

from biometric.cli import command_support, recognition_commands
from biometric.cli.command_support import DONE, show
from biometric.cli.gallery_trash import add_action, local_day, undo_hint
from biometric.domain import recognition
from biometric.domain.person_choice import one_person
from biometric.domain.verdict_desk import read_word
from biometric.entities import Identification, ObservedClip, Verdict, VerdictWord, Verification
from biometric.errors import InvalidInput
from biometric.errors.phrases import Phrase
from biometric.messages import decimal
from biometric.messages.change_sentences import describe_change
from biometric.messages.translation import gettext as _
from biometric.messages.verdict_sentences import describe_verdict
from biometric.results.answer_json import change_json, recorded_verdict_json, verdict_json
from biometric.service import Sightline


def add_commands(commands: Any) -> None:
    """Add the `verdict` commands to a parser's commands."""
    summary = "say whether answers are right"
    verdict = commands.add_parser("verdict", help=summary, description=f"{summary.capitalize()}.")
    actions = verdict.add_subparsers(metavar="ACTION", required=True)
    given = recognition_commands.add_clip_command(
        actions, "set", "say whether a person of a clip is the identity that was answered", _set
    )
    given.add_argument("word", metavar="VERDICT", help=f"one of {', '.join(VerdictWord)}")
    given.add_argument("--name", metavar="NAME", help="the identity (default: the answer's, else the closest one)")
    given.add_argument("--person", type=int, metavar="N", help="which person, where several are in range")
    given.add_argument("--claim", action="store_true", help="judge a verification of NAME, not an identification")
    recognition_commands.add_threshold_option(given)
    add_action(actions, "list", "list what was said of answers, the latest first", _list)
    removed = add_action(actions, "remove", "take a verdict back", _remove)
    removed.add_argument("verdict", metavar="ID", type=int, help="number of the verdict (see: verdict list)")


def _set(options: argparse.Namespace) -> int:
    word = read_word(options.word)
    if options.claim and options.name is None:
        raise InvalidInput("Say which claim is judged: add --name NAME.")
    service = command_support.build_service(options)
    service.threshold("verification" if options.claim else "identification", options.threshold)
    service.models.resolve_embedder()
    recognition.require_comparable(service.gallery(), service.models.embedder_id())
    if options.name is not None:
        service.gallery().find(options.name)
    observed = recognition_commands.observe(service, options)
    answer = _answer(service, observed, options)
    recorded = service.verdicts.record(observed, answer, word, options.name)
    options.when_interrupted = _("The verdict was stored")
    text = f"{_line(recorded.verdict)}\n{undo_hint(recorded.change, options)}"
    show(options, recorded_verdict_json(recorded), text)
    return DONE


def _answer(service: Sightline, observed: ObservedClip, options: argparse.Namespace) -> Verification | Identification:
    if options.claim:
        return service.verify(observed, options.name, options.person, threshold=options.threshold)
    person = one_person(observed, options.person, Phrase("judge")).person
    answers = service.identify(observed, threshold=options.threshold)
    return next(answer for answer in answers if answer.observation.person == person)


def _list(options: argparse.Namespace) -> int:
    verdicts = command_support.build_service(options).verdicts.listed()
    text = "\n".join(_line(verdict) for verdict in verdicts) or _("Nothing was said of any answer yet.")
    show(options, {"verdicts": [verdict_json(verdict) for verdict in verdicts]}, text)
    return DONE


def _remove(options: argparse.Namespace) -> int:
    change = command_support.build_service(options).verdicts.withdraw(options.verdict)
    show(options, change_json(change), f"{describe_change(change)} {undo_hint(change, options)}")
    return DONE


def _line(verdict: Verdict) -> str:
    probe = verdict.probe
    by = f" ({verdict.by})" if verdict.by and not verdict.by_user else ""
    return _("{id}  {day}{by}  {clip}, person {person}: {said} Score {score}, threshold {threshold}.").format(
        by=by,
        id=verdict.id,
        day=local_day(verdict.created_at),
        clip=probe.clip_name,
        person=probe.person,
        said=describe_verdict(verdict),
        score=decimal(verdict.score),
        threshold=decimal(verdict.threshold),
    )
