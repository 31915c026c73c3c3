"""The operations that an edge of a cell can hold, as a table."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Operation:
    """What an edge does to the value of its source node.

    Attributes:
        name: the name in the text notation.
        kernel: side of the square kernel; 0 for operations without one.
        kind: ``none`` (no connection), ``skip`` (identity), ``conv`` (LIF, convolution, batch norm; same
            channels, stride 1, same padding) or ``pool`` (average pooling, stride 1, same padding).
    """

    name: str
    kernel: int
    kind: str

    @property
    def is_convolution(self) -> bool:
        """Whether the edge holds weights (and a LIF neuron layer in front of them)."""
        return self.kind == "conv"


OPERATIONS: dict[str, Operation] = {
    operation.name: operation
    for operation in (
        Operation("none", 0, "none"),
        Operation("skip", 0, "skip"),
        Operation("conv_1x1", 1, "conv"),
        Operation("conv_3x3", 3, "conv"),
        Operation("conv_5x5", 5, "conv"),
        Operation("conv_7x7", 7, "conv"),
        Operation("avg_pool_3x3", 3, "pool"),
    )
}
