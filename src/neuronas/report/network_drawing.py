"""The whole network in SVG: a block for each layer outside the cells and for each cell, and the cells as graphs below.

This module computes the geometry; ``templates/network.svg`` draws it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, ClassVar

from neuronas.report.cell_drawing import cell_drawing
from neuronas.report.facts import Answer
from neuronas.report.rendering import render
from neuronas.report.style import FONT, colour
from neuronas.space.graph import Node
from neuronas.space.node_operations import Image, Neurons, Pool, Votes, Weights
from neuronas.space.shape import cell_name

if TYPE_CHECKING:
    from markupsafe import Markup

_TITLE_HEIGHT = 22
_PITCH, _ROW_HEIGHT, _WAY = 106, 82, 32  # of blocks; distance of the arrows from the top of a row


@dataclass(frozen=True)
class NetworkBlock:
    """One block of the network: name (above), label, shape of its values (below), x and y of its corner."""

    name: str
    label: str
    shape: str
    stroke: str
    x: int
    y: int
    WIDTH: ClassVar = 88


def network_svg(answer: Answer) -> "Markup":
    """Draw a network."""
    drawn = [cell_drawing(*pair) for pair in zip(answer.architecture.cells, answer.cell_titles, strict=True)]
    width = max(cell.width for cell in drawn)
    n_columns = (width + _PITCH - NetworkBlock.WIDTH) // _PITCH
    blocks = [
        NetworkBlock(*texts, 1 + number % n_columns * _PITCH, number // n_columns * _ROW_HEIGHT)
        for number, texts in enumerate(_parts(answer))
    ]
    heights = [_TITLE_HEIGHT + cell.height for cell in drawn]
    tops = list(accumulate(heights, initial=blocks[-1].y + _ROW_HEIGHT))
    return render(
        "network.svg", FONT=FONT, width=width, height=tops[-1], title_height=_TITLE_HEIGHT, blocks=blocks,
        arrows="".join(map(_arrow, blocks, blocks[1:])), cells=zip(tops[:-1], answer.cell_titles, drawn, strict=True),
        description="network: " + ", ".join(f"{one.name} {one.label} {one.shape}".strip() for one in blocks),
    )  # fmt: skip


def _arrow(one: NetworkBlock, other: NetworkBlock) -> str:
    """Arrow to the next block in the row, or down to the first block of the next row."""
    width = NetworkBlock.WIDTH
    if one.y == other.y:
        return f"M{one.x + width} {one.y + _WAY}h{_PITCH - width - 1}m-5-4l5 4l-5 4"
    return f"M{one.x + width // 2} {one.y + _ROW_HEIGHT - 16}v6H{other.x + width // 2 - 40}v10m-4-5l4 5l4-5"


def _parts(answer: Answer) -> Iterator[tuple[str, str, str, str]]:
    """Name, label, shape and colour of each block."""
    last = None
    for node in answer.graph.nodes:
        place = node.origin.place if node.origin and node.origin.part == "cell" else None
        if place is not None:
            if place != last:
                yield "", f"cell {cell_name(place)}", _shape(node), colour("accent")
            last = place
        elif not isinstance(node.operation, Neurons):
            name = "" if isinstance(node.operation, Image) else node.name
            yield name, _label(node), _shape(node), colour("soft" if isinstance(node.operation, Image) else "ink")


def _label(node: Node) -> str:
    match node.operation:
        case Image():
            return "image"
        case Weights(_, 0):
            return "linear"
        case Weights(_, kernel):
            return f"conv {kernel}×{kernel}"
        case Pool(kernel):
            return f"pool {kernel[0]}×{kernel[1]}"
        case Votes(size):
            return f"mean of {size}"
    raise AssertionError(f"no block shows {node.operation}")


def _shape(node: Node) -> str:
    return "×".join(map(str, node.shape))
