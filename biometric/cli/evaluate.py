"""`python -m biometric evaluate DATASET DIR`: error rates on a data set."""

import argparse
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biometric.cli import streams
from biometric.cli.command_support import DONE, run, show
from biometric.entities import PURPOSES
from biometric.entities.model_cards import Role
from biometric.messages import describe_evidence
from biometric.results.answer_json import notice_json
from biometric.service import Sightline
from biometric.settings import Settings

if TYPE_CHECKING:
    from biometric.evaluation.cohorts import CohortPlan
    from biometric.evaluation.datasets import Dataset
    from biometric.evaluation.degradations import Degradation
    from biometric.evaluation.evaluating import Evaluation
    from biometric.evaluation.result_files import EvaluationMetadata

ADAPTATIONS = ("none", "centre", "snorm")
DATASETS = ("market1501", "cuhk03", "cuhk01", "msmt17", "tree", "csv", "gallery")


def add_commands(commands: Any) -> None:
    """Add the command to a parser's commands."""
    parser = commands.add_parser(
        "evaluate",
        help="measure error rates on a data set",
        description="Measure ranking, 1:1 and 1:N error rates with intervals on a data set (see docs/evaluation.md).",
    )
    parser.add_argument("dataset", metavar="DATASET", choices=DATASETS, help=", ".join(DATASETS))
    parser.add_argument("folder", type=Path, metavar="DIR", help="its folder (csv: or the file)")
    parser.add_argument("--model", metavar="CARD", help="embedder: a card's name or a file (default: the app's)")
    parser.add_argument("--protocol", help="protocol of the data set (default: its first)")
    parser.add_argument("--probe-degradation", metavar="NAME", help="degrade the probes, such as lower-body")
    parser.add_argument("--reference-degradation", metavar="NAME", help="degrade the references")
    parser.add_argument(
        "--robustness", action="store_true", help="also measure each degradation of either side and both"
    )
    parser.add_argument(
        "--enlarge-with",
        type=Path,
        metavar="FILE",
        help="--robustness also enlarges by this super-resolution ONNX file",
    )
    parser.add_argument(
        "--store",
        action="store_true",
        help="keep what --robustness counted by pixels, so that answers tell it",
    )
    parser.add_argument("--groups", type=Path, metavar="CSV", help="compare groups of people: id, then one column each")
    parser.add_argument(
        "--adapt",
        choices=ADAPTATIONS,
        default="none",
        help="make scores comparable across cameras: centre (by the mean of each camera) or snorm (score "
        "normalisation), learnt from people who are not judged (default: none)",
    )
    parser.add_argument(
        "--cohort-share",
        type=float,
        metavar="S",
        help="share of the people to learn from, above 0 and below 1 (default: 0.5, and nobody with --adapt none)",
    )
    parser.add_argument(
        "--cohort-people", type=int, metavar="N", help="learn from at most N of them; the people judged stay the same"
    )
    parser.add_argument("--template-size", type=int, default=5, metavar="K", help="samples pooled a side (default: 5)")
    parser.add_argument("--output", type=Path, metavar="DIR", help="write report, JSON, CSV and pictures here")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of draws and degradations (default: 0)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=_evaluate)


def _evaluate(options: argparse.Namespace) -> int:
    from biometric.bootstrap import build
    from biometric.errors import InvalidSetting
    from biometric.evaluation import result_files
    from biometric.evaluation.degradations import degradation
    from biometric.evaluation.evaluating import Plan, evaluate, read_groups
    from biometric.evaluation.robustness_keeping import check_people, keep_robustness

    if options.template_size < 1 or options.seed < 0:
        raise InvalidSetting("--template-size must be 1 or more and --seed 0 or more.")
    cohort = _cohort(options)
    _check_robustness(options, cohort)
    service = build(Settings.from_environment(None, embedder=options.model))
    try:
        service.models.resolve_embedder()
        dataset = _dataset(service, options)
        if options.store:
            check_people(dataset)
        sides = [
            None if name is None else degradation(name)
            for name in (options.probe_degradation, options.reference_degradation)
        ]
        plan = Plan(
            dataset,
            _thresholds(service),
            sides[0],
            sides[1],
            options.robustness,
            None if options.groups is None else read_groups(options.groups, dataset),
            options.template_size,
            options.seed,
            cohort,
            _enlarging(options),
            {purpose: service.models.card_threshold(purpose).value for purpose in PURPOSES},
        )
        evaluation = run(evaluate(plan, service.models.embedder()))
        metadata = _metadata(service, options)
    finally:
        service.close()
    result = result_files.as_json(evaluation, metadata)
    if options.output is not None:
        result["files"] = _write(evaluation, metadata, options.output)
    if options.store:
        stored = keep_robustness(evaluation, metadata, service.settings.weight_folders[0])
        result["files"] = [*result.get("files", []), str(stored)]
    show(options, result, _text(evaluation, result.get("files", [])))
    return DONE


