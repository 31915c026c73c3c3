"""Operations that the built-in ones leave out: several layers on an edge, groups, maxima, other windows."""

from collections.abc import Iterator
from contextlib import contextmanager

from neuronas.config import OPERATIONS
from neuronas.space.build import EdgeBuilder
from neuronas.space.graph import Link
from neuronas.space.operations import AveragePool, Windowed


class Depthwise(Windowed):
    """LIF neurons and a depthwise convolution, then neurons and a 1x1 convolution."""

    equation = "norm(V * LIF(norm(W * LIF(x))))"
    identity = "weights"

    def lower(self, edge: EdgeBuilder, value: Link) -> Link:
        """See ``Operation``."""
        each = edge.convolve(edge.fire(value), self.kernel, "depthwise", groups=edge.n_channels(value))
        return edge.convolve(edge.fire(each), 1, "pointwise")


class Grouped(Windowed):
    """LIF neurons and a convolution in two groups."""

    equation = "norm(W * LIF(x))"
    identity = "weights"

    def lower(self, edge: EdgeBuilder, value: Link) -> Link:
        """See ``Operation``."""
        return edge.convolve(edge.fire(value), self.kernel, groups=min(2, edge.n_channels(value)))


class Largest(Windowed):
    """Maximum over the window."""

    equation = "max(x)"
    identity = "function"

    def lower(self, edge: EdgeBuilder, value: Link) -> Link:
        """See ``Operation``."""
        return edge.pool(value, self.kernel, "max")


@contextmanager
def registered() -> Iterator[tuple[str, ...]]:
    """Add the operations, and take them away again."""
    own = [
        Depthwise("own_depthwise", 3), Grouped("own_grouped", 3),
        Largest("own_max", 3), Largest("own_max_5x5", 5), AveragePool("own_mean_5x5", 5),
    ]  # fmt: skip
    for operation in own:
        OPERATIONS.add(operation.name, operation)
    yield tuple(operation.name for operation in own)
    for operation in own:
        OPERATIONS.remove(operation.name)
