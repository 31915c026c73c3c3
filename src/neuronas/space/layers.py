"""The only place where shapes are decided: architecture and input shape -> layer table.

Network: stem 3x3 convolution -> cell -> (reduction: 3x3 convolution that doubles the channels, 2x2 average
pool -> cell) ... -> head. Head ``linear``, the papers': 2x2 average pool, linear to ``head_width``, LIF, linear
to ``N_VOTERS`` outputs per class whose mean is the class score. Head ``gap``: mean over all pixels, linear to the
classes. Cost models see the table as arrays: one row per architecture, one column per place where a convolution
may stand.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from neuronas.errors import ConfigurationError
from neuronas.space.genotype import N_EDGES, NODE_PAIRS, Architecture, Genotype
from neuronas.space.graph import Pair

Side = int | Pair
"""Side of an image in pixels; height and width if they differ."""
N_VOTERS = 10
LARGE_IMAGE_SIDE = 64
"""Images whose shorter side has as many pixels are halved by the stem (stride 2), as published for TinyImageNet."""


@dataclass(frozen=True)
class Layer:
    """One layer of a network. Sides are in pixels, before any pooling that follows.

    Attributes:
        name: ``stem``, ``A.01`` (cell A, edge 0->1), ``reduction``, ``head.1``, …
        kind: ``conv``, ``avg_pool`` or ``linear``.
    """

    name: str
    kind: str
    in_channels: int
    out_channels: int
    kernel: int
    stride: int
    in_side: int
    out_side: int

    @property
    def n_weights(self) -> int:
        """Number of weights (no bias, no batch norm)."""
        return 0 if self.kind == "avg_pool" else self.in_channels * self.out_channels * self.kernel**2


@dataclass(frozen=True)
class NetworkShape:
    """What decides the shape of every layer, apart from the cells.

    Attributes:
        image_channels: channels of the input image.
        image_side: side of the input image in pixels; height and width if it is not square.
        n_classes: number of classes.
        channels: channels before the first reduction; each reduction doubles them.
        n_cells: number of cell places.
        head_width: outputs of the head's first linear layer.
        head: ``linear`` (the papers': pool, linear, LIF, linear) or ``gap`` (mean over all pixels, one linear layer).
    """

    image_channels: int
    image_side: Side
    n_classes: int
    channels: int
    n_cells: int = 2
    head_width: int = 1024
    head: str = "linear"

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
        return size_of_side(self.image_side)

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

    def cell_side(self, place: int) -> int:
        """Side in pixels in the cell at ``place``, of square images."""
        return self.square_side and self.cell_size(place)[0]

    @property
    def square_side(self) -> int:
        """Side of the input image, of square images.

        Raises:
            ConfigurationError: they are not.
        """
        height, width = self.image_size
        if height != width:
            raise ConfigurationError(f"images of {height}x{width} pixels given; expected square ones")
        return height


def side_of(size: Pair) -> Side:
    """Side of an image of this height and width."""
    height, width = size
    return height if height == width else (height, width)


def size_of_side(side: Side) -> Pair:
    """Height and width of an image of this side."""
    return (side, side) if isinstance(side, int) else side


def cell_name(place: int) -> str:
    """``A`` for the first place, ``B`` for the second, …"""
    return chr(ord("A") + place)


def edge_name(place: int, low: int, high: int) -> str:
    """Name of the layer on the edge ``low`` -> ``high`` of the cell at ``place``: ``A.01``."""
    return f"{cell_name(place)}.{low}{high}"


def reduction_name(place: int, n_cells: int) -> str:
    """Name of the reduction in front of the cell at ``place``."""
    return "reduction" if n_cells == 2 else f"reduction.{place}"


def slots(shape: NetworkShape) -> tuple[Layer, ...]:
    """Every place where a convolution may stand, in network order, each as if it held a 3x3 convolution."""
    table = [
        Layer(
            "stem",
            "conv",
            shape.image_channels,
            shape.channels,
            3,
            shape.stem_stride,
            shape.image_size[0],
            shape.cell_side(0),
        )
    ]
    for place in range(shape.n_cells):
        side, channels = shape.cell_side(place), shape.cell_channels(place)
        if place:
            before = shape.cell_side(place - 1)
            name = reduction_name(place, shape.n_cells)
            table.append(Layer(name, "conv", channels // 2, channels, 3, 1, before, before))
        table += [
            Layer(edge_name(place, low, high), "conv", channels, channels, 3, 1, side, side) for low, high in NODE_PAIRS
        ]
    return tuple(table)


def layers(architecture: Architecture, shape: NetworkShape) -> tuple[Layer, ...]:
    """The layer table of one architecture: stem, cells, reductions, head; dead edges removed."""
    places = architecture.cleaned.expanded(shape.n_cells)
    edges = {
        edge_name(place, low, high): edge.kind
        for place, cell in enumerate(places)
        for edge, (low, high) in zip(cell.edges, NODE_PAIRS, strict=True)
    }
    table = []
    for slot in slots(shape):
        operation = edges.get(slot.name)
        if operation is None or operation.is_convolution:
            table.append(slot if operation is None else replace(slot, kernel=operation.kernel))
        elif operation.identity == "linear":
            table.append(replace(slot, kind="avg_pool", kernel=operation.kernel))
    return (*table, *head_layers(shape))


def head_layers(shape: NetworkShape) -> tuple[Layer, ...]:
    """The layers with weights behind the last cell."""
    last = shape.n_cells - 1
    channels = shape.cell_channels(last)
    if shape.head == "gap":
        return (Layer("head", "linear", channels, shape.n_classes, 1, 1, 1, 1),)
    n_features = channels * (shape.cell_side(last) // 2) ** 2
    return (
        Layer("head.1", "linear", n_features, shape.head_width, 1, 1, 1, 1),
        Layer("head.2", "linear", shape.head_width, N_VOTERS * shape.n_classes, 1, 1, 1, 1),
    )


Kernels = NDArray[np.uint8]
"""[n, n_slots] kernel side of the convolution at each slot, 0 where there is none."""


def genotype_kernels(cells: Iterable[Genotype]) -> Kernels:
    """[n, 6] kernel side of the convolution on each live edge of each cell, 0 where there is none."""
    rows = [[edge.kind.kernel if edge.kind.is_convolution else 0 for edge in cell.cleaned.edges] for cell in cells]
    return np.array(rows, dtype=np.uint8).reshape(-1, N_EDGES)


def kernels(architectures: Sequence[Architecture], n_cells: int) -> Kernels:
    """[n, n_slots] kernels of given architectures."""
    places = zip(*(architecture.expanded(n_cells) for architecture in architectures), strict=True)
    return _with_fixed_slots([genotype_kernels(cells) for cells in places])


def pair_kernels(cells: Sequence[Genotype]) -> Kernels:
    """[n * n, n_slots] kernels of every pair (A, B) of cells; row ``i * n + j`` is A = cells[i], B = cells[j]."""
    rows = genotype_kernels(cells)
    return _with_fixed_slots([np.repeat(rows, len(rows), axis=0), np.tile(rows, (len(rows), 1))])


def _with_fixed_slots(places: Sequence[Kernels]) -> Kernels:
    fixed = np.full((len(places[0]), 1), 3, dtype=np.uint8)
    return np.hstack([column for rows in places for column in (fixed, rows)])
