"""The network around the cells: it determines the shape of every layer. Also names of parts and layers."""

from collections.abc import Sequence
from dataclasses import dataclass

from neuronas.errors import ConfigurationError
from neuronas.space.node_operations import Pair

Side = int | Pair
"""Side of an image in pixels; (height, width) if they differ."""
LARGE_IMAGE_SIDE = 64
"""Images whose shorter side has at least this many pixels are halved by the stem (stride 2), as for TinyImageNet."""


@dataclass(frozen=True)
class NetworkShape:
    """Everything that determines the shapes of layers, apart from the cells.

    Attributes:
        image_channels: channels of the input image.
        image_side: side of the input image in pixels; height and width if it is not square.
        n_classes: number of classes.
        channels: channels before the first reduction; each reduction doubles them.
        n_cells: number of cell places.
        head_width: outputs of the head's first linear layer.
        head: ``linear`` (the papers': pool, linear, LIF, linear) or ``gap`` (mean over all pixels, one linear layer).
        n_voters: outputs per class of head ``linear``, whose mean is the class score.
        sequence: whether each time step has its own image.
    """

    image_channels: int
    image_side: Side
    n_classes: int
    channels: int
    n_cells: int = 2
    head_width: int = 1024
    head: str = "linear"
    n_voters: int = 10
    sequence: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "image_side", side_of(self.image_size))
        if min(self.cell_size(self.n_cells - 1)) < 2:
            raise ConfigurationError(
                f"image side {min(self.image_size)} is too small for {self.n_cells} cells, each followed by a 2x2 "
                f"pool; expected at least {2**self.n_cells * self.stem_stride}"
            )

    @property
    def image_size(self) -> Pair:
        """Height and width of the input image in pixels."""
        return size_of(self.image_side)

    @property
    def stem_stride(self) -> int:
        """Stride of the stem convolution."""
        return 2 if min(self.image_size) >= LARGE_IMAGE_SIDE else 1

    def cell_channels(self, place: int) -> int:
        """Channels in the cell at ``place`` (0 is the first)."""
        return self.channels << place

    def cell_size(self, place: int) -> Pair:
        """Height and width in pixels in the cell at ``place``."""
        height, width = (-(-side // self.stem_stride) >> place for side in self.image_size)
        return height, width


def side_of(size: Sequence[int]) -> Side:
    """Side of an image of this height and width."""
    height, width = size
    return height if height == width else (height, width)


def size_of(side: Side) -> Pair:
    """Height and width of an image of this side."""
    return (side, side) if isinstance(side, int) else side


def cell_name(place: int) -> str:
    """``A`` for the first place, ``B`` for the second, …"""
    return chr(ord("A") + place)


def edge_name(place: int, low: int, high: int) -> str:
    """Name of the layer on the edge ``low`` -> ``high`` of the cell at ``place``: ``A.01``."""
    return f"{cell_name(place)}.{low}{high}"


def reduction_name(place: int, n_cells: int) -> str:
    """Name of the reduction before the cell at ``place``."""
    return "reduction" if n_cells == 2 else f"reduction.{place}"
