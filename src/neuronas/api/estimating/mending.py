"""Changes of settings with which a network fits a chip."""

import shlex
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from neuronas.api.setup.plan import Plan
from neuronas.config import (
    FEWEST_BITS,
    LayerBits,
    WeightBits,
    as_options,
    bits_of,
    covers,
    distinct_bits,
    given as given_settings,
    with_value,
    written,
)
from neuronas.hardware.fitting import Fit, fit_graph, most_bits
from neuronas.hardware.target import Target
from neuronas.runs.directory import CONFIG
from neuronas.runs.fits import Mend
from neuronas.space.genotype import NONE, Architecture, Edge, Genotype, node_pairs
from neuronas.space.layer_bits import graph_bits
from neuronas.space.lowering import lower
from neuronas.space.shape import NetworkShape

_MOST_CHANNELS = 4096
_LOWEST_SIDE = 8
"""Smallest proposed image side in pixels."""


Changes = dict[str, object]
"""Changed settings, by path."""


class Mending:
    """An architecture on a chip, with the given and with changed settings.

    Args:
        run: the settings.
        architecture: the architecture.
        target: the chip.
        target_name: name of the chip, or its file.
        directory: run directory of the architecture, if any.
    """

    def __init__(
        self, run: Plan, architecture: Architecture, target: Target, target_name: str, directory: Path | None = None
    ):
        self.run, self.architecture, self.target = run, architecture, target
        self.target_name, self.directory = target_name, directory
        self.shape, self.bits = run.shape, run.config.network.weight_bits
        self.layer_bits = graph_bits(self.bits, lower(architecture, run.shape))

    @cached_property
    def found(self) -> Fit:
        """The network with the given settings."""
        return self._fit(self.shape, self.bits)

    @property
    def widest(self) -> int | None:
        """The largest number of channels that fits, all else unchanged; None: none does, or the width cannot be set."""
        return self._widest(self.shape, self.bits)

    @cached_property
    def mends(self) -> tuple[Mend, ...]:
        """Changes of the settings that remove some or all broken limits; empty if the network fits."""
        return tuple(_as_mend(*one) for one in self.tried)

    @cached_property
    def tried(self) -> tuple[tuple[Changes, Fit], ...]:
        """Changes, and the network with each of them; none if it fits."""
        return () if self.found.fits else tuple(self._tried(self.found))

    @cached_property
    def around_cells(self) -> "Mending":
        """The same for the layers around the cells, which every architecture has: cells pass their input on."""
        n_nodes = self.architecture.n_nodes
        edges = (Edge("skip") if pair == (0, n_nodes - 1) else NONE for pair in node_pairs(n_nodes))
        through = Genotype(tuple(edges))
        return Mending(self.run, Architecture((through,)), self.target, self.target_name)

    @property
    def advice(self) -> str:
        """What to do if no change of the settings helps, in one line; empty if one does, or the network fits."""
        if self.found.fits or any(mend.fits for mend in self.mends):
            return ""
        around = self.around_cells
        changes = {} if around.found.fits else next((changes for changes, fit in around.tried if fit.fits), None)
        if changes is None:
            fits = (around.found, *(fit for _, fit in around.tried))
            left = set.intersection(*({one.limit for one in fit.broken} for fit in fits))
            first = next((one for one in around.found.broken if one.limit in left), around.found.broken[0])
            return (
                f"no search helps, since every architecture breaks limits ({first.layer or 'network'}: {first.text}); "
                "give another --target, or a network of your own"
            )
        sums = any(one.limit == "sum" for one in self.found.broken) and NONE.operation not in self.run.space.operations
        return f"another architecture may fit: {self._search(changes)}" + (
            "; limit sum needs a --space with operation none, such as snasnet" if sums else ""
        )

    def _search(self, changes: Changes) -> str:
        """The command of a search for this chip, with the settings of the network and these changes."""
        values = {} if self.directory else written(self.run.given)
        for path, value in {**changes, "hardware.target": self.target_name}.items():
            if isinstance(value, LayerBits) and isinstance(self.bits, LayerBits):
                value = LayerBits(tuple({**dict(self.bits.items), **dict(value.items)}.items()))
            values = with_value(values, path, value)
        own = ["--config", str(self.directory / CONFIG)] if self.directory else []
        return shlex.join(["neuronas", "search", *own, *as_options(given_settings(values, "settings"), "search")])

    def _fit(self, shape: NetworkShape, bits: WeightBits) -> Fit:
        return fit_graph(lower(self.architecture, shape), bits, self.target)

    def _widest(self, shape: NetworkShape, bits: WeightBits, most: int = _MOST_CHANNELS) -> int | None:
        """The largest number of channels that fits, by bisection: requirements grow with the width."""
        if self.run.space.channels or not self._fit(replace(shape, channels=1), bits).fits:
            return None
        low, high = 1, most + 1
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._fit(replace(shape, channels=middle), bits).fits else (low, middle)
        return low

    def _tried(self, found: Fit) -> Iterator[tuple[Changes, Fit]]:
        """Single changes, each as small as possible; then all helpful changes together."""
        bits = _fitting_bits(found, self.bits) or self.bits
        if bits != self.bits:
            yield self._changed(self.shape, bits)
        if (width := self._widest(self.shape, self.bits, self.shape.channels)) is not None:
            yield self._changed(replace(self.shape, channels=width), self.bits)
        if (side := self._largest_side(self.bits)) is not None:
            yield self._changed(replace(self.shape, image_side=side), self.bits)
        if self.shape.head != "gap" and covers(self.bits, "head"):
            yield self._changed(replace(self.shape, head="gap"), self.bits)
        if bits != self.bits and not self._fit(self.shape, bits).fits:
            width = self._widest(self.shape, bits, self.shape.channels)
            if width is not None:
                yield self._changed(replace(self.shape, channels=width), bits)

    def _largest_side(self, bits: WeightBits) -> tuple[int, int] | None:
        height, width = self.shape.image_size
        least = max(_LOWEST_SIDE, 2**self.shape.n_cells)
        for side in range(height - 1, least - 1, -1):
            sides = (side, max(least, round(width * side / height)))
            if self._fit(replace(self.shape, image_side=sides), bits).fits:
                return sides
        return None

    def _changed(self, shape: NetworkShape, bits: WeightBits) -> tuple[Changes, Fit]:
        changes: Changes = {}
        if shape.head != self.shape.head:
            changes["network.head"] = shape.head
        if shape.channels != self.shape.channels:
            changes["network.channels"] = shape.channels
        if bits != self.bits:
            changes["network.weight_bits"] = bits
        if shape.image_size != self.shape.image_size:
            changes["data.image_side"] = shape.image_size
        return changes, self._fit(shape, bits)


