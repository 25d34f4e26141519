"""The pixels behind an answer as JSON and as cells of a CSV row."""

from typing import Any

from biometric.entities.picture_detail import ComparedDetail, PictureDetail

DETAIL_COLUMNS = ("probe_height", "probe_sharpness", "reference_height", "reference_sharpness")


def detail_json(detail: ComparedDetail | None) -> dict[str, Any]:
    """Return {"picture_detail": {"probe", "reference"}}: height in pixels, sharpness, samples; None: not recorded."""
    if detail is None:
        return {"picture_detail": None}
    return {"picture_detail": {"probe": _side(detail.probe), "reference": _side(detail.reference)}}


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
