r"""Architecture as text, in NAS-Bench-201's notation.

``|conv_3x3~0|+|skip~0|conv_3x3~1|+|avg_pool_3x3~0|skip~1|conv_3x3~2| / |skip~0|+|…``: the groups between
``+`` are the nodes 1, 2, 3 of a cell of four nodes (it may have 3 to 6); ``OPERATION~SOURCE`` names an edge
into that node; ``/`` joins cells. Two additions: ``conv_3x3@0.5~0`` sets the threshold of the edge's neurons,
and ``skip^0`` is an edge that carries the group's node back to node 0 at the next time step.
"""

import re

from neuronas.errors import ArchitectureError, counted
from neuronas.space.genotype import FEWEST_NODES, MOST_NODES, Architecture, Edge, Genotype

MAX_TEXT = 10_000
_EDGE = re.compile(r"(?P<operation>[A-Za-z_0-9]+)(?:@(?P<threshold>[0-9.eE+-]+))?(?P<arrow>[~^])(?P<node>\d{1,3})")


def format_edge(edge: Edge, low: int) -> str:
    """Text of one edge; ``low`` is its earlier node."""
    threshold = "" if edge.threshold is None else f"@{edge.threshold!r}"
    return f"{edge.operation}{threshold}{'^' if edge.backward else '~'}{low}"


def format_genotype(cell: Genotype) -> str:
    """Text of one cell."""
    edges = iter(cell.edges)
    groups = (
        "|" + "|".join(format_edge(next(edges), low) for low in range(high)) + "|" for high in range(1, cell.n_nodes)
    )
    return "+".join(groups)


def format_architecture(architecture: Architecture) -> str:
    """Text of an architecture; the inverse of ``parse_architecture``."""
    return " / ".join(format_genotype(cell) for cell in architecture.cells)


def parse_architecture(text: str) -> Architecture:
    """Read an architecture from its text.

    Raises:
        ArchitectureError: the text is invalid; the message names the cell, the node and the error.
    """
    if len(text) > MAX_TEXT:
        raise ArchitectureError(f"architecture text has {len(text):,} characters; expected at most {MAX_TEXT:,}")
    return Architecture(
        tuple(_parse_cell(part.strip(), f"cell {number}") for number, part in enumerate(text.split("/"), start=1))
    )


def parse_genotype(text: str) -> Genotype:
    """Read one cell from its text."""
    return _parse_cell(text.strip(), "cell")


def _parse_cell(text: str, where: str) -> Genotype:
    # Split at '+' between bars only: a threshold such as 1e+2 may hold one.
    groups = re.split(r"(?<=\|)\+(?=\|)", re.sub(r"\s", "", text))
    if not FEWEST_NODES <= len(groups) + 1 <= MOST_NODES:
        raise ArchitectureError(
            f"{where}: {counted(len(groups), 'node group')} in '{_shorten(text)}'; expected {FEWEST_NODES - 1} to "
            f"{MOST_NODES - 1} joined by '+', as in |skip~0|+|skip~0|skip~1|+|skip~0|skip~1|skip~2|"
        )
    return Genotype(
        tuple(
            edge
            for high, group in enumerate(groups, start=1)
            for edge in _parse_group(group, high, f"{where}, node {high}")
        )
    )


def _parse_group(group: str, high: int, where: str) -> list[Edge]:
    if len(group) < 2 or not (group.startswith("|") and group.endswith("|")):
        raise ArchitectureError(f"{where}: '{_shorten(group)}' given; expected edges between bars, as in |skip~0|")
    parts = group[1:-1].split("|")
    if len(parts) != high:
        raise ArchitectureError(
            f"{where}: {counted(len(parts), 'edge')} given; expected {high}, one from each of the nodes 0 to {high - 1}"
        )
    return [_parse_edge(part, low, high, where) for low, part in enumerate(parts)]


def _parse_edge(text: str, low: int, high: int, where: str) -> Edge:
    match = _EDGE.fullmatch(text)
    if match is None:
        raise ArchitectureError(
            f"{where}: edge '{_shorten(text)}' given; expected OPERATION~SOURCE, as in conv_3x3~{low}"
        )
    node = int(match["node"])
    if node >= high:
        raise ArchitectureError(
            f"{where}: edge '{text}' comes from node {node}, which is not earlier than node {high}; expected node {low}"
            " (a feedback edge is written at its later node, as in skip^0)"
        )
    if node != low:
        raise ArchitectureError(f"{where}: edge '{text}' stands where the edge of node {low} belongs; expected ~{low}")
    try:
        threshold = None if match["threshold"] is None else float(match["threshold"])
        return Edge(match["operation"], threshold, match["arrow"] == "^")
    except ValueError:
        raise ArchitectureError(f"{where}: threshold '{match['threshold']}' given; expected a number above 0") from None
    except ArchitectureError as error:
        raise ArchitectureError(f"{where}: {error}") from None


def _shorten(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."
