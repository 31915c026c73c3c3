"""What a cost model answers: totals for many architectures at once, and one architecture in full."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from neuronas.space.workload import Column, Layer, Occupancy, Slot

Array = NDArray[np.float64]
BUDGETED = ("parameters", "area_mm2", "latency_ms", "energy_uj")
"""The four quantities that a budget can limit."""


@dataclass(frozen=True)
class Totals:
    """Cost of n architectures, one array [n] each."""

    parameters: Array
    area_mm2: Array
    latency_ms: Array
    energy_uj: Array


@dataclass(frozen=True)
class LayerCost:
    """One row of a cost report. A layer that the model does not count costs nothing and holds no crossbar.

    ``utilisation`` is the share of the layer's crossbar columns and rows that hold a weight (0 to 1).
    """

    layer: Layer
    n_crossbars: int
    n_pes: int
    n_tiles: int
    utilisation: float
    area_mm2: float
    latency_ms: float
    energy_uj: float


@dataclass(frozen=True)
class Cost:
    """One architecture in full. Each total is the sum over ``layers`` and, as well, over ``components``.

    ``components`` maps ``area_mm2``, ``latency_ms`` and ``energy_uj`` to named parts.
    """

    parameters: int
    memory_bits: int
    area_mm2: float
    latency_ms: float
    energy_uj: float
    layers: tuple[LayerCost, ...]
    components: dict[str, dict[str, float]]
    assumptions: tuple[str, ...]

    @classmethod
    def of(
        cls,
        totals: Totals,
        weight_bits: int,
        layers: tuple[LayerCost, ...],
        parts: Mapping[str, Mapping[str, Array]],
        assumptions: tuple[str, ...],
    ) -> "Cost":
        """Put a cost together.

        Args:
            totals: of the one architecture, as a search sees them, so that a limit that equals an estimate is never
                broken by rounding.
            weight_bits: of a parameter in memory.
            layers: every row.
            parts: ``area_mm2``, ``latency_ms`` and ``energy_uj``: each part's share in every row.
            assumptions: of the model.
        """
        parameters = int(totals.parameters[0])
        return cls(
            parameters=parameters,
            memory_bits=parameters * weight_bits,
            area_mm2=float(totals.area_mm2[0]),
            latency_ms=float(totals.latency_ms[0]),
            energy_uj=float(totals.energy_uj[0]),
            layers=layers,
            components={
                quantity: {name: float(part.sum()) for name, part in terms.items()} for quantity, terms in parts.items()
            },
            assumptions=assumptions,
        )


class CostModel(Protocol):
    """Costs architectures on one accelerator at one precision and number of time steps."""

    @property
    def name(self) -> str:
        """The name in the registry of cost models."""
        ...

    def totals(self, slots: Sequence[Slot], occupancy: Occupancy) -> Totals:
        """Cost many architectures in one vectorised call.

        Args:
            slots: the places where work may stand (``space.workload``).
            occupancy: [n, n_slots] what stands there.
        """
        ...

    def estimate(self, layers: Sequence[Layer]) -> Cost:
        """Cost the rows of one architecture (``space.workload.rows``) per layer and per component."""
        ...


def tabulate(places: Sequence[Column], occupancy: Occupancy, quantities: Callable[[Sequence[Layer]], Array]) -> Array:
    """Look-up table of what rows add: [choices, n_columns, n_quantities], 0 where nothing stands.

    Args:
        places: what can stand where.
        occupancy: where the table will be looked up.
        quantities: gives [n_rows, n_quantities] of some rows.
    """
    found = [(choice, number, row) for number, place in enumerate(places) for choice, row in place.rows.items()]
    choices, numbers, rows = zip(*found, strict=True)
    values = quantities(rows)
    table = np.zeros((int(occupancy.max()) + 1, len(places), values.shape[1]))
    table[choices, numbers] = values
    return table
