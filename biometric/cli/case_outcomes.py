"""What comes out of a case: comparisons, report, checks and repetitions."""

import argparse
import errno
import json
import os
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from biometric.bootstrap import build
from biometric.cases.case_check import check_case
from biometric.cases.case_documents import results_values
from biometric.cases.case_folder import READ_ONLY, unwritable
from biometric.cases.examination import read_case_results
from biometric.cli.case_support import case_log, checked_case, examination, open_case
from biometric.cli.command_support import DONE, NOT_CONFIRMED, run, show
from biometric.domain.case_comparison import TOLERANCE
from biometric.entities.audit import fingerprint
from biometric.entities.cases import CaseStep, Sameness
from biometric.errors import InvalidInput
from biometric.messages.case_sentences import describe_pair, describe_repetition, describe_score
from biometric.messages.translation import gettext as _
from biometric.messages.translation import tell
from biometric.results.case_report import CaseStory, case_report
from biometric.results.report_files import write_report
from biometric.settings import Settings
from biometric.storage import check_writable, file_digest, write_atomically


def compare(options: argparse.Namespace) -> int:
    """Compare everybody."""
    case = checked_case(options)
    with examination(case) as work:
        results = run(work.compare())
    lines = [f"{describe_pair(score)}: {describe_score(score)}" for score in results.scores]
    show(options, results_values(results), "\n".join(lines))
    return DONE


def report(options: argparse.Namespace) -> int:
    """Write the report of the latest comparison."""
    case = checked_case(options)
    results, seen = read_case_results(case)
    with case.working():
        story = CaseStory(
            manifest=case.manifest,
            inputs=case.inputs(),
            seen=seen,
            results=results,
            records=case.records(),
            head=case.log.head(),
            picture=lambda number, crop: case.people_folder(number) / crop.file,
            crops=build(Settings.from_environment()).crops,
        )
        report, files = case_report(story), {}
        for ending in ("html", "pdf"):
            name = case.next_name(CaseStep.REPORTED, f"report-{{:03d}}.{ending}")
            write_report(report, case.folder / name)
            (case.folder / name).chmod(READ_ONLY)
            files[name] = file_digest(case.folder / name)
        case.record(CaseStep.REPORTED, {"files": dict(files)})
    paths = [str(case.folder / name) for name in files]
    lines = [f"report: {path}" for path in paths]
    show(options, {"report": dict(zip(("html", "pdf"), paths, strict=True))}, "\n".join(lines))
    return DONE


def verify(options: argparse.Namespace) -> int:
    """Check the case; 1 where it was changed."""
    check = check_case(options.folder, case_log(), options.heads, options.key)
    key = fingerprint(check.public_key)
    whose = _("the key of this machine")
    if not check.own_key:
        whose = _("not the key of this machine: compare it with what its examiner says")
    lines = [_("Changed: {problem}").format(problem=tell(problem)) for problem in check.problems]
    lines += [_("Note: {text}").format(text=tell(note)) for note in check.notes]
    lines += [
        _("Files and records checked: {files:,} and {records:,}").format(files=check.files, records=check.records),
        _("Key: {fingerprint} ({whose})").format(fingerprint=key, whose=whose),
        _("The case is as it was recorded.") if check.intact else _("The case is not as it was recorded."),
    ]
    result = {
        "intact": check.intact,
        "problems": [tell(problem) for problem in check.problems],
        "notes": [tell(note) for note in check.notes],
        "files": check.files,
        "records": check.records,
        "key": key,
        "own_key": check.own_key,
    }
    show(options, result, "\n".join(lines))
    return DONE if check.intact else NOT_CONFIRMED


def repeat(options: argparse.Namespace) -> int:
    """Repeat the latest comparison; 1 where it is not the same."""
    if options.output is not None:
        _require_writable(options.output)
    case = checked_case(options)
    with examination(case, options.device) as work:
        repetition = run(work.repeat())
    lines = [tell(difference) for difference in repetition.differences]
    lines += [_("Other here: {change}").format(change=tell(change)) for change in repetition.changes]
    lines.append(describe_repetition(repetition, TOLERANCE))
    result = {
        "same": repetition.sameness.value,
        "compared": repetition.compared,
        "largest_difference": repetition.largest,
        "tolerance": TOLERANCE,
        "differences": [tell(difference) for difference in repetition.differences],
        "changes": [tell(change) for change in repetition.changes],
        "environment": asdict(repetition.environment),
        "record": case.log.head().hash,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    show(options, result, "\n".join(lines))
    if options.output is not None:
        try:
            write_atomically(options.output, json.dumps(result, indent=2, ensure_ascii=False) + "\n")
        except OSError as error:
            raise unwritable(options.output, error) from error
    return NOT_CONFIRMED if repetition.sameness is Sameness.DIFFERENT else DONE


def _require_writable(path: Path) -> None:
    """Find out before the work whether its outcome can be written. Raises `InvalidInput`, `StorageFull`."""
    if path.is_dir():
        raise InvalidInput("{path} is a folder. Name a file.", path=path)
    try:
        check_writable(path.parent)
        if not path.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    except OSError as error:
        raise unwritable(path, error) from error


def head(options: argparse.Namespace) -> int:
    """Write the signed end of the record."""
    head = open_case(options).log.export_head(options.file)
    text = _("The end of the record after {n} records was written to {path}. Keep it where nobody here can change it.")
    show(options, {"number": head.number, "hash": head.hash}, text.format(n=head.count, path=options.file))
    return DONE
