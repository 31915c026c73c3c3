"""The network that an architecture stands for, up to the head: it gives the spikes that fitness reads."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from neuronas.snn.arithmetic import avg_pool_2x2, batch_norm
from neuronas.snn.neuron import NeuronParameters, make_lif
from neuronas.snn.operations import AvgPool3x3, LifConvBatchNorm, StemConvBatchNorm
from neuronas.snn.weights import WeightSource
from neuronas.space.genotype import N_NODES, NODE_PAIRS, Architecture, Edge, Genotype
from neuronas.space.shape import NetworkShape, edge_name


def edge_place(place: int, number: int, operation: str) -> str:
    """Name of the weights of an edge: they depend on nothing else but the seed."""
    low, high = NODE_PAIRS[number]
    return f"{edge_name(place, low, high)}.{operation}"


def reduction_place(place: int) -> str:
    """Name of the weights of the reduction in front of the cell at ``place``."""
    return f"reduction.{place}"


class Cell(nn.Module):
    """Four nodes; each is the sum of its edges. Backward edges read the previous time step."""

    def __init__(self, cell: Genotype, place: int, channels: int, weights: WeightSource, neuron: NeuronParameters):
        super().__init__()
        self.cell = cell
        self.edges = nn.ModuleDict()
        for number, edge in enumerate(cell.edges):
            if edge.operation != "none":
                self.edges[str(number)] = _edge_module(edge, place, number, channels, weights, neuron)

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C, H, W] -> the same shape."""
        if not self.cell.has_backward:
            return self._step(x, None)[-1]
        previous: list[Tensor] | None = None
        outputs = []
        for x_t in torch.split(x, 1):
            previous = self._step(x_t, previous)
            outputs.append(previous[-1])
        return torch.cat(outputs)

    def _step(self, x: Tensor, previous: Sequence[Tensor] | None) -> list[Tensor]:
        """Values of the four nodes; at the first time step nothing has been fed back yet."""
        nodes: list[Tensor] = []
        for target in range(N_NODES):
            total = x if target == 0 else None
            for incoming in self.cell.incoming(target):
                source = previous if incoming.backward else nodes
                if source is None:
                    continue
                value = self.edges[str(incoming.number)](source[incoming.source])
                total = value if total is None else total + value
            nodes.append(torch.zeros_like(x) if total is None else total)
        return nodes


def _edge_module(
    edge: Edge, place: int, number: int, channels: int, weights: WeightSource, neuron: NeuronParameters
) -> nn.Module:
    if edge.kind.is_convolution:
        name = edge_place(place, number, edge.operation)
        return LifConvBatchNorm(weights.convolution(name, channels, channels, edge.kind.kernel), neuron, edge.threshold)
    return AvgPool3x3() if edge.kind.kind == "pool" else nn.Identity()


class BatchNorm(nn.Module):
    """Batch normalisation of a node's value."""

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C, H, W] -> the same shape."""
        return batch_norm(x)


class SpikingFeatures(nn.Module):
    """Stem, cells and reductions, up to the LIF layer behind the last cell.

    The head follows that layer (pooling, linear, LIF, linear). It is the same for every candidate, so fitness
    does not read it.
    """

    def __init__(
        self,
        architecture: Architecture,
        shape: NetworkShape,
        weights: WeightSource,
        neuron: NeuronParameters,
        timesteps: int,
    ):
        super().__init__()
        self.timesteps = timesteps
        stem = weights.convolution("stem", shape.image_channels, shape.channels, 3)
        self.stem = StemConvBatchNorm(stem, shape.stem_stride)
        self.cells = nn.ModuleList()
        self.reductions = nn.ModuleList()
        for place, cell in enumerate(architecture.cleaned.expanded(shape.n_cells)):
            channels = shape.cell_channels(place)
            self.cells.append(Cell(cell, place, channels, weights, neuron))
            if place:
                reduction = weights.convolution(reduction_place(place), channels // 2, channels, 3)
                self.reductions.append(nn.Sequential(BatchNorm(), LifConvBatchNorm(reduction, neuron)))
        self.last = nn.Sequential(BatchNorm(), make_lif(neuron))

    def forward(self, images: Tensor) -> Tensor:
        """[B, C, H, W] images -> [T, B, C', H', W'] spikes."""
        x = self.stem(images)
        x = x.expand(self.timesteps, *x.shape[1:])
        for place, cell in enumerate(self.cells):
            if place:
                x = avg_pool_2x2(self.reductions[place - 1](x))
            x = cell(x)
        spikes: Tensor = self.last(x)
        return spikes
