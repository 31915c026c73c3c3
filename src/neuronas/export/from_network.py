"""From the trained network to its layer graph."""

from typing import cast

import numpy as np
from torch import Tensor, nn

from neuronas.errors import ConfigurationError
from neuronas.export.graph import Floats, Graph, Image, Link, Neurons, Node, Operation, Pool, Sum, Votes, Weights
from neuronas.snn.arithmetic import EPSILON
from neuronas.snn.classifier import Classifier, ConvBatchNorm, NodeNorm, TrainableCell
from neuronas.snn.lif import Lif
from neuronas.snn.quantisation import FULL_PRECISION
from neuronas.snn.trainable import BatchNorm, Convolution, Linear
from neuronas.space.genotype import N_NODES, NODE_PAIRS, Incoming
from neuronas.space.shape import N_VOTERS, cell_name


def graph_of(network: Classifier) -> Graph:
    """Write a network down as a graph.

    Raises:
        ConfigurationError: an artificial network, which has no neurons to export.
    """
    if not network.settings.spiking:
        raise ConfigurationError("run trained with --ann given; expected a spiking network; train it without --ann")
    return _Writer(network).graph()


class _Writer:
    """Collects the nodes of one network."""

    def __init__(self, network: Classifier):
        self.network = network
        self.nodes: dict[str, Node] = {}
        self.names: dict[nn.Module, str] = {layer: name for name, layer in network.weighted_layers().items()}
        self.names |= {lif: name for name, lif in network.neurons().items()}

    def graph(self) -> Graph:
        network, shape = self.network, self.network.shape
        image = (shape.image_channels, shape.square_side, shape.square_side)
        value = self._add("image", Image(), (), image)
        value = self._convolve(network.stem, Link(value))
        for place, module in enumerate(network.cells):
            if place:
                reduction = cast(nn.Sequential, network.reductions[place - 1])
                value = self._fire(
                    cast(Lif, reduction[1]), Link(value), self._shape(value), cast(NodeNorm, reduction[0]).norm
                )
                value = self._convolve(cast(ConvBatchNorm, reduction[2]), Link(value))
                value = self._pool(f"{value}.pool", Link(value), Pool(2, 2), self._shape(value))
            value = self._cell(cell_name(place), cast(TrainableCell, module), value)
        norm = cast(NodeNorm, network.last[0]).norm
        value = self._fire(cast(Lif, network.last[1]), Link(value), self._shape(value), norm)
        self._head(value)
        return Graph(tuple(self.nodes.values()), network.timesteps)

    def _head(self, value: str) -> None:
        shape = self._shape(value)
        if len(self.network.head) == 1:
            pooled = self._pool("head.pool", Link(value), Pool(shape[-1], shape[-1]), shape)
            self._multiply(cast(Linear, self.network.head[0]), pooled)
            return
        first, lif, second = self.network.head
        pooled = self._pool("head.pool", Link(value), Pool(2, 2), shape)
        value = self._multiply(cast(Linear, first), pooled)
        value = self._fire(cast(Lif, lif), Link(value), self._shape(value))
        voters = self._multiply(cast(Linear, second), value)
        self._add("scores", Votes(N_VOTERS), (Link(voters),), (self.network.shape.n_classes,))

    def _cell(self, name: str, cell: TrainableCell, value: str) -> str:
        shape = self._shape(value)
        for target in range(N_NODES):
            links = [Link(value)] if target == 0 else []
            for incoming in cell.cell.incoming(target):
                links.append(self._edge(name, cell, incoming, shape))
            if links or target == N_NODES - 1:  # no edge leaves a node that none reaches
                self._add(f"{name}.node{target}", Sum(), tuple(links), shape)
        return f"{name}.node{N_NODES - 1}"

    def _edge(self, name: str, cell: TrainableCell, incoming: Incoming, shape: tuple[int, ...]) -> Link:
        source = Link(f"{name}.node{incoming.source}", incoming.backward)
        edge, pair = incoming.edge, NODE_PAIRS[incoming.number]
        if edge.kind.is_convolution:
            spikes = self._fire(cell.neurons_of(incoming), source, shape)
            return Link(self._convolve(cast(ConvBatchNorm, cell.convs[str(incoming.number)]), Link(spikes)))
        if edge.kind.kind == "pool":
            return Link(self._pool(f"{name}.{pair[0]}{pair[1]}", source, Pool(3, 1, 1), shape))
        return source

    def _convolve(self, module: ConvBatchNorm, link: Link) -> str:
        gain, offset = _folded(module.norm)
        before, stride = self._shape(link.source), module.conv.stride
        side = -(-before[-1] // stride)
        weights = _weights(module.conv, stride, gain, offset)
        return self._add(self.names[module.conv], weights, (link,), (len(weights.values), side, side))

    def _multiply(self, layer: Linear, source: str) -> str:
        weights = _weights(layer)
        return self._add(self.names[layer], weights, (Link(source),), (len(weights.values),))

    def _fire(self, lif: Lif, link: Link, before: tuple[int, ...], norm: BatchNorm | None = None) -> str:
        layer, neuron = self.names[lif], lif.neuron
        name = f"{layer}.delayed" if link.delayed else f"{layer}.spikes"
        if name in self.nodes:  # convolutions that leave a node see the same spikes
            return name
        gain, offset = (None, None) if norm is None else _folded(norm)
        threshold, v_reset = np.array(lif.threshold), np.array(neuron.v_reset)
        neurons = Neurons(layer, neuron.tau, threshold, v_reset, neuron.v_reset, gain, offset)
        return self._add(name, neurons, (link,), before)

    def _pool(self, name: str, link: Link, pool: Pool, before: tuple[int, ...]) -> str:
        channels, side = before[:2]
        after = (side + 2 * pool.padding - pool.kernel) // pool.stride + 1
        return self._add(name, pool, (link,), (channels, after, after))

    def _shape(self, name: str) -> tuple[int, ...]:
        return self.nodes[name].shape

    def _add(self, name: str, operation: Operation, links: tuple[Link, ...], shape: tuple[int, ...]) -> str:
        self.nodes[name] = Node(name, operation, links, shape)
        return name


def _weights(
    layer: Convolution | Linear, stride: int = 1, gain: Floats | None = None, offset: Floats | None = None
) -> Weights:
    if layer.quantiser.bits == FULL_PRECISION:
        return Weights(_array(layer.kept), None, None, stride, gain, offset)
    codes, step = layer.quantiser.codes(layer.kept)
    return Weights(_array(codes * step), _array(codes).astype(np.int32), _array(step), stride, gain, offset)


def _folded(norm: BatchNorm) -> tuple[Floats, Floats]:
    """Batch normalisation in evaluation as gain and offset: gain = weight / sqrt(var + epsilon)."""
    mean, var = norm.get_buffer("running_mean"), norm.get_buffer("running_var")
    gain = norm.weight * (var + EPSILON).rsqrt()
    return _array(gain), _array(norm.bias - mean * gain)


def _array(tensor: Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return cast("np.ndarray[tuple[int, ...], np.dtype[np.float32]]", tensor.detach().cpu().float().numpy())
