"""Expected error of a design, an objective of the design search: a named term that can be replaced.

``prior`` is not fitted to networks of the given data set. It ranks designs by published and earlier results:

- cells: the linear fit of accuracy over fitness on SpikeNAS-Bench's CIFAR-10 (``fitness.calibration``), as a share of
  the error of wide networks; the error of the fittest cells with ``CHANNELS`` and ``TIMESTEPS`` is fitted to narrow
  networks of digits (``benchmarks/narrow_networks.py``), and is an assumption for other data;
- channels: this error falls as C^-0.185 (Wide ResNets 40-1 to 40-8, CIFAR-10: 6.85 to 4.66 %; Zagoruyko and Komodakis,
  BMVC 2016);
- time steps: as T^-0.0546 (ResNet-19, CIFAR-10: 5.84 % at T = 2, 5.50 % at T = 6; Deng et al., ICLR 2022);
- weight bits: e^(0.027 * 4^(4 - bits)) (CIFAR-10: 18.3 % at 8 bits, 18.8 % at 4; docs/training-results.md);
- small networks: they lose a share of the accuracy above chance; the odds of the loss fall with powers of width and
  number of weights, fitted to the same networks of digits;
- the chip: the share of the accuracy above chance that remains is a logistic function of the signal-to-noise ratio
  (``hardware.chip_noise``), fitted to simulated chips (``fitness.calibration``, ``benchmarks/fit_chip_loss.py``).
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from neuronas.fitness.calibration import calibration
from neuronas.hardware.accelerator import Accelerator
from neuronas.hardware.chip_noise import LayerNoise, layer_noise
from neuronas.hardware.cost import Array
from neuronas.hardware.scaling import ChipArrays

CHANNELS, TIMESTEPS = 16, 5
"""Channels and time steps at which the error of the fittest cells is given."""
_CHANNELS, _TIMESTEPS, _BITS = 0.185, 0.0546, 0.027
_TABLE = "cifar10"
_MOST = 0.95


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

    def network(self, fitness: Array, n_weights: Array, channels: int, timesteps: int, weight_bits: int) -> Array:
        """Error of networks without a chip, 0 to 1, [n].

        Args:
            fitness: [n] fitness of the cells.
            n_weights: [n] number of weights.
            channels: channels before the first reduction.
            timesteps: number of time steps T.
            weight_bits: bits of each weight.
        """
        ...

    def kept(self, base: Accelerator, arrays: ChipArrays, weight_bits: int, channels: int) -> Array:
        """Share of the accuracy above chance that remains on each chip, 0 to 1, [n_chips]."""
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

    def network(self, fitness: Array, n_weights: Array, channels: int, timesteps: int, weight_bits: int) -> Array:
        """See ``ErrorTerm``."""
        narrow = calibration().narrow
        factor = wide_factor(self.best - fitness, channels, timesteps, weight_bits)
        return network_error(narrow.error, factor, narrow.kept(channels, n_weights), self.n_classes)

    def kept(self, base: Accelerator, arrays: ChipArrays, weight_bits: int, channels: int) -> Array:
        """See ``ErrorTerm``."""
        return calibration().chips.kept(network_noise(base, arrays, weight_bits, channels, self.after_s))

    def half_width(self, dataset: str) -> float | None:
        """See ``ErrorTerm``; known for the data set of the designs that were trained (``FrontCalibration``)."""
        known = calibration().front
        return known.half_width if dataset == known.dataset else None


def network_error(error: float, factor: Array, kept: Array, n_classes: int) -> Array:
    """Error of networks without a chip, [n].

    Args:
        error: error of the fittest cells with ``CHANNELS`` and ``TIMESTEPS``, if they were wide.
        factor: [n] ``wide_factor`` of the networks.
        kept: [n] share of the accuracy above chance that networks of their size keep.
        n_classes: number of classes of the data set.
    """
    return expected_error(np.minimum(error * factor, _MOST), kept, n_classes)


def wide_factor(behind: Array, channels: Array | int, timesteps: Array | int, weight_bits: Array | int) -> Array:
    """The error of wide networks over that of the fittest cells with ``CHANNELS`` and ``TIMESTEPS``.

    Args:
        behind: [n] fitness of the fittest cells minus that of the networks.
        channels: channels before the first reduction; a number or [n], like the following arguments.
        timesteps: number of time steps T.
        weight_bits: bits of each weight.
    """
    line = next(one for one in calibration().accuracy if one.dataset == _TABLE)
    middle, _, _ = line.interval((line.lowest + line.highest) / 2)
    factor: Array = np.exp(
        line.slope / (100 - middle) * behind
        - _CHANNELS * np.log(np.divide(channels, CHANNELS))
        - _TIMESTEPS * np.log(np.divide(timesteps, TIMESTEPS))
        + _BITS * 4.0 ** (4 - np.asarray(weight_bits))
    )
    return factor


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


def expected_error(network: Array, kept: Array, n_classes: int) -> Array:
    """Error of networks on chips: 1 - (chance + (1 - error - chance) * kept), chance 1 / n_classes.

    Args:
        network: error without a chip.
        kept: share of the accuracy above chance that remains; broadcast with ``network``.
        n_classes: number of classes of the data set.
    """
    chance = 1 / n_classes
    error: Array = 1 - chance - np.maximum(1 - network - chance, 0) * kept
    return error
