"""What the pixels behind an answer cost, looked up in what was measured of the model."""

from biometric.entities import Purpose
from biometric.entities.picture_detail import ComparedDetail
from biometric.entities.robustness import DetailCost, DetailMeasure, RobustnessTable


def costs_of(detail: ComparedDetail, table: RobustnessTable, purpose: Purpose) -> tuple[DetailCost, ...]:
    """Return the rows that a comparison's poorer side lies in, by height and by sharpness.

    Rows of too few people, and what no row holds, are left out.
    """
    values = {DetailMeasure.HEIGHT: detail.least_height, DetailMeasure.SHARPNESS: detail.least_sharpness}
    rows = [table.row(measure, value) for measure, value in values.items()]
    return tuple(
        DetailCost(row, purpose, table.threshold(purpose), table.data) for row in rows if row is not None and row.enough
    )