def _check_robustness(options: argparse.Namespace, cohort: "CohortPlan | None") -> None:
    """Refuse options that belong to `--robustness` without it, and a table of adapted scores."""
    from biometric.errors import InvalidSetting

    for name, is_given in (("--enlarge-with", options.enlarge_with is not None), ("--store", options.store)):
        if is_given and not options.robustness:
            raise InvalidSetting(f"{name} belongs to --robustness. Give both, or leave {name} out.")
    if options.store and cohort is not None:
        raise InvalidSetting(
            "--store keeps what is missed at the thresholds in use, which are for scores as they are. Leave --adapt, "
            "--cohort-share and --cohort-people out."
        )


def _enlarging(options: argparse.Namespace) -> "tuple[Degradation, ...]":
    from biometric.evaluation.enlarging import enlarging_rows

    return () if options.enlarge_with is None else enlarging_rows(options.enlarge_with.expanduser())


def _cohort(options: argparse.Namespace) -> "CohortPlan | None":
    """Whom to set apart, None for nobody."""
    from biometric.evaluation.cohorts import Adaptation, CohortPlan

    if options.adapt == "none" and options.cohort_share is None and options.cohort_people is None:
        return None
    share = 0.5 if options.cohort_share is None else options.cohort_share
    return CohortPlan(Adaptation(options.adapt), share, options.cohort_people)


def _dataset(service: Sightline, options: argparse.Namespace) -> "Dataset":
    from biometric.errors import InvalidSetting
    from biometric.evaluation import datasets
    from biometric.evaluation.datasets.folders import read_gallery

    if options.dataset != "gallery":
        return datasets.read(options.dataset, options.folder.expanduser(), options.protocol)
    if options.protocol is not None:
        raise InvalidSetting("A gallery has one protocol only. Leave --protocol out.")
    return read_gallery(service.gallery(options.folder.expanduser()))


def _metadata(service: Sightline, options: argparse.Namespace) -> "EvaluationMetadata":
    from biometric.evaluation.result_files import EvaluationMetadata

    return EvaluationMetadata(
        model=_card(service),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        command=_command(options),
        seed=options.seed,
        probe=options.probe_degradation or "",
        reference=options.reference_degradation or "",
    )


def _thresholds(service: Sightline) -> dict[str, float]:
    """The thresholds in use, as further operating points."""
    verification, identification = service.models.threshold("verification"), service.models.threshold("identification")
    return {
        f"{verification.source}, 1:1": verification.value,
        f"{identification.source}, 1:N": identification.value,
    }


def _command(options: argparse.Namespace) -> str:
    """The command that repeats the evaluation."""
    words = ["python", "-m", "biometric", "evaluate", options.dataset, str(options.folder)]
    for name in ("model", "protocol", "probe_degradation", "reference_degradation", "groups", "output"):
        value = getattr(options, name)
        words += [] if value is None else [f"--{name.replace('_', '-')}", str(value)]
    words += ["--robustness"] if options.robustness else []
    words += [] if options.enlarge_with is None else ["--enlarge-with", str(options.enlarge_with)]
    words += ["--store"] if options.store else []
    cohort = _cohort(options)
    if cohort is not None:
        words += ["--adapt", str(cohort.adaptation), "--cohort-share", str(cohort.share)]
        words += [] if cohort.most_people is None else ["--cohort-people", str(cohort.most_people)]
    return shlex.join([*words, "--template-size", str(options.template_size), "--seed", str(options.seed)])


