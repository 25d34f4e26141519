"""The incomplete beta function against scipy."""

import pytest
from scipy.special import betainc, betaincinv

from biometric.statistics.beta import beta_quantile, incomplete_beta


@pytest.mark.parametrize(
    ("x", "a", "b"), [(0.1, 2, 3), (0.5, 2, 3), (0.9, 5, 0.5), (0.01, 30, 3000), (1e-3, 400, 399_600), (0.3, 1, 1)]
)
def test_equals_scipy(x: float, a: float, b: float) -> None:
    assert incomplete_beta(x, a, b) == pytest.approx(betainc(a, b, x), rel=1e-8)
    assert beta_quantile(x, a, b) == pytest.approx(betaincinv(a, b, x), rel=1e-8)


def test_the_ends() -> None:
    assert incomplete_beta(0.0, 2, 3) == 0.0
    assert incomplete_beta(1.0, 2, 3) == 1.0
