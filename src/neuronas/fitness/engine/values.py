"""The values that candidates compute; equal values are the same object, which candidates share.

A *leaf* is an array that is stored after it is computed: the output of the stem, the integer sums of a convolution, a
reduction, or the output of a cell with feedback. A *value* is the value of a graph node: leaves that are pooled and
added in the order of the reference; it is never stored. A *firing* is one LIF layer on a value; convolutions read its
spikes, and the fitness measure its spike patterns.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import TypeVar

from neuronas.errors import ConfigurationError
from neuronas.fitness.measure import Measure, reads_hidden, reads_output
from neuronas.snn.weights import weights_place
from neuronas.space.genotype import Architecture
from neuronas.space.graph import GraphSection, Node
from neuronas.space.lowering import lower_features
from neuronas.space.node_operations import Neurons, Pool, Shape, Weights
from neuronas.space.shape import NetworkShape

REDUCTION = Pool((2, 2), (2, 2))
"""The pooling that ends a reduction."""


@dataclass(frozen=True, eq=False)
class Value:
    """The value of a node. It is compared by identity, since ``SharedValues`` makes each value once."""

    leaves: tuple["Leaf", ...]


@dataclass(frozen=True, eq=False)
class Leaf(Value):
    """A value that is stored; ``shape`` is [C, H, W]."""

    leaves: tuple["Leaf", ...] = field(init=False)
    shape: Shape

    def __post_init__(self) -> None:
        object.__setattr__(self, "leaves", (self,))


@dataclass(frozen=True, eq=False)
class Stem(Leaf):
    """The normalised output of the stem, equal at every time step unless the network reads a sequence.

    Attributes:
        place: place of its weights (``snn.weights.weights_place``).
        operation: the convolution.
        given: shape of the image, [C, H, W].
    """

    place: str
    operation: Weights
    given: Shape


@dataclass(frozen=True, eq=False)
class Convolved(Leaf):
    """A convolution of spikes, with the statistics of the batch normalisation after it.

    Attributes:
        place: place of its weights (``snn.weights.weights_place``).
        operation: the convolution.
        firing: the LIF layer whose spikes it reads.
    """

    place: str
    operation: Weights
    firing: "Firing"


@dataclass(frozen=True, eq=False)
class Reduced(Leaf):
    """The convolution of a reduction, normalised and averaged over 2x2 blocks: the input of the next cell."""

    convolved: Convolved


@dataclass(frozen=True, eq=False)
class Looped(Leaf):
    """The output of a cell with feedback, computed time step by time step. Nothing inside the cell is shared."""

    section: GraphSection
    source: Value


@dataclass(frozen=True, eq=False)
class Pooled(Value):
    """A value, pooled with stride 1."""

    source: Value
    operation: Pool


@dataclass(frozen=True, eq=False)
class Added(Value):
    """The sum of values, added from left to right; 0 without values."""

    terms: tuple[Value, ...]

    @classmethod
    def of(cls, terms: Sequence[Value]) -> "Added":
        """Make the sum of some values."""
        return cls(tuple(dict.fromkeys(leaf for term in terms for leaf in term.leaves)), tuple(terms))


@dataclass(frozen=True, eq=False)
class Firing:
    """One LIF layer.

    Attributes:
        value: input of the neurons.
        operation: firing threshold, and whether batch normalisation is applied to the input.
        shape: shape of the spikes, [C, H, W].
    """

    value: Value
    operation: Neurons
    shape: Shape


@dataclass(frozen=True, eq=False)
class Hidden:
    """The LIF layer of a linear head.

    Attributes:
        firing: the LIF layer after the last cell.
        pool: pooling of its spikes.
        place: place of the weights (``snn.weights.weights_place``).
        operation: linear layer on the pooled spikes.
        neurons: neurons on the output of the linear layer.
    """

    firing: Firing
    pool: Pool
    place: str
    operation: Weights
    neurons: Neurons


Term = Firing | Looped | Hidden
"""An item that a fitness measure reads."""
Made = TypeVar("Made")


class SharedValues:
    """Converts architectures to values. Values that two architectures have in common are the same object.

    Args:
        shape: sizes of the network around the cells.
        measure: fitness measure; determines which LIF layers after the last cell are read.
    """

    def __init__(self, shape: NetworkShape, measure: Measure):
        self.shape = shape
        self._with_output, self._with_hidden = reads_output(measure), reads_hidden(measure)
        self._made: dict[Hashable, object] = {}

    def terms(self, architecture: Architecture) -> list[Term]:
        """Return the LIF layers that a fitness measure reads: the one in front of each convolution, and the last one.

        A cell with feedback is one item, in place of its LIF layers. That of a linear head follows, if it is read.

        Raises:
            ConfigurationError: the engine does not support an operation.
        """
        graph = lower_features(architecture, self.shape)
        values: dict[str, Value] = {}
        firings: dict[str, Firing] = {}
        found: list[Term] = []
        for section in graph.sections:
            _check(section, graph.in_front)
            if section.has_delays:
                last = section.nodes[-1]
                looped = self._make(Looped, last.shape, section, values[section.source])
                values[last.name] = looped
                if any(isinstance(node.operation, Weights) for node in section.nodes):
                    found.append(looped)
                continue
            for node in section.nodes:
                match node.operation:
                    case Weights() as weights if node.name in graph.in_front:
                        given = graph.input_shape(node)
                        values[node.name] = self._make(Stem, node.shape, weights_place(node), weights, given)
                    case Weights() as weights:
                        firing = firings[node.links[0].source]
                        found.append(firing)
                        values[node.name] = self._make(Convolved, node.shape, weights_place(node), weights, firing)
                    case Neurons() as neurons:
                        firings[node.name] = self._make(Firing, self._sum(node, values), neurons, node.shape)
                    case Pool() as pool:
                        values[node.name] = self._pooled(self._sum(node, values), pool, node.shape)
                    case _:
                        values[node.name] = self._sum(node, values)
        output = firings[graph.nodes[-1].name]
        found += [output] if self._with_output else []
        return found + (self._hidden(architecture, output, len(graph.nodes)) if self._with_hidden else [])

    def _hidden(self, architecture: Architecture, output: Firing, n_nodes: int) -> list[Term]:
        """The LIF layer of the head, whose nodes follow the first ``n_nodes``."""
        layers = lower_features(architecture, self.shape, with_hidden=True).nodes[n_nodes:]
        match [node.operation for node in layers]:
            case []:
                return []
            case [Pool() as pool, Weights() as weights, Neurons() as neurons]:
                return [self._make(Hidden, output, pool, weights_place(layers[1]), weights, neurons)]
        raise TypeError("the head has other layers than a pool, a linear layer and neurons")

    def _sum(self, node: Node, values: Mapping[str, Value]) -> Value:
        terms = tuple(values[link.source] for link in node.links)
        return terms[0] if len(terms) == 1 else self._make(Added.of, terms)

    def _pooled(self, source: Value, operation: Pool, shape: Shape) -> Value:
        if operation == REDUCTION and isinstance(source, Convolved):
            return self._make(Reduced, shape, source)
        return self._make(Pooled, source.leaves, source, operation)

    def _make(self, build: Callable[..., Made], *arguments: Hashable) -> Made:
        made = self._made.get((build, *arguments))
        if made is None:
            made = self._made[build, *arguments] = build(*arguments)
        return made  # type: ignore[return-value]  # a key holds what its own builder made


def _check(section: GraphSection, in_front: Set[str]) -> None:
    spikes = {node.name for node in section.nodes if isinstance(node.operation, Neurons)}
    for node in section.nodes:
        reads_spikes = any(link.source in spikes for link in node.links)
        if node.name not in in_front and reads_spikes != isinstance(node.operation, Weights):
            operation = node.origin.operation if node.origin else ""
            raise ConfigurationError(
                f"operation '{operation}' given, whose node '{node.name}' reads "
                f"{'spikes' if reads_spikes else 'no spikes'}; expected neurons in front of each convolution, and no "
                "other node that reads spikes"
            )
