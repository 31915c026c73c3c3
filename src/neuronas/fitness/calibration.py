"""What was fitted to tables of trained networks: constants and errors only, in ``calibration.json``.

``benchmarks/fit_firing_rate.py``, ``fit_accuracy.py``, ``fit_chip_loss.py`` and ``narrow_networks.py`` write their
sections. The file holds no row of a table.
"""

from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from pydantic import ValidationError

from neuronas.config import Section
from neuronas.errors import VerificationError
from neuronas.fitness.firing_rate import RateConstants

if TYPE_CHECKING:
    from neuronas.hardware.chip_noise import LayerNoise
    from neuronas.hardware.cost import Array

_FILE = "calibration.json"


class RateError(Section):
    """How far forecasts of the mean firing rate are from what networks of one data set have after training.

    Attributes:
        dataset: of the networks.
        n: networks, none of which the constants were fitted to.
        rho: Spearman's rank correlation.
        median_factor: half of the forecasts are off by less than this factor.
        factor_of_9_in_10: nine in ten are.
    """

    dataset: str
    n: int
    rho: float
    median_factor: float
    factor_of_9_in_10: float


class RateCalibration(Section):
    """The forecast of firing rates (``firing_rate``): its constants, and what they were fitted to and checked on.

    Attributes:
        constants: of the equations.
        timesteps: T of the networks.
        operations: in their cells.
        errors: by data set; the constants come from networks of the first.
    """

    constants: RateConstants
    timesteps: int
    operations: tuple[str, ...]
    errors: tuple[RateError, ...]

    def error_on(self, dataset: str) -> RateError | None:
        """What is known of a data set."""
        return next((error for error in self.errors if error.dataset == dataset), None)

    def not_fitted(self, dataset: str, timesteps: int, operations: Iterable[str], *, feeds_back: bool) -> list[str]:
        """What a network has that none of the networks behind the constants had, for people."""
        unknown = sorted(set(operations) - set(self.operations))
        return [
            *([] if self.error_on(dataset) else [f"data set {dataset}"]),
            *([] if timesteps == self.timesteps else [f"T = {timesteps}"]),
            *unknown,
            *(["feedback"] if feeds_back else []),
        ]


class AccuracyCalibration(Section):
    """What accuracy a fitness lets expect on one data set: a line, and 90 % split conformal intervals around it.

    Attributes:
        dataset: of the trained networks.
        fitness: name of the measure.
        rule: the measure's constants at that time; with other constants the line does not hold.
        channels: of the networks before the reduction.
        timesteps: T.
        operations: in their cells.
        lowest: fitness of the networks.
        highest: likewise.
        slope: points of accuracy per unit of fitness.
        intercept: accuracy in percent at fitness 0.
        half_width: of the interval, points.
        difference: two networks differ beyond noise if the line sets them so many points apart.
        n: networks that gave the half-width; the line was fitted to others.
    """

    dataset: str
    fitness: str
    rule: str
    channels: int
    timesteps: int
    operations: tuple[str, ...]
    lowest: float
    highest: float
    slope: float
    intercept: float
    half_width: float
    difference: float
    n: int

    def interval(self, fitness: float) -> tuple[float, float, float]:
        """Expected accuracy of a fitness in percent, and the limits of its interval."""
        value = self.slope * fitness + self.intercept
        return value, max(value - self.half_width, 0.0), min(value + self.half_width, 100.0)

    def holds(
        self, dataset: str, measure: str, rule: str, channels: int, timesteps: int, operations: Iterable[str]
    ) -> bool:
        """Whether a network, and how its fitness was read, are like those of the table."""
        given = (dataset, measure, rule, channels, timesteps)
        own = (self.dataset, self.fitness, self.rule, self.channels, self.timesteps)
        return given == own and set(operations) <= set(self.operations)


class NarrowCalibration(Section):
    """What small networks of one data set lose, by width and number of weights.

    Attributes:
        dataset: of the trained networks.
        error: of the fittest cells without the loss below (``fitness.expected_error``).
        scale: of the odds of the loss.
        channels_power: of the width.
        weights_power: of the number of weights.
        n_networks: that all of these were fitted to.
        n_others: networks chosen otherwise, not in the fit, on which they were checked.
        rho: Spearman's rank correlation of expected and measured accuracy of these.
        median_off: half of these are off by less than this share.
        most_off: all of them are off by at most this share.
    """

    dataset: str
    error: float
    scale: float
    channels_power: float
    weights_power: float
    n_networks: int
    n_others: int
    rho: float
    median_off: float
    most_off: float

    def kept(self, channels: int, n_weights: "Array") -> "Array":
        """Share of the accuracy above chance that is left, 0 to 1: 1 / (1 + scale * C^-a * weights^-b)."""
        share: Array = 1 / (1 + self.scale * float(channels) ** -self.channels_power * n_weights**-self.weights_power)
        return share


class ChipCalibration(Section):
    """What chips leave of the accuracy above chance, by the signal-to-noise ratio of their layers' sums.

    Attributes:
        dataset: of the trained networks.
        middle_db: ratio at which half of it is left.
        scale_db: of the logistic function: from 27 to 73 % within twice as much.
        n_pairs: of a network and a kind of chip, each simulated.
        n_networks: among them.
        rho: Spearman's rank correlation of forecast and simulation, each network forecast by a fit without it.
        median_off: half of these forecasts are off by less than this share.
        off_of_9_in_10: nine in ten are.
    """

    dataset: str
    middle_db: float
    scale_db: float
    n_pairs: int
    n_networks: int
    rho: float
    median_off: float
    off_of_9_in_10: float

    def kept(self, noise: "LayerNoise") -> "Array":
        """Share of the accuracy above chance that is left, 0 to 1: 1 / (1 + e^((middle - ratio) / scale)).

        Errors that all filters have in common are not in the ratio: counted in full they make forecasts worse.
        """
        import numpy as np  # noqa: PLC0415 - choices are listed without it

        share: Array = 1 / (1 + np.exp(np.minimum((self.middle_db - noise.own_snr_db) / self.scale_db, 500)))
        return share


class Calibration(Section):
    """The file."""

    firing_rate: RateCalibration
    accuracy: tuple[AccuracyCalibration, ...]
    narrow: NarrowCalibration
    chips: ChipCalibration


@cache
def calibration() -> Calibration:
    """Read the file.

    Raises:
        VerificationError: it is damaged.
    """
    try:
        return Calibration.model_validate_json(files(__package__).joinpath(_FILE).read_text(encoding="utf-8"))
    except ValidationError as error:
        raise VerificationError(f"{_FILE} of the package neuronas is damaged; reinstall it") from error
