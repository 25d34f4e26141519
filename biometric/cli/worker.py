"""`python -m biometric worker`: analyses what waits in the queue, until it is ended."""

import argparse
import time
from typing import Any

from biometric.analysis.clip_deferring import needs_of
from biometric.analysis.worker_pool import WorkerPool
from biometric.cli import command_support, streams
from biometric.cli.analyze import add_worker_options, checked_service, new_pool
from biometric.cli.command_support import DONE, WRONG
from biometric.messages.translation import N_, ngettext
from biometric.messages.translation import gettext as _
from biometric.ports.jobs_port import JobQueue

LOOK_SECONDS = 0.5
"""Between two looks whether there is still something to do."""


def add_commands(commands: Any) -> None:
    """Add `worker` to the parser of all commands."""
    summary = "analyse what waits in the queue; run as many as the machine takes"
    parser = commands.add_parser("worker", help=summary, description=f"{summary.capitalize()}.")
    add_worker_options(parser)
    parser.add_argument("--once", action="store_true", help="end when nothing waits any more")
    add_metrics_options(parser)
    parser.set_defaults(
        command=_work, when_interrupted=N_("The clips at hand wait again; other workers, or the next one, take them")
    )


def add_metrics_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of what Prometheus asks."""
    parser.add_argument("--metrics-port", type=int, metavar="P", help="serve metrics for Prometheus on this port")
    parser.add_argument(
        "--metrics-host", metavar="H", default="127.0.0.1", help="address for them (default: 127.0.0.1)"
    )


def _work(options: argparse.Namespace) -> int:
    service = checked_service(options)
    queue, needs = command_support.open_job_queue(service.settings), needs_of(service)
    with command_support.metrics(queue, options) as ended:
        pool = new_pool(service.settings, queue, needs, options, ended=ended)
        pool.start()
        try:
            streams.say(_("Analysing with {needs}. Ctrl+C ends it.").format(needs=needs))
            others = tell_others(queue, needs)
            while pool.failure is None and not (options.once and _is_idle(pool, queue, needs)):
                time.sleep(LOOK_SECONDS)
        finally:
            pool.stop()
    if pool.failure is not None:
        raise pool.failure
    return WRONG if others else DONE


def _is_idle(pool: WorkerPool, queue: JobQueue, needs: str) -> bool:
    return not queue.counts().waiting_by_needs.get(needs) and pool.busy == 0


def tell_others(queue: JobQueue, needs: str) -> int:
    """Say how many clips wait for a worker with other models or settings; return how many."""
    others = {text: number for text, number in queue.counts().waiting_by_needs.items() if text != needs}
    for text, number in others.items():
        words = ngettext(
            "{n:,} clip waits for a worker with other models or settings, and is left alone: {needs}.",
            "{n:,} clips wait for a worker with other models or settings, and are left alone: {needs}.",
            number,
        )
        streams.say(words.format(n=number, needs=text))
    return sum(others.values())
