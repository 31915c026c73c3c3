"""Whether a budget can be met at all, and which change of the settings would meet it. Uses cost only."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from heapq import heappop, heappush
from itertools import product
from math import log2
from typing import Any

import numpy as np

from neuronas.config import OPERATIONS, WeightBits, covers, distinct_bits
from neuronas.hardware.budget import Budget, closest
from neuronas.hardware.cost import Array, CostModel, LayerCost, Totals
from neuronas.space.genotype import Architecture, Edge, Genotype, node_pairs
from neuronas.space.shape import NetworkShape
from neuronas.space.spaces import Space
from neuronas.space.workload import Workload, rows

_WIDTHS = (1.0, 0.75, 0.5, 0.375, 0.25, 0.1875, 0.125, 0.0625)
_SIDES = (1.0, 0.75, 0.5)
_BITS = (16, 8, 6, 4)
_LOWEST_USEFUL_SIDE = 8
"""Pixels; smaller images are not proposed."""


@dataclass(frozen=True, order=True)
class Knobs:
    """The settings of a network, other than its cells, that determine its cost."""

    head: str
    channels: int
    timesteps: int
    weight_bits: WeightBits
    image_side: tuple[int, int]

    def changes(self, base: "Knobs") -> dict[str, object]:
        """The settings that differ from ``base``, by path."""
        paths = {name: f"network.{name}" for name in ("head", "channels", "timesteps", "weight_bits")}
        paths["image_side"] = "data.image_side"
        return {path: getattr(self, name) for name, path in paths.items() if getattr(self, name) != getattr(base, name)}


def lean_architectures(space: Space) -> tuple[Architecture, ...]:
    """The cheapest architectures of a space: one layer of weights in each cell and no other work, where possible.

    In a space without operations that have weights: the cells that use one operation on all edges.
    """
    choices = {edge.operation: edge for edge in reversed(space.edge_choices) if not edge.backward}
    fill = next((choices[name] for name in ("none", "skip") if name in choices), space.edge_choices[0])
    n_edges = len(node_pairs(space.nodes))
    weighted = [edge for name, edge in choices.items() if OPERATIONS[name].has_neurons]
    cells = (
        Genotype(tuple(edge if number == place else fill for number in range(n_edges)))
        for edge, place in product(weighted, range(n_edges))
    )
    found = [cell for cell in cells if space.allows(cell) and _uses(cell.cleaned, weighted)]
    return tuple(Architecture((cell,)) for cell in found or (Genotype((edge,) * n_edges) for edge in choices.values()))


def _uses(cell: Genotype, edges: Iterable[Edge]) -> bool:
    return any(edge in cell.edges for edge in edges)


@dataclass(frozen=True)
class Feasibility:
    """Cost of the cheapest networks of a space under changed settings.

    Attributes:
        space: search space that provides the cells.
        shape: shape of the network with the current settings.
        model: function (weight bits, number of time steps) -> cost model.
        base: current settings.
        smallest_bits: lowest weight precision that the chip supports.
        budget: the limits.
    """

    space: Space
    shape: NetworkShape
    model: Callable[[WeightBits, int], CostModel]
    base: Knobs
    smallest_bits: int
    budget: Budget

    @cached_property
    def architectures(self) -> tuple[Architecture, ...]:
        """See ``lean_architectures``."""
        return lean_architectures(self.space)

    def totals(self, knobs: Knobs) -> Totals:
        """Cost of the cheapest architectures with changed settings."""
        work = Workload(self._shape(knobs), self.space.nodes)
        return self.model(knobs.weight_bits, knobs.timesteps).totals(work.slots, work.occupancy(self.architectures))

    def fits(self, knobs: Knobs) -> bool:
        """Whether any of them meets all limits."""
        excess = np.stack(list(self.budget.excess(self.totals(knobs)).values()))
        return bool((excess <= 0).all(axis=0).any())

    def smallest(self, knobs: Knobs) -> dict[str, float]:
        """The smallest value of each quantity, as compared with its limit; each may come from another network."""
        judged = self.budget.judged(self.totals(knobs))
        return {name: float(values.min()) for name, values in judged.items()}

    def enough(self) -> dict[str, float]:
        """The violated limits, raised until one of the cheapest architectures meets them with the current settings.

        The architecture is the one whose worst limit must be raised by the smallest share. Empty if all limits are met.
        """
        totals = self.totals(self.base)
        index = closest(self.budget, totals).index
        costs = {name: float(judged[index]) for name, judged in self.budget.judged(totals).items()}
        return {name: costs[name] for name, limit in self.budget.limits.items() if costs[name] > limit}

    def rows_of_smallest(self, name: str) -> tuple[LayerCost, ...]:
        """The layers of the network with the smallest value of a quantity, with the current settings."""
        values: Array = self.budget.judged(self.totals(self.base))[name]
        architecture = self.architectures[int(values.argmin())]
        model = self.model(self.base.weight_bits, self.base.timesteps)
        return model.estimate(rows(architecture, self._shape(self.base))).layers

    def widest(self) -> int | None:
        """The largest number of channels, up to the current one, at which a network fits; None if there is none."""
        if self.fits(self.base):
            return self.base.channels
        low, high = 0, self.base.channels
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.fits(replace(self.base, channels=middle)) else (low, middle)
        return low or None

    @property
    def lowest(self) -> Knobs:
        """Every setting at its lowest value."""
        return Knobs(*(values[-1] for values in self._values()))

    def single_changes(self) -> Iterator[Knobs]:
        """Changes of a single setting: another head, half the channels, half the time steps, 4 bits, half the side."""
        base, least = self.base, max(4, self.smallest_bits)
        halves: dict[str, Any] = {
            "head": self._heads()[-1],
            "channels": None if self.space.channels else max(base.channels // 2, 1),
            "timesteps": max(base.timesteps // 2, self._fewest_steps),
            "weight_bits": least if least < distinct_bits(base.weight_bits)[0] else None,
            "image_side": self._sides()[-1],
        }
        for name, value in halves.items():
            if value is not None and value != getattr(base, name):
                yield replace(base, **{name: value})

    def mildest(self) -> Knobs | None:
        """The smallest combination of changes (see ``taken``) that fits; None if none fits."""
        values = self._values()
        first = (0,) * len(values)
        queue: list[tuple[float, tuple[int, ...]]] = [(0.0, first)]
        seen = {first}
        while queue:
            _, numbers = heappop(queue)
            knobs = Knobs(*(options[number] for options, number in zip(values, numbers, strict=True)))
            if self.fits(knobs):
                return knobs
            for place, options in enumerate(values):
                following = (*numbers[:place], numbers[place] + 1, *numbers[place + 1 :])
                if following[place] < len(options) and following not in seen:
                    seen.add(following)
                    chosen = Knobs(*(of[number] for of, number in zip(values, following, strict=True)))
                    heappush(queue, (self.taken(chosen), following))
        return None

    def taken(self, knobs: Knobs) -> float:
        """Size of a change, expressed in halvings of the number of channels.

        Halving the image side counts one and a half, halving the time steps a half, two weight bits a quarter, and
        another head a tenth. This sets the order in which changes are tried; it is not a measurement.
        """
        base = self.base
        return (
            0.1 * (knobs.head != base.head)
            + log2(base.channels / knobs.channels)
            + 0.5 * log2(base.timesteps / knobs.timesteps)
            + 0.125 * (min(distinct_bits(base.weight_bits)[0], 16) - min(distinct_bits(knobs.weight_bits)[0], 16))
            + 1.5 * log2(base.image_side[0] / knobs.image_side[0])
        )

    def _values(self) -> tuple[list[Any], ...]:
        """The values of each setting, from the current one to the lowest."""
        base = self.base
        widths = _WIDTHS[:1] if self.space.channels else _WIDTHS
        steps = [base.timesteps, *range(base.timesteps - 1, self._fewest_steps - 1, -1)]
        bits = [base.weight_bits, *self._fewer_bits()]
        channels = list(dict.fromkeys(max(1, int(base.channels * width)) for width in widths))
        return self._heads(), channels, steps, bits, self._sides()

    def _heads(self) -> list[str]:
        """The current head, and a smaller one unless bits are given for layers that only the current head has."""
        found = [self.base.head, *(["gap"] if covers(self.base.weight_bits, "head") else [])]
        return list(dict.fromkeys(found))

    def _fewer_bits(self) -> list[int]:
        """Weight bits below those of every layer, highest first."""
        lowest = distinct_bits(self.base.weight_bits)[0]
        return [bits for bits in _BITS if max(4, self.smallest_bits) <= bits < lowest]

    def _sides(self) -> list[tuple[int, int]]:
        height, width = self.base.image_side
        least = max(_LOWEST_USEFUL_SIDE, 2**self.shape.n_cells)
        sides = [(int(height * part), int(width * part)) for part in _SIDES]
        return [sides[0], *(side for side in sides[1:] if min(side) >= least)]

    @property
    def _fewest_steps(self) -> int:
        return min(2 if self.space.backward else 1, self.base.timesteps)

    def _shape(self, knobs: Knobs) -> NetworkShape:
        return replace(self.shape, head=knobs.head, channels=knobs.channels, image_side=knobs.image_side)