def _card(service: Sightline) -> dict[str, str]:
    """What is known of the embedder in use."""
    from biometric.bootstrap import build_models

    embedder = service.models.embedder()
    card = {"model": embedder.model_id, "dimension": str(embedder.dimension), "device": embedder.device}
    for known in build_models(service.settings).cards():
        if known.id == embedder.model_id:
            card |= {"title": known.title, "architecture": known.architecture, "source": known.source}
    for status in service.models.status():
        if status.role == Role.EMBEDDER:
            card |= {"licence": status.licence} | (
                {} if status.notice is None else notice_json(status.notice, "notice")
            )
    for purpose in PURPOSES:
        threshold = service.models.threshold(purpose)
        card[f"default {purpose} threshold"] = f"{threshold.value:.3f} ({' '.join(describe_evidence(threshold))})"
    return card


def _write(evaluation: "Evaluation", metadata: "EvaluationMetadata", folder: Path) -> list[str]:
    from biometric.evaluation import plots, report, result_files

    streams.say("Drawing …")
    drawn = plots.draw_plots(evaluation.measured, evaluation.rows)
    files: dict[str, bytes | str] = {
        "report.html": report.html(evaluation, metadata, drawn),
        "evaluation.json": result_files.json_text(result_files.as_json(evaluation, metadata)),
        "operating-points.csv": result_files.as_csv(result_files.operating_points(evaluation)),
        **{f"{name}.png": content for name, content in drawn.items()},
    }
    return [str(path) for path in result_files.write_files(folder.expanduser(), files).values()]


def _text(evaluation: "Evaluation", files: list[str]) -> str:
    from biometric.evaluation.adaptation_texts import compare_with_unadapted, describe_cohort
    from biometric.evaluation.detail_texts import detail_lines

    measured, dataset = evaluation.measured, evaluation.dataset
    counts = ", ".join(f"{count} {name}" for name, count in dataset.description().items() if count)
    ranks = ", ".join(f"rank-{rank} {estimate.value:.2%}" for rank, estimate in measured.ranking.ranks.items())
    ranking = measured.ranking
    lines = [
        f"{dataset.name} ({dataset.protocol}): {counts}.",
        *describe_cohort(evaluation),
        *(
            f"  {level}, {measure}: {without} without, {adapted} with."
            for level, measure, without, adapted in compare_with_unadapted(evaluation)
        ),
        f"Ranking: {ranks}, mAP {ranking.mean_average_precision.value:.2%}, "
        f"mINP {ranking.mean_inverse_negative_penalty.value:.2%}.",
    ]
    levels = [("Single pictures", measured.verification)]
    if measured.template is not None:
        levels.append((f"Templates of up to {measured.template_size}", measured.template))
    for title, verification in levels:
        lines.append(f"{title}: EER {verification.eer:.2%}, AUC {verification.auc:.5f}, d′ {verification.d_prime:.2f}.")
        lines += [
            f"  {point.name}: threshold {point.threshold:.3f}, FMR {point.fmr.value:.2g}, FNMR {point.fnmr.value:.3f} "
            f"({point.fnmr.interval.low:.3f}–{point.fnmr.interval.high:.3f}); FMR: {point.support}, "
            f"FNMR: {point.fnmr.support}."
            for point in verification.points
        ]
    lines += [
        f"Gallery of {point.size}, FPIR {point.target:g}: FNIR {point.fnir.value:.3f}; FPIR: {point.support}, "
        f"FNIR: {point.fnir.support}."
        for point in measured.searches
    ]
    lines += [
        f"{row.title}, {row.configuration}: rank-1 {row.rank1:.2%}, FNMR at FMR 1e-2 {row.fnmr:.3f}."
        for row in evaluation.rows
    ]
    lines += detail_lines(evaluation.detail)
    for audit in evaluation.audits:
        lines += [
            f"{ratio.metric} of {ratio.group} to {ratio.against} ({audit.attribute}): "
            + ("too few data." if ratio.ratio is None else f"{ratio.ratio:.2f} times.")
            for ratio in audit.ratios
        ]
    return "\n".join([*lines, *files])
