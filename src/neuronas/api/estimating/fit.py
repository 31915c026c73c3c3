"""Whether a network fits a chip you can buy, and which changes would help. Needs neither data nor torch."""

import os
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, cast

from neuronas.api.estimating.estimate import own_graph
from neuronas.api.estimating.mending import Mending, mended_bits
from neuronas.api.setup.plan import Plan
from neuronas.api.setup.settings import Config, planned
from neuronas.config import (
    WeightBits,
    value_at,
    written,
)
from neuronas.errors import ConfigurationError
from neuronas.hardware.fitting import Fit, fit_graph
from neuronas.hardware.target import Target, load_target
from neuronas.runs.architectures import read_architecture
from neuronas.runs.fits import BrokenTargetLimit, FitLayer, FitResult, Mend
from neuronas.space.genotype import Architecture
from neuronas.space.graph import Graph
from neuronas.space.layer_bits import graph_bits
from neuronas.space.lowering import lower
from neuronas.space.notation import format_architecture

if TYPE_CHECKING:
    import torch

DEFAULT_TARGET = "speck2f"


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
        mends = () if found.fits else tuple(mended_bits(found, bits, lambda one: fit_graph(graph, one, target)))
        return _result(text, run, target, found, bits, None, mends, _advice_on_own(found, mends))
    if input_shape is not None:
        raise ConfigurationError("input_shape given with an architecture; expected the data set's, or image_side")
    given = read_architecture(cast("Architecture | str | os.PathLike[str]", architecture))
    run = planned("fit", options, config=config, assignments=assignments, run=given.run)
    target = target_of(run) or load_target(DEFAULT_TARGET)
    mending = Mending(run, given.architecture, target, run.config.hardware.target or DEFAULT_TARGET, given.run)
    text = format_architecture(given.architecture)
    return _result(text, run, target, mending.found, mending.layer_bits, mending.widest, mending.mends, mending.advice)


def _advice_on_own(found: Fit, mends: Sequence[Mend]) -> str:
    is_helped = found.fits or any(mend.fits for mend in mends)
    return "" if is_helped else "no change of the settings helps: change the layers, or give another --target"


def target_of(run: Plan) -> Target | None:
    """The chip that settings name, if any.

    Raises:
        ConfigurationError: an unknown name, or a file that cannot be read.
    """
    chosen: Target | str | None = value_at(written(run.given), "hardware.target")
    return None if chosen is None else load_target(chosen)


def _result(
    text: str,
    run: Plan,
    target: Target,
    found: Fit,
    bits: WeightBits,
    widest: int | None,
    mends: tuple[Mend, ...],
    advice: str,
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
        advice=advice,
        differs=target.differs,
    )  # fmt: skip


def limits_broken(run: Plan, target: Target) -> Callable[[Architecture], tuple[str, ...]]:
    """A check for the search: the names of the limits that a candidate violates."""
    bits = run.config.network.weight_bits

    def check(architecture: Architecture) -> tuple[str, ...]:
        graph: Graph = lower(architecture, run.shape)
        return tuple(dict.fromkeys(one.limit for one in fit_graph(graph, bits, target).broken))

    return check
