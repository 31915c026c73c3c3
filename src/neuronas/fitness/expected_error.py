"""Expected error of a design, an objective of the design search: a named term that can be replaced.

``prior`` is the expected error of the network (``fitness.network_error``); on a chip, a share of the accuracy above
chance remains, a logistic function of the signal-to-noise ratio (``hardware.chip_noise``), fitted to simulated chips
(``fitness.calibration``, ``benchmarks/fit_chip_loss.py``).
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from neuronas.fitness.calibration import calibration
from neuronas.fitness.network_error import error_by_size
from neuronas.hardware.accelerator import Accelerator
from neuronas.hardware.chip_noise import LayerNoise, layer_noise
from neuronas.hardware.cost import Array
from neuronas.hardware.scaling import ChipArrays


class ErrorTerm(Protocol):
    """Interface of the expected error of a design."""

    @property
    def name(self) -> str:
        """Name of the term."""
        ...

    @property
    def basis(self) -> str:
        """What the term is based on, as a sentence for reports."""
        ...

    def network(
        self, fitness: Array, n_weights: Array, channels: int, timesteps: int, weight_bits: Array | int
    ) -> Array:
        """Error of networks without a chip, 0 to 1, [n].

        Args:
            fitness: [n] fitness of the cells.
            n_weights: [n] number of weights.
            channels: channels before the first reduction.
            timesteps: number of time steps T.
            weight_bits: bits of each weight; if layers have different ones, [n] ``network_error.effective_bits``.
        """
        ...

    def kept(self, base: Accelerator, arrays: ChipArrays, weight_bits: int, channels: int) -> Array:
        """Share of the accuracy above chance that remains on each chip, 0 to 1, [n_chips].

        If layers have different bits, it is computed for each precision of a network, and the smallest share counts.
        """
        ...

    def half_width(self, dataset: str) -> float | None:
        """Half-width of the 90 % interval around the expected error of a design; None: unknown for this data set."""
        ...


@dataclass(frozen=True)
class ErrorPrior:
    """The term ``prior``; see above.

    Attributes:
        best: fitness of the fittest cells.
        n_classes: number of classes of the data set.
        after_s: time after programming, used for chips whose device has a model; None: directly after programming.
    """

    best: float
    n_classes: int
    after_s: float | None = None

    @property
    def name(self) -> str:
        """See ``ErrorTerm``."""
        return "prior"

    @property
    def basis(self) -> str:
        """See ``ErrorTerm``."""
        known, narrow = calibration().chips, calibration().narrow
        pairs = f"{known.n_pairs} simulated pairs of {known.n_networks} small networks of {known.dataset} and chips"
        return (
            "a prior, not fitted to networks of this data: error by fitness, channels, time steps and bits as "
            f"published elsewhere; level and loss of small networks as of {narrow.n_networks} trained networks of "
            f"{narrow.dataset}; loss on chips as fitted to {pairs} (rank correlation {known.rho:.2f} on networks "
            "left out)"
        )

    def network(
        self, fitness: Array, n_weights: Array, channels: int, timesteps: int, weight_bits: Array | int
    ) -> Array:
        """See ``ErrorTerm``."""
        return error_by_size(
            self.best - fitness, n_weights, self.n_classes, channels=channels, timesteps=timesteps,
            weight_bits=weight_bits,
        )  # fmt: skip

    def kept(self, base: Accelerator, arrays: ChipArrays, weight_bits: int, channels: int) -> Array:
        """See ``ErrorTerm``."""
        return calibration().chips.kept(network_noise(base, arrays, weight_bits, channels, self.after_s))

    def half_width(self, dataset: str) -> float | None:
        """See ``ErrorTerm``; known for the data set of the designs that were trained (``FrontCalibration``)."""
        known = calibration().front
        return known.half_width if dataset == known.dataset else None


def network_noise(
    base: Accelerator, arrays: ChipArrays, weight_bits: int, channels: int, after_s: float | None = None
) -> LayerNoise:
    """Noise of a network's layers on n chips: the mean of layers with C and with 2 C inputs.

    The noise is 0 if the accelerator has no ``device``, since the properties of its cells are then unknown.

    Args:
        base: the accelerator whose arrays are changed.
        arrays: arrays of the chips.
        weight_bits: weight bits of the network.
        channels: channels C before the first reduction.
        after_s: time after programming, for a device with a model; None: directly after programming.
    """
    if base.device is None:
        return LayerNoise(*np.zeros((3, len(arrays))))
    one, other = (layer_noise(arrays, base.device, weight_bits, rows, after_s) for rows in (channels, 2 * channels))
    return one.mean_with(other)
