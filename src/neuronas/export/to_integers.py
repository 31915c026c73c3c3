"""Converts a trained network to its integer-only network (``export.integer_network``).

Batch normalisation and the steps of quantised weights become a 16-bit multiplier, an offset and a shift for each
channel, as in Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
Inference" (CVPR 2018, arXiv 1712.05877), eqs. 4 to 6. The shift of a batch normalisation before neurons is folded into
their thresholds and resets (``NeuronArrays.folded``), and the resting potential becomes 0. The fraction bits of each
channel's membrane leave room for twice its threshold and reset.
"""

from collections.abc import Mapping
from fractions import Fraction
from math import prod

import numpy as np
from numpy.typing import NDArray

from neuronas.config import FEWEST_FRACTION_BITS, FRACTION_BITS
from neuronas.errors import ConfigurationError
from neuronas.export.integer_network import (
    CURRENT_SHIFT,
    LARGEST,
    LARGEST_MEMBRANE,
    LEAK_SHIFT,
    IntegerImage,
    IntegerNetwork,
    IntegerNeurons,
    Integers,
    IntegerWeights,
    Range,
    Rescale,
)
from neuronas.export.ranges import RangeArithmetic, TooWideError, proven, received_unit
from neuronas.runs.inputs import NetworkInput
from neuronas.snn.bound_graph import BoundGraph, NeuronArrays, WeightArrays
from neuronas.space.graph import Node
from neuronas.space.node_operations import Image, Neurons, Pool, Sum, Votes, Weights

_FACTOR_BITS = 16
"""Bits of q, the rounded sum, and of its multiplier."""
_LARGEST_SHIFT = 30
_MEMBRANE_FRACTION_BITS = 12
_HEADROOM = 2
"""Smallest ratio of the membrane's range to the larger of threshold and reset (rounded up to a power of two)."""
_LARGEST_PIXEL, _PIXEL_SHIFT = 255, 14

Reals = NDArray[np.float64]


def integer_network(network: BoundGraph, given: NetworkInput, fraction_bits: int = FRACTION_BITS) -> IntegerNetwork:
    """Convert a network to integers.

    Args:
        network: a network with quantised weights.
        given: normalisation of the pixels.
        fraction_bits: fraction bits, 4 to 12, of values that are neither spikes nor sums of them; reduced until all
            sums fit in 32 bits.

    Raises:
        ConfigurationError: the weights are not quantised, or a sum does not fit in 32 bits; names the layer.
    """
    for name, weights in network.weights.items():
        if weights.codes is None:
            raise ConfigurationError(
                f"weights of 32 bits given in layer {name}; expected quantised weights: train with --weight-bits 2 to "
                "16, or export to nir or onnx"
            )
    for bits in range(fraction_bits, FEWEST_FRACTION_BITS - 1, -1):
        try:
            return _with_fraction_bits(network, given, bits)
        except TooWideError as error:
            too_wide = error
    raise ConfigurationError(
        f"layer {too_wide.node}: sums up to {too_wide.largest:,} given; expected at most {LARGEST:,} (32 bits); train "
        "with fewer --weight-bits or fewer --channels"
    )


def _with_fraction_bits(network: BoundGraph, given: NetworkInput, bits: int) -> IntegerNetwork:
    unit, graph = Fraction(1, 2**bits), network.graph
    image, image_unit, pixels = _image(given, bits)
    units = _units(network, unit, image_unit)
    lowering = _Lowering(network, units, unit)
    lowering.scores([pixels])
    neurons = {
        node.name: _neurons(network.neurons[node.name], node, received_unit(units, node, unit))
        for node in graph.nodes
        if isinstance(node.operation, Neurons)
    }
    found = IntegerNetwork(
        graph, network.timesteps, bits, image, lowering.made, neurons, units, ranges={}, sums={}
    )  # fmt: skip
    return proven(found, pixels)


def _image(given: NetworkInput, bits: int) -> tuple[IntegerImage, Fraction, Range]:
    """The image's normalisation, unit and range: 16 bits, of which at most ``bits`` are fraction bits."""
    mean, std = np.array(given.mean), np.array(given.std)
    largest = np.maximum(np.abs(-mean / std), np.abs((1 - mean) / std)).max()
    while largest * 2**bits > LARGEST_MEMBRANE - 1:
        bits -= 1
    scale = 2.0 ** (bits + _PIXEL_SHIFT)
    multiplier = _rounded(scale / (255 * std))
    offset = _rounded(-mean / std * scale) + (1 << _PIXEL_SHIFT - 1)
    ends = [(pixel * multiplier + offset) >> _PIXEL_SHIFT for pixel in (0, _LARGEST_PIXEL)]
    unit = Fraction(1, 2**bits) if bits >= 0 else Fraction(2**-bits)
    return IntegerImage(multiplier, offset, _PIXEL_SHIFT), unit, Range(*ends)


