"""Search spaces: presets and user-defined spaces in the same file format."""

from collections.abc import Iterator
from functools import cached_property
from itertools import product
from pathlib import Path
from random import Random
from typing import Annotated

from pydantic import Field, field_validator

from neuronas.config import OPERATIONS, SPACES, Section, load_named
from neuronas.errors import ArchitectureError, ConfigurationError, suggestion
from neuronas.space.genotype import FEWEST_NODES, MOST_NODES, Architecture, Edge, Genotype, node_pairs
from neuronas.space.notation import format_edge

_PRESETS = Path(__file__).parent / "presets"
MAX_DRAWS_PER_CELL = 10_000


class Space(Section):
    """A search space: the choices for each edge, and how cells form a network.

    Attributes:
        source: publication of the space.
        nodes: number of nodes of a cell.
        operations: names of the operations that an edge may have.
        thresholds: firing thresholds that an edge with neurons may have; empty: that of the network.
        channels: channels before the first reduction, if the space fixes them.
        cells: number of cell places in the network, with a reduction between neighbours.
        shared_cell: whether all places use the same cell.
        backward: whether an edge may also carry its value back to the next time step.
        require_direct_edge: whether input and output must be connected by a direct edge (SNASNet redraws cells without
            one).
    """

    source: str = ""
    nodes: Annotated[int, Field(ge=FEWEST_NODES, le=MOST_NODES)] = 4
    operations: Annotated[tuple[str, ...], Field(min_length=1, strict=False)]
    thresholds: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(strict=False)] = ()
    channels: Annotated[int, Field(ge=1, le=4096)] | None = None
    cells: Annotated[int, Field(ge=1, le=6)] = 2
    shared_cell: bool = False
    backward: bool = False
    require_direct_edge: bool = False

    @field_validator("operations")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in OPERATIONS:
                raise ValueError(f"unknown operation '{name}'{suggestion(name, OPERATIONS)}")
        if len(set(names)) != len(names):
            raise ValueError("an operation is given twice")
        if not any(OPERATIONS[name].connects for name in names):
            raise ValueError("expected at least one operation that connects")
        return names

    @cached_property
    def edge_choices(self) -> tuple[Edge, ...]:
        """All choices for one edge."""
        directions = (False, True) if self.backward else (False,)
        return tuple(
            Edge(name, threshold, backward)
            for name in self.operations
            for threshold in ((self.thresholds or (None,)) if OPERATIONS[name].has_neurons else (None,))
            for backward in directions
            if not backward or OPERATIONS[name].connects
        )

    @property
    def n_edges(self) -> int:
        """Number of edges of a cell."""
        return len(node_pairs(self.nodes))

    @property
    def n_genotypes(self) -> int:
        """Number of cells in the space."""
        direct = sum(map(self._is_direct, self.edge_choices)) if self.require_direct_edge else len(self.edge_choices)
        return direct * int(len(self.edge_choices) ** (self.n_edges - 1))

    @property
    def n_architectures(self) -> int:
        """Number of architectures in the space, including equivalent ones."""
        return int(self.n_genotypes ** (1 if self.shared_cell else self.cells))

    def genotypes(self) -> Iterator[Genotype]:
        """All cells, in a fixed order."""
        return (cell for cell in map(Genotype, product(self.edge_choices, repeat=self.n_edges)) if self.allows(cell))

    def random_genotype(self, random: Random) -> Genotype:
        """Draw a cell uniformly.

        Raises:
            ConfigurationError: no cell meets the conditions of the space.
        """
        for _ in range(MAX_DRAWS_PER_CELL):
            cell = Genotype(tuple(random.choice(self.edge_choices) for _ in range(self.n_edges)))
            if self.allows(cell):
                return cell
        raise ConfigurationError("this space holds no cell with the direct edge that it requires")

    def random_architecture(self, random: Random) -> Architecture:
        """Draw an architecture uniformly: one cell for all places, or one for each."""
        n_drawn = 1 if self.shared_cell else self.cells
        return Architecture(tuple(self.random_genotype(random) for _ in range(n_drawn)))

    def check(self, architecture: Architecture) -> None:
        """Check that an architecture is in this space.

        Raises:
            ArchitectureError: it is not; the message names the cell, the edge and the allowed choices.
        """
        if self.shared_cell and len(architecture.cells) > 1:
            raise ArchitectureError("this space uses one cell at all places; different cells given")
        architecture.expanded(self.cells)
        if architecture.n_nodes != self.nodes:
            raise ArchitectureError(
                f"this space has cells of {self.nodes} nodes; cells of {architecture.n_nodes} given"
            )
        allowed = set(self.edge_choices)
        for number, cell in enumerate(architecture.cells, start=1):
            for edge, (low, high) in zip(cell.edges, cell.pairs, strict=True):
                if edge not in allowed:
                    known = ", ".join(sorted({format_edge(choice, low) for choice in self.edge_choices}))
                    given = format_edge(edge, low)
                    raise ArchitectureError(
                        f"cell {number}, node {high}: '{given}' is not in this space (allowed: {known})"
                    )

    def allows(self, cell: Genotype) -> bool:
        """Whether a cell meets the conditions of the space."""
        return not self.require_direct_edge or self._is_direct(cell.edges[cell.pairs.index((0, self.nodes - 1))])

    @staticmethod
    def _is_direct(edge: Edge) -> bool:
        return edge.kind.connects and not edge.backward


BUILTIN: dict[str, Path] = {path.stem: path for path in sorted(_PRESETS.glob("*.yaml"))}
"""Files of the built-in search spaces, by name."""


def load_space(given: Space | str) -> Space:
    """Load a space by name or from a YAML file; an object is returned unchanged.

    Raises:
        ConfigurationError: the name is unknown, the file cannot be read, or it has an invalid value.
    """
    return load_named(Space, SPACES, given)
