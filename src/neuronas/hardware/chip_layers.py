"""A network as layers of a neuromorphic chip: weights followed by neurons, whose spikes may be pooled.

    inputs -> weights -> neurons -> pooling -> next layers

A mean over windows between weights and neurons (a reduction) becomes part of the weights: a convolution with a kernel
of k pixels and a mean over p x p windows that do not overlap are one convolution with a kernel of k + p - 1 pixels and
p times the stride. Each of its weights is the sum of up to min(k, p)^2 weights, so it needs more bits to be exact. A
mean over the whole image before a fully connected layer becomes a kernel over the part that the chip cannot pool.
Batch normalisation is folded into weights and thresholds.
"""

from collections import Counter
from dataclasses import dataclass, replace
from math import ceil, log2, prod

from neuronas.space.graph import Graph, Node
from neuronas.space.node_operations import Image, Neurons, Pool, Sum, Votes, Weights


@dataclass(frozen=True)
class ChipLayer:
    """One layer on a chip; sides are height and width in pixels.

    Attributes:
        name: name of the node with weights.
        kernel: height and width of the kernel; for fully connected layers, those of the input.
        padding: zeros on each side.
        in_sides: height and width of the input.
        out_sides: height and width of the neurons.
        is_linear: whether it is a fully connected layer.
        reads_image: whether its inputs are pixels.
        pool: side and stride of the pooling window over its input spikes; 1: no pooling.
        reduce: kind of pooling, ``mean`` or ``max``.
        more_bits: additional bits that weights need because pooling was folded into them.
        sources: names of the layers whose spikes it reads; empty for the image.
        adds: other weights whose values are added before the same neurons.
        unsupported: description of an unsupported operation between weights and neurons; empty: none.
        node: name of the node with the weights; empty for neurons without weights. Several layers can share a node.
    """

    name: str
    in_channels: int
    out_channels: int
    kernel: tuple[int, int]
    stride: int
    padding: int
    in_sides: tuple[int, int]
    out_sides: tuple[int, int]
    groups: int = 1
    is_linear: bool = False
    reads_image: bool = False
    pool: int = 1
    reduce: str = "mean"
    more_bits: int = 0
    sources: tuple[str, ...] = ()
    adds: "tuple[ChipLayer, ...]" = ()
    unsupported: str = ""
    node: str = ""

    @property
    def n_own_weights(self) -> int:
        """Number of its own weights, without those of ``adds`` and without rounding."""
        return self.in_channels // self.groups * self.out_channels * prod(self.kernel)

    @property
    def n_weights(self) -> int:
        """Number of weights including ``adds``, without rounding."""
        return self.n_own_weights + sum(one.n_weights for one in self.adds)

    @property
    def n_neurons(self) -> int:
        """Number of neurons, without rounding."""
        return self.out_channels * prod(self.out_sides)

    @property
    def n_inputs(self) -> int:
        """Number of inputs of one neuron, including ``adds``."""
        return self.in_channels // self.groups * prod(self.kernel) + sum(one.n_inputs for one in self.adds)

    @property
    def n_targets(self) -> int:
        """Maximum number of neurons that one input reaches."""
        places = prod(min(ceil(k / self.stride), side) for k, side in zip(self.kernel, self.out_sides, strict=True))
        return self.out_channels // self.groups * places

    def words(self, *, rounded: bool) -> tuple[int, int]:
        """Words of weight memory and of neuron memory; see ``target.Target.rounds_up``."""
        if not rounded:
            return self.n_weights, self.n_neurons
        weights = self.in_channels * _power(prod(self.kernel)) * _power(self.out_channels)
        return weights, self.out_channels * prod(map(_power, self.out_sides))


def _power(n: int) -> int:
    return 1 << ceil(log2(n))


def chip_layers(graph: Graph, pools: tuple[int, ...] | None) -> tuple[ChipLayer, ...]:
    """The layers of a network, in order; values shared by several neurons are computed once.

    Args:
        graph: graph of the network.
        pools: sides of the mean pooling windows that the chip supports; None: any.
    """
    found: dict[object, ChipLayer] = {}
    made_by: dict[str, str] = {}  # layer of each node of neurons
    fired: set[str] = set()
    names: Counter[str] = Counter()

    def add(key: object, terms: list[Term]) -> None:
        layer = _layer(graph, terms, pools)
        names[layer.name] += 1
        found[key] = replace(layer, name=f"{layer.name}#{names[layer.name]}") if names[layer.name] > 1 else layer

    for node in graph.nodes:
        terms = _terms(graph, node) if isinstance(node.operation, Neurons) else []
        if isinstance(node.operation, Neurons) and terms:
            key = node.operation.threshold, tuple((one.name, pooling) for one, pooling in terms)
            if key not in found:
                add(key, terms)
            made_by[node.name] = found[key].name
            fired |= {one.name for one, _ in terms}
    for node in graph.nodes:
        if isinstance(node.operation, Weights) and node.name not in fired:
            add(node.name, [(node, ())])
    return tuple(
        replace(layer, sources=tuple(dict.fromkeys(made_by.get(name, name) for name in layer.sources)))
        for layer in found.values()
    )


Term = tuple[Node, tuple[Pool, ...]]
"""A node with weights, and the pooling of its values before they are added."""


