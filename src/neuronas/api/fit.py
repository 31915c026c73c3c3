"""Whether a network fits a chip you can buy, and which changes would help. Needs neither data nor torch."""

import os
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from neuronas.api.compose import Plan
from neuronas.api.estimate import own_graph
from neuronas.api.settings import Config, planned
from neuronas.config import (
    FEWEST_BITS,
    LayerBits,
    WeightBits,
    as_options,
    bits_of,
    covers,
    distinct_bits,
    value_at,
    with_value,
    written,
)
from neuronas.config import given as given_settings
from neuronas.errors import ConfigurationError
from neuronas.hardware.fitting import Fit, fit_graph, most_bits
from neuronas.hardware.target import Target, load_target
from neuronas.runs.architectures import read_architecture
from neuronas.runs.fits import BrokenTargetLimit, FitLayer, FitResult, Mend
from neuronas.space.genotype import Architecture
from neuronas.space.graph import Graph
from neuronas.space.layer_bits import graph_bits
from neuronas.space.lowering import lower
from neuronas.space.notation import format_architecture
from neuronas.space.shape import NetworkShape

if TYPE_CHECKING:
    import torch

DEFAULT_TARGET = "speck2f"
_MOST_CHANNELS = 4096
_LOWEST_SIDE = 8
"""Smallest proposed image side in pixels."""


def fit(
    architecture: "Architecture | str | os.PathLike[str] | torch.nn.Module",
    *,
    input_shape: Sequence[int] | None = None,
    config: Config = None,
    assignments: Iterable[str] = (),
    **options: Any,
) -> FitResult:
    """Check a network against the documented limits of a chip.

    Args:
        architecture: its text, an ``architecture.json``, or a run directory, whose settings then apply as well; or your
            own network: an ``.onnx`` or ``.nir`` file, or an ``nn.Module``.
        input_shape: [C, H, W] of an image, for modules and for files that do not state it.
        config: settings as a YAML file, nested values or a ``RunConfig``; options override it.
        assignments: ``section.key=value`` texts, as ``--set`` takes them.
        **options: settings by keyword: ``target``, ``dataset``, ``channels``, ``weight_bits``, ….

    Raises:
        ConfigurationError: an option, name or value is unknown.
        ArchitectureError: the argument is neither an architecture nor a path.
        VerificationError: a file is damaged.
    """
    if own := own_graph(architecture, input_shape):
        run, (text, graph) = planned("fit", options, config=config, assignments=assignments), own
        target = target_of(run) or load_target(DEFAULT_TARGET)
        bits = graph_bits(run.config.network.weight_bits, graph)
        found = fit_graph(graph, bits, target)
        mends = () if found.fits else tuple(_mended_bits(found, bits, lambda one: fit_graph(graph, one, target)))
        return _result(text, run, target, found, bits, None, mends)
    if input_shape is not None:
        raise ConfigurationError("input_shape given with an architecture; expected the data set's, or image_side")
    given = read_architecture(cast("Architecture | str | os.PathLike[str]", architecture))
    run = planned("fit", options, config=config, assignments=assignments, run=given.run)
    target = target_of(run) or load_target(DEFAULT_TARGET)
    return _Mending(run, given.architecture, target).result()


def target_of(run: Plan) -> Target | None:
    """The chip that settings name, if any.

    Raises:
        ConfigurationError: an unknown name, or a file that cannot be read.
    """
    chosen: Target | str | None = value_at(written(run.given), "hardware.target")
    return None if chosen is None else load_target(chosen)


