"""A layer graph in the making, and what the readers of all formats share."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Literal

from neuronas.errors import ConfigurationError
from neuronas.space.build import GraphBuilder
from neuronas.space.graph import Graph, Image, Link, Neurons, Node, NodeOperation, Pool, Shape, Sum, Votes, Weights

UNSUPPORTED = "unsupported; expected a convolution, linear layer, pool, sum, batch normalisation, ReLU or LIF"
Size = int | Sequence[int]


class Draft:
    """Collects the nodes of a network.

    Args:
        source: the file or module that is read, for messages.
    """

    def __init__(self, source: str):
        self.source = source
        self._builder = GraphBuilder()

    @property
    def nodes(self) -> dict[str, Node]:
        """The nodes so far, by name."""
        return self._builder.nodes

    @contextmanager
    def reading(self, name: str, kind: str) -> Iterator[None]:
        """Name the layer that is being read in the message of a ``ValueError``, which says why it is refused.

        Raises:
            ConfigurationError: instead of the ``ValueError``.
        """
        try:
            yield
        except ValueError as error:
            raise ConfigurationError(f"{self.source}: layer '{name}' of type {kind}: {error}") from None

    def image(self, name: str, shape: Shape) -> str:
        """Add the input [C, H, W] and return its name."""
        if len(shape) != 3 or min(shape) < 1:
            raise ValueError(f"input of shape {list(shape)} given; expected [channels, height, width]")
        return self._builder.add(self._unused(name), Image(), given=shape).source

    def add(self, name: str, operation: NodeOperation, *sources: str) -> str:
        """Add a node that reads the sum of some values, and return its name.

        Raises:
            ValueError: shapes do not match.
        """
        shapes = {self.shape(source) for source in sources}
        if len(shapes) > 1:
            given = " and ".join(str(list(shape)) for shape in sorted(shapes))
            raise ValueError(f"sum of shapes {given} given; expected equal shapes")
        return self._builder.add(self._unused(name), operation, *map(Link, sources)).source

    def weigh(self, name: str, operation: Weights, source: str, weight_shape: Shape) -> str:
        """Add weights of a shape, [out, in / groups, k, k] or [out, in], and return the node's name.

        Raises:
            ValueError: they do not fit what they read.
        """
        expected = operation.weight_shape(self.shape(source))
        if expected != weight_shape:
            raise ValueError(f"weights of shape {list(weight_shape)} given; expected {list(expected)} for its input")
        return self.add(name, operation, source)

    def fire(self, name: str, source: str) -> str:
        """Add neurons and return the node's name."""
        return self.add(name, Neurons(), source)

    def zeros(self, name: str, shape: Shape) -> str:
        """Add a sum of nothing and return the node's name."""
        return self._builder.add(self._unused(name), Sum(), given=shape).source

    def pool_all(self, name: str, reduce: Literal["mean", "max"], source: str) -> str:
        """Add pooling over the whole image and return the node's name."""
        return self.pool_to(name, reduce, source, (1, 1))

    def pool_to(self, name: str, reduce: Literal["mean", "max"], source: str, size: tuple[int, int]) -> str:
        """Add pooling that leaves an image of a size, and return the node's name."""
        sides = self.shape(source)[1:]
        if len(sides) != 2 or any(side % one for side, one in zip(sides, size, strict=True)):
            raise ValueError(f"pooling of {list(sides)} to {list(size)} given; expected a divisor of the sides")
        window = sides[0] // size[0], sides[1] // size[1]
        return self.add(name, Pool(window, window, 0, reduce), source)

    def vote(self, name: str, size: int, source: str) -> str:
        """Add the mean of each ``size`` successive outputs and return the node's name."""
        return self.add(name, Votes(size), source)

    def _unused(self, name: str) -> str:
        """The name, or the next one with a number where a node has it already."""
        names = (name if number == 1 else f"{name}.{number}" for number in count(1))
        return next(one for one in names if one not in self.nodes)

    def shape(self, name: str) -> Shape:
        """Shape of a value."""
        return self._builder.shape(Link(name))

    def graph(self) -> Graph:
        """The finished graph.

        Raises:
            ConfigurationError: it holds no weights, or its nodes do not fit.
        """
        return checked(Graph(tuple(self.nodes.values())), self.source)


def checked(graph: Graph, source: str) -> Graph:
    """Check a graph that was read.

    Raises:
        ConfigurationError: it holds no weights, or its nodes do not fit.
    """
    if not any(isinstance(node.operation, Weights) for node in graph.nodes):
        raise ConfigurationError(f"{source}: no convolution or linear layer found; expected at least one")
    try:
        graph.check()
    except ValueError as error:
        raise ConfigurationError(f"{source}: {error}") from None
    return graph


def convolution(
    n_out: int, kernel: Size, stride: Size = 1, padding: Size = 0, dilation: Size = 1, groups: int = 1
) -> Weights:
    """A convolution.

    Raises:
        ValueError: it is not square, or dilated.
    """
    if _same("dilation", dilation) != 1:
        raise ValueError(f"dilation {_same('dilation', dilation)} given; expected 1")
    side, pad = _same("kernel", kernel), _same("padding", padding)
    keeps = side % 2 == 1 and pad == side // 2
    return Weights(n_out, side, _same("stride", stride), groups, False, None if keeps else pad)


def linear(n_out: int) -> Weights:
    """A fully connected layer."""
    return Weights(n_out, normalised=False)


def pooling(
    reduce: Literal["mean", "max"],
    kernel: Size,
    stride: Size,
    padding: Size = 0,
    *,
    ceil: bool = False,
    counts_padding: bool = True,
) -> Pool:
    """Pooling.

    Raises:
        ValueError: windows reach beyond the padding, or a mean leaves out the padding.
    """
    pad = _same("padding", padding)
    if ceil:
        raise ValueError("ceil_mode given; expected windows inside the image and its padding")
    if reduce == "mean" and pad and not counts_padding:
        raise ValueError("mean without padding given (count_include_pad is false); expected zeros to count")
    return Pool(_pair(kernel), _pair(stride), pad, reduce)


def _pair(size: Size) -> tuple[int, int]:
    height, width = (size, size) if isinstance(size, int) else size
    return int(height), int(width)


def _same(what: str, size: Size) -> int:
    values = {size} if isinstance(size, int) else set(map(int, size))
    if len(values) != 1:
        raise ValueError(f"{what} {list(size) if not isinstance(size, int) else size} given; expected equal sides")
    return values.pop()
