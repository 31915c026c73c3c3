"""Operations of the nodes of a network's graph, and the shapes of their results; see ``space.graph``."""

from dataclasses import dataclass
from math import prod
from typing import Literal

Shape = tuple[int, ...]
"""[C, H, W], or [n] after a fully connected layer."""
Pair = tuple[int, int]


@dataclass(frozen=True)
class Image:
    """The normalised image.

    Attributes:
        sequence: whether each time step has its own image; otherwise all time steps have the same image.
    """

    sequence: bool = False

    def output(self, given: Shape) -> Shape:
        """Shape of the result for an input of shape ``given``."""
        return given


@dataclass(frozen=True)
class Weights:
    """A convolution or, with kernel 0, a matrix that multiplies the flattened input.

    Attributes:
        n_out: number of output channels or outputs.
        kernel: side of the kernel; 0 for a fully connected layer.
        stride: stride of the convolution.
        groups: number of groups into which channels are split; each output reads only the channels of its group.
        normalised: whether batch normalisation follows.
        padding: zeros on each side of the image; None: same padding for an odd kernel.
    """

    n_out: int
    kernel: int = 0
    stride: int = 1
    groups: int = 1
    normalised: bool = True
    padding: int | None = None

    @property
    def n_padded(self) -> int:
        """Zeros on each side of the image."""
        return self.kernel // 2 if self.padding is None else self.padding

    def output(self, given: Shape) -> Shape:
        """Shape of the result for an input of shape ``given``."""
        if not self.kernel:
            return (self.n_out,)
        channels, *sides = _image("a convolution", given)
        if channels % self.groups or self.n_out % self.groups:
            raise ValueError(f"{channels} input and {self.n_out} output channels given in {self.groups} groups")
        found = [(side + 2 * self.n_padded - self.kernel) // self.stride + 1 for side in sides]
        if min(found) < 1:
            raise ValueError(f"image of {sides} pixels given; expected at least the kernel's {self.kernel}")
        return (self.n_out, *found)

    def weight_shape(self, given: Shape) -> Shape:
        """Shape of the weights, [out, in / groups, k, k] or [out, in], for an input of shape ``given``."""
        if not self.kernel:
            return (self.n_out, prod(given))
        return (self.n_out, given[0] // self.groups, self.kernel, self.kernel)


@dataclass(frozen=True)
class Neurons:
    """A layer of LIF neurons (see ``snn.neuron``).

    Attributes:
        threshold: firing threshold; None: that of the network.
        normalised: whether the input is batch normalised first.
    """

    threshold: float | None = None
    normalised: bool = False

    def output(self, given: Shape) -> Shape:
        """Shape of the result for an input of shape ``given``."""
        return given


@dataclass(frozen=True)
class Pool:
    """Mean or maximum over windows of ``kernel`` pixels.

    Attributes:
        kernel: height and width of the window.
        stride: vertical and horizontal stride.
        padding: pixels on each side of the image. They count as 0 in a mean and not at all in a maximum.
    """

    kernel: Pair
    stride: Pair
    padding: int = 0
    reduce: Literal["mean", "max"] = "mean"

    def output(self, given: Shape) -> Shape:
        """Shape of the result for an input of shape ``given``."""
        channels, *sides = _image("pooling", given)
        windows = zip(sides, self.kernel, self.stride, strict=True)
        found = [(side + 2 * self.padding - kernel) // stride + 1 for side, kernel, stride in windows]
        if min(found) < 1:
            raise ValueError(f"image of {sides} pixels given; expected at least the window's {list(self.kernel)}")
        return (channels, *found)


@dataclass(frozen=True)
class Sum:
    """The sum of the links, as at a node of a cell."""

    def output(self, given: Shape) -> Shape:
        """Shape of the result for an input of shape ``given``."""
        return given


@dataclass(frozen=True)
class Votes:
    """Mean over each group of ``size`` successive outputs: the score of a class."""

    size: int

    def output(self, given: Shape) -> Shape:
        """Shape of the result for an input of shape ``given``."""
        if prod(given) % self.size:
            raise ValueError(f"{prod(given)} voters given; expected a multiple of {self.size}")
        return (prod(given) // self.size,)


NodeOperation = Image | Weights | Neurons | Pool | Sum | Votes


def _image(what: str, given: Shape) -> Shape:
    if len(given) != 3:
        raise ValueError(f"{what} of the shape {list(given)} given; expected [channels, height, width]")
    return given
