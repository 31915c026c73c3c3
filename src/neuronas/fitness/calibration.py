"""Constants fitted to tables of trained networks, and the errors of these fits, in ``calibration.json``.

``benchmarks/fit_firing_rate.py``, ``fit_accuracy.py``, ``fit_chip_loss.py``, ``fit_front_error.py`` and
``narrow_networks.py`` write their sections. The file contains no row of a table.
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
    """Error of forecasts of the mean firing rate against networks of one data set after training.

    Attributes:
        dataset: data set of the networks.
        n: number of networks; the constants were not fitted to any of them.
        rho: Spearman's rank correlation.
        median_factor: median error factor of the forecasts.
        factor_of_9_in_10: 90th percentile of the error factor.
    """

    dataset: str
    n: int
    rho: float
    median_factor: float
    factor_of_9_in_10: float


class RateCalibration(Section):
    """The forecast of firing rates (``firing_rate``): its constants, and the networks used to fit and check them.

    Attributes:
        constants: constants of the equations.
        timesteps: number of time steps T of the networks.
        operations: operations in their cells.
        errors: errors by data set; the constants were fitted to networks of the first.
    """

    constants: RateConstants
    timesteps: int
    operations: tuple[str, ...]
    errors: tuple[RateError, ...]

    def error_on(self, dataset: str) -> RateError | None:
        """Errors on a data set; None if it was not checked."""
        return next((error for error in self.errors if error.dataset == dataset), None)

    def not_fitted(self, dataset: str, timesteps: int, operations: Iterable[str], *, feeds_back: bool) -> list[str]:
        """Descriptions of the properties of a network that none of the networks in the fit had."""
        unknown = sorted(set(operations) - set(self.operations))
        return [
            *([] if self.error_on(dataset) else [f"data set {dataset}"]),
            *([] if timesteps == self.timesteps else [f"T = {timesteps}"]),
            *unknown,
            *(["feedback"] if feeds_back else []),
        ]


class AccuracyCalibration(Section):
    """Expected accuracy for a fitness on one data set: a linear fit with 90 % split conformal intervals.

    Attributes:
        dataset: data set of the trained networks.
        fitness: name of the fitness measure.
        rule: constants of the measure at the time of the fit; the fit is not valid for other constants.
        channels: channels of the networks before the reduction.
        timesteps: number of time steps T.
        operations: operations in their cells.
        lowest: lowest fitness of the networks.
        highest: highest fitness of the networks.
        slope: percentage points of accuracy per unit of fitness.
        intercept: accuracy in percent at fitness 0.
        half_width: half-width of the interval in percentage points.
        difference: two networks differ beyond noise if their expected accuracies differ by this many points.
        n: number of networks from which the half-width was computed; the line was fitted to others.
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
        """Expected accuracy for a fitness in percent, and the limits of its interval."""
        value = self.slope * fitness + self.intercept
        return value, max(value - self.half_width, 0.0), min(value + self.half_width, 100.0)

    def holds(
        self, dataset: str, measure: str, rule: str, channels: int, timesteps: int, operations: Iterable[str]
    ) -> bool:
        """Whether a network and its fitness measure match those of the fit."""
        given = (dataset, measure, rule, channels, timesteps)
        own = (self.dataset, self.fitness, self.rule, self.channels, self.timesteps)
        return given == own and set(operations) <= set(self.operations)


