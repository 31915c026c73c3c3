"""The calibrated constants of the laws of an array, and their errors on held-out papers.

``calibration.json`` is written by ``benchmarks/fit_silicon.py`` from the table that comes with the package.
"""

from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import ValidationError

from neuronas.config import Section
from neuronas.errors import VerificationError
from neuronas.hardware.silicon.macro import Kind
from neuronas.hardware.silicon.spread import Spread

Quantity = Literal["energy", "time"]
_FILE = "calibration.json"


class Residuals(Section):
    """Sizes of residuals in ascending order, and their weights: see ``Spread``."""

    sizes: tuple[float, ...]
    weights: tuple[float, ...]

    @property
    def spread(self) -> Spread:
        """As quantiles."""
        return Spread(self.sizes, self.weights)


class SiliconCalibration(Section):
    """Constants of both laws, and their residuals by kind of array, each from a fit without the row's paper.

    Attributes:
        energy: by the names of ``macro.ENERGY_PRIORS``.
        time: by the names of ``macro.TIME_PRIORS``.
        energy_residuals: by kind.
        time_residuals: by kind.
    """

    energy: dict[str, float]
    time: dict[str, float]
    energy_residuals: dict[Kind, Residuals]
    time_residuals: dict[Kind, Residuals]

    def spread(self, quantity: Quantity, kind: Kind) -> Spread:
        """Spread of measurements around estimates of a quantity, for a kind of array."""
        residuals = self.energy_residuals if quantity == "energy" else self.time_residuals
        return residuals[kind].spread


@cache
def silicon_calibration() -> SiliconCalibration:
    """Read the calibration of the package.

    Raises:
        VerificationError: the file is damaged.
    """
    text = files(__package__).joinpath(_FILE).read_text(encoding="utf-8")
    try:
        return SiliconCalibration.model_validate_json(text)
    except ValidationError as error:
        raise VerificationError(f"{_FILE}: is damaged ({error.errors()[0]['msg']})") from error
