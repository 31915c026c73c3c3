"""Chips you can buy, or that are documented publicly: their limits as data, each with its source.

A limit that is absent is not documented, and is not checked. ``neuronas.hardware.fitting`` checks networks.
"""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from neuronas.config import TARGETS, Section, load_named
from neuronas.errors import ConfigurationError
from neuronas.hardware.quantity import UNSTATED, Count

_PRESETS = Path(__file__).parent / "targets"


class Choice(Section):
    """Values that a chip supports, with their source."""

    values: Annotated[tuple[int, ...], Field(strict=False, min_length=1)]
    source: str = UNSTATED


class Ability(Section):
    """What a chip can or cannot do, with its source."""

    value: bool
    source: str = UNSTATED


class LayerLimits(Section):
    """Limits of one layer: weights, the neurons after them, and pooling of their spikes.

    Attributes:
        kernels: sides of the kernel.
        strides: strides of the convolution.
        weight_bits: weight bits of the chip; fewer bits fit as well.
        mean_pools: sides of windows for sum or mean pooling of spikes, with a stride equal to the side.
        max_pools: sides of windows for max pooling, with a stride equal to the side.
        max_padding: zeros on each side of the image.
        max_channels: maximum number of input and of output channels.
        max_in_side: maximum height and width of the input in pixels.
        max_out_side: maximum height and width of the neurons in pixels.
        max_inputs: maximum number of inputs of one neuron.
        max_targets: maximum number of neurons that receive the spikes of one neuron.
    """

    kernels: Choice | None = None
    strides: Choice | None = None
    weight_bits: Choice | None = None
    mean_pools: Choice | None = None
    max_pools: Choice | None = None
    max_padding: Count | None = None
    max_channels: Count | None = None
    max_in_side: Count | None = None
    max_out_side: Count | None = None
    max_inputs: Count | None = None
    max_targets: Count | None = None

    def over(self, other: "LayerLimits") -> "LayerLimits":
        """Fill missing limits from ``other``."""
        own = {name: getattr(self, name) for name in type(self).model_fields}
        return other.model_copy(update={name: value for name, value in own.items() if value is not None})


class Cores(Section):
    """Cores of one kind.

    Attributes:
        n: number of cores.
        n_neurons: neurons per core.
        n_weights: words of weight memory per core, one weight each.
        weight_memory_bits: bits of weight memory per core, if weights are packed.
    """

    n: Count
    n_neurons: Count
    n_weights: Count | None = None
    weight_memory_bits: Count | None = None


class Target(Section):
    """A chip with its limits.

    Attributes:
        name: name of a built-in target, or its file.
        description: description in one line.
        cores: cores of each kind.
        divides_layers: whether a layer may use several cores; otherwise each layer uses exactly one.
        rounds_up: whether memory is addressed in powers of two: kernels of c * 2^ceil(log2 k^2) * 2^ceil(log2 f) words,
            neurons of f * 2^ceil(log2 height) * 2^ceil(log2 width).
        layers: limits of all layers.
        first: limits of layers that read the image, where they differ.
        linear: limits of fully connected layers, where they differ.
        adds_values: whether values of several layers can be added before neurons.
        has_groups: whether convolutions may have groups.
        max_destinations: maximum number of layers that receive the spikes of one layer.
        max_image_values: maximum of channels times pixels of the image.
        max_classes: maximum number of outputs of the last layer.
        differs: differences between the chip's computation and neuronas', one sentence each.
    """

    name: str = ""
    description: str = ""
    cores: Annotated[tuple[Cores, ...], Field(strict=False)] = ()
    divides_layers: Ability = Ability(value=False)
    rounds_up: Ability = Ability(value=False)
    layers: LayerLimits = LayerLimits()
    first: LayerLimits = LayerLimits()
    linear: LayerLimits = LayerLimits()
    adds_values: Ability = Ability(value=True)
    has_groups: Ability = Ability(value=True)
    max_destinations: Count | None = None
    max_image_values: Count | None = None
    max_classes: Count | None = None
    differs: Annotated[tuple[str, ...], Field(strict=False)] = ()


def _without_limits(target: Target) -> bool:
    optional = (target.max_destinations, target.max_image_values, target.max_classes)
    of_layers = (getattr(one, name) for one in (target.layers, target.first, target.linear) for name in _LAYER_LIMITS)
    is_free = target.adds_values.value and target.has_groups.value
    return is_free and not target.cores and all(limit is None for limit in (*optional, *of_layers))


_LAYER_LIMITS = tuple(LayerLimits.model_fields)
BUILTIN: dict[str, Path] = {path.stem: path for path in sorted(_PRESETS.glob("*.yaml"))}
"""Files of the built-in targets, by name."""


def load_target(given: Target | str) -> Target:
    """Load a target by name or from a YAML file; an object is returned unchanged.

    Raises:
        ConfigurationError: the name is unknown, the file cannot be read, a key or value is wrong, or it has no limits.
    """
    found = load_named(Target, TARGETS, given, has_name=True)
    if _without_limits(found):
        raise ConfigurationError(
            f"target {found.name or 'given'}: states no limit, so every network would fit; expected at least one of "
            "cores, layers, first, linear, adds_values, has_groups or max_…"
        )
    return found