class NarrowCalibration(Section):
    """Accuracy loss of small networks of one data set, by width and number of weights.

    Attributes:
        dataset: data set of the trained networks.
        fittest: ``path-information`` of the fittest cells.
        error: error of the fittest cells without the loss below (``fitness.network_error``).
        scale: scale of the odds of the loss.
        channels_power: exponent of the width.
        weights_power: exponent of the number of weights.
        n_networks: number of networks in the fit.
        n_others: number of networks in the check, selected differently and not in the fit.
        rho: Spearman's rank correlation of expected and measured accuracy in the check.
        median_off: median absolute error in the check, as a share.
        most_off: largest absolute error in the check, as a share.
    """

    dataset: str
    fittest: float
    error: float
    scale: float
    channels_power: float
    weights_power: float
    n_networks: int
    n_others: int
    rho: float
    median_off: float
    most_off: float

    @property
    def constants(self) -> dict[str, float]:
        """The constants of the fit."""
        return self.model_dump(include={"fittest", "error", "scale", "channels_power", "weights_power"})

    def kept(self, channels: int, n_weights: "Array") -> "Array":
        """Share of the accuracy above chance that remains, 0 to 1; see ``kept_by_size``."""
        return kept_by_size(self.scale, self.channels_power, self.weights_power, float(channels), n_weights)


class ChipCalibration(Section):
    """Share of the accuracy above chance that remains on a chip, by the signal-to-noise ratio of its layers' sums.

    Attributes:
        dataset: data set of the trained networks.
        middle_db: ratio at which half of it remains.
        scale_db: scale of the logistic function, which rises from 27 to 73 % over twice the scale.
        systematic: weight of systematic errors; random ones have weight 1.
        n_pairs: number of simulated pairs of a network and a kind of chip.
        n_networks: number of networks among them.
        rho: Spearman's rank correlation of forecast and simulation; each network is forecast by a fit without it.
        median_off: median absolute error of these forecasts, as a share.
        off_of_9_in_10: 90th percentile of the absolute error, as a share.
    """

    dataset: str
    middle_db: float
    scale_db: float
    systematic: float
    n_pairs: int
    n_networks: int
    rho: float
    median_off: float
    off_of_9_in_10: float

    def kept(self, noise: "LayerNoise") -> "Array":
        """Share of the accuracy above chance that remains, 0 to 1; see ``kept_by_noise``.

        The ratio excludes errors that all filters have in common; including them makes forecasts worse.
        """
        return kept_by_noise(self.middle_db, self.scale_db, noise.weighted_db(self.systematic))


def kept_by_size(
    scale: float, channels_power: float, weights_power: float, channels: "Array | float", n_weights: "Array"
) -> "Array":
    """Share of the accuracy above chance that a small network keeps: 1 / (1 + scale * C^-a * weights^-b)."""
    share: Array = 1 / (1 + scale * channels**-channels_power * n_weights**-weights_power)
    return share


def kept_by_noise(middle_db: float, scale_db: float, ratio_db: "Array") -> "Array":
    """Share of the accuracy above chance that remains on a chip: 1 / (1 + e^((middle - ratio) / scale))."""
    import numpy as np  # noqa: PLC0415 - choices are listed without it

    share: Array = 1 / (1 + np.exp(np.minimum((middle_db - ratio_db) / scale_db, 500)))
    return share


class FrontCalibration(Section):
    """Difference between the expected and the measured error of trained designs of network and chip.

    Attributes:
        dataset: data set of the networks.
        n_designs: number of designs; none was used in a fit.
        n_networks: number of different networks among them.
        median_off: median absolute difference over the designs, as a share.
        half_width: half-width of the 90 % split conformal interval; a network counts once, by its worst design.
    """

    dataset: str
    n_designs: int
    n_networks: int
    median_off: float
    half_width: float


class Calibration(Section):
    """The file."""

    firing_rate: RateCalibration
    accuracy: tuple[AccuracyCalibration, ...]
    narrow: NarrowCalibration
    chips: ChipCalibration
    front: FrontCalibration


@cache
def calibration() -> Calibration:
    """Read ``calibration.json``.

    Raises:
        VerificationError: the file is damaged.
    """
    try:
        return Calibration.model_validate_json(files(__package__).joinpath(_FILE).read_text(encoding="utf-8"))
    except ValidationError as error:
        raise VerificationError(f"{_FILE} of the package neuronas is damaged; reinstall it") from error
