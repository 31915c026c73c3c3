"""A layer graph under construction, shared by the readers of all formats."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from math import prod
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from neuronas.errors import ConfigurationError
from neuronas.importing.folding import fold, needed
from neuronas.snn.bound_graph import WeightArrays
from neuronas.snn.imported import ImportedNetwork, ReluRule, Rule, Scaling
from neuronas.space.build import GraphBuilder
from neuronas.space.graph import Graph, Link, Node
from neuronas.space.node_operations import Image, Neurons, NodeOperation, Pool, Shape, Sum, Votes, Weights


@dataclass(frozen=True)
class ImageShape:
    """Shape [C, H, W] of the input image.

    Attributes:
        given: shape that overrides the file's; None: the file's shape is used.
        default: shape that replaces dynamic sizes of the file; None: the file must have none.
    """

    given: Shape | None = None
    default: Shape | None = None

    def of(self, sizes: Sequence[int]) -> Shape:
        """The image's shape for a file's input shape.

        Args:
            sizes: [batch, channels, height, width], or the same without batch; 0: dynamic size. One size, the number of
                flattened pixels, is accepted if it matches ``default``.

        Raises:
            ValueError: a size is dynamic, or the number of dimensions is wrong.
        """
        if self.given is not None:
            return self.given
        own = tuple(int(size) for size in sizes[-3:])
        if len(sizes) < 3 and self.default is not None and own[-1:] == (prod(self.default),):
            return self.default  # the first layer flattens it
        if len(sizes) in (3, 4) and self.default is not None:
            own = tuple(size or other for size, other in zip(own, self.default, strict=True))
        if len(sizes) not in (3, 4) or min(own) < 1:
            shown = ", ".join(str(size or "?") for size in sizes)
            raise ValueError(f"shape [{shown}] given; expected [batch, channels, height, width], or input_shape")
        return own


class Draft:
    """Collects the nodes of a network.

    Args:
        source: name of the file or module, for messages.
        with_arrays: whether weights, neurons and scales are read as well; otherwise a scale adds no node.

    Attributes:
        output: name of the network's output value; None: the last value.
        weights: arrays of the layers with weights, by name.
        rules: firing rules of the neurons, by name.
        scalings: scalings of the nodes that only scale, by name.
    """

    def __init__(self, source: str, *, with_arrays: bool = False):
        self.source, self.with_arrays = source, with_arrays
        self.output: str | None = None
        self._builder = GraphBuilder()
        self._used: set[str] = set()
        self.weights: dict[str, WeightArrays] = {}
        self.rules: dict[str, Rule] = {}
        self.scalings: dict[str, Scaling] = {}

    @property
    def nodes(self) -> dict[str, Node]:
        """The nodes so far, by name."""
        return self._builder.nodes

    @contextmanager
    def reading(self, name: str, kind: str) -> Iterator[None]:
        """Context in which a ``ValueError`` is raised as an error that names the layer being read.

        Raises:
            ConfigurationError: in place of the ``ValueError``.
        """
        try:
            yield
        except ValueError as error:
            raise ConfigurationError(f"{self.source}: layer '{name}' of type {kind}: {error}") from None

    def image(self, name: str, shape: Shape, *, sequence: bool = False) -> str:
        """Add the input image [C, H, W], for a sequence that of each time step, and return its name."""
        if len(shape) != 3 or min(shape) < 1:
            raise ValueError(f"input of shape {list(shape)} given; expected [channels, height, width]")
        return self._builder.add(self._unused(name), Image(sequence), given=shape).source

    def add(self, name: str, operation: NodeOperation, *sources: str) -> str:
        """Add a node whose input is the sum of some values, and return its name.

        Raises:
            ValueError: shapes do not match.
        """
        shapes = {self.shape(source) for source in sources}
        if len(shapes) > 1:
            given = " and ".join(str(list(shape)) for shape in sorted(shapes))
            raise ValueError(f"sum of shapes {given} given; expected equal shapes")
        return self._builder.add(self._unused(name), operation, *map(Link, sources)).source

    def weigh(
        self, name: str, operation: Weights, source: str, weight_shape: Shape, arrays: WeightArrays | None = None
    ) -> str:
        """Add weights of a shape, [out, in / groups, k, k] or [out, in], and return the node's name.

        Args:
            name: name of the layer.
            operation: operation of the layer.
            source: name of its input.
            weight_shape: shape of the weights.
            arrays: the weights; required with ``with_arrays``.

        Raises:
            ValueError: they do not match the shape of the input.
        """
        expected = operation.weight_shape(self.shape(source))
        if expected != weight_shape:
            raise ValueError(f"weights of shape {list(weight_shape)} given; expected {list(expected)} for its input")
        found = self.add(name, operation, source)
        if arrays is not None:
            _check_finite(arrays.values, arrays.gain, arrays.offset)
            self.weights[found] = arrays
        return found

    def fire(self, name: str, source: str, rule: Rule | None = None) -> str:
        """Add neurons and return the node's name.

        Args:
            name: name of the layer.
            source: name of their input.
            rule: firing rule; required with ``with_arrays``.

        Raises:
            ValueError: the arrays of the rule do not match the shape of the input.
        """
        found = self.add(name, Neurons(), source)
        if rule is not None:
            self.rules[found] = rule if isinstance(rule, ReluRule) else rule.of(self.shape(source))
        return found

    def scale(self, name: str, source: str, scaling: Callable[[Shape], Scaling]) -> str:
        """Scale and shift a value, and return the name of the result; without arrays, the value itself.

        Args:
            name: name of the layer.
            source: name of the value.
            scaling: returns the scaling for the shape of the value.

        Raises:
            ValueError: it does not match the shape.
        """
        if not self.with_arrays:
            return source
        made = scaling(self.shape(source))
        _check_finite(made.gain, made.offset)
        found = self.add(name, Sum(), source)
        self.scalings[found] = made
        return found

    def zeros(self, name: str, shape: Shape) -> str:
        """Add a sum without inputs and return the node's name."""
        return self._builder.add(self._unused(name), Sum(), given=shape).source

    def pool_all(self, name: str, reduce: Literal["mean", "max"], source: str) -> str:
        """Add global pooling and return the node's name."""
        return self.pool_to(name, reduce, source, (1, 1))

    def pool_to(self, name: str, reduce: Literal["mean", "max"], source: str, size: tuple[int, int]) -> str:
        """Add adaptive pooling to an output size and return the node's name."""
        sides = self.shape(source)[1:]
        if len(sides) != 2 or any(side % one for side, one in zip(sides, size, strict=True)):
            raise ValueError(f"pooling of {list(sides)} to {list(size)} given; expected a divisor of the sides")
        window = sides[0] // size[0], sides[1] // size[1]
        return self.add(name, Pool(window, window, 0, reduce), source)

    def vote(self, name: str, size: int, source: str) -> str:
        """Add the mean of each ``size`` successive outputs and return the node's name."""
        return self.add(name, Votes(size), source)

    def _unused(self, name: str) -> str:
        """The name, or the name with a number if it is already taken."""
        names = (name if number == 1 else f"{name}.{number}" for number in count(1))
        # Names that differ only in a dot and a slash would denote the same PyTorch module.
        found = next(one for one in names if one.replace("/", ".") not in self._used)
        self._used.add(found.replace("/", "."))
        return found

    def shape(self, name: str) -> Shape:
        """Shape of a value."""
        return self._builder.shape(Link(name))

    def graph(self) -> Graph:
        """The finished graph.

        Raises:
            ConfigurationError: it has no weights, or the shapes of its nodes do not match.
        """
        return checked(Graph(tuple(self.nodes.values())), self.source)

    def network(self) -> ImportedNetwork:
        """The finished network, reduced to the nodes that its output depends on.

        Raises:
            ConfigurationError: see ``graph``.
        """
        nodes = self.nodes if self.output is None else needed(self.nodes, self.output)
        scalings = {name: one for name, one in self.scalings.items() if name in nodes}
        return finished(self.source, nodes, self.weights, self.rules, scalings)


