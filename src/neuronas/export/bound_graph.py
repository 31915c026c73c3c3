"""A trained network: its layer graph, and the arrays of its nodes by name."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from neuronas.space.graph import Graph, Neurons, Node, Shape, Weights

Floats = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class WeightArrays:
    """Weights, with what follows for each output: ``gain * (weights x) + offset``.

    Attributes:
        values: [out, in / groups, k, k] or [out, in] float32, as the chip holds them.
        codes: int32, the same shape; None where weights are not quantised. ``values = codes * step``.
        step: float32, one number or one for each output, shaped to broadcast.
        gain: [out] factor of batch normalisation; None: 1.
        offset: [out] its summand; None: 0.
    """

    values: NDArray[np.float32]
    codes: NDArray[np.int32] | None = None
    step: NDArray[np.float32] | None = None
    gain: Floats | None = None
    offset: Floats | None = None

    @property
    def folded(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Weights times gain, and the offset [out]: batch normalisation folded into weights and bias."""
        n_out = len(self.values)
        gain = np.ones(n_out) if self.gain is None else self.gain.astype(np.float64)
        offset = np.zeros(n_out) if self.offset is None else self.offset.astype(np.float64)
        return self.values * gain.reshape(-1, *[1] * (self.values.ndim - 1)), offset


@dataclass(frozen=True, eq=False)
class NeuronArrays:
    """LIF neurons: one step with input x turns the potential v into::

        h = v + (gain * x + offset - (v - v_rest)) / tau
        spike = h >= threshold
        v = v_reset if spike else h

    v begins at ``v_reset``.

    Attributes:
        tau: in time steps.
        threshold: one number, or one for each channel; ``v_reset`` likewise.
        gain: [channels] batch normalisation in front; None: 1.
        offset: [channels]; None: 0.
    """

    tau: float
    threshold: Floats
    v_reset: Floats
    v_rest: float
    gain: Floats | None = None
    offset: Floats | None = None

    @property
    def folded(self) -> "NeuronArrays":
        """The same spikes without an offset: with v - offset for the potential, it moves into threshold and reset."""
        if self.offset is None:
            return self
        offset = self.offset.astype(np.float64)
        return replace(self, threshold=self.threshold - offset, v_reset=self.v_reset - offset, offset=None)


@dataclass(frozen=True, eq=False)
class BoundGraph:
    """A layer graph that can be computed.

    Attributes:
        graph: what one time step computes.
        timesteps: number of time steps.
        weights: arrays of the nodes that hold weights, by name.
        neurons: arrays of the LIF layers, by name.
    """

    graph: Graph
    timesteps: int
    weights: Mapping[str, WeightArrays]
    neurons: Mapping[str, NeuronArrays]

    def check(self) -> None:
        """Check that the nodes fit together and have arrays of their shapes.

        Raises:
            ValueError: names the first node that does not fit.
        """
        self.graph.check()
        for node in self.graph.nodes:
            match node.operation:
                case Weights():
                    self._check_weights(node, self.graph.weight_shape(node))
                case Neurons():
                    self._check_neurons(node)

    def _check_weights(self, node: Node, shape: Shape) -> None:
        found = self.weights[node.name]
        if found.values.shape != shape:
            raise ValueError(
                f"node '{node.name}' has weights of the shape {list(found.values.shape)}, not {list(shape)}"
            )
        _check_size(node, "gains", found.gain, shape[:1])
        _check_size(node, "offsets", found.offset, shape[:1])

    def _check_neurons(self, node: Node) -> None:
        found, channels = self.neurons[node.name], node.shape[0]
        _check_size(node, "thresholds", found.threshold, (1, channels))
        _check_size(node, "resets", found.v_reset, (1, channels))
        _check_size(node, "gains", found.gain, (channels,))
        _check_size(node, "offsets", found.offset, (channels,))


def _check_size(node: Node, what: str, values: Floats | None, sizes: Shape) -> None:
    if values is not None and values.size not in sizes:
        expected = " or ".join(map(str, dict.fromkeys(sizes)))
        raise ValueError(f"node '{node.name}' has {values.size} {what}; expected {expected}")
