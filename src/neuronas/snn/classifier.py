"""The network that learns and is evaluated: stem, cells, reductions and head, weights at the chip's precision."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.utils.checkpoint import checkpoint

from neuronas.config import SURROGATES
from neuronas.snn.lif import Lif
from neuronas.snn.neuron import NeuronParameters
from neuronas.snn.trainable import BatchNorm, Convolution, Linear, WeightFormat, statistics_kept
from neuronas.space.genotype import N_NODES, NODE_PAIRS, Architecture, Genotype, Incoming
from neuronas.space.shape import N_VOTERS, NetworkShape, edge_name, reduction_name

_HEAD_GAIN = 4.0
"""The head's neurons see sparse spikes without batch normalisation; with usual first weights all would be silent."""

MakeActivation = Callable[[float | None], nn.Module]
"""threshold (None: the network's) -> spiking neurons, or their stand-in in an artificial network."""


@dataclass(frozen=True)
class ClassifierSettings:
    """What decides the network besides architecture and shape.

    Attributes:
        form: how weights are held; stem and head included.
        neuron: parameters of the LIF neurons.
        timesteps: T; an artificial network takes one step.
        surrogate: name of the spike's surrogate derivative.
        spiking: False: the same graph with ReLU for LIF, the artificial twin.
        checkpointing: compute cells again in the backward pass instead of keeping what is inside them.
        low_precision: convolve in bfloat16 (8-bit codes and spikes are exact in it; sums are rounded).
    """

    form: WeightFormat
    neuron: NeuronParameters
    timesteps: int
    surrogate: str = "atan"
    spiking: bool = True
    checkpointing: bool = False
    low_precision: bool = False


class ConvBatchNorm(nn.Module):
    """Convolution and batch normalisation on sequences [T, B, C, H, W]; time is folded into the batch."""

    def __init__(self, conv: Convolution):
        super().__init__()
        self.conv, self.norm = conv, BatchNorm(conv.weight.shape[0])

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C, H, W] -> [T, B, C', H', W']."""
        return _folded(lambda y: self.norm(self.conv(y)), x)


class NodeNorm(nn.Module):
    """Batch normalisation of a node's value."""

    def __init__(self, channels: int):
        super().__init__()
        self.norm = BatchNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C, H, W] -> the same shape."""
        return _folded(self.norm, x)


class TrainableCell(nn.Module):
    """Four nodes, each the sum of its edges. Convolutions that leave a node see the same spikes: one LIF layer."""

    def __init__(
        self, cell: Genotype, make_conv: Callable[[int], Convolution], make_activation: MakeActivation, timesteps: int
    ):
        super().__init__()
        self.cell, self.timesteps = cell, timesteps
        self.convs, self.lifs = nn.ModuleDict(), nn.ModuleDict()
        for target in range(N_NODES):
            for incoming in cell.incoming(target):
                edge = incoming.edge
                if edge.kind.is_convolution:
                    self.convs[str(incoming.number)] = ConvBatchNorm(make_conv(edge.kind.kernel))
                    name = _lif_name(incoming.source, edge.threshold)
                    if name not in self.lifs:
                        self.lifs[name] = make_activation(edge.threshold)

    def forward(self, x: Tensor) -> Tensor:
        """[T or 1, B, C, H, W] -> [T, B, C, H, W], or [1, ...] where no neuron stands in between."""
        if not self.cell.has_backward:
            return self._nodes(x, None, {})[-1]
        if len(x) < self.timesteps:
            x = x.expand(self.timesteps, *x.shape[1:])
        potentials: dict[str, Tensor] = {}
        previous: list[Tensor] | None = None
        outputs = []
        for x_t in torch.split(x, 1):
            previous = self._nodes(x_t, previous, potentials)
            outputs.append(previous[-1])
        return torch.cat(outputs)

    def neurons_of(self, incoming: Incoming) -> Lif:
        """The LIF layer in front of an edge's convolution, of a spiking network."""
        return cast(Lif, self.lifs[_lif_name(incoming.source, incoming.edge.threshold)])

    def _nodes(self, x: Tensor, previous: Sequence[Tensor] | None, potentials: dict[str, Tensor]) -> list[Tensor]:
        """Values of the nodes: over all time steps, or, with backward edges, at one step after ``previous``."""
        nodes: list[Tensor] = []
        fired: dict[str, Tensor] = {}
        for target in range(N_NODES):
            total = x if target == 0 else None
            for incoming in self.cell.incoming(target):
                source = previous if incoming.backward else nodes
                if source is None:  # nothing has been fed back yet
                    continue
                value, edge = source[incoming.source], incoming.edge
                if edge.kind.is_convolution:
                    name = _lif_name(incoming.source, edge.threshold)
                    key = f"{name} back" if incoming.backward else name
                    if key not in fired:
                        fired[key] = self._fire(name, key, value, potentials)
                    value = self.convs[str(incoming.number)](fired[key])
                elif edge.kind.kind == "pool":
                    value = _folded(lambda y: F.avg_pool2d(y, 3, stride=1, padding=1), value)
                total = value if total is None else total + value
            nodes.append(torch.zeros_like(x) if total is None else total)
        return nodes

    def _fire(self, name: str, key: str, value: Tensor, potentials: dict[str, Tensor]) -> Tensor:
        lif = self.lifs[name]
        if not self.cell.has_backward or not isinstance(lif, Lif):
            spikes: Tensor = lif(value)
            return spikes
        spikes, potentials[key] = lif.step(value, potentials.get(key))
        return spikes


