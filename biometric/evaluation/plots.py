"""Pictures of an evaluation as PNG bytes (matplotlib, drawn without a display).

Lines differ in dash and marker as well as colour; every axis says its quantity.
"""

import io
import itertools
import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from biometric.evaluation.evaluating import Row
from biometric.evaluation.open_set import Searches
from biometric.evaluation.protocols import Measured, OneToOne, RankResult
from biometric.statistics.error_rates import Distribution, curves

DPI = 110
POINTS = 2000
"""Points of a drawn curve; a histogram of 400 million scores has a million steps."""

_TICKS = (0.0001, 0.001, 0.01, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9)
_STYLES = ("-", "--")
Numbers = NDArray[np.float64]


def draw_plots(measured: Measured, rows: Sequence[Row] = ()) -> dict[str, bytes]:
    """Draw everything that an evaluation has: name (without suffix) → PNG."""
    levels = {"single pictures": measured.verification}
    if measured.template is not None:
        levels[f"templates of up to {measured.template_size}"] = measured.template
    images = {
        "cmc": cmc(measured.ranking),
        "roc": roc(levels),
        "det": det(levels),
        "scores": draw_score_histogram(measured.verification),
    }
    if measured.template is not None:
        images["scores-templates"] = draw_score_histogram(measured.template)
    if measured.largest is not None:
        images["open-set"] = open_set(measured.largest)
    if rows:
        images["robustness"] = heat_map(rows)
    return images


def cmc(ranking: RankResult) -> bytes:
    """CMC at ranks 1 to 50."""
    figure, axes = _figure("Rank", "Probes found up to this rank")
    axes.plot(np.arange(1, len(ranking.cmc) + 1), ranking.cmc, marker="o", markersize=3)
    axes.set_ylim(min(0.95, max(0.0, float(ranking.cmc[0]) - 0.1)), 1.005)
    axes.set_title(f"CMC: rank-1 {ranking.cmc[0]:.1%}, mAP {ranking.mean_average_precision.value:.1%}")
    return _png(figure)


def roc(levels: dict[str, OneToOne]) -> bytes:
    """ROC: the share of genuine comparisons that match over FMR, logarithmic."""
    figure, axes = _figure("False match rate (FMR)", "True match rate (1 - FNMR)")
    for style, (label, verification) in zip(_STYLES, levels.items(), strict=False):
        matched, missed = _thinned(*curves(verification.scores.genuine, verification.scores.impostor)[:2])
        seen = matched > 0
        axes.plot(
            matched[seen], 1.0 - missed[seen], style, label=f"{label}: AUC {verification.auc:.4f}", drawstyle="steps"
        )
    axes.set_xscale("log")
    axes.set_xlim(1e-5, 1)
    axes.legend(loc="lower right")
    axes.set_title("ROC")
    return _png(figure)


def det(levels: dict[str, OneToOne]) -> bytes:
    """DET: FNMR over FMR on normal deviates (Martin and others, Eurospeech 1997); straight where scores are normal."""
    figure, axes = _figure("False match rate (FMR)", "False non-match rate (FNMR)")
    low, high = _deviate(_TICKS[0] / 2), _deviate(0.95)
    for style, (label, verification) in zip(_STYLES, levels.items(), strict=False):
        matched, missed = _thinned(*curves(verification.scores.genuine, verification.scores.impostor)[:2])
        shown = (matched > 0) & (matched < 1) & (missed > 0) & (missed < 1)
        x, y = ([_deviate(value) for value in values[shown]] for values in (matched, missed))
        axes.plot(x, y, style, label=f"{label}: EER {verification.eer:.2%}")
    axes.plot([low, high], [low, high], ":", color="grey", linewidth=0.8)
    ticks = [_deviate(tick) for tick in _TICKS]
    labels = [f"{100 * tick:g} %" for tick in _TICKS]
    axes.set_xticks(ticks, labels, rotation=60)
    axes.set_yticks(ticks, labels)
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    axes.legend(loc="upper right")
    axes.set_title("DET, on normal deviates")
    return _png(figure)


def draw_score_histogram(verification: OneToOne) -> bytes:
    """Genuine and impostor scores, each as a share, with the thresholds."""
    scores = verification.scores
    lowest = min(float(side.values[0]) for side in (scores.impostor, scores.genuine))
    if scores.limit == 1.0:
        figure, axes = _figure("Comparison score (cosine)", "Share of comparisons per 0.02")
        edges = np.linspace(-1.0, 1.0, 101)
    else:
        figure, axes = _figure("Normalised comparison score", "Share of comparisons per bar")
        edges = np.linspace(
            lowest, max(float(side.values[-1]) for side in (scores.impostor, scores.genuine)) + 1e-3, 101
        )
    sides = (("impostor", scores.impostor, "C3", "//"), ("genuine", scores.genuine, "C0", ""))
    for label, side, colour, hatch in sides:
        heights = _shares(side, edges)
        axes.stairs(heights, edges, fill=True, alpha=0.45, color=colour, hatch=hatch, label=f"{label} ({side.total:,})")
    shown = [point for point in verification.points if point.name != "EER" and point.target not in (1e-1, 1e-3)]
    for style, point in zip(itertools.cycle(("--", "-.", ":", (0, (1, 3)))), shown, strict=False):
        axes.axvline(point.threshold, color="black", linestyle=style, label=f"{point.name}: {point.threshold:.3f}")
    if scores.limit == 1.0:
        axes.set_xlim(max(-1.0, lowest - 0.05), 1.02)
    axes.legend(fontsize="small")
    axes.set_title(f"Scores: d′ {verification.d_prime:.2f}")
    return _png(figure)


