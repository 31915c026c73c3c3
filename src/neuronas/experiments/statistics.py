"""Mean, standard deviation and confidence interval over seeds."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev


@dataclass(frozen=True)
class Summary:
    """A quantity over n seeds; with one seed nothing is known about its spread.

    Attributes:
        mean: arithmetic.
        std: standard deviation of the sample (n - 1).
        low: lower end of the 95 % confidence interval of the mean (Student's t).
        high: upper end.
    """

    n: int
    mean: float
    std: float | None
    low: float | None
    high: float | None


def summary(values: Sequence[float]) -> Summary:
    """Summarise at least one value."""
    n, mean = len(values), fmean(values)
    if n < 2:
        return Summary(n, mean, None, None, None)
    from scipy.special import stdtrit

    std = stdev(values)
    half = float(stdtrit(n - 1, 0.975)) * std / n**0.5
    return Summary(n, mean, std, mean - half, mean + half)
