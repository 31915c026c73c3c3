"""An imported network: its layer graph, weights, neurons, and scalings of values."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import prod
from typing import Self

import numpy as np
from numpy.typing import NDArray

from neuronas.config import WeightBits
from neuronas.snn.bound_graph import Floats, WeightArrays
from neuronas.space.graph import Graph
from neuronas.space.node_operations import Shape


@dataclass(frozen=True, eq=False)
class Scaling:
    """``gain * x + offset``; both broadcast to the shape of the value, excluding time and batch."""

    gain: Floats
    offset: Floats

    @classmethod
    def of(cls, gain: NDArray[np.generic] | float, offset: NDArray[np.generic] | float, shape: Shape) -> Self:
        """Create the scaling of a value; arrays may have leading dimensions of 1 and may refer to the flattened value.

        Raises:
            ValueError: an array does not broadcast to ``shape``.
        """
        return cls(_aligned(gain, shape), _aligned(offset, shape))

    @classmethod
    def of_channels(cls, gain: Floats, offset: Floats, shape: Shape) -> Self:
        """Create a scaling from one gain and offset per channel, or per value if the numbers match.

        Raises:
            ValueError: the number is neither that of the channels nor that of the values.
        """
        wide = (-1, *[1] * (len(shape) - 1)) if gain.size == shape[0] else shape
        if gain.size not in (shape[0], prod(shape)):
            raise ValueError(f"{gain.size} channels given; expected {shape[0]}")
        return cls(gain.reshape(wide).astype(np.float64), offset.reshape(wide).astype(np.float64))

    def after(self, first: "Scaling") -> "Scaling":
        """Composition: ``first``, then this."""
        return Scaling(self.gain * first.gain, self.gain * first.offset + self.offset)

    @property
    def is_factor(self) -> bool:
        """Whether it multiplies all values by the same number."""
        return self.gain.size == 1 and not self.offset.any()


@dataclass(frozen=True, eq=False)
class ReluRule:
    """``min(max(x, 0), largest)``."""

    largest: float = float("inf")


@dataclass(frozen=True, eq=False)
class SpikeRule:
    """Spiking neurons. One time step with input x updates the potential v::

        h = v + (x - (v - v_rest)) / tau, or v + x without leak
        spike = h >= threshold
        v = v_reset, or h - threshold, if spike else h

    Attributes:
        tau: membrane time constant in time steps; None: no leak. Arrays broadcast to the shape of the neurons.
        threshold: firing threshold.
        v_reset: potential after a spike and initial potential; None: the threshold is subtracted, starts at ``v_rest``.
        v_rest: resting potential.
    """

    tau: Floats | None
    threshold: Floats
    v_reset: Floats | None
    v_rest: Floats

    def of(self, shape: Shape) -> Self:
        """The rule with arrays broadcast to the shape of the neurons.

        Raises:
            ValueError: an array does not broadcast to ``shape``.
        """
        tau, v_reset = (None if one is None else _aligned(one, shape) for one in (self.tau, self.v_reset))
        return replace(
            self,
            tau=tau,
            threshold=_aligned(self.threshold, shape),
            v_reset=v_reset,
            v_rest=_aligned(self.v_rest, shape),
        )


Rule = ReluRule | SpikeRule


@dataclass(frozen=True)
class Recorded:
    """Additional information in the file of a network; None: not stated.

    Attributes:
        timesteps: number of time steps T.
        weight_bits: precision of the weights.
        mean: mean of each channel, for pixels in [0, 1].
        std: standard deviation of each channel, for pixels in [0, 1].
    """

    timesteps: int | None = None
    weight_bits: WeightBits | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None


@dataclass(frozen=True, eq=False)
class ImportedNetwork:
    """A layer graph with everything needed to compute it.

    Attributes:
        graph: the layer graph of one time step.
        weights: arrays of the nodes with weights, by name.
        neurons: rules of the nodes of neurons, by name.
        scalings: scalings of the sum of a node's links, by name of the node (neurons or sum).
        recorded: additional information in the file.
    """

    graph: Graph
    weights: Mapping[str, WeightArrays]
    neurons: Mapping[str, Rule]
    scalings: Mapping[str, Scaling]
    recorded: Recorded = field(default_factory=Recorded)

    @property
    def is_spiking(self) -> bool:
        """Whether any neuron spikes."""
        return any(isinstance(rule, SpikeRule) for rule in self.neurons.values())


def _aligned(given: NDArray[np.generic] | float, shape: Shape) -> Floats:
    values = np.asarray(given, np.float64)
    short = values
    while short.ndim > len(shape) and len(short) == 1:
        short = short[0]
    pairs = list(zip(short.shape[::-1], shape[::-1], strict=False))
    if short.ndim <= len(shape) and all(size in (1, expected) for size, expected in pairs):
        return short
    if values.size == prod(shape):
        return values.reshape(shape)
    raise ValueError(f"constants of shape {list(values.shape)} given; expected one that broadcasts to {list(shape)}")
