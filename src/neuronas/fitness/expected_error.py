"""The error that a design lets expect, as the search of designs compares it: a named term that can be replaced.

``prior`` is not fitted to networks of the data set at hand. It orders designs by what is known elsewhere:

- cells: the line of accuracy over fitness on SpikeNAS-Bench's CIFAR-10 (``fitness.calibration``), as a share of the
  error; the best cells at ``ANCHOR`` have the error ``ERROR``, an assumption;
- channels: error falls as C^-0.185 (Wide ResNets 40-1 to 40-8, CIFAR-10: 6.85 to 4.66 %; Zagoruyko and Komodakis, BMVC
  2016);
- time steps: as T^-0.0546 (ResNet-19, CIFAR-10: 5.84 % at T = 2, 5.50 % at T = 6; Deng et al., ICLR 2022);
- weight bits: e^(0.027 * 4^(4 - bits)) (CIFAR-10: 18.3 % at 8 bits, 18.8 % at 4; docs/training.md);
- the chip: the share of the accuracy above chance that a signal-to-noise ratio leaves (``hardware.chip_noise``), a
  logistic function fitted to simulated chips (``fitness.calibration``, ``benchmarks/fit_chip_loss.py``).
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from neuronas.fitness.calibration import calibration
from neuronas.hardware.accelerator import Accelerator
from neuronas.hardware.chip_noise import MOST_DB, snr_db
from neuronas.hardware.cost import Array
from neuronas.hardware.scaling import ChipArrays

ERROR = 0.05
"""Assumed error of the fittest cells at the anchor."""
_CHANNELS, _TIMESTEPS, _BITS = 0.185, 0.0546, 0.027
_TABLE = "cifar10"
_MOST = 0.95


class ErrorTerm(Protocol):
    """What a design lets expect; any object with these can stand in its place."""

    @property
    def name(self) -> str:
        """Of the term."""
        ...

    @property
    def basis(self) -> str:
        """What it rests on, in a sentence for people."""
        ...

    def network(self, fitness: Array, channels: int, timesteps: int, weight_bits: int) -> Array:
        """Error of networks without a chip, 0 to 1, [n]."""
        ...

    def kept(self, base: Accelerator, arrays: ChipArrays, weight_bits: int, channels: int) -> Array:
        """Share of the accuracy above chance that chips keep, 0 to 1, [n_chips]."""
        ...


@dataclass(frozen=True)
class ErrorPrior:
    """The term ``prior``; see above.

    Attributes:
        best: fitness of the fittest cells.
        channels: anchor of the width.
        timesteps: anchor of T.
    """

    best: float
    channels: int
    timesteps: int

    @property
    def name(self) -> str:
        """See ``ErrorTerm``."""
        return "prior"

    @property
    def basis(self) -> str:
        """See ``ErrorTerm``."""
        known = calibration().chips
        pairs = f"{known.n_pairs} simulated pairs of {known.n_networks} small networks of {known.dataset} and chips"
        return (
            "a prior, not fitted to networks of this data: error by fitness, channels, time steps and bits as "
            f"published elsewhere; loss on chips as fitted to {pairs} (rank correlation {known.rho:.2f} on networks "
            "left out)"
        )

    def network(self, fitness: Array, channels: int, timesteps: int, weight_bits: int) -> Array:
        """See ``ErrorTerm``."""
        line = next(one for one in calibration().accuracy if one.dataset == _TABLE)
        middle, _, _ = line.interval((line.lowest + line.highest) / 2)
        logarithm = (
            np.log(ERROR)
            + line.slope / (100 - middle) * (self.best - fitness)
            - _CHANNELS * np.log(channels / self.channels)
            - _TIMESTEPS * np.log(timesteps / self.timesteps)
            + _BITS * 4.0 ** (4 - weight_bits)
        )
        error: Array = np.minimum(np.exp(logarithm), _MOST)
        return error

    def kept(self, base: Accelerator, arrays: ChipArrays, weight_bits: int, channels: int) -> Array:
        """See ``ErrorTerm``."""
        return calibration().chips.kept(layer_snr_db(base, arrays, weight_bits, channels))


def layer_snr_db(base: Accelerator, arrays: ChipArrays, weight_bits: int, channels: int) -> Array:
    """Signal-to-noise ratio of a network's layers, dB, [n_chips]: of their mean noise, with C and with 2 C inputs.

    ``MOST_DB`` where the accelerator has no ``device``: nothing is known of its cells.

    Args:
        base: the accelerator whose arrays are changed.
        arrays: of the chips.
        weight_bits: of the network.
        channels: C before the first reduction.
    """
    if base.device is None:
        return np.full(len(arrays), MOST_DB)
    noise = [10 ** (-snr_db(arrays, base.device, weight_bits, rows) / 10) for rows in (channels, 2 * channels)]
    ratio: Array = -10 * np.log10(np.mean(noise, axis=0))
    return ratio


def expected_error(network: Array, kept: Array, n_classes: int) -> Array:
    """Error of networks on chips: 1 - (chance + (1 - error - chance) * kept), chance 1 / n_classes.

    Args:
        network: error without a chip.
        kept: share of the accuracy above chance; both broadcast.
        n_classes: of the data set.
    """
    chance = 1 / n_classes
    error: Array = 1 - chance - np.maximum(1 - network - chance, 0) * kept
    return error