class _Mending:
    """An architecture on a chip, with the given and with changed settings."""

    def __init__(self, run: Plan, architecture: Architecture, target: Target):
        self.run, self.architecture, self.target = run, architecture, target
        self.shape, self.bits = run.shape, run.config.network.weight_bits
        self.layer_bits = graph_bits(self.bits, lower(architecture, run.shape))

    def result(self) -> FitResult:
        found = self._fit(self.shape, self.bits)
        text = format_architecture(self.architecture)
        mends = () if found.fits else tuple(self._mends(found))
        return _result(text, self.run, self.target, found, self.layer_bits, self._widest(self.shape, self.bits), mends)

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

    def _mends(self, found: Fit) -> Iterator[Mend]:
        """Single changes, each as small as possible; then all helpful changes together."""
        yield from _mended_bits(found, self.bits, lambda bits: self._fit(self.shape, bits))
        bits = _fitting_bits(found, self.bits) or self.bits
        if (width := self._widest(self.shape, self.bits, self.shape.channels)) is not None:
            yield self._mend(replace(self.shape, channels=width), self.bits)
        if (side := self._largest_side(self.bits)) is not None:
            yield self._mend(replace(self.shape, image_side=side), self.bits)
        if self.shape.head != "gap" and covers(self.bits, "head"):
            yield self._mend(replace(self.shape, head="gap"), self.bits)
        if bits != self.bits and not self._fit(self.shape, bits).fits:
            width = self._widest(self.shape, bits, self.shape.channels)
            if width is not None:
                yield self._mend(replace(self.shape, channels=width), bits)

    def _largest_side(self, bits: WeightBits) -> tuple[int, int] | None:
        height, width = self.shape.image_size
        least = max(_LOWEST_SIDE, 2**self.shape.n_cells)
        for side in range(height - 1, least - 1, -1):
            sides = (side, max(least, round(width * side / height)))
            if self._fit(replace(self.shape, image_side=sides), bits).fits:
                return sides
        return None

    def _mend(self, shape: NetworkShape, bits: WeightBits) -> Mend:
        changes: dict[str, object] = {}
        if shape.head != self.shape.head:
            changes["network.head"] = shape.head
        if shape.channels != self.shape.channels:
            changes["network.channels"] = shape.channels
        if bits != self.bits:
            changes["network.weight_bits"] = bits
        if shape.image_size != self.shape.image_size:
            changes["data.image_side"] = shape.image_size
        return _as_mend(changes, self._fit(shape, bits))


def _mended_bits(found: Fit, bits: WeightBits, refit: Callable[[WeightBits], Fit]) -> Iterator[Mend]:
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


def _as_mend(changes: dict[str, object], fit: Fit) -> Mend:
    values: dict[str, Any] = {}
    for path, value in changes.items():
        values = with_value(values, path, value)
    options = shlex.join(as_options(given_settings(values, "changes"), "fit"))
    return Mend(options=options, fits=fit.fits, left=tuple(dict.fromkeys(one.limit for one in fit.broken)))


def _result(
    text: str, run: Plan, target: Target, found: Fit, bits: WeightBits, widest: int | None, mends: tuple[Mend, ...]
) -> FitResult:
    layers = []
    for layer in found.layers:
        weights, neurons = layer.words(rounded=target.rounds_up.value)
        layers.append(
            FitLayer(
                name=layer.name, in_channels=layer.in_channels, out_channels=layer.out_channels, kernel=layer.kernel,
                stride=layer.stride, pool=layer.pool, n_weights=weights, n_neurons=neurons,
                core=found.cores.get(layer.name),
            )
        )  # fmt: skip
    return FitResult(
        architecture=text,
        target=run.config.hardware.target or DEFAULT_TARGET,
        description=target.description,
        weight_bits=bits,
        fits=found.fits,
        layers=tuple(layers),
        n_cores=sum(int(kind.n) for kind in target.cores) or None,
        n_cores_used=found.n_used,
        broken=tuple(
            BrokenTargetLimit(
                layer=one.layer or None, limit=one.limit, text=one.text, value=one.value, allowed=one.allowed,
                source=one.source, needs_another_architecture=one.is_structural,
            )
            for one in found.broken
        ),
        largest_channels=widest,
        mends=mends,
        differs=target.differs,
    )  # fmt: skip


def limits_broken(run: Plan, target: Target) -> Callable[[Architecture], tuple[str, ...]]:
    """A check for the search: the names of the limits that a candidate violates."""
    bits = run.config.network.weight_bits

    def check(architecture: Architecture) -> tuple[str, ...]:
        graph: Graph = lower(architecture, run.shape)
        return tuple(dict.fromkeys(one.limit for one in fit_graph(graph, bits, target).broken))

    return check