def open_set(searches: Searches) -> bytes:
    """FNIR over FPIR at one gallery size, both logarithmic."""
    figure, axes = _figure("False positive identification rate (FPIR)", "False negative identification rate (FNIR)")
    fpir, fnir, _ = searches.curve()
    left, bottom = (max(1e-4, 0.5 / len(probes)) for probes in (searches.unmated_best, searches.mated_own))
    x, y = _thinned(fpir, fnir)
    axes.plot(np.maximum(x, left), np.maximum(y, bottom), drawstyle="steps")  # a rate of 0 has no logarithm
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(left, 1)
    axes.set_ylim(bottom, 1.05)
    axes.set_title(f"Open set: {searches.size} enrolled")
    return _png(figure)


def heat_map(rows: Sequence[Row]) -> bytes:
    """Rank-1 and FNMR at FMR 1e-2 by degradation and configuration, with the numbers in the cells.

    The row without degradation fills the column "none" of every other one, so that lines can be read across.
    """
    names = list(dict.fromkeys(row.title for row in rows if row.degradation))
    sides = ("none", "probe", "reference", "both")
    figure = Figure(figsize=(11, 1.6 + 0.36 * len(names)), layout="constrained")
    panels = (("rank-1", [row.rank1 for row in rows]), ("FNMR at FMR 1e-2", [row.fnmr for row in rows]))
    for number, (title, values) in enumerate(panels):
        table = np.full((len(names), len(sides)), math.nan)
        for row, value in zip(rows, values, strict=True):
            lines = names.index(row.title) if row.degradation else slice(None)
            table[lines, sides.index(row.configuration)] = value
        axes = figure.add_subplot(1, 2, number + 1)
        axes.imshow(table, vmin=0.0, vmax=1.0, cmap="viridis" if number == 0 else "viridis_r", aspect="auto")
        axes.set_xticks(range(len(sides)), sides)
        axes.set_yticks(range(len(names)), names if number == 0 else [])
        axes.set_title(title)
        for (line, column), value in np.ndenumerate(table):
            if not math.isnan(value):
                is_bright = (value if number == 0 else 1 - value) > 0.6
                colour = "black" if is_bright else "white"
                axes.text(column, line, f"{value:.3f}", ha="center", va="center", color=colour, fontsize=8)
    return _png(figure)


def precision_recall(recall: Numbers, precision: Numbers, marks: Mapping[str, tuple[float, float]]) -> bytes:
    """Precision over recall, (N,) each, of a detector; `marks` are (recall, precision) to point out, by name."""
    figure, axes = _figure(
        "Recall (share of the people who are found)", "Precision (share of the boxes that are right)"
    )
    axes.plot(recall, precision)
    for marker, (name, (x, y)) in zip(itertools.cycle("osD^v"), marks.items(), strict=False):
        axes.plot([x], [y], marker, color="black", fillstyle="none", label=name)
    axes.set_xlim(0, 1.01)
    axes.set_ylim(0, 1.01)
    if marks:
        axes.legend(loc="lower left")
    axes.set_title("Precision and recall at IoU 0.5")
    return _png(figure)


def _figure(x: str, y: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(6.4, 4.8), layout="constrained")
    axes = figure.add_subplot()
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(visible=True, which="both", alpha=0.25)
    return figure, axes


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()


def _deviate(rate: float) -> float:
    return NormalDist().inv_cdf(float(rate))


def _thinned(x: Numbers, y: Numbers) -> tuple[Numbers, Numbers]:
    """At most about `POINTS` points of a curve whose x falls, even on a logarithmic x axis, its ends among them."""
    place = -np.log10(np.maximum(x, 1e-9))
    wanted = np.searchsorted(place, np.linspace(place[0], place[-1], POINTS))
    indices = np.unique(np.append(np.minimum(wanted, len(x) - 1), [0, len(x) - 1]))
    return (x, y) if len(x) <= POINTS else (x[indices], y[indices])


def _shares(side: Distribution, edges: Numbers) -> Numbers:
    counts = -np.diff(side.at_or_above(np.append(edges[:-1], np.inf)))
    return counts / max(1, side.total)
