"""One self-contained HTML file of an evaluation: no script, nothing loaded from anywhere, every text escaped."""

import base64
import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from biometric.evaluation.adaptation_texts import HEAD, compare_with_unadapted, describe_cohort
from biometric.evaluation.detail_texts import describe_detail, detail_tables
from biometric.evaluation.evaluating import Evaluation
from biometric.evaluation.protocols import Estimate, OneToOne, SearchPoint
from biometric.evaluation.result_files import EvaluationMetadata
from biometric.statistics.intervals import ERRORS_NEEDED, Rate, Support

TITLES = {
    "cmc": "How early the right person appears",
    "roc": "True matches against false matches",
    "det": "Misses against false matches",
    "scores": "Scores of single pictures",
    "scores-templates": "Scores of templates",
    "open-set": "Searches in a gallery",
    "robustness": "Robustness",
}

_STYLE = """
:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}
h1,h2{line-height:1.2}table{border-collapse:collapse;margin:1rem 0;font-variant-numeric:tabular-nums}
caption{text-align:left;font-weight:600;padding:.3rem 0}
th,td{border:1px solid #8886;padding:.25rem .6rem;text-align:right}
th:first-child,td:first-child{text-align:left}th{background:#8882}.few{font-style:italic}figure{margin:1rem 0}
img{max-width:100%;height:auto;background:#fff}.wide{overflow-x:auto}code{overflow-wrap:anywhere}
"""
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"

Cells = Sequence[str]


def html(evaluation: Evaluation, metadata: EvaluationMetadata, pictures: Mapping[str, bytes]) -> str:
    """Return the report; `pictures` are PNGs by the names of `plots.draw_plots`."""
    measured, dataset = evaluation.measured, evaluation.dataset
    title = f"Evaluation: {dataset.name}, {dataset.protocol}"
    sections = [
        f"<h1>{escape(title)}</h1>",
        _about(evaluation, metadata),
        *_adaptation(evaluation),
        "<h2>Ranking</h2>",
        _ranking(evaluation),
        "<h2>Verification (1:1)</h2>",
        _verification("Single pictures", measured.verification),
    ]
    if measured.template is not None:
        pooled = f"Templates of up to {measured.template_size} samples ({measured.template_samples:.1f} on average)"
        sections.append(_verification(pooled, measured.template))
    sections += ["<h2>Identification (1:N, open set)</h2>", _searches(measured.searches)]
    if evaluation.rows:
        sections += ["<h2>Robustness</h2>", _robustness(evaluation), *_detail(evaluation)]
    if evaluation.audits:
        sections += ["<h2>Groups</h2>", *_groups(evaluation)]
    sections += ["<h2>Pictures</h2>", *(_figure(name, content) for name, content in pictures.items()), _method()]
    body = "\n".join(sections)
    return (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    )


def _about(evaluation: Evaluation, metadata: EvaluationMetadata) -> str:
    dataset = evaluation.dataset
    rows = [("Date", metadata.date), ("Seed", str(metadata.seed))]
    rows += [(name.capitalize(), f"{count:,}") for name, count in dataset.description().items()]
    rows += [("Probes degraded by", metadata.probe)] if metadata.probe else []
    rows += [("References degraded by", metadata.reference)] if metadata.reference else []
    rows += [(f"Seconds to {stage}", f"{seconds:.1f}") for stage, seconds in evaluation.seconds.items()]
    notes = "".join(f"<p>{escape(note)}</p>" for note in dataset.notes)
    command = f"<p>Command: <code>{escape(metadata.command)}</code></p>"
    about = _table("Data", ("", ""), rows)
    return notes + command + about + _table("Model card", ("", ""), list(metadata.model.items()))


def _adaptation(evaluation: Evaluation) -> Iterable[str]:
    sentences = describe_cohort(evaluation)
    if sentences:
        yield f"<h2>Adaptation to cameras</h2><p>{escape(' '.join(sentences))}</p>"
    rows = list(compare_with_unadapted(evaluation))
    if rows:
        yield _table("The same people without and with it", HEAD, rows)


def _ranking(evaluation: Evaluation) -> str:
    ranking = evaluation.measured.ranking
    rows = [(f"Rank-{number}", *_estimate(estimate)) for number, estimate in ranking.ranks.items()]
    rows.append(("mAP", *_estimate(ranking.mean_average_precision)))
    rows.append(("mINP", *_estimate(ranking.mean_inverse_negative_penalty)))
    text = f"{ranking.probes:,} probes ranked; {ranking.uncounted:,} have no right reference by another camera."
    if ranking.tied:
        text += f" In {ranking.tied:,} lists a right and a wrong reference have one score; their order decided."
    if ranking.single_shot:
        text += " CMC with one random reference a person (exact expectation)."
    return _table("", ("", "value", "95 % interval"), rows) + f"<p>{text}</p>"


