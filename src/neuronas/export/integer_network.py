"""The integer-only network: C programs, Verilog and test benches compute it bit for bit.

Every value of a node is an integer times the node's *unit*. Spikes have unit 1. A mean over k spikes is their sum, with
unit 1/k. Other values have unit 2**-fraction_bits. All sums fit in 32 bits (``export.ranges`` proves it), and no
operation needs more. A shift by s is ``floor(x / 2**s)``; adding ``2**(s-1)`` first rounds to nearest, halves up.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from neuronas.space.graph import Graph
from neuronas.space.node_operations import Sum

Integers = NDArray[np.int64]

CURRENT_SHIFT = 14
"""Shift of the factor of a neuron's input. Inputs that are clipped to fit 32-bit products then exceed twice the
membrane's range, so that the neuron fires, or its potential is at the lower limit, in either case."""
LEAK_SHIFT = 15
"""Shift of the factor by which a potential decays."""
MEMBRANE_BITS = 16
LARGEST_MEMBRANE = 2 ** (MEMBRANE_BITS - 1) - 1
LARGEST = 2**31 - 1
"""Largest signed 32-bit integer."""


@dataclass(frozen=True, eq=False)
class Range:
    """Smallest and largest value of each channel, [channels] int64."""

    low: Integers
    high: Integers

    @property
    def largest(self) -> int:
        """Largest magnitude over all channels."""
        return int(max(np.abs(self.low).max(initial=0), np.abs(self.high).max(initial=0)))

    def equals(self, other: "Range") -> bool:
        """Whether all numbers are equal."""
        return np.array_equal(self.low, other.low) and np.array_equal(self.high, other.high)

    def union(self, other: "Range") -> "Range":
        """The smallest range that contains both."""
        return Range(np.minimum(self.low, other.low), np.maximum(self.high, other.high))


@dataclass(frozen=True, eq=False)
class Rescale:
    """Rescales a sum s of output or channel c to ``floor((q * multiplier[c] + offset[c]) / 2**shift[c])``.

    q is s rounded to a multiple of ``2**pre_shift``: ``floor((s + 2**(pre_shift - 1)) / 2**pre_shift)``.

    Attributes:
        pre_shift: the same for all channels; 0: q = s.
        multiplier: [channels], signed 16-bit integers.
        offset: [channels], signed 32-bit integers; includes ``2**(shift - 1)``, which rounds to nearest.
        shift: [channels], 0 to 30.
    """

    pre_shift: int
    multiplier: Integers
    offset: Integers
    shift: Integers


@dataclass(frozen=True, eq=False)
class IntegerWeights:
    """Weights: the sum of codes times inputs, optionally rescaled (batch normalisation, quantisation steps).

    Attributes:
        codes: [out, in / groups, k, k] or [out, in].
        rescale: rescaling of the sum; None: the value is the sum, and its unit that of the input times the step.
    """

    codes: Integers
    rescale: Rescale | None


@dataclass(frozen=True, eq=False)
class IntegerNeurons:
    """LIF neurons. A time step with input x of channel c updates the potential p (16 bits, initially ``reset[c]``)::

        i = floor((min(max(x, -limit[c]), limit[c]) * multiplier[c] + 2**13) / 2**14)
        h = min(max(floor((p * leak + 2**14) / 2**15) + i, -32768), 32767)
        spike = h >= threshold[c]
        p = reset[c] if spike else h

    Attributes:
        leak: (1 - 1 / tau) * 2**15.
        multiplier: [channels], signed 32-bit integers.
        limit: [channels], largest magnitude of the input whose product fits in 32 bits; spikes do not depend on it.
        threshold: [channels], signed 16-bit integers.
        reset: [channels], signed 16-bit integers.
    """

    leak: int
    multiplier: Integers
    limit: Integers
    threshold: Integers
    reset: Integers


@dataclass(frozen=True, eq=False)
class IntegerImage:
    """Maps a pixel p (0 to 255) of channel c to ``floor((p * multiplier[c] + offset[c]) / 2**shift)``, 16 bits."""

    multiplier: Integers
    offset: Integers
    shift: int


@dataclass(frozen=True, eq=False)
class IntegerNetwork:
    """An integer-only network.

    Attributes:
        graph: layer graph of one time step.
        timesteps: number of time steps.
        fraction_bits: fraction bits of values that are neither spikes nor sums of them.
        image: normalisation of pixels.
        weights: weights of the nodes that have them, by name.
        neurons: parameters of the LIF layers, by name.
        units: unit of the values of each node, by name.
        ranges: proven range of the values of each node, by name.
        sums: largest magnitude of the sum, or of any partial sum, of each node with weights, by name.
    """

    graph: Graph
    timesteps: int
    fraction_bits: int
    image: IntegerImage
    weights: Mapping[str, IntegerWeights]
    neurons: Mapping[str, IntegerNeurons]
    units: Mapping[str, Fraction]
    ranges: Mapping[str, Range]
    sums: Mapping[str, int]

    @property
    def unit(self) -> Fraction:
        """Unit of values that are neither spikes nor sums of them."""
        return Fraction(1, 2**self.fraction_bits)

    @property
    def n_frames(self) -> int:
        """Number of frames of an input: 1, used at all time steps, or one per time step."""
        return self.timesteps if self.graph.is_sequence else 1

    @property
    def neuron_layers(self) -> tuple[str, ...]:
        """Names of the LIF layers that receive input, in order."""
        return tuple(name for name in self.graph.by_name if name in self.neurons and name in self.first_steps)

    @cached_property
    def first_steps(self) -> dict[str, int]:
        """First time step, from 0, at which each node has a value; nodes that never have one are left out."""
        found: dict[str, int] = {}
        changed = True
        while changed:
            changed = False
            for node in self.graph.nodes:
                arrivals = [found[one.source] + one.delayed for one in node.links if one.source in found]
                first = 0 if isinstance(node.operation, Sum) or not node.links else min(arrivals, default=None)
                if first is not None and found.get(node.name) != first:
                    found[node.name], changed = first, True
        return found


def converted(unit: Fraction, to: Fraction) -> tuple[int, int]:
    """Factor and divisor of a unit conversion: ``floor((value * factor + divisor // 2) / divisor)``."""
    ratio = unit / to
    return ratio.numerator, ratio.denominator