def _check_finite(*arrays: NDArray[np.floating] | None) -> None:
    if not all(one is None or np.isfinite(one).all() for one in arrays):
        raise ValueError("weights with infinite or NaN values given; expected finite ones")


def finished(
    source: str,
    nodes: Mapping[str, Node],
    weights: Mapping[str, WeightArrays],
    rules: Mapping[str, Rule],
    scalings: Mapping[str, Scaling],
) -> ImportedNetwork:
    """Fold scalings and check the result.

    Args:
        source: name of the file or module, for messages.
        nodes: nodes in order; arrays of other nodes are left out.
        weights: see ``Draft``.
        rules: see ``Draft``.
        scalings: see ``Draft``.

    Raises:
        ConfigurationError: see ``checked``.
    """
    folded = fold(nodes, weights, scalings)
    graph = checked(Graph(folded.nodes), source)
    return ImportedNetwork(graph, folded.weights, rules, folded.scalings)


def checked(graph: Graph, source: str) -> Graph:
    """Check an imported graph.

    Raises:
        ConfigurationError: it has no weights, or the shapes of its nodes do not match.
    """
    if not any(isinstance(node.operation, Weights) for node in graph.nodes):
        raise ConfigurationError(f"{source}: no convolution or linear layer found; expected at least one")
    try:
        graph.check()
    except ValueError as error:
        raise ConfigurationError(f"{source}: {error}") from None
    return graph
