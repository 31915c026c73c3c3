"""Unrolls the time steps of a network. A value can be of any type: a tensor, or the name of a value in a file."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Generic, Protocol, TypeVar

from neuronas.space.graph import Graph, Link, Node
from neuronas.space.node_operations import Image, Neurons, Pool, Shape, Sum, Votes, Weights

Value = TypeVar("Value")
WeightsOf = TypeVar("WeightsOf")
NeuronsOf = TypeVar("NeuronsOf")
_Weights_co = TypeVar("_Weights_co", covariant=True)
_Neurons_co = TypeVar("_Neurons_co", covariant=True)


class Arrays(Protocol[_Weights_co, _Neurons_co]):
    """A layer graph with the arrays of its nodes: ``BoundGraph``, or ``IntegerNetwork``."""

    @property
    def graph(self) -> Graph:
        """The layer graph of one time step."""

    @property
    def timesteps(self) -> int:
        """Number of time steps."""

    @property
    def weights(self) -> Mapping[str, _Weights_co]:
        """Weights of the nodes that have them, by name."""

    @property
    def neurons(self) -> Mapping[str, _Neurons_co]:
        """Parameters of the LIF layers, by name."""


class Unrolled(ABC, Generic[Value, WeightsOf, NeuronsOf]):
    """Computes a network time step by time step; subclasses implement the operations.

    The argument ``name`` of the methods is a unique name for the result: the name of the node and, unless the value is
    the same at all time steps, the number of the time step.

    Args:
        network: the network.
    """

    def __init__(self, network: Arrays[WeightsOf, NeuronsOf]):
        self.network = network
        self._potentials: dict[str, Value] = {}

    def scores(self, images: Sequence[Value]) -> list[Value]:
        """Values of the last node, one per time step.

        Args:
            images: images of each time step, or a single element used at all time steps.
        """
        graph, before, scores = self.network.graph, dict[str, Value](), []
        fixed: dict[str, Value] = {}
        for step in range(self.network.timesteps):
            now = fixed | {graph.nodes[0].name: images[step if len(images) > 1 else 0]}
            for node in graph.nodes:
                name = node.name if node.name in graph.static else f"{node.name}/{step}"
                if node.name not in now and (value := self._value(node, now, before, name)) is not None:
                    now[node.name] = value
            fixed, before = {name: now[name] for name in graph.static}, now
            scores.append(now[graph.nodes[-1].name])
        return scores

    def _value(self, node: Node, now: dict[str, Value], before: dict[str, Value], name: str) -> Value | None:
        """The value of a node; None if no input has a value yet."""
        sources = [(before if link.delayed else now, link) for link in node.links]
        summands = [self.received(values[link.source], link, node) for values, link in sources if link.source in values]
        if not summands:
            return self.zeros(node.shape, name) if isinstance(node.operation, Sum) else None
        x = summands[0]
        for number, summand in enumerate(summands[1:]):
            x = self.add(x, summand, f"{name}/sum{number}")
        match node.operation:
            case Weights() as operation:
                return self.weigh(operation, self.network.weights[node.name], x, node.name, name)
            case Neurons():
                neurons, v = self.network.neurons[node.name], self._potentials.get(node.name)
                spikes, self._potentials[node.name] = self.fire(neurons, x, v, node.name, name)
                return spikes
            case Pool() as operation:
                return self.pool(operation, x, node.name, name)
            case Votes(size):
                return self.vote(size, x, name)
            case Sum() | Image():
                return x

    def received(self, x: Value, link: Link, node: Node) -> Value:
        """The value that a node receives through a link."""
        return x

    @abstractmethod
    def zeros(self, shape: Shape, name: str) -> Value:
        """Zeros of a shape (without the batch dimension)."""

    @abstractmethod
    def add(self, x: Value, y: Value, name: str) -> Value:
        """The sum of two values."""

    @abstractmethod
    def weigh(self, operation: Weights, weights: WeightsOf, x: Value, node: str, name: str) -> Value:
        """``gain * (weights x) + offset``."""

    @abstractmethod
    def fire(self, neurons: NeuronsOf, x: Value, v: Value | None, node: str, name: str) -> tuple[Value, Value]:
        """Return the spikes and the potential after the time step; ``v``: potential before it (None: v_reset)."""

    @abstractmethod
    def pool(self, operation: Pool, x: Value, node: str, name: str) -> Value:
        """See ``space.node_operations.Pool``."""

    @abstractmethod
    def vote(self, size: int, x: Value, name: str) -> Value:
        """See ``space.node_operations.Votes``."""
