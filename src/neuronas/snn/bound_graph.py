"""A trained network as a layer graph with the arrays of its nodes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from neuronas.space.graph import Graph, Node
from neuronas.space.node_operations import Neurons, Shape, Weights

Floats = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class WeightArrays:
    """Weights and the batch normalisation after them: ``gain * (weights x) + offset``.

    Attributes:
        values: [out, in / groups, k, k] or [out, in] float32, quantised if ``codes`` is given.
        codes: int32, the same shape; ``values = codes * step``. None: the weights are not quantised.
        step: float32, one value or one per output, broadcasts to ``codes``.
        gain: [out] scale of batch normalisation; None: 1.
        offset: [out] shift of batch normalisation; None: 0.
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
    """LIF neurons. One time step with input x updates the potential v::

        h = v + (gain * x + offset - (v - v_rest)) / tau
        spike = h >= threshold
        v = v_reset if spike else h

    The initial potential is ``v_reset``.

    Attributes:
        tau: membrane time constant in time steps.
        threshold: firing threshold, one value or one per channel.
        v_reset: potential after a spike, one value or one per channel.
        v_rest: resting potential.
        gain: [channels] scale of the batch normalisation of the input; None: 1.
        offset: [channels] shift of the batch normalisation of the input; None: 0.
    """

    tau: float
    threshold: Floats
    v_reset: Floats
    v_rest: float
    gain: Floats | None = None
    offset: Floats | None = None

    @property
    def folded(self) -> "NeuronArrays":
        """Neurons with the same spikes but no offset: it is folded into threshold and reset (v - offset for v)."""
        if self.offset is None:
            return self
        offset = self.offset.astype(np.float64)
        return replace(self, threshold=self.threshold - offset, v_reset=self.v_reset - offset, offset=None)


@dataclass(frozen=True, eq=False)
class BoundGraph:
    """A layer graph with all arrays needed to compute it.

    Attributes:
        graph: the layer graph of one time step.
        timesteps: number of time steps.
        weights: arrays of the nodes with weights, by name.
        neurons: arrays of the LIF layers, by name.
    """

    graph: Graph
    timesteps: int
    weights: Mapping[str, WeightArrays]
    neurons: Mapping[str, NeuronArrays]

    def check(self) -> None:
        """Check that the shapes of all nodes and arrays match.

        Raises:
            ValueError: the message names the first node that does not match.
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
                f"node '{node.name}' has weights of shape {list(found.values.shape)}; expected {list(shape)}"
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
