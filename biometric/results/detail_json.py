"""The pixels behind an answer as JSON and as cells of a CSV row."""

from typing import Any

from biometric.entities.picture_detail import ComparedDetail, PictureDetail
from biometric.entities.robustness import DetailCost

DETAIL_COLUMNS = ("probe_height", "probe_sharpness", "reference_height", "reference_sharpness")


def detail_json(detail: ComparedDetail | None) -> dict[str, Any]:
    """Return {"picture_detail": {"probe", "reference", "costs"}}: height in pixels, sharpness, samples."""
    if detail is None:
        return {"picture_detail": None}
    sides = {"probe": _side(detail.probe), "reference": _side(detail.reference)}
    return {"picture_detail": {**sides, "costs": [_cost(cost) for cost in detail.costs]}}


def _cost(cost: DetailCost) -> dict[str, Any]:
    """How often the right person is missed in the row that the comparison lies in; `to` is excluded."""
    row, missed = cost.row, cost.missed
    return {
        "measure": str(row.measure),
        "from": row.start,
        "to": row.stop,
        "fnmr": round(cost.share, 6),
        "interval": [round(missed.low, 6), round(missed.high, 6)],
        "missed": missed.missed,
        "comparisons": row.comparisons,
        "people": row.people,
        "threshold": cost.threshold,
        "measured_on": cost.data,
    }


def _side(side: PictureDetail | None) -> dict[str, Any] | None:
    if side is None:
        return None
    return {"height": side.height, "sharpness": round(side.sharpness, 1), "samples": side.samples}


def detail_cells(detail: ComparedDetail | None) -> dict[str, str]:
    """Return the cells of `DETAIL_COLUMNS`; empty where nothing is recorded."""
    sides = (None, None) if detail is None else (detail.probe, detail.reference)
    texts = [text for side in sides for text in _texts(side)]
    return dict(zip(DETAIL_COLUMNS, texts, strict=True))


def _texts(side: PictureDetail | None) -> tuple[str, str]:
    return ("", "") if side is None else (str(side.height), f"{side.sharpness:.1f}")
