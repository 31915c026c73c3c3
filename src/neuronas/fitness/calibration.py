"""What was fitted to tables of trained networks: constants and errors only, in ``calibration.json``.

``benchmarks/fit_firing_rate.py`` writes its section. No row of a table is in the file.
"""

from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from pydantic import ValidationError

from neuronas.config import Section
from neuronas.errors import VerificationError
from neuronas.fitness.firing_rate import RateConstants

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


class Calibration(Section):
    """The file."""

    firing_rate: RateCalibration


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
