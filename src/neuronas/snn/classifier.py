"""The network that learns and is evaluated: stem, cells, reductions and head, weights at the chip's precision."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.utils.checkpoint import checkpoint

from neuronas.config import SURROGATES
from neuronas.snn.graph_network import GraphNetwork, NormalisedNeurons
from neuronas.snn.lif import Lif
from neuronas.snn.neuron import NeuronParameters
from neuronas.snn.trainable import BatchNorm, QuantisedConvolution, QuantisedLinear, WeightFormat, statistics_kept
from neuronas.space.genotype import Architecture
from neuronas.space.graph import GraphSection, Neurons, Node, Pool, Weights
from neuronas.space.lowering import lower
from neuronas.space.shape import NetworkShape

_HEAD_GAIN = 4.0
"""The head's neurons see sparse spikes without batch normalisation; with usual first weights all would be silent."""


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

    def __init__(self, conv: QuantisedConvolution):
        super().__init__()
        self.conv, self.norm = conv, BatchNorm(conv.weight.shape[0])

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C, H, W] -> [T, B, C', H', W']."""
        return _folded(lambda y: self.norm(self.conv(y)), x)


class FoldedNorm(nn.Module):
    """Batch normalisation of sequences; time is folded into the batch."""

    def __init__(self, channels: int):
        super().__init__()
        self.norm = BatchNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C, H, W] -> the same shape."""
        return _folded(self.norm, x)


class Flattened(nn.Module):
    """A fully connected layer; it answers in float32, since few numbers decide much."""

    def __init__(self, linear: QuantisedLinear):
        super().__init__()
        self.linear = linear

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, ...] -> [T, B, n]."""
        y: Tensor = self.linear(x.flatten(2))
        return y.float()


class Relu(nn.ReLU):
    """What stands for neurons in an artificial network."""

    def step(self, x: Tensor, v: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """One time step; there is no potential."""
        return self(x), v


class Classifier(GraphNetwork):
    """Images to class scores.

    Args:
        architecture: the cells.
        shape: the network around them.
        settings: precision, neurons.
        seed: random seed of the first weights.
    """

    def __init__(self, architecture: Architecture, shape: NetworkShape, settings: ClassifierSettings, seed: int = 0):
        graph, generator, form = lower(architecture, shape), torch.Generator().manual_seed(seed), settings.form
        fired = {link.source for node in graph.nodes if isinstance(node.operation, Neurons) for link in node.links}

        def weights(node: Node, operation: Weights) -> nn.Module:
            n_out, n_in = graph.weight_shape(node)[:2]
            if not operation.kernel:
                return Flattened(
                    QuantisedLinear(n_in, n_out, form, generator, _HEAD_GAIN if node.name in fired else 1.0)
                )
            conv = QuantisedConvolution(
                n_in * operation.groups,
                n_out,
                operation.kernel,
                form,
                generator,
                operation.stride,
                operation.groups,
                reads_spikes=settings.spiking and node.name not in graph.static,
            )
            return ConvBatchNorm(conv)

        def neurons(node: Node, operation: Neurons) -> nn.Module:
            if settings.spiking:
                surrogate = SURROGATES[settings.surrogate]
                own: nn.Module = Lif(settings.neuron, surrogate, settings.timesteps, operation.threshold)
            else:
                own = Relu()
            return NormalisedNeurons(FoldedNorm(node.shape[0]), own) if operation.normalised else own

        super().__init__(graph, settings.timesteps if settings.spiking else 1, weights, neurons, _pool)
        self.architecture, self.shape, self.settings = architecture, shape, settings

    def forward(self, images: Tensor) -> Tensor:
        """[B, C, H, W] normalised images -> class scores [T, B, n_classes] float32, one set for each time step."""
        return super().forward(images.contiguous(memory_format=torch.channels_last))

    def run_section(self, section: GraphSection, x: Tensor) -> Tensor:
        """See ``GraphNetwork``."""
        run, part = super().run_section, section.origin and section.origin.part
        if part == "cell" and self.settings.checkpointing and self.training:
            keep = lambda: (nullcontext(), statistics_kept())  # noqa: E731
            again: Tensor = checkpoint(partial(run, section), x, use_reentrant=False, context_fn=keep)
            return again
        y = run(section, x)
        return y.bfloat16() if part == "stem" and self.settings.low_precision else y

    def weighted_layers(self) -> dict[str, QuantisedConvolution | QuantisedLinear]:
        """All layers that hold weights, by the names of their nodes, in network order."""
        return self.layers_of(QuantisedConvolution) | self.layers_of(QuantisedLinear)

    def neurons(self) -> dict[str, Lif]:
        """All LIF layers, by the names of their nodes, in network order."""
        return self.layers_of(Lif)

    def norms(self) -> dict[str, BatchNorm]:
        """Batch normalisation by the name of the node that it belongs to: behind weights, in front of neurons."""
        return self.layers_of(BatchNorm)

    def keep_alive(self) -> None:
        """Bring learned steps of weights back to where weights can learn, after an update."""
        for layer in self.weighted_layers().values():
            layer.quantiser.keep_alive(layer.kept)

    def set_bits(self, bits: int) -> None:
        """Hold all weights with other bits: quantisation after training (32: none)."""
        for layer in self.weighted_layers().values():
            layer.quantiser.bits = bits


def _pool(x: Tensor, operation: Pool) -> Tensor:
    if operation.kernel == x.shape[-2:] and operation.reduce == "mean":
        return x.float().mean(dim=(3, 4), keepdim=True)
    pool = F.avg_pool2d if operation.reduce == "mean" else F.max_pool2d
    return _folded(partial(pool, kernel_size=operation.kernel, stride=operation.stride, padding=operation.padding), x)


def _folded(layer: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Apply a stateless layer with time folded into the batch, channels last: [T, B, ...] -> [T, B, ...]."""
    steps, batch = x.shape[:2]
    flat = x.flatten(0, 1)
    if flat.dim() == 4 and not flat.is_contiguous(memory_format=torch.channels_last):
        flat = flat.contiguous(memory_format=torch.channels_last)
    y = layer(flat)
    return y.view(steps, batch, *y.shape[1:])
