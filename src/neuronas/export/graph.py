"""A trained network as a layer graph: what one time step computes, batch normalisation folded.

Nodes stand in the order in which a time step computes them. A node's value is a function of the sum of its links; a
delayed link brings its source's value of the previous time step and nothing at all at the first. What receives
nothing gives nothing; only an empty sum is 0.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Image:
    """The normalised image, the same at every time step."""


@dataclass(frozen=True, eq=False)
class Weights:
    """A weight matrix or kernel with what follows it for each output: ``gain * (weights x) + offset``.

    Attributes:
        values: [out, in, k, k] or [out, in] float32, as the chip holds them.
        codes: int32, the same shape; None where weights are not quantised. ``values = codes * step``.
        step: float32, one number or one for each output, shaped to broadcast.
        stride: of a convolution, whose padding keeps the side.
        gain: [out] batch normalisation's factor; None: 1.
        offset: [out] its summand; None: 0.
    """

    values: NDArray[np.float32]
    codes: NDArray[np.int32] | None
    step: NDArray[np.float32] | None
    stride: int = 1
    gain: Floats | None = None
    offset: Floats | None = None

    @property
    def kernel(self) -> int:
        """Side of the kernel; 0 for a fully connected layer, which flattens its input."""
        return self.values.shape[2] if self.values.ndim == 4 else 0

    @property
    def folded(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Weights times gain, and the offset [out]: batch normalisation folded into weights and bias."""
        n_out = len(self.values)
        gain = np.ones(n_out) if self.gain is None else self.gain.astype(np.float64)
        offset = np.zeros(n_out) if self.offset is None else self.offset.astype(np.float64)
        return self.values * gain.reshape(-1, *[1] * (self.values.ndim - 1)), offset


@dataclass(frozen=True, eq=False)
class Neurons:
    """LIF neurons: one step with input x turns the potential v into::

        h = v + (gain * x + offset - (v - v_rest)) / tau
        spike = h >= threshold
        v = v_reset if spike else h

    v begins at ``v_reset``. ``layer`` names the LIF layer of the network.

    Attributes:
        tau: in time steps.
        threshold: one number, or one for each channel; ``v_reset`` likewise.
        gain: [channels] batch normalisation in front; None: 1.
        offset: [channels]; None: 0.
    """

    layer: str
    tau: float
    threshold: Floats
    v_reset: Floats
    v_rest: float
    gain: Floats | None = None
    offset: Floats | None = None

    @property
    def folded(self) -> "Neurons":
        """The same spikes without an offset: with v - offset for the potential, it moves into threshold and reset."""
        if self.offset is None:
            return self
        offset = self.offset.astype(np.float64)
        return replace(self, threshold=self.threshold - offset, v_reset=self.v_reset - offset, offset=None)


@dataclass(frozen=True)
class Pool:
    """Mean over ``kernel`` x ``kernel`` pixels; what lies beyond the edge counts as 0."""

    kernel: int
    stride: int
    padding: int = 0


@dataclass(frozen=True)
class Sum:
    """What meets at a node of a cell."""


@dataclass(frozen=True)
class Votes:
    """Mean over each ``size`` successive outputs: the score of a class."""

    size: int


Operation = Image | Weights | Neurons | Pool | Sum | Votes


@dataclass(frozen=True)
class Link:
    """Where a value comes from."""

    source: str
    delayed: bool = False


@dataclass(frozen=True)
class Node:
    """One value of the network.

    Attributes:
        name: layers that hold weights and pooling in cells are named as in ``space.layers``.
        shape: [C, H, W], or [n] behind a fully connected layer.
    """

    name: str
    operation: Operation
    links: tuple[Link, ...]
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Graph:
    """A network: ``nodes`` in order, of which the first is the image and the last the class scores."""

    nodes: tuple[Node, ...]
    timesteps: int

    @property
    def has_delays(self) -> bool:
        """Whether any cell feeds back to the next time step."""
        return any(link.delayed for node in self.nodes for link in node.links)

    def static(self) -> frozenset[str]:
        """The nodes in front of all neurons: their values are the same at every time step."""
        found: set[str] = set()
        for node in self.nodes:
            inputs_static = all(link.source in found and not link.delayed for link in node.links)
            if inputs_static and not isinstance(node.operation, Neurons):
                found.add(node.name)
        return frozenset(found)
