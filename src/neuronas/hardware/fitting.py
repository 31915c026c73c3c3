"""Whether a network fits a chip: each layer against the chip's limits, then all layers against its cores."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, inf, prod

from neuronas.config import WeightBits, bits_of, distinct_bits
from neuronas.hardware.chip_layers import ChipLayer, chip_layers
from neuronas.hardware.quantity import Quantity
from neuronas.hardware.target import Choice, Cores, LayerLimits, Target
from neuronas.space.graph import Graph


@dataclass(frozen=True)
class Broken:
    """A limit of a chip that a network violates.

    Attributes:
        layer: name of the layer that violates it; empty: the network as a whole.
        limit: name of the limit, such as ``kernel`` or ``weight_memory``.
        text: given and expected value, for messages.
        value: value that the layer needs; None if it is not a number.
        allowed: largest or nearest value that the chip supports.
        source: source of the limit.
        is_structural: whether the violation depends on the architecture, so that a smaller layer does not help.
    """

    layer: str
    limit: str
    text: str
    value: float | None
    allowed: float | None
    source: str
    is_structural: bool = False


@dataclass(frozen=True)
class Fit:
    """A network on a chip.

    Attributes:
        layers: layers of the network.
        cores: number of the core of each layer, if each takes a separate core and all are placed; otherwise empty.
        n_used: number of cores in use, or the fewest that can hold the network; None if memory is not documented.
        broken: all violated limits, in the order of the layers.
    """

    layers: tuple[ChipLayer, ...]
    cores: dict[str, int]
    n_used: int | None
    broken: tuple[Broken, ...]

    @property
    def fits(self) -> bool:
        """Whether no limit is broken."""
        return not self.broken


def fit_graph(graph: Graph, weight_bits: WeightBits, target: Target) -> Fit:
    """Check a network against a chip.

    Args:
        graph: graph of the network.
        weight_bits: weight bits, of all layers or by layer.
        target: the chip.
    """
    pools = target.layers.mean_pools
    layers = chip_layers(graph, pools.values if pools else None)
    broken = [one for layer in layers for one in _of_layer(layer, most_bits(layer, weight_bits), target)]
    broken += _of_network(graph, layers, target)
    cores: dict[str, int] = {}
    n_used: int | None = None
    if target.cores and target.divides_layers.value:
        n_used, over = _divided(layers, weight_bits, target)
        broken += over
    elif target.cores:
        cores, over = _placed(layers, target)
        n_used, cores = len(cores), {} if over else cores
        broken += over
    return Fit(layers, cores, n_used, tuple(broken))


def _limits_of(layer: ChipLayer, target: Target) -> LayerLimits:
    limits = target.linear.over(target.layers) if layer.is_linear else target.layers
    return target.first.over(limits) if layer.reads_image else limits


def most_bits(layer: ChipLayer, weight_bits: WeightBits) -> int:
    """Largest number of weight bits of a layer, including its ``adds``."""
    return max(_bits(one, weight_bits) for one in (layer, *layer.adds))


def _bits(layer: ChipLayer, weight_bits: WeightBits) -> int:
    """Weight bits of a layer; for neurons without weights, which need weights on the chip, the largest of any layer."""
    return bits_of(weight_bits, layer.node) if layer.node else distinct_bits(weight_bits)[-1]


def _of_layer(layer: ChipLayer, weight_bits: int, target: Target) -> Iterator[Broken]:
    """Limits that a single layer violates."""
    limits, name = _limits_of(layer, target), layer.name
    if layer.unsupported:
        yield Broken(name, "operation", layer.unsupported, None, None, _source_of(target), is_structural=True)
    if layer.adds and not target.adds_values.value:
        others = ", ".join(dict.fromkeys(one.name for one in layer.adds))
        text = f"values of {name} and {others} are added in front of neurons; expected one layer in front of neurons"
        yield Broken(name, "sum", text, 1.0 + len(layer.adds), 1.0, target.adds_values.source, is_structural=True)
    if layer.groups > 1 and not target.has_groups.value:
        text = f"{layer.groups} groups; expected none"
        yield Broken(name, "groups", text, float(layer.groups), 1.0, target.has_groups.source, is_structural=True)
    yield from _not_among(name, "kernel", max(layer.kernel), limits.kernels)
    yield from _not_among(name, "stride", layer.stride, limits.strides)
    pools = limits.max_pools if layer.reduce == "max" else limits.mean_pools
    yield from _not_among(name, "pool", layer.pool, pools)
    needed = weight_bits + layer.more_bits
    if limits.weight_bits is not None and needed > max(limits.weight_bits.values):
        most = max(limits.weight_bits.values)
        why = f" ({weight_bits} and {layer.more_bits} for sums of weights)" if layer.more_bits else ""
        text = f"weights of {needed} bits{why}; expected at most {most}"
        yield Broken(name, "weight_bits", text, float(needed), float(most), limits.weight_bits.source)
    for limit, value, word in (
        ("max_padding", layer.padding, "pixels of padding"),
        ("max_channels", max(layer.in_channels, layer.out_channels), "channels"),
        ("max_in_side", max(layer.in_sides), "pixels a side at the input"),
        ("max_out_side", max(layer.out_sides), "pixels a side at the neurons"),
        ("max_inputs", layer.n_inputs, "inputs of a neuron"),
        ("max_targets", layer.n_targets, "neurons that an input reaches"),
    ):
        most = getattr(limits, limit)
        if most is not None and value > most:
            yield _too_many(name, limit.removeprefix("max_"), value, most, word)


def _not_among(layer: str, limit: str, value: int, known: Choice | None) -> Iterator[Broken]:
    if known is not None and value not in known.values:
        nearest = min(known.values, key=lambda one: (abs(one - value), -one))
        listed = ", ".join(map(str, known.values)) if len(known.values) < 8 else f"up to {max(known.values)}"
        text = f"{limit} of {value} pixels; expected {listed}"
        yield Broken(layer, limit, text, float(value), float(nearest), known.source, is_structural=True)


def _too_many(layer: str, limit: str, value: float, most: float, word: str) -> Broken:
    source = getattr(most, "source", "")
    text = f"{value:,} {word}; expected at most {most:,.0f}"
    return Broken(layer, limit, text, float(value), float(most), source)


def _source_of(target: Target) -> str:
    return target.adds_values.source


def _of_network(graph: Graph, layers: Sequence[ChipLayer], target: Target) -> Iterator[Broken]:
    """Violated limits of the network as a whole: image, classes, and destinations of spikes."""
    image, last = prod(graph.nodes[0].shape), prod(graph.nodes[-1].shape)
    if target.max_image_values is not None and image > target.max_image_values:
        yield _too_many("", "image", image, target.max_image_values, "values of an image")
    if target.max_classes is not None and last > target.max_classes:
        yield _too_many("", "classes", last, target.max_classes, "classes")
    if target.max_destinations is not None:
        for name, n in Counter(name for layer in layers for name in layer.sources).items():
            if n > target.max_destinations:
                found = _too_many(name, "destinations", n, target.max_destinations, "layers that read its spikes")
                yield Broken(**{**vars(found), "is_structural": True})


def _placed(layers: Sequence[ChipLayer], target: Target) -> tuple[dict[str, int], list[Broken]]:
    """Assign a core to each layer by augmenting paths, so that as many layers as possible have one."""
    kinds = [kind for kind in target.cores for _ in range(int(kind.n))]
    words = {layer.name: layer.words(rounded=target.rounds_up.value) for layer in layers}
    holder: dict[int, str] = {}

    def place(name: str, tried: set[int]) -> bool:
        for number, kind in enumerate(kinds):
            if number not in tried and _holds(kind, words[name]):
                tried.add(number)
                if number not in holder or place(holder[number], tried):
                    holder[number] = name
                    return True
        return False

    broken = []
    left = [layer.name for layer in layers if not place(layer.name, set())]
    for name in left:
        broken += list(_why_no_core(name, words[name], target))
    return {name: number for number, name in sorted(holder.items())}, _once(broken, len(layers), len(kinds), target)


def _holds(kind: Cores, words: tuple[int, int]) -> bool:
    weights, neurons = words
    return neurons <= kind.n_neurons and (kind.n_weights is None or weights <= kind.n_weights)


def _why_no_core(name: str, words: tuple[int, int], target: Target) -> Iterator[Broken]:
    """The memory of a layer that exceeds every core, or that all cores that could hold the layer are taken."""
    weights, neurons = words
    most: float = max((kind.n_weights for kind in target.cores if kind.n_weights is not None), default=inf)
    if weights > most:
        yield _too_many(name, "weight_memory", weights, most, "words of weight memory")
    roomy = max(target.cores, key=lambda kind: float(kind.n_neurons))
    if neurons > roomy.n_neurons:
        yield _too_many(name, "neuron_memory", neurons, roomy.n_neurons, "words of neuron memory")
    elif weights <= most:
        holding = [kind for kind in target.cores if _holds(kind, words)]
        n = sum(int(kind.n) for kind in holding)
        text = f"{weights:,} words of weight memory with {neurons:,} of neuron memory; " + (
            f"expected one of the {n} cores that hold both, which are taken" if n else "no core holds both"
        )
        yield Broken(name, "cores", text, float(weights), None, roomy.n_neurons.source)


def _once(broken: list[Broken], n_layers: int, n_cores: int, target: Target) -> list[Broken]:
    """Report more layers than cores as one violated limit instead of one per layer."""
    if n_layers <= n_cores:
        return broken
    source = target.cores[0].n.source
    text = f"{n_layers} layers; expected at most {n_cores}, one for each core"
    whole = Broken("", "cores", text, float(n_layers), float(n_cores), source, is_structural=True)
    return [whole, *(one for one in broken if one.limit != "cores")]


def _divided(layers: Sequence[ChipLayer], weight_bits: WeightBits, target: Target) -> tuple[int, list[Broken]]:
    """The fewest cores for layers that may be divided; layers share a core only if the chip has a single one."""
    kind, n_cores = target.cores[0], sum(int(one.n) for one in target.cores)
    if n_cores == 1:
        hidden = sum(layer.n_neurons for layer in layers[:-1])
        over = [_too_many("", "neurons", hidden, kind.n_neurons, "neurons")] if hidden > kind.n_neurons else []
        return 1, over
    n_used = 0
    for layer in layers:
        bits = sum(one.n_own_weights * _bits(one, weight_bits) for one in (layer, *layer.adds))
        by_weights = ceil(bits / kind.weight_memory_bits) if kind.weight_memory_bits is not None else 1
        n_used += max(1, ceil(layer.n_neurons / kind.n_neurons), by_weights)
    most = Quantity(n_cores, kind.n.source)
    return n_used, [_too_many("", "cores", n_used, most, "cores, at least")] if n_used > n_cores else []
