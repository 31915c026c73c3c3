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

    ``array_latency_ms`` and ``array_energy_uj``: the part that arrays take, whose estimate measured arrays are held
    against; None of a model whose arrays are not.
    """

    parameters: Array
    area_mm2: Array
    latency_ms: Array
    energy_uj: Array
    array_latency_ms: Array | None = None
    array_energy_uj: Array | None = None

    @classmethod
    def joined(cls, chunks: "Sequence[Totals]") -> "Totals":
        """Those of several sets of architectures, one after another."""
        columns = {field.name: [getattr(chunk, field.name) for chunk in chunks] for field in fields(cls)}
        whole: dict[str, Any] = {name: None if one[0] is None else np.concatenate(one) for name, one in columns.items()}
        return cls(**whole)

    def each(self, change: "Callable[[Array], Array]") -> "Totals":
        """With every quantity changed."""
        changed: dict[str, Any] = {name: None if one is None else change(one) for name, one in vars(self).items()}
        return Totals(**changed)


@dataclass(frozen=True)
class Interval:
    """Where a cost lies with some confidence, from how far measured arrays are off their estimates.

    Attributes:
        low: lower limit, in the cost's unit.
        high: upper limit.
        level: confidence, 0 to 1.
        array: the part of the cost that arrays take; the rest is not held against silicon, and taken as it is.
    """

    low: float
    high: float
    level: float
    array: float


@dataclass(frozen=True)
class LayerCost:
    """Cost of one layer. If the model does not count a layer, its cost and its number of crossbars are 0.

    ``utilisation``: share of the cells of the layer's crossbars that store a weight, 0 to 1; ``weight_bits``: of each
    of its weights, 0 without weights.
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
            totals: totals of the one architecture, computed as in a search; so an estimate used as a limit is never
                exceeded by rounding.
            memory_bits: bits of all parameters that are counted.
            layers: cost of each layer.
            parts: for ``area_mm2``, ``latency_ms`` and ``energy_uj``, the cost of each component in each row.
            assumptions: assumptions of the model.
            intervals: of latency and energy, where the model has them.
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
