"""Ranges of all values of an integer network: interval arithmetic over all time steps proves that 32 bits suffice."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from math import prod

import numpy as np

from neuronas.export.integer_network import (
    LARGEST,
    IntegerNetwork,
    IntegerNeurons,
    Integers,
    IntegerWeights,
    Range,
    Rescale,
    converted,
)
from neuronas.export.unrolled import Arrays, NeuronsOf, Unrolled, WeightsOf
from neuronas.space.graph import Link, Node
from neuronas.space.node_operations import Pool, Shape, Weights


class TooWideError(ValueError):
    """A sum does not fit in 32 bits.

    Args:
        node: name of the node.
        largest: largest magnitude of the sum.
    """

    def __init__(self, node: str, largest: int):
        super().__init__(node, largest)
        self.node, self.largest = node, largest


def checked(found: Range, node: str) -> Range:
    """Return the range if it fits in 32 bits.

    Raises:
        TooWideError: it does not.
    """
    if found.largest > LARGEST:
        raise TooWideError(node, found.largest)
    return found


class RangeArithmetic(Unrolled[Range, WeightsOf, NeuronsOf]):
    """Computes the ranges of all values.

    Args:
        network: the network.
        units: unit of the values of each node, by name.
        unit: unit of values that are neither spikes nor sums of them.
    """

    def __init__(self, network: Arrays[WeightsOf, NeuronsOf], units: Mapping[str, Fraction], unit: Fraction):
        super().__init__(network)
        self.units, self.unit = units, unit
        self.ranges: dict[str, Range] = {}
        self.sums: dict[str, int] = {}
        self._weighted: dict[str, tuple[Range, Range, int]] = {}

    def _value(self, node: Node, now: dict[str, Range], before: dict[str, Range], name: str) -> Range | None:
        found = super()._value(node, now, before, name)
        if found is not None:
            known = self.ranges.get(node.name)
            self.ranges[node.name] = checked(found if known is None else known.union(found), node.name)
        return found

    def received(self, x: Range, link: Link, node: Node) -> Range:
        """Convert a value to the unit of the node's sum; see ``received_unit``."""
        factor, divisor = converted(self.units[link.source], received_unit(self.units, node, self.unit))
        if factor == divisor:
            return x
        checked(Range(x.low * factor, x.high * factor + divisor // 2), node.name)
        return Range((x.low * factor + divisor // 2) // divisor, (x.high * factor + divisor // 2) // divisor)

    def zeros(self, shape: Shape, name: str) -> Range:
        """See ``Unrolled``."""
        return Range(np.zeros(shape[0], np.int64), np.zeros(shape[0], np.int64))

    def add(self, x: Range, y: Range, name: str) -> Range:
        """See ``Unrolled``."""
        return checked(Range(x.low + y.low, x.high + y.high), name.partition("/")[0])

    def weigh(self, operation: Weights, weights: WeightsOf, x: Range, node: str, name: str) -> Range:
        """See ``Unrolled``."""
        known = self._weighted.get(node)
        if known is None or not known[0].equals(x):
            shape = self.network.graph.input_shape(self.network.graph.by_name[node])
            known = self._weighted[node] = x, *_weighted(self.codes(weights), operation, x, shape)
        _, total, parts = known
        self.sums[node] = max(self.sums.get(node, 0), parts)
        if parts > LARGEST:
            raise TooWideError(node, parts)
        rescale = self.rescale(weights, total, node)
        return total if rescale is None else rescaled(rescale, total)

    @abstractmethod
    def codes(self, weights: WeightsOf) -> Integers:
        """Integer weights."""

    @abstractmethod
    def rescale(self, weights: WeightsOf, total: Range, node: str) -> Rescale | None:
        """Rescaling of sums within a range; None: none."""

    def fire(self, neurons: NeuronsOf, x: Range, v: Range | None, node: str, name: str) -> tuple[Range, Range]:
        """See ``Unrolled``."""
        spikes = Range(np.zeros_like(x.low), np.ones_like(x.low))
        return spikes, spikes

    def pool(self, operation: Pool, x: Range, node: str, name: str) -> Range:
        """See ``Unrolled``."""
        if operation.padding and operation.reduce == "mean":
            x = Range(np.minimum(x.low, 0), np.maximum(x.high, 0))
        if operation.reduce == "max":
            return x
        size = prod(operation.kernel)
        total = checked(Range(size * x.low, size * x.high + size // 2), node)
        return x if is_rounded(self.units, node, self.unit) else Range(total.low, size * x.high)

    def vote(self, size: int, x: Range, name: str) -> Range:
        """See ``Unrolled``."""
        sums = [one.reshape(-1, size).sum(axis=1) for one in (x.low, x.high)]
        return checked(Range(*sums), name.partition("/")[0])


def received_unit(units: Mapping[str, Fraction], node: Node, unit: Fraction) -> Fraction:
    """Unit of the sum of a node's links: the common ``unit`` if a value is delayed or the units differ."""
    if any(link.delayed for link in node.links):
        return unit
    given = {units[link.source] for link in node.links}
    return given.pop() if len(given) == 1 else unit


def is_rounded(units: Mapping[str, Fraction], node: str, unit: Fraction) -> bool:
    """Whether a mean is divided and rounded; otherwise it is kept as a sum, with a smaller unit."""
    return units[node] == unit


def rescaled(rescale: Rescale, total: Range) -> Range:
    """Range of rescaled sums."""
    half = 1 << rescale.pre_shift >> 1
    ends = [
        ((((one + half) >> rescale.pre_shift) * rescale.multiplier) + rescale.offset) >> rescale.shift
        for one in (total.low, total.high)
    ]
    return Range(np.minimum(*ends), np.maximum(*ends))


def _weighted(codes: Integers, operation: Weights, x: Range, shape: Shape) -> tuple[Range, int]:
    """Range of the sum of each output, and the largest magnitude of any partial sum."""
    low, high = x.low, x.high
    if operation.kernel:  # zeros beyond the border
        low, high = np.minimum(low, 0), np.maximum(high, 0)
    elif len(shape) == 3:
        low, high = (np.repeat(one, shape[1] * shape[2]) for one in (low, high))
    n_out = len(codes)
    groups = codes.reshape(operation.groups, n_out // operation.groups, -1)
    per_code = [np.repeat(one, operation.kernel**2 or 1).reshape(operation.groups, 1, -1) for one in (low, high)]
    products = [groups * one for one in per_code]
    smallest, largest = np.minimum(*products), np.maximum(*products)
    parts = np.maximum(-smallest.clip(max=0).sum(axis=2), largest.clip(min=0).sum(axis=2)).max(initial=0)
    return Range(smallest.sum(axis=2).reshape(-1), largest.sum(axis=2).reshape(-1)), int(parts)


class _Proof(RangeArithmetic[IntegerWeights, IntegerNeurons]):
    """Computes the ranges of a network whose integers are already chosen."""

    def codes(self, weights: IntegerWeights) -> Integers:
        return weights.codes

    def rescale(self, weights: IntegerWeights, total: Range, node: str) -> Rescale | None:
        found = weights.rescale
        if found is not None:
            half = 1 << found.pre_shift >> 1
            rounded = Range((total.low + half) >> found.pre_shift, (total.high + half) >> found.pre_shift)
            for end in (rounded.low, rounded.high):
                product = end * found.multiplier
                checked(Range(product, product + found.offset), node)
        return found


def proven(network: IntegerNetwork, image: Range) -> IntegerNetwork:
    """Return the network with the ranges of all its values.

    Args:
        network: the network, without ranges.
        image: range of the image's values.

    Raises:
        TooWideError: a sum does not fit in 32 bits.
    """
    proof = _Proof(network, network.units, network.unit)
    proof.scores([image])
    ranges = {network.graph.nodes[0].name: image, **proof.ranges}
    return replace(network, ranges=ranges, sums=proof.sums)
