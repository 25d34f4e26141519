"""What an evaluation's adaptation to cameras did, in words and as rows: command line and report share them."""

from collections.abc import Iterator

from biometric.domain.camera_adaptation import LEAST_COHORT
from biometric.evaluation.cohorts import Adaptation
from biometric.evaluation.evaluating import Evaluation
from biometric.evaluation.protocols import Measured

TITLES = {
    Adaptation.NONE: "no adaptation",
    Adaptation.CENTRE: "centring by camera",
    Adaptation.SNORM: "adaptive symmetric score normalisation",
}

HEAD = ("level", "measure", "without", "with")


def describe_cohort(evaluation: Evaluation) -> list[str]:
    """Sentences on how scores were adapted and from whom it was learnt; none where nobody was set apart."""
    cohort = evaluation.cohort
    if cohort is None:
        return []
    adaptation = cohort.plan.adaptation
    sentences = [f"Adaptation: {TITLES[adaptation]}; {len(cohort.judged):,} people judged."]
    if adaptation is Adaptation.NONE:
        return sentences
    sentences.append(
        f"Learnt from {cohort.people:,} other people ({len(cohort.templates):,} templates), who were seen by "
        f"{cohort.learnt_cameras:,} of {cohort.cameras:,} cameras."
    )
    if not cohort.is_applied:
        sentences.append(f"Nothing was adapted: a cohort needs {LEAST_COHORT} templates or more.")
    sentences.append("Thresholds in use are for scores without adaptation and are left out.")
    return sentences


def compare_with_unadapted(evaluation: Evaluation) -> Iterator[tuple[str, str, str, str]]:
    """Rows of `HEAD`: rank-1, EER and FNMR of the same people without and with the adaptation."""
    unadapted, measured = evaluation.unadapted, evaluation.measured
    if unadapted is None:
        return
    for before, after in zip(_measures(unadapted), _measures(measured), strict=True):
        yield (*before[:2], before[2], after[2])


def _measures(measured: Measured) -> Iterator[tuple[str, str, str]]:
    """(level, measure, value) of each figure."""
    yield "single pictures", "rank-1", f"{measured.ranking.ranks[1].value:.2%}"
    levels = (
        ("single pictures", measured.verification),
        (f"templates of up to {measured.template_size}", measured.template),
    )
    for level, verification in levels:
        if verification is not None:
            yield level, "EER", f"{verification.eer:.2%}"
            for target in (1e-2, 1e-3):
                yield level, f"FNMR at FMR {target:g}", f"{verification.at(target).fnmr.value:.3f}"
