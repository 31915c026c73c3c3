"""The operations that an edge of a cell can hold, as a table."""

import re
from dataclasses import dataclass

from neuronas.errors import ConfigurationError

_NAME = re.compile(r"[a-z]\w*")


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


def add_convolution(name: str, kernel: int) -> None:
    """Add a convolution to the table of this process, before a space or an architecture names it.

    Args:
        name: in the text notation: a lower-case letter, then letters, digits and underscores.
        kernel: side of its square kernel, odd.

    Raises:
        ConfigurationError: the name is taken or cannot be read, or the kernel is even.
    """
    if name in OPERATIONS:
        raise ConfigurationError(f"operation '{name}' is there already; expected another name")
    if not _NAME.fullmatch(name):
        raise ConfigurationError(f"operation '{name}' given; expected a lower-case letter, then letters, digits and _")
    if kernel < 1 or kernel % 2 == 0:
        raise ConfigurationError(f"kernel {kernel} given for operation '{name}'; expected an odd number from 1")
    OPERATIONS[name] = Operation(name, kernel, "conv")