def _terms(graph: Graph, node: Node, pools: tuple[Pool, ...] = (), seen: frozenset[str] = frozenset()) -> list[Term]:
    """The terms that are summed before a node of neurons."""
    found: list[Term] = []
    for link in node.links:
        source = graph.by_name[link.source]
        if link.source in seen:
            continue
        if isinstance(source.operation, Weights | Neurons | Image):
            found.append((source, pools))
        elif isinstance(source.operation, Pool):
            found += _terms(graph, source, (source.operation, *pools), seen | {link.source})
        elif isinstance(source.operation, Sum | Votes):
            found += _terms(graph, source, pools, seen | {link.source})
    return found


def _layer(graph: Graph, terms: list[Term], pools: tuple[int, ...] | None) -> ChipLayer:
    """The layer of neurons that sum some terms: the layer of the last term, with the others in ``adds``."""
    *others, layer = (_term(graph, *term, pools) for term in terms)
    sources = dict.fromkeys(name for one in (*others, layer) for name in one.sources)
    odd = next((one.unsupported for one in (layer, *others) if one.unsupported), "")
    reads_image = layer.reads_image or any(one.reads_image for one in others)
    return replace(layer, adds=tuple(others), sources=tuple(sources), reads_image=reads_image, unsupported=odd)


def _term(graph: Graph, node: Node, between: tuple[Pool, ...], pools: tuple[int, ...] | None) -> ChipLayer:
    if not isinstance(node.operation, Weights):
        channels, height, width = (*node.shape, 1, 1)[:3]
        sides = (height, width)
        odd = "neurons without weights in front of them"
        return ChipLayer(node.name, channels, channels, (1, 1), 1, 0, sides, sides, unsupported=odd)
    read, window = _inputs(graph, node)
    layer = replace(
        _weights(graph, node, window, pools),
        reads_image=any(isinstance(one.operation, Image) for one in read),
        sources=tuple(one.name for one in read if not isinstance(one.operation, Image)),
    )
    if any(isinstance(one.operation, Weights) for one in read):
        layer = replace(layer, unsupported="weights in front of weights, without neurons between them")
    for pool in between:
        layer = _folded(layer, pool)
    return layer


def _inputs(graph: Graph, node: Node) -> tuple[list[Node], Pool | None]:
    """The inputs of a node with weights, and the pooling in between."""
    found: list[Node] = []
    window: Pool | None = None
    links = list(node.links)
    while links:
        source = graph.by_name[links.pop(0).source]
        if isinstance(source.operation, Neurons | Image | Weights):
            found.append(source)
            continue
        window = source.operation if isinstance(source.operation, Pool) else window
        links += source.links
    return found, window


def _weights(graph: Graph, node: Node, window: Pool | None, pools: tuple[int, ...] | None) -> ChipLayer:
    """The layer of a single node; the part of a mean that the chip cannot pool is folded into its kernel."""
    weights = node.operation
    if not isinstance(weights, Weights):
        raise TypeError(f"node '{node.name}' is {weights}; expected weights")
    shape = graph.input_shape(node)
    channels, *sides = (*shape, 1, 1)[:3]
    in_sides = (sides[0], sides[1])
    pool, rest, odd = 1, (1, 1), ""
    if window is not None:
        height, width = window.kernel
        known = [one for one in pools or (height,) if height % one == 0 and width % one == 0]
        if window.stride != window.kernel or window.padding:
            odd = f"pooling over windows of {height} x {width} that overlap"
        elif window.reduce == "max" or not known:
            pool = height
        else:
            pool = max(known)
            rest = (height // pool, width // pool)
    if weights.kernel:
        kernel, out_sides = (weights.kernel, weights.kernel), _sides(node)
        if rest != (1, 1):
            odd, rest = f"a mean over {window and window.kernel[0]} pixels in front of a convolution", (1, 1)
    else:
        kernel, out_sides = (in_sides[0] * rest[0], in_sides[1] * rest[1]), (1, 1)
        in_sides = kernel
    reduce = window.reduce if window else "mean"
    return ChipLayer(
        node.name, channels, weights.n_out, kernel, weights.stride, weights.n_padded if weights.kernel else 0,
        in_sides, out_sides, weights.groups, is_linear=not weights.kernel, pool=pool, reduce=reduce, unsupported=odd,
        node=node.name,
    )  # fmt: skip


def _sides(node: Node) -> tuple[int, int]:
    _, height, width = (*node.shape, 1, 1)[:3]
    return height, width


def _folded(layer: ChipLayer, pool: Pool) -> ChipLayer:
    """Fold the pooling after a layer's weights into them, if the result is equal."""
    size = pool.kernel[0]
    if pool.reduce == "max" or pool.kernel != (size, size) or pool.stride != pool.kernel or pool.padding:
        what = f"{'maximum' if pool.reduce == 'max' else 'mean'} over {pool.kernel[0]} x {pool.kernel[1]}"
        return replace(layer, unsupported=f"a {what} pixels between weights and neurons, with stride {pool.stride[0]}")
    kernel = (layer.kernel[0] + (size - 1) * layer.stride, layer.kernel[1] + (size - 1) * layer.stride)
    sides = (layer.out_sides[0] // size, layer.out_sides[1] // size)
    more = ceil(2 * log2(min(size, ceil(max(layer.kernel) / layer.stride))))
    return replace(layer, kernel=kernel, stride=layer.stride * size, out_sides=sides, more_bits=layer.more_bits + more)
