"""`python -m biometric jobs list | show | retry | cancel | remove`: the queue of clips to analyse."""

import argparse
import sys
from collections.abc import Callable, Iterable
from typing import Any

from biometric.cli import command_support
from biometric.cli.command_support import DONE, show
from biometric.cli.gallery_trash import positive
from biometric.cli.job_lines import STATE_NAMES, JobNames
from biometric.entities.clip_jobs import ClipJob, JobCounts, JobSearch, JobState, iso_time, job_json
from biometric.errors import InvalidInput
from biometric.messages.durations import describe_duration
from biometric.messages.local_dates import day_and_time
from biometric.messages.translation import gettext as _
from biometric.messages.translation import ngettext
from biometric.ports.jobs_port import JobQueue

BATCH = 500
"""How many jobs are changed in one transaction."""


def add_commands(commands: Any) -> None:
    """Add `jobs` to the parser of all commands."""
    parser = commands.add_parser(
        "jobs", help="the queue of clips to analyse", description="List and change the queue of clips to analyse."
    )
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    listing = _add(actions, "list", "list jobs, the newest first", _list)
    listing.add_argument("text", nargs="?", default="", help="part of the path of a clip")
    listing.add_argument("--state", action="append", choices=[str(state) for state in JobState], help="only these")
    listing.add_argument("--limit", metavar="N", type=positive, default=100, help="how many jobs (default: 100)")
    showing = _add(actions, "show", "show a job with its reason and result", _show)
    showing.add_argument("job", metavar="ID", type=int, help="its number")
    _changing(actions, "retry", "let failed and cancelled jobs wait anew", _retry, "all that failed or were cancelled")
    _changing(actions, "cancel", "cancel jobs; those that run are stopped", _cancel, "all that wait or run")
    _changing(actions, "remove", "forget jobs; answers in the library stay", _remove, "all that have ended")


def _add(actions: Any, name: str, summary: str, command: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=summary, description=f"{summary.capitalize()}.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=command)
    return parser


def _changing(actions: Any, name: str, summary: str, command: Any, everything: str) -> None:
    parser = _add(actions, name, summary, command)
    parser.add_argument("jobs", metavar="ID", type=int, nargs="*", help="their numbers")
    parser.add_argument("--all", action="store_true", help=everything)


def _queue(options: argparse.Namespace) -> tuple[JobQueue, JobNames]:
    service = command_support.build_service(options)
    return command_support.open_job_queue(service.settings), JobNames(service)


def _list(options: argparse.Namespace) -> int:
    queue, names = _queue(options)
    states = tuple(JobState(state) for state in options.state or ())
    jobs, total = queue.jobs(JobSearch(states, options.text, options.limit))
    lines = [_line(job, names) for job in jobs]
    if total > len(jobs):
        lines.append(_("{n:,} more; see --limit.").format(n=total - len(jobs)))
    lines.append(_counts(queue.counts()) if total else _("There is no such job."))
    show(options, [job_json(job) for job in jobs], "\n".join(lines))
    return DONE


def _line(job: ClipJob, names: JobNames) -> str:
    parts = [str(job.id), day_and_time(iso_time(job.ended_at or job.started_at or job.created_at) or "")]
    parts += [_(STATE_NAMES[job.state]), job.shown_path, names.outcome(job)]
    if job.failure is not None and job.state is not JobState.DONE:
        parts.append(job.failure.words)
    return "  ".join(filter(None, parts))


def _counts(counts: JobCounts) -> str:
    words = [f"{_(STATE_NAMES[state])}: {counts[state]:,}" for state in JobState if counts[state]]
    return ", ".join(words)


def _show(options: argparse.Namespace) -> int:
    queue, names = _queue(options)
    job = queue.job(options.job)
    lines = [_line(job, names), _("digest {digest}").format(digest=job.new.digest)]
    lines.append(_("analysed with {needs}").format(needs=job.new.needs))
    asked = _("asked for by {name}, attempt {attempt} of run {run}")
    lines.append(asked.format(name=job.new.asked_by, attempt=job.attempts, run=job.run))
    if job.result is not None:
        took = _("{frames:,} frames, {footage} of footage analysed in {work}")
        footage, work = describe_duration(job.result.footage_seconds), describe_duration(job.result.work_seconds)
        lines.append(took.format(frames=job.result.frames, footage=footage, work=work))
    show(options, job_json(job), "\n".join(lines))
    return DONE


def _retry(options: argparse.Namespace) -> int:
    queue, _names = _queue(options)
    changed = _change(queue, options, (JobState.FAILED, JobState.CANCELLED), queue.retry)
    words = ngettext("{n:,} job waits anew.", "{n:,} jobs wait anew.", len(changed))
    show(options, [job_json(job) for job in changed], words.format(n=len(changed)))
    return DONE


def _cancel(options: argparse.Namespace) -> int:
    queue, _names = _queue(options)
    jobs = _change(queue, options, (JobState.WAITING, JobState.RUNNING), queue.cancel)
    stopped = sum(job.cancelling for job in jobs)
    changed = stopped + sum(job.state is JobState.CANCELLED for job in jobs)
    words = ngettext("{n:,} job is cancelled.", "{n:,} jobs are cancelled.", changed).format(n=changed)
    if stopped:
        words += " " + ngettext(
            "{n:,} of them is being analysed, and is left at its next step.",
            "{n:,} of them are being analysed, and are left at their next steps.",
            stopped,
        ).format(n=stopped)
    show(options, [job_json(job) for job in jobs], words)
    return DONE


def _remove(options: argparse.Namespace) -> int:
    queue, _names = _queue(options)
    ended = (JobState.DONE, JobState.FAILED, JobState.CANCELLED)
    removed = _change(queue, options, ended, queue.remove)
    words = ngettext("{n:,} job is forgotten.", "{n:,} jobs are forgotten.", len(removed)).format(n=len(removed))
    show(options, [job_json(job) for job in removed], words)
    return DONE


def _change(
    queue: JobQueue,
    options: argparse.Namespace,
    states: tuple[JobState, ...],
    change: Callable[[Iterable[int]], list[ClipJob]],
) -> list[ClipJob]:
    """Change the jobs that a command names. Raises `InvalidInput`: it names none, or numbers beside --all."""
    if bool(options.jobs) == options.all:
        raise InvalidInput("Name jobs by their numbers (see: jobs list), or say --all.")
    ids = options.jobs or [job.id for job in queue.jobs(JobSearch(states, limit=sys.maxsize))[0]]
    changed: list[ClipJob] = []
    for start in range(0, len(ids), BATCH):
        changed += change(ids[start : start + BATCH])
    return changed
