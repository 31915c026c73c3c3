"""Operations added for tests: two layers on an edge, grouped convolutions, maxima, other window sizes."""

from collections.abc import Iterator
from contextlib import contextmanager

from neuronas.config import OPERATIONS
from neuronas.space.build import EdgeBuilder
from neuronas.space.graph import Link
from neuronas.space.operations import AveragePool, DepthwiseSeparable, MaxPool, Windowed


class Grouped(Windowed):
    """LIF neurons and a convolution in two groups."""

    equation = "norm(W * LIF(x))"
    identity = "weights"

    def lower(self, edge: EdgeBuilder, value: Link) -> Link:
        """See ``Operation``."""
        return edge.convolve(edge.fire(value), self.kernel, groups=min(2, edge.n_channels(value)))


@contextmanager
def registered() -> Iterator[tuple[str, ...]]:
    """Register the operations, and unregister them afterwards."""
    own = [
        DepthwiseSeparable("own_depthwise", 3), Grouped("own_grouped", 3),
        MaxPool("own_max", 3), MaxPool("own_max_5x5", 5), AveragePool("own_mean_5x5", 5),
    ]  # fmt: skip
    for operation in own:
        OPERATIONS.add(operation.name, operation)
    yield tuple(operation.name for operation in own)
    for operation in own:
        OPERATIONS.remove(operation.name)
