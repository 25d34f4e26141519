"""The page's own scripts and styles stay small."""

from biometric.ui.components import ASSETS

BUDGET = 60_000
"""Bytes of all scripts and style sheets together."""


def test_scripts_and_styles_stay_within_their_budget() -> None:
    sizes = {path.name: path.stat().st_size for path in ASSETS.iterdir() if path.suffix in {".js", ".css"}}
    assert len(sizes) > 5
    assert sum(sizes.values()) <= BUDGET, sizes
