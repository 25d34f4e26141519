"""Misses by pixels and sharpness in words, as tables and as JSON."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from biometric.entities import PURPOSES
from biometric.entities.robustness import PEOPLE_NEEDED, DetailMeasure, RobustnessRow
from biometric.evaluation.detail_rates import DetailRates

TOO_FEW = "too few data"
"""What stands in place of a share of fewer than `PEOPLE_NEEDED` people; reports set such cells apart."""

_CAPTIONS = {
    DetailMeasure.HEIGHT: "By height of the smaller side, in pixels",
    DetailMeasure.SHARPNESS: "By sharpness of the more blurred side",
}
_HEAD = ("from–to", "people", "comparisons", "FNMR, 1:1", "95 % interval", "FNMR, 1:N", "95 % interval")


def describe_detail(rates: DetailRates) -> str:
    """Return how the tables were made, in a sentence or two."""
    return (
        f"Share of the right people who are missed at the thresholds {rates.verification:.3f} (1:1) and "
        f"{rates.identification:.3f} (1:N), in templates of {rates.samples:.1f} samples on average. Probes were "
        f"reduced and blurred step by step; references are as they are. “{TOO_FEW}”: fewer than {PEOPLE_NEEDED} people."
    )


def detail_tables(rates: DetailRates) -> Iterator[tuple[str, Sequence[str], list[list[str]]]]:
    """Yield caption, head and rows of each table that has rows."""
    for measure, caption in _CAPTIONS.items():
        rows = [_cells(row) for row in rates.rows if row.measure is measure]
        if rows:
            yield caption, _HEAD, rows


def detail_lines(rates: DetailRates | None) -> Iterator[str]:
    """Yield the tables as lines for a terminal."""
    if rates is None:
        return
    yield describe_detail(rates)
    for caption, _, rows in detail_tables(rates):
        yield f"{caption}:"
        for span, people, comparisons, first, first_limits, second, second_limits in rows:
            counts = f"{comparisons} comparisons of {people} people"
            if first == TOO_FEW:
                yield f"  {span}: {TOO_FEW}, {counts}."
            else:
                yield f"  {span}: FNMR 1:1 {first} ({first_limits}), 1:N {second} ({second_limits}), {counts}."


def detail_json(rates: DetailRates | None) -> dict[str, Any] | None:
    """The tables in JSON's types; `stop` is excluded, None where there is no end."""
    if rates is None:
        return None
    rows = [
        {
            **asdict(row),
            "measure": str(row.measure),
            "fnmr": {purpose: round(row.share(purpose), 6) for purpose in PURPOSES},
            "support": "enough data" if row.enough else TOO_FEW,
        }
        for row in rates.rows
    ]
    thresholds = {"verification": rates.verification, "identification": rates.identification}
    return {"thresholds": thresholds, "mean_samples": round(rates.samples, 6), "rows": rows}


def _cells(row: RobustnessRow) -> list[str]:
    span = f"{row.start:g} or more" if row.stop is None else f"{row.start:g}–{row.stop - 1:g}"
    cells = [span, f"{row.people:,}", f"{row.comparisons:,}"]
    for purpose in PURPOSES:
        missed = row.missed(purpose)
        limits = f"{missed.low:.3f}–{missed.high:.3f}"
        cells += [f"{row.share(purpose):.3f}", limits] if row.enough else [TOO_FEW, ""]
    return cells
