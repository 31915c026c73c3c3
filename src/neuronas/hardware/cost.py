"""The interface of cost models: totals of many architectures at once, and the full cost of one architecture."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from neuronas.space.workload import Column, Layer, Occupancy, Slot

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Totals:
    """Total costs of n architectures; one array [n] per quantity.

    ``array_latency_ms`` and ``array_energy_uj``: the arrays' part, whose estimate is compared with measured arrays;
    None for a model without such a comparison.
    """

    parameters: Array
    area_mm2: Array
    latency_ms: Array
    energy_uj: Array
    array_latency_ms: Array | None = None
    array_energy_uj: Array | None = None

    @classmethod
    def joined(cls, chunks: "Sequence[Totals]") -> "Totals":
        """Concatenate the totals of several sets of architectures."""
        columns = {field.name: [getattr(chunk, field.name) for chunk in chunks] for field in fields(cls)}
        whole: dict[str, Any] = {name: None if one[0] is None else np.concatenate(one) for name, one in columns.items()}
        return cls(**whole)

    def each(self, change: "Callable[[Array], Array]") -> "Totals":
        """Apply a function to every quantity."""
        changed: dict[str, Any] = {name: None if one is None else change(one) for name, one in vars(self).items()}
        return Totals(**changed)


@dataclass(frozen=True)
class Interval:
    """Interval of a cost, from the spread of measured arrays around their estimates.

    Attributes:
        low: lower limit, in the unit of the cost.
        high: upper limit, in the unit of the cost.
        level: confidence, 0 to 1.
        array: the arrays' part of the cost; the rest is not compared with silicon and has no interval.
    """

    low: float
    high: float
    level: float
    array: float


@dataclass(frozen=True)
class LayerCost:
    """Cost of one layer. If the model does not count a layer, its cost and its number of crossbars are 0.

    ``utilisation``: share of the cells of the layer's crossbars that store a weight, 0 to 1; ``weight_bits``: bits of
    each weight, 0 without weights.
    """

    layer: Layer
    weight_bits: int
    n_crossbars: int
    n_pes: int
    n_tiles: int
    utilisation: float
    area_mm2: float
    latency_ms: float
    energy_uj: float


@dataclass(frozen=True)
class Cost:
    """Full cost of one architecture. Each total is the sum over ``layers``, and also the sum over ``components``.

    ``components`` has, for ``area_mm2``, ``latency_ms`` and ``energy_uj``, the cost of each component by name;
    ``intervals`` are by quantity.
    """

    parameters: int
    memory_bits: int
    area_mm2: float
    latency_ms: float
    energy_uj: float
    layers: tuple[LayerCost, ...]
    components: dict[str, dict[str, float]]
    assumptions: tuple[str, ...]
    intervals: dict[str, Interval] = field(default_factory=dict)

    @property
    def is_mixed(self) -> bool:
        """Whether layers have weights of different precisions."""
        return len({row.weight_bits for row in self.layers if row.layer.has_weights}) > 1

    @classmethod
    def of(
        cls,
        totals: Totals,
        memory_bits: int,
        layers: tuple[LayerCost, ...],
        parts: Mapping[str, Mapping[str, Array]],
        assumptions: tuple[str, ...],
        intervals: Mapping[str, Interval] | None = None,
    ) -> "Cost":
        """Make a cost.

        Args:
            totals: totals of the architecture, computed as in a search, so that an estimate used as a limit is not
                exceeded due to rounding.
            memory_bits: bits of all counted parameters.
            layers: cost of each layer.
            parts: for ``area_mm2``, ``latency_ms`` and ``energy_uj``, the cost of each component in each row.
            assumptions: assumptions of the model.
            intervals: intervals of latency and energy, if the model provides them.
        """
        return cls(
            parameters=int(totals.parameters[0]),
            memory_bits=memory_bits,
            area_mm2=float(totals.area_mm2[0]),
            latency_ms=float(totals.latency_ms[0]),
            energy_uj=float(totals.energy_uj[0]),
            layers=layers,
            components={
                quantity: {name: float(part.sum()) for name, part in terms.items()} for quantity, terms in parts.items()
            },
            assumptions=assumptions,
            intervals=dict(intervals or {}),
        )


class CostModel(Protocol):
    """Estimates the cost of architectures on one accelerator, at given weight precisions and number of time steps."""

    @property
    def name(self) -> str:
        """The name in the registry of cost models."""
        ...

    def totals(self, slots: Sequence[Slot], occupancy: Occupancy) -> Totals:
        """Total costs of many architectures in one vectorised call.

        Args:
            slots: all places for work (``space.workload``).
            occupancy: [n, n_slots] the choice at each place.
        """
        ...

    def estimate(self, layers: Sequence[Layer]) -> Cost:
        """Full cost of one architecture, given its rows of work (``space.workload.rows``)."""
        ...


def tabulate(places: Sequence[Column], occupancy: Occupancy, quantities: Callable[[Sequence[Layer]], Array]) -> Array:
    """Table of the contribution of each row of work: [choices, n_columns, n_quantities]; 0 without a row.

    Args:
        places: the rows of each choice at each place.
        occupancy: the choices for which the table will be used.
        quantities: returns [n_rows, n_quantities] for given rows.
    """
    found = [(choice, number, row) for number, place in enumerate(places) for choice, row in place.rows.items()]
    choices, numbers, rows = zip(*found, strict=True)
    values = quantities(rows)
    table = np.zeros((int(occupancy.max()) + 1, len(places), values.shape[1]))
    table[choices, numbers] = values
    return table