def _units(network: BoundGraph, unit: Fraction, image_unit: Fraction) -> dict[str, Fraction]:
    """Unit of the values of each node; see ``integer_network``."""
    graph, units = network.graph, dict[str, Fraction]()
    readers: dict[str, list[Node]] = {}
    for node in graph.nodes:
        for link in node.links:
            readers.setdefault(link.source, []).append(node)
    for node in graph.nodes:
        given = received_unit(units, node, unit)
        match node.operation:
            case Image():
                units[node.name] = image_unit
            case Neurons():
                units[node.name] = Fraction(1)
            case Weights():
                weights = network.weights[node.name]
                plain = weights.gain is None and weights.offset is None and _steps(weights).size == 1
                kept = all(isinstance(one.operation, Neurons | Votes) for one in readers.get(node.name, ()))
                units[node.name] = given * Fraction(float(_steps(weights)[0])) if plain and kept else unit
            case Pool(kernel, _, _, "mean"):
                units[node.name] = unit if given == unit else given / prod(kernel)
            case Pool() | Sum():
                units[node.name] = given
            case Votes(size):
                units[node.name] = given / size
    return units


class _Lowering(RangeArithmetic[WeightArrays, NeuronArrays]):
    """Chooses multipliers, offsets and shifts for the ranges of the sums."""

    def __init__(self, network: BoundGraph, units: Mapping[str, Fraction], unit: Fraction):
        super().__init__(network, units, unit)
        self.made: dict[str, IntegerWeights] = {}
        self._totals: dict[str, Range] = {}

    def codes(self, weights: WeightArrays) -> Integers:
        assert weights.codes is not None  # noqa: S101 - checked before
        return weights.codes.astype(np.int64)

    def rescale(self, weights: WeightArrays, total: Range, node: str) -> Rescale | None:
        known = self._totals.get(node)
        self._totals[node] = total = total if known is None else known.union(total)
        given = float(received_unit(self.units, self.network.graph.by_name[node], self.unit))
        found = None
        if self.units[node] == self.unit:
            found = _rescale(weights, total, given, float(self.unit), node)
        self.made[node] = IntegerWeights(self.codes(weights), found)
        return found


def _rescale(weights: WeightArrays, total: Range, given: float, unit: float, node: str) -> Rescale:
    """The most accurate rescaling of sums whose products fit in 32 bits.

    Args:
        weights: weights with step, gain and offset.
        total: range of the sums.
        given: unit of the input.
        unit: unit of the result.
        node: name of the node, for messages.
    """
    n_out = len(total.low)
    gain = np.ones(n_out) if weights.gain is None else weights.gain.astype(np.float64)
    shift_by = np.zeros(n_out) if weights.offset is None else weights.offset.astype(np.float64)
    pre_shift = max(0, total.largest.bit_length() - _FACTOR_BITS)
    scale = _steps(weights) * gain * (given / unit * 2.0**pre_shift)
    offset = shift_by / unit
    largest = np.maximum(np.abs(total.low), np.abs(total.high)) // 2**pre_shift + 1
    shift = np.full(n_out, -1)
    for candidate in range(_LARGEST_SHIFT, -1, -1):
        factor, added = (np.abs(one) * 2.0**candidate + 1 for one in (scale, offset))
        fits = (factor < 2 ** (_FACTOR_BITS - 1)) & (largest * factor + added + 2.0 ** (candidate - 1) < LARGEST)
        shift[(shift < 0) & fits] = candidate
    if (shift < 0).any():
        channel = int(np.argmin(shift))
        raise TooWideError(node, int(largest[channel] * abs(scale[channel]) + abs(offset[channel])))
    half = np.where(shift > 0, 1 << np.maximum(shift - 1, 0), 0)
    return Rescale(
        pre_shift, _rounded(scale * 2.0**shift), _rounded(offset * 2.0**shift) + half, shift.astype(np.int64)
    )


def _neurons(neurons: NeuronArrays, node: Node, given: Fraction) -> IntegerNeurons:
    folded, channels = neurons.folded, node.shape[0]
    threshold, reset = (
        np.broadcast_to(np.asarray(one, np.float64).reshape(-1) - folded.v_rest, channels)
        for one in (folded.threshold, folded.v_reset)
    )
    gain = np.ones(channels) if folded.gain is None else folded.gain.astype(np.float64)
    largest = np.maximum(np.abs(threshold), np.abs(reset)) * _HEADROOM
    bits = np.minimum(_MEMBRANE_FRACTION_BITS, np.floor(np.log2(LARGEST_MEMBRANE / np.maximum(largest, 1e-30))))
    multiplier = _rounded(gain / folded.tau * float(given) * 2.0 ** (bits + CURRENT_SHIFT))
    if np.abs(multiplier).max() > LARGEST:
        raise TooWideError(node.name, int(np.abs(multiplier).max()))
    limit = (LARGEST - 2 ** (CURRENT_SHIFT - 1)) // np.maximum(np.abs(multiplier), 1)
    leak = round((1 - 1 / folded.tau) * 2**LEAK_SHIFT)
    return IntegerNeurons(
        leak, multiplier, limit, _rounded(threshold * 2.0**bits), _rounded(reset * 2.0**bits)
    )  # fmt: skip


def _steps(weights: WeightArrays) -> Reals:
    assert weights.step is not None  # noqa: S101 - checked before
    return weights.step.reshape(-1).astype(np.float64)


def _rounded(values: Reals) -> Integers:
    return np.rint(values).astype(np.int64)
