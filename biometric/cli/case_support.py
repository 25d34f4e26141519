"""What commands of a case share: the open case, and a service with the settings and models of the case."""

import argparse
import functools
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

from biometric.bootstrap import build, open_case_log
from biometric.cases.case_check import check_case
from biometric.cases.case_folder import CaseFolder
from biometric.cases.environment import current_models, settings_of
from biometric.cases.examination import Examination
from biometric.entities import ObservedClip, Progress
from biometric.entities.cases import CaseInput
from biometric.entities.footage import wanted_range
from biometric.errors import CaseChanged
from biometric.ports import OpenLog
from biometric.settings import Settings


def case_log() -> OpenLog:
    """Return what opens the record of a case, with the key of this machine's examiner."""
    return functools.partial(open_case_log, Settings.from_environment())


def open_case(options: argparse.Namespace) -> CaseFolder:
    """Return the case of a command. Raises `NoCase`, `CaseChanged`."""
    return CaseFolder(options.folder, case_log())


def checked_case(options: argparse.Namespace) -> CaseFolder:
    """Return the case of a command after all of it was checked. Raises `CaseChanged`: something differs."""
    check = check_case(options.folder, case_log())
    if not check.intact:
        raise CaseChanged(
            "The case was changed: {problem} Nothing was done; case verify lists all that differs.",
            problem=check.problems[0],
        )
    return open_case(options)


@contextmanager
def examination(case: CaseFolder, device: str | None = None) -> Iterator[Examination]:
    """Give what compares and repeats a case inside the block, with its settings and models.

    Nothing is kept outside the case: gallery, library and temporary files are in a folder that is removed.
    """
    with tempfile.TemporaryDirectory(prefix="sightline-case-") as scratch:
        settings = settings_of(case.manifest, Path(scratch), device)
        service = build(settings)
        try:

            def observe(path: Path, item: CaseInput) -> Generator[Progress, None, ObservedClip]:
                frames = wanted_range(item.first, item.last, service.probe(path).frame_count)
                return service.observe(path, frames, label=item.label, accept_damaged=item.accept_damaged)

            here = current_models(service.models, settings)
            yield Examination(case, observe, service.models, here, service.crops)
        finally:
            service.close()
