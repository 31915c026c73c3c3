"""Expected error of a network without a chip, by fitness, width, number of weights, time steps and bits.

The constants are not fitted to networks of the given data set. They rank networks by published and earlier results:

- cells: the linear fit of accuracy over fitness on SpikeNAS-Bench's CIFAR-10 (``fitness.calibration``), as a share of
  the error of wide networks; the error of the fittest cells with ``CHANNELS`` and ``TIMESTEPS`` is fitted to narrow
  networks of digits (``benchmarks/narrow_networks.py``), and is an assumption for other data;
- channels: this error falls as C^-0.185 (Wide ResNets 40-1 to 40-8, CIFAR-10: 6.85 to 4.66 %; Zagoruyko and Komodakis,
  BMVC 2016);
- time steps: as T^-0.0546 (ResNet-19, CIFAR-10: 5.84 % at T = 2, 5.50 % at T = 6; Deng et al., ICLR 2022);
- weight bits: e^(0.027 * 4^(4 - bits)) (CIFAR-10: 18.3 % at 8 bits, 18.8 % at 4; docs/training-results.md); if layers
  have different bits, of the mean of 4^-bits over all weights (``effective_bits``), which has not been measured;
- small networks: they lose a share of the accuracy above chance; the odds of the loss fall with powers of width and
  number of weights, fitted to the same networks of digits.
"""

from typing import TYPE_CHECKING

import numpy as np

from neuronas.config import WeightBits
from neuronas.fitness.calibration import calibration
from neuronas.hardware.cost import Array

if TYPE_CHECKING:
    from neuronas.hardware.mapped.many import Networks

CHANNELS, TIMESTEPS = 16, 5
"""Channels and time steps at which the error of the fittest cells is given."""
_CHANNELS, _TIMESTEPS, _BITS = 0.185, 0.0546, 0.027
_TABLE = ("cifar10", "path-information")
_MOST = 0.95


def error_by_size(
    behind: Array, n_weights: Array, n_classes: int, *, channels: int, timesteps: int, weight_bits: Array | float
) -> Array:
    """Error of networks without a chip, [n].

    Args:
        behind: [n] fitness of the fittest cells minus that of the networks.
        n_weights: [n] number of weights.
        n_classes: number of classes of the data set.
        channels: channels before the first reduction.
        timesteps: number of time steps T.
        weight_bits: bits of each weight; if layers have different ones, [n] ``effective_bits``.
    """
    narrow = calibration().narrow
    factor = wide_factor(behind, channels, timesteps, weight_bits)
    return network_error(narrow.error, factor, narrow.kept(channels, n_weights), n_classes)


def effective_bits(n_weights: Array, weight_bits: Array) -> Array:
    """The precision whose rounding error equals the mean over all weights: -log4(sum(n * 4^-bits) / sum(n)), [...].

    Args:
        n_weights: [..., n_layers] number of weights n of each layer.
        weight_bits: [n_layers] their bits.
    """
    mean: Array = n_weights @ 4.0**-weight_bits / n_weights.sum(axis=-1)
    bits: Array = -np.log(mean) / np.log(4)
    return bits


def bits_of_networks(networks: "Networks", weight_bits: WeightBits) -> Array | int:
    """The bits of networks for ``error_by_size``: the number or, if layers have different bits, the effective ones."""
    if isinstance(weight_bits, int):
        return weight_bits
    return effective_bits(networks.counts * networks.row_weights, networks.row_bits(weight_bits))


def network_error(error: float, factor: Array, kept: Array, n_classes: int) -> Array:
    """Error of networks without a chip, [n].

    Args:
        error: error of the fittest cells with ``CHANNELS`` and ``TIMESTEPS``, if they were wide.
        factor: [n] ``wide_factor`` of the networks.
        kept: [n] share of the accuracy above chance that networks of their size keep.
        n_classes: number of classes of the data set.
    """
    return error_after_loss(np.minimum(error * factor, _MOST), kept, n_classes)


def wide_factor(behind: Array, channels: Array | int, timesteps: Array | int, weight_bits: Array | float) -> Array:
    """The error of wide networks over that of the fittest cells with ``CHANNELS`` and ``TIMESTEPS``.

    Args:
        behind: [n] fitness of the fittest cells minus that of the networks.
        channels: channels before the first reduction; a number or [n], like the following arguments.
        timesteps: number of time steps T.
        weight_bits: bits of each weight.
    """
    line = next(one for one in calibration().accuracy if (one.dataset, one.fitness) == _TABLE)
    middle, _, _ = line.interval((line.lowest + line.highest) / 2)
    factor: Array = np.exp(
        line.slope / (100 - middle) * behind
        - _CHANNELS * np.log(np.divide(channels, CHANNELS))
        - _TIMESTEPS * np.log(np.divide(timesteps, TIMESTEPS))
        + _BITS * 4.0 ** (4 - np.asarray(weight_bits))
    )
    return factor


def error_after_loss(network: Array, kept: Array, n_classes: int) -> Array:
    """Error of networks on chips: 1 - (chance + (1 - error - chance) * kept), chance 1 / n_classes.

    Args:
        network: error without a chip.
        kept: share of the accuracy above chance that remains; broadcast with ``network``.
        n_classes: number of classes of the data set.
    """
    chance = 1 / n_classes
    error: Array = 1 - chance - np.maximum(1 - network - chance, 0) * kept
    return error
