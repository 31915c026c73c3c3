"""The classifier in a straightforward implementation with SpikingJelly's multi-step neurons."""

from math import prod

import torch
from spikingjelly.activation_based import layer, neuron, surrogate
from torch import Tensor, nn

from neuronas.snn.classifier import Classifier
from neuronas.space.genotype import Architecture, Genotype
from neuronas.space.operations import AveragePool, Convolution
from neuronas.space.shape import NetworkShape


def _lif(tau: float, threshold: float) -> nn.Module:
    return neuron.LIFNode(
        tau=tau, v_threshold=threshold, surrogate_function=surrogate.ATan(), detach_reset=True, step_mode="m"
    )


def _conv(n_in: int, n_out: int, kernel: int, stride: int = 1) -> nn.Module:
    return layer.SeqToANNContainer(
        nn.Conv2d(n_in, n_out, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(n_out)
    )


class PlainCell(nn.Module):
    """One LIF layer per convolution, as in the papers' code; no backward edges."""

    def __init__(self, cell: Genotype, channels: int, tau: float, threshold: float):
        super().__init__()
        self.cell, self.edges = cell, nn.ModuleDict()
        for number, edge in enumerate(cell.edges):
            if isinstance(edge.kind, Convolution):
                self.edges[str(number)] = nn.Sequential(
                    _lif(tau, threshold if edge.threshold is None else edge.threshold),
                    _conv(channels, channels, edge.kind.kernel),
                )
            elif isinstance(edge.kind, AveragePool):
                self.edges[str(number)] = layer.SeqToANNContainer(nn.AvgPool2d(3, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        nodes = [x]
        for target in range(1, self.cell.n_nodes):
            total = torch.zeros_like(x)
            for incoming in self.cell.incoming(target):
                value = nodes[incoming.source]
                if str(incoming.number) in self.edges:
                    value = self.edges[str(incoming.number)](value)
                total = total + value
            nodes.append(total)
        return nodes[-1]


class PlainNetwork(nn.Module):
    """Full precision, two cells."""

    def __init__(
        self,
        architecture: Architecture,
        shape: NetworkShape,
        timesteps: int,
        tau: float = 4 / 3,
        threshold: float = 1.0,
    ):
        super().__init__()
        self.shape, self.timesteps = shape, timesteps
        n = shape.channels
        first, second = architecture.cleaned.expanded(2)
        self.stem = nn.Sequential(
            nn.Conv2d(shape.image_channels, n, 3, shape.stem_stride, 1, bias=False), nn.BatchNorm2d(n)
        )
        self.first = PlainCell(first, n, tau, threshold)
        self.reduction = nn.Sequential(
            layer.SeqToANNContainer(nn.BatchNorm2d(n)), _lif(tau, threshold), _conv(n, 2 * n, 3),
            layer.SeqToANNContainer(nn.AvgPool2d(2)),
        )  # fmt: skip
        self.second = PlainCell(second, 2 * n, tau, threshold)
        self.last = nn.Sequential(layer.SeqToANNContainer(nn.BatchNorm2d(2 * n)), _lif(tau, threshold))
        if shape.head == "gap":
            pool = layer.SeqToANNContainer(nn.AvgPool2d(shape.cell_size(1)), nn.Flatten())
            self.head = nn.Sequential(pool, layer.SeqToANNContainer(nn.Linear(2 * n, shape.n_classes, bias=False)))
            return
        features = 2 * n * prod(side // 2 for side in shape.cell_size(1))
        self.head = nn.Sequential(
            layer.SeqToANNContainer(nn.AvgPool2d(2), nn.Flatten(), nn.Linear(features, shape.head_width, bias=False)),
            _lif(tau, threshold),
            layer.SeqToANNContainer(nn.Linear(shape.head_width, shape.n_voters * shape.n_classes, bias=False)),
        )

    def forward(self, images: Tensor) -> Tensor:
        x = self.stem(images).expand(self.timesteps, -1, -1, -1, -1)
        voters = self.head(self.last(self.second(self.reduction(self.first(x)))))
        if self.shape.head == "gap":
            return voters
        return voters.unflatten(2, (self.shape.n_classes, self.shape.n_voters)).mean(dim=3)


def copy_weights(source: Classifier, target: PlainNetwork) -> None:
    """Copy weights and batch normalisation of the classifier to the plain network, in network order."""
    theirs = [module for module in target.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    for layer_of, module in zip(source.weighted_layers().values(), theirs, strict=True):
        with torch.no_grad():
            module.weight.copy_(layer_of.weight)
