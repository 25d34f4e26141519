"""An identification as a CSV table that is safe to open in a spreadsheet."""

import csv
import io
import re
import unicodedata
from collections.abc import Sequence

from biometric.entities import AdaptationKind, Identification, ObservedClip, Verdict
from biometric.messages import decimals_apart, describe_all, describe_reason, plain_decimal
from biometric.results.detail_json import DETAIL_COLUMNS, detail_cells

CSV_COLUMNS = (
    "person",
    "from_frame",
    "to_frame",
    "from_seconds",
    "to_seconds",
    "decision",
    "identity",
    "score",
    "threshold",
    "threshold_source",
    "margin",
    "samples_kept",
    "samples_refused",
    "second_identity",
    "second_score",
    "reason",
    "verdicts",
    "stretches",
    "tracks",
    "link_score",
    "perhaps_same_as",
    "adaptation",
    *DETAIL_COLUMNS,
)

CSV_DECIMALS = 4
"""Decimals of scores in the CSV, or more where it takes more to tell a score from the threshold."""

_FORMULA_SIGNS = frozenset({"=", "+", "-", "@", "\N{MINUS SIGN}"})
_CELL_SEPARATOR = re.compile(r"(?<=[;,|\t])")
_CELL_CONTROLS = frozenset({"\t", "\r", "\n"})


def csv_text(observed: ObservedClip, identifications: Sequence[Identification]) -> str:
    """Return one CSV row a person; text cells cannot start a spreadsheet formula."""
    stream = io.StringIO()
    table = csv.DictWriter(stream, CSV_COLUMNS)
    table.writeheader()
    for item in identifications:
        track, second = item.observation.tracklet, item.candidates[1] if len(item.candidates) > 1 else None
        scores = [candidate.score for candidate in item.candidates[:2]]
        decimals = decimals_apart(item.threshold.value, *scores, least=CSV_DECIMALS)
        table.writerow(
            {
                "person": item.observation.person,
                "from_frame": track.first_frame,
                "to_frame": track.last_frame,
                "from_seconds": f"{track.first_seconds:.3f}",
                "to_seconds": f"{track.last_seconds:.3f}",
                "decision": str(item.decision),
                "identity": escape_csv_formula(item.identity.name) if item.identity is not None else "",
                "score": _number(item.score, decimals),
                "threshold": _number(item.threshold.value, decimals),
                "threshold_source": str(item.threshold.source),
                "margin": _number(item.margin, decimals),
                "samples_kept": len(item.observation.kept),
                "samples_refused": item.observation.refused_count,
                "second_identity": escape_csv_formula(second.identity.name) if second is not None else "",
                "second_score": _number(second.score if second is not None else None, decimals),
                "reason": _safe_sentences(item),
                "verdicts": escape_csv_formula("; ".join(_said(said) for said in item.verdicts)),
                "stretches": "; ".join(
                    f"{stretch.first_seconds:.3f}-{stretch.last_seconds:.3f}" for stretch in item.observation.stretches
                ),
                "tracks": max(1, len(item.observation.linked)),
                "link_score": _number(item.observation.link_score, CSV_DECIMALS),
                "perhaps_same_as": "; ".join(str(other.person) for other in item.observation.perhaps),
                "adaptation": str(item.threshold.adaptation) or str(AdaptationKind.NONE),
                **detail_cells(item.detail),
            }
        )
    return stream.getvalue()


def escape_csv_formula(text: str) -> str:
    """Return text that a spreadsheet shows instead of running: a quote goes before what could start a formula.

    These are `=`, `+`, `-` and `@`, also in their full-width and small forms, behind white space and characters that
    cannot be seen, and behind a separator, which begins another cell in some countries; a tab or line break at the
    start, too.
    """
    return "".join(f"'{cell}" if _starts_formula(cell) else cell for cell in _CELL_SEPARATOR.split(text))


def _starts_formula(text: str) -> bool:
    if text[:1] in _CELL_CONTROLS:
        return True
    visible = next((character for character in text if unicodedata.category(character)[0] not in "ZC"), "")
    return bool(visible) and unicodedata.normalize("NFKC", visible)[0] in _FORMULA_SIGNS


def _number(value: float | None, decimals: int) -> str:
    return "" if value is None else plain_decimal(value, decimals)


def _safe_sentences(item: Identification) -> str:
    return escape_csv_formula(" ".join([describe_reason(item), *describe_all(item.warnings)]))


def _said(verdict: Verdict) -> str:
    """Return a verdict in a cell: "confirmed: Ada, by eve"."""
    by = f", by {verdict.by}" if verdict.by else ""
    return f"{verdict.word}: {verdict.name}{by}"
