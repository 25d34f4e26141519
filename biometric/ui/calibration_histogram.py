"""The picture of a calibration: how often which score came up, and where the threshold lies."""

import math
from collections.abc import Sequence

from biometric.entities import Histogram
from biometric.messages.translation import gettext as _
from biometric.messages.translation import local_number
from biometric.ui.text_format import escape, threshold_text

WIDTH, HEIGHT, BASE = 300, 96, 78


def histogram(counts: Histogram, threshold: float) -> str:
    """Return both distributions as an inline SVG, each scaled to its own highest bin, with the threshold as a line."""
    bins = len(counts.different)
    used = [number for number in range(bins) if counts.different[number] or counts.same[number]]
    first = min([*used, bins // 2])
    step = WIDTH / (bins - first)

    def place(score: float) -> float:
        return max(0.0, ((score + 1) / 2 * bins - first) * step)

    bars = _bars(counts.different[first:], step, "sl-different") + _bars(counts.same[first:], step, "sl-same")
    at = place(threshold)
    words = _(
        "Histogram of scores: {different} pairs of different people, {same} scores of one person with themselves, "
        "threshold {threshold}"
    ).format(
        different=local_number(f"{sum(counts.different):,}"),
        same=local_number(f"{sum(counts.same):,}"),
        threshold=threshold_text(threshold),
    )
    ticks = "".join(
        f'<text x="{place(score):.1f}" y="{HEIGHT - 4}" text-anchor="middle">{local_number(f"{score:g}")}</text>'
        for score in (0.0, 0.25, 0.5, 0.75)
    )
    line = _("line: threshold {threshold}").format(threshold=threshold_text(threshold))
    return (
        f'<svg class="sl-histogram" role="img" aria-label="{escape(words)}" viewBox="0 0 {WIDTH} {HEIGHT}">{bars}'
        f'<line class="sl-axis-line" x1="0" x2="{WIDTH}" y1="{BASE}" y2="{BASE}"/>'
        f'<line class="sl-threshold" x1="{at:.1f}" x2="{at:.1f}" y1="2" y2="{BASE}"/>{ticks}</svg>'
        f'<p class="sl-quiet sl-legend"><span class="sl-key sl-different"></span>{escape(_("different people"))} '
        f'<span class="sl-key sl-same"></span>{escape(_("the same person"))} · {escape(line)}</p>'
    )


def _bars(counts: Sequence[int], step: float, css: str) -> str:
    most = max(counts, default=0)
    shapes = []
    for number, bin_count in enumerate(counts):
        if bin_count:
            # the root lets a bin of one be seen beside a bin of hundreds, and the tail is what matters here
            height = max(1.5, math.sqrt(bin_count / most) * (BASE - 6))
            shapes.append(
                f'<rect class="{css}" x="{number * step + 0.4:.1f}" y="{BASE - height:.1f}" '
                f'width="{max(0.5, step - 0.8):.1f}" height="{height:.1f}"/>'
            )
    return "".join(shapes)
