"""The incomplete beta function and its inverse, for exact binomial intervals, without scipy at run time."""

import math


def beta_quantile(probability: float, a: float, b: float) -> float:
    """The x with I_x(a, b) = probability, by bisection until neighbouring numbers are reached."""
    low, high = 0.0, 1.0
    for _ in range(200):
        middle = (low + high) / 2.0
        if middle in (low, high):
            break
        if incomplete_beta(middle, a, b) < probability:
            low = middle
        else:
            high = middle
        if high - low < 1e-13 * high:
            break
    return (low + high) / 2.0


def incomplete_beta(x: float, a: float, b: float) -> float:
    """Regularised incomplete beta function I_x(a, b), by its continued fraction (DLMF 8.17.22).

    The fraction converges quickly for x below (a + 1) / (a + b + 2); above, I_x(a, b) = 1 - I_{1-x}(b, a) is used.
    """
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    if x > (a + 1.0) / (a + b + 2.0):
        return 1.0 - incomplete_beta(1.0 - x, b, a)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    front = math.exp(log_front)
    # below 1e-20 the tail is nothing to a quantile, whatever the fraction's value
    return 0.0 if front < 1e-20 else front * _fraction(x, a, b) / a


def _fraction(x: float, a: float, b: float) -> float:
    """The continued fraction 1 / (1 + d1 / (1 + d2 / …)) of DLMF 8.17.22, by Lentz's method (DLMF 3.10(iii))."""
    tiny = 1e-300
    above = 1.0
    below = 1.0 / ((1.0 - (a + b) * x / (a + 1.0)) or tiny)
    value = below
    for m in range(1, 400_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        change = 1.0
        for term in (even, odd):
            below = 1.0 / ((1.0 + term * below) or tiny)
            above = (1.0 + term / above) or tiny
            change = above * below
            value *= change
        if abs(change - 1.0) < 1e-15:
            break
    return value
