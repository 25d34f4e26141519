"""Curves of a training run as PNG bytes (matplotlib, drawn without a display): one panel a quantity, over epochs."""

import io
import math
from collections.abc import Sequence

from matplotlib.figure import Figure

from biometric.training.runs import Row

DPI = 100
_COLUMNS = 3


def draw(rows: Sequence[Row], title: str) -> bytes:
    """Draw every quantity of the rows but "epoch"; logarithmic where a loss spans more than a factor of a hundred."""
    names = [name for name in dict.fromkeys(name for row in rows for name in row) if name != "epoch"]
    columns = min(_COLUMNS, max(1, len(names)))
    lines = max(1, math.ceil(len(names) / columns))
    figure = Figure(figsize=(4.2 * columns, 3.0 * lines), dpi=DPI, layout="constrained")
    for number, name in enumerate(names, 1):
        axes = figure.add_subplot(lines, columns, number)
        points = [(row["epoch"], row[name]) for row in rows if name in row and math.isfinite(row[name])]
        axes.plot([epoch for epoch, _ in points], [value for _, value in points], marker="o", markersize=3)
        smallest, largest = (
            min((value for _, value in points), default=0),
            max((value for _, value in points), default=0),
        )
        if smallest > 0 and largest / smallest > 100:
            axes.set_yscale("log")
        axes.set_title(name)
        axes.set_xlabel("epoch")
        axes.grid(visible=True, alpha=0.3)
    figure.suptitle(title)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