def mended_bits(found: Fit, bits: WeightBits, refit: Callable[[WeightBits], Fit]) -> Iterator[Mend]:
    """Fewer weight bits, if too many of them are a limit that a network breaks.

    Args:
        found: the network on the chip.
        bits: its weight bits.
        refit: the network on the chip with other bits.
    """
    fewer = _fitting_bits(found, bits)
    if fewer is not None:
        yield _as_mend({"network.weight_bits": fewer}, refit(fewer))


def _fitting_bits(found: Fit, bits: WeightBits) -> WeightBits | None:
    """The most bits at which every layer's weights fit; None if bits are not the problem, or no precision fits.

    Bits by layer are reduced only in the layers that need it.
    """
    over = {
        one.layer: int(cast(float, one.value) - cast(float, one.allowed))
        for one in found.broken
        if one.limit == "weight_bits"
    }
    if not over:
        return None
    if isinstance(bits, int):
        fewer: WeightBits = bits - max(over.values())
    else:
        lowered: dict[str, int] = {}
        for layer in found.layers:
            allowed = most_bits(layer, bits) - over.get(layer.name, 0)
            for node in (one.node for one in (layer, *layer.adds) if one.node):
                lowered[node] = min(lowered.get(node, bits_of(bits, node)), allowed)
        fewer = LayerBits(tuple(lowered.items()))
    return fewer if distinct_bits(fewer)[0] >= FEWEST_BITS else None


def _as_mend(changes: Changes, fit: Fit) -> Mend:
    values: dict[str, Any] = {}
    for path, value in changes.items():
        values = with_value(values, path, value)
    options = shlex.join(as_options(given_settings(values, "changes"), "fit"))
    return Mend(options=options, fits=fit.fits, left=tuple(dict.fromkeys(one.limit for one in fit.broken)))