def _verification(title: str, verification: OneToOne) -> str:
    genuine, impostor = verification.scores.genuine.total, verification.scores.impostor.total
    rows = [
        (
            point.name,
            f"{point.threshold:.4f}" if point.reachable else f"above {point.score_limit:g}: cannot be met",
            *_rate(point.fmr),
            *_rate(point.fnmr),
        )
        for point in verification.points
    ]
    head = ("point", "threshold", "FMR", "95 % interval", "FNMR", "95 % interval")
    text = (
        f"{genuine:,} genuine and {impostor:,} impostor comparisons. EER {verification.eer:.2%}, "
        f"AUC {verification.auc:.5f}, d′ {verification.d_prime:.3f}."
    )
    return _table(title, head, rows) + f"<p>{text}</p>"


def _searches(points: Sequence[SearchPoint]) -> str:
    if not points:
        return "<p>Too few data: two people or more are needed, one of them not enrolled.</p>"
    head = ("enrolled", "wanted FPIR", "threshold", "FPIR", "95 % interval", "FNIR", "95 % interval", "DIR")
    rows = [
        (
            f"{point.size:,}",
            f"{point.target:g}",
            f"{point.threshold:.4f}",
            *_rate(point.fpir),
            *_rate(point.fnir),
            f"{1 - point.fnir.value:.4f}",
        )
        for point in points
    ]
    return _table("", head, rows)


def _robustness(evaluation: Evaluation) -> str:
    head = ("degradation", "of", "rank-1", "FNMR at FMR 1e-2", "FMR, threshold kept", "FNMR, threshold kept")
    rows = [
        (
            row.title,
            row.configuration,
            f"{row.rank1:.4f}",
            f"{row.fnmr:.4f}",
            f"{row.fixed_fmr:.4f}",
            f"{row.fixed_fnmr:.4f}",
        )
        for row in evaluation.rows
    ]
    text = (
        "FNMR at FMR 1e-2 chooses a threshold for each row; “threshold kept” is the one of the row without "
        "degradation, as a system in use would keep it."
    )
    return _table("", head, rows) + f"<p>{text}</p>"


def _detail(evaluation: Evaluation) -> Iterable[str]:
    if evaluation.detail is not None:
        yield f"<p>{escape(describe_detail(evaluation.detail))}</p>"
        for caption, head, rows in detail_tables(evaluation.detail):
            yield _table(caption, head, rows)


def _groups(evaluation: Evaluation) -> Iterable[str]:
    for audit in evaluation.audits:
        head = ("group", "people", "FMR", "95 % interval", "FNMR", "95 % interval")
        rates = [(group.group, f"{group.people:,}", *_rate(group.fmr), *_rate(group.fnmr)) for group in audit.rates]
        yield _table(f"By {audit.attribute}, threshold {audit.threshold:.4f}", head, rates)
        ratios = [
            (
                f"{ratio.metric} of {ratio.group} to {ratio.against}",
                "too few data" if ratio.ratio is None else f"{ratio.ratio:.2f}{_few(ratio.support)}",
                "" if ratio.interval is None else f"{ratio.interval.low:.2f}–{_upper(ratio.interval.high)}",
            )
            for ratio in audit.ratios
        ]
        if ratios:
            yield _table("Ratios", ("", "ratio", "95 % interval"), ratios)


def _method() -> str:
    sentences = (
        "Intervals hold the true rate with 95 % confidence; people, not comparisons, are drawn (bootstrap), because "
        "comparisons that share a person are not independent. Where no error was seen the upper limit is 3 / people "
        f"(or pairs of people). “Too few data”: errors of fewer than {ERRORS_NEEDED} people (or pairs of people) were "
        "seen, so that the value may be off by far more than 30 % (rule of 30). Numbers hold for people, cameras and "
        "clothes like those of the data; elsewhere calibrate on footage of your own."
    )
    return f"<h2>How to read this</h2><p>{sentences}</p>"


def _rate(rate: Rate | None) -> tuple[str, str]:
    if rate is None:
        return "too few data", ""
    return f"{rate.value:.3g}{_few(rate.support)}", f"{rate.interval.low:.2g}–{rate.interval.high:.2g}"


def _few(support: Support) -> str:
    return "" if support is Support.ENOUGH else " (too few data)"


def _upper(limit: float) -> str:
    return "no upper limit" if math.isinf(limit) else f"{limit:.2f}"


def _estimate(estimate: Estimate) -> tuple[str, str]:
    interval = estimate.interval
    return f"{estimate.value:.2%}", "" if interval is None else f"{interval.low:.2%}–{interval.high:.2%}"


def _table(caption: str, head: Cells, rows: Sequence[Cells]) -> str:
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join("<tr>" + "".join(_cell(cell) for cell in row) + "</tr>" for row in rows)
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    header = f"<thead><tr>{top}</tr></thead>" if any(head) else ""
    return f"<div class='wide'><table>{title}{header}<tbody>{body}</tbody></table></div>"


def _cell(text: str) -> str:
    few = " class='few'" if "too few data" in text else ""
    return f"<td{few}>{escape(text)}</td>"


def _figure(name: str, content: bytes) -> str:
    title = escape(TITLES.get(name, name))
    data = base64.b64encode(content).decode("ascii")
    return f'<figure><figcaption>{title}</figcaption><img alt="{title}" src="data:image/png;base64,{data}"></figure>'