class Classifier(nn.Module):
    """Images to class scores.

    Head ``linear`` (SNASNet's): 2x2 average pool, linear, neurons, linear to ``N_VOTERS`` outputs a class, whose mean
    is its score. Head ``gap``: the mean over all pixels, then one linear layer: few weights, so that it fits a chip.

    Args:
        architecture: the cells.
        shape: the network around them.
        settings: precision, neurons.
        seed: decides the first weights.
    """

    def __init__(self, architecture: Architecture, shape: NetworkShape, settings: ClassifierSettings, seed: int = 0):
        super().__init__()
        self.architecture, self.shape, self.settings = architecture, shape, settings
        generator = torch.Generator().manual_seed(seed)

        def conv(n_in: int, n_out: int, kernel: int) -> Convolution:
            return Convolution(n_in, n_out, kernel, settings.form, generator, reads_spikes=settings.spiking)

        def linear(n_in: int, n_out: int, gain: float = 1.0) -> Linear:
            return Linear(n_in, n_out, settings.form, generator, gain)

        stem = Convolution(shape.image_channels, shape.channels, 3, settings.form, generator, shape.stem_stride)
        self.stem = ConvBatchNorm(stem)
        self.cells, self.reductions = nn.ModuleList(), nn.ModuleList()
        for place, cell in enumerate(architecture.cleaned.expanded(shape.n_cells)):
            n = shape.cell_channels(place)
            if place:
                self.reductions.append(
                    nn.Sequential(NodeNorm(n // 2), self._activation(None), ConvBatchNorm(conv(n // 2, n, 3)))
                )
            self.cells.append(TrainableCell(cell, partial(_square, conv, n), self._activation, self.timesteps))
        n, side = shape.cell_channels(shape.n_cells - 1), shape.cell_side(shape.n_cells - 1)
        self.last = nn.Sequential(NodeNorm(n), self._activation(None))
        if shape.head == "gap":
            self.head: nn.ModuleList = nn.ModuleList([linear(n, shape.n_classes)])
        else:
            first = linear(n * (side // 2) ** 2, shape.head_width, _HEAD_GAIN)
            second = linear(shape.head_width, N_VOTERS * shape.n_classes)
            self.head = nn.ModuleList([first, self._activation(None), second])

    def forward(self, images: Tensor) -> Tensor:
        """[B, C, H, W] normalised images -> class scores [T, B, n_classes] float32, one set for each time step."""
        x = self.stem(images.contiguous(memory_format=torch.channels_last).unsqueeze(0))
        if self.settings.low_precision:
            x = x.bfloat16()
        for place, cell in enumerate(self.cells):
            if place:
                x = _folded(lambda y: F.avg_pool2d(y, 2), self.reductions[place - 1](x))
            x = self._through(cell, x)
        spikes = self.last(x)
        if self.shape.head == "gap":
            scores: Tensor = self.head[0](spikes.float().mean(dim=(3, 4)))
            return scores
        pooled = _folded(lambda y: F.avg_pool2d(y, 2), spikes).flatten(2)
        first, neurons, second = self.head
        voters: Tensor = second(neurons(first(pooled).float()))
        return voters.reshape(*voters.shape[:2], self.shape.n_classes, N_VOTERS).mean(dim=3)

    @property
    def timesteps(self) -> int:
        """Number of time steps."""
        return self.settings.timesteps if self.settings.spiking else 1

    def weighted_layers(self) -> dict[str, Convolution | Linear]:
        """All layers that hold weights, named as in ``space.layers``, in network order."""
        found: dict[str, Convolution | Linear] = {"stem": self.stem.conv}
        for place in range(self.shape.n_cells):
            cell = cast(TrainableCell, self.cells[place])
            if place:
                name = reduction_name(place, self.shape.n_cells)
                found[name] = cast(ConvBatchNorm, cast(nn.Sequential, self.reductions[place - 1])[-1]).conv
            for number in sorted(cell.convs, key=int):
                low, high = NODE_PAIRS[int(number)]
                found[edge_name(place, low, high)] = cast(ConvBatchNorm, cell.convs[number]).conv
        heads = [module for module in self.head if isinstance(module, Linear)]
        names = ("head",) if len(heads) == 1 else ("head.1", "head.2")
        return found | dict(zip(names, heads, strict=True))

    def neurons(self) -> dict[str, Lif]:
        """All LIF layers, named by what they stand behind, in network order."""
        return {name.replace("lifs.", ""): module for name, module in self.named_modules() if isinstance(module, Lif)}

    def set_bits(self, bits: int) -> None:
        """Hold all weights with other bits: quantisation after training (32: none)."""
        for layer in self.weighted_layers().values():
            layer.quantiser.bits = bits

    def _activation(self, threshold: float | None) -> nn.Module:
        if not self.settings.spiking:
            return nn.ReLU()
        surrogate = SURROGATES[self.settings.surrogate]
        return Lif(self.settings.neuron, surrogate, self.settings.timesteps, threshold)

    def _through(self, cell: nn.Module, x: Tensor) -> Tensor:
        if not (self.settings.checkpointing and self.training):
            y: Tensor = cell(x)
            return y
        again: Tensor = checkpoint(cell, x, use_reentrant=False, context_fn=lambda: (nullcontext(), statistics_kept()))
        return again


def _square(conv: Callable[[int, int, int], Convolution], n: int, kernel: int) -> Convolution:
    return conv(n, n, kernel)


def _lif_name(node: int, threshold: float | None) -> str:
    # Names of modules hold no dots.
    return f"node{node}" if threshold is None else f"node{node}@{threshold!r}".replace(".", "_")


def _folded(layer: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Apply a stateless layer with time folded into the batch, channels last: [T, B, ...] -> [T, B, ...]."""
    steps, batch = x.shape[:2]
    flat = x.flatten(0, 1)
    if flat.dim() == 4 and not flat.is_contiguous(memory_format=torch.channels_last):
        flat = flat.contiguous(memory_format=torch.channels_last)
    y = layer(flat)
    return y.view(steps, batch, *y.shape[1:])
