"""Confidence intervals of accuracies, and of the difference of two, from the number of images alone."""

from math import sqrt
from statistics import NormalDist

_Z = NormalDist().inv_cdf(0.975)


def wilson_95(accuracy: float, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval (JASA 22, 1927) of an accuracy.

    Args:
        accuracy: share of correct answers, 0 to 1.
        n: number of images.
    """
    middle, half = accuracy + _Z**2 / (2 * n), _Z * sqrt(accuracy * (1 - accuracy) / n + _Z**2 / (4 * n**2))
    low, high = ((middle + side * half) / (1 + _Z**2 / n) for side in (-1, 1))
    return max(low, 0.0), min(high, 1.0)


def difference_95(first: float, second: float, n: int) -> tuple[float, float]:
    """Newcombe's 95 % interval (Statistics in Medicine 17, 1998, method 10) of the difference of two accuracies.

    It assumes independent samples. Two networks on the same images make mostly the same errors, so the interval is
    conservative (too wide).

    Args:
        first: share of correct answers, 0 to 1.
        second: share of correct answers of another network.
        n: number of images for each.

    Returns:
        lower and upper limit of ``first - second``.
    """
    (low_1, high_1), (low_2, high_2) = wilson_95(first, n), wilson_95(second, n)
    difference = first - second
    below = sqrt((first - low_1) ** 2 + (high_2 - second) ** 2)
    above = sqrt((high_1 - first) ** 2 + (second - low_2) ** 2)
    return difference - below, difference + above
