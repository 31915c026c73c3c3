"""The trainable network: stem, cells, reductions and head, with quantised weights."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.utils.checkpoint import checkpoint

from neuronas.config import SURROGATES, WeightBits, bits_of
from neuronas.snn.folded_time import folded, pooled, some_steps
from neuronas.snn.graph_network import NormalisedNeurons, image_steps
from neuronas.snn.lif import Lif
from neuronas.snn.neuron import NeuronParameters
from neuronas.snn.normalisation import BatchNorm, statistics_kept
from neuronas.snn.relu import QuantisedRelu, Relu
from neuronas.snn.trainable import QuantisedConvolution, QuantisedLinear, WeightFormat, dropout_mask
from neuronas.snn.weighted import InputFormat, WeightedNetwork
from neuronas.space.genotype import Architecture
from neuronas.space.graph import GraphSection, Node
from neuronas.space.lowering import lower
from neuronas.space.node_operations import Neurons, Pair, Weights
from neuronas.space.shape import NetworkShape

_HEAD_GAIN = 4.0
"""Gain of the initial weights of the head's layers before neurons. These layers have no batch normalisation and read
sparse spikes, so with the usual initial weights the neurons would not fire."""


@dataclass(frozen=True)
class ClassifierSettings:
    """Settings of the network besides architecture and shape.

    Attributes:
        form: quantisation of all weights, including stem and head; the same for all layers, or by layer.
        neuron: parameters of the LIF neurons.
        timesteps: number of time steps T; 1 for an artificial network.
        surrogate: name of the surrogate gradient.
        spiking: False gives the equivalent artificial network (ANN), with ReLU instead of LIF neurons.
        activation_bits: bits of the activations of an artificial network; None: not quantised.
        dropout: share of the inputs of the head's first linear layer that are dropped in training.
        checkpointing: gradient checkpointing: recompute cells in the backward pass to save memory.
        low_precision: convolve in bfloat16. (Spikes and 8-bit codes are exact in bfloat16; sums are rounded.)
    """

    form: WeightFormat
    neuron: NeuronParameters
    timesteps: int
    surrogate: str = "atan"
    spiking: bool = True
    activation_bits: int | None = None
    dropout: float = 0.0
    checkpointing: bool = False
    low_precision: bool = False


class ConvBatchNorm(nn.Module):
    """Convolution and batch normalisation of sequences [T, B, C, H, W]; time is folded into the batch dimension."""

    def __init__(self, conv: QuantisedConvolution):
        super().__init__()
        self.conv, self.norm = conv, BatchNorm(conv.weight.shape[0])

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C, H, W] -> [T, B, C', H', W']."""
        return folded(self._normalised, x)

    def _normalised(self, x: Tensor) -> Tensor:
        conv: nn.Module = self.conv  # replaced by a chip's layer in chip simulation
        if isinstance(conv, QuantisedConvolution):
            return conv.normalised(x, self.norm)
        normalised: Tensor = self.norm(conv(x))
        return normalised


class FoldedNorm(nn.Module):
    """Batch normalisation of sequences; time is folded into the batch dimension."""

    def __init__(self, channels: int):
        super().__init__()
        self.norm = BatchNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C, H, W] -> the same shape."""
        return folded(self.norm, x)


class Flattened(nn.Module):
    """Fully connected layer on flattened inputs. The output is float32, since class scores need the precision.

    Args:
        linear: the layer.
        dropout: share of the inputs dropped in training; the same inputs of an image at every time step.
    """

    def __init__(self, linear: QuantisedLinear, dropout: float = 0.0):
        super().__init__()
        self.linear, self.dropout = linear, dropout

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, ...] -> [T, B, n]."""
        x = x.flatten(2)
        if self.dropout and self.training:
            x = x * dropout_mask(x[0], self.dropout)
        y: Tensor = self.linear(x)
        return y.float()


class Classifier(WeightedNetwork):
    """The trainable network: normalised images [B, C, H, W] -> float32 class scores of each step [T, B, n_classes].

    For sequences (one image per time step), images are [T, B, C, H, W].

    Args:
        architecture: the cells.
        shape: sizes of the network around the cells.
        settings: quantisation, neurons and precision.
        seed: random seed of the initial weights.
    """

    def __init__(self, architecture: Architecture, shape: NetworkShape, settings: ClassifierSettings, seed: int = 0):
        graph, generator, form = lower(architecture, shape), torch.Generator().manual_seed(seed), settings.form
        fired = {link.source for node in graph.nodes if isinstance(node.operation, Neurons) for link in node.links}

        first = next(
            node.name for node in graph.nodes if isinstance(node.operation, Weights) and not node.operation.kernel
        )

        def weights(node: Node, operation: Weights) -> nn.Module:
            (n_out, n_in), own = graph.weight_shape(node)[:2], form.of(node.name)
            if not operation.kernel:
                linear = QuantisedLinear(n_in, n_out, own, generator, _HEAD_GAIN if node.name in fired else 1.0)
                return Flattened(linear, settings.dropout if node.name == first else 0.0)
            conv = QuantisedConvolution(
                n_in * operation.groups,
                n_out,
                operation.kernel,
                own,
                generator,
                operation.stride,
                operation.groups,
                reads_spikes=settings.spiking and node.name not in graph.in_front,
            )
            return ConvBatchNorm(conv)

        def neurons(node: Node, operation: Neurons) -> nn.Module:
            if settings.spiking:
                surrogate = SURROGATES[settings.surrogate]
                own: nn.Module = Lif(settings.neuron, surrogate, settings.timesteps, operation.threshold)
            else:
                own = Relu() if settings.activation_bits is None else QuantisedRelu(settings.activation_bits)
            return NormalisedNeurons(FoldedNorm(node.shape[0]), own) if operation.normalised else own

        super().__init__(graph, settings.timesteps if settings.spiking else 1, weights, neurons, pooled)
        self.architecture, self.shape, self.settings = architecture, shape, settings
        self._scaled_size: Pair | None = None

    def presented(self, images: Tensor) -> Tensor:
        """See ``GraphNetwork``; for sequences with more time steps than currently computed, a part is selected.

        In training, successive time steps from a random position; otherwise those in the middle. An artificial network
        reads the mean over all time steps.
        """
        x = image_steps(self.graph, images, self.settings.timesteps)
        if self.settings.spiking:
            x = some_steps(x, self.timesteps, at_random=self.training)
        elif len(x) > 1:
            x = x.mean(dim=0, keepdim=True)
        flat = x.flatten(0, 1)
        if self._scaled_size:
            flat = F.interpolate(flat, self._scaled_size, mode="bilinear", antialias=True)
        flat = flat.contiguous(memory_format=torch.channels_last)
        return flat.view(*x.shape[:2], *flat.shape[1:])

    def present(self, timesteps: int, size: Pair) -> None:
        """Set the number of time steps, and the height and width to which images are scaled."""
        self.timesteps = timesteps if self.settings.spiking else 1
        for lif in self.neurons().values():
            lif.timesteps = self.timesteps
        self._scaled_size = None if size == self.shape.image_size else size

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
        """All layers with weights, by the names of their nodes, in network order."""
        return self.layers_of(QuantisedConvolution) | self.layers_of(QuantisedLinear)

    def is_spiking(self, node: Node) -> bool:
        """See ``WeightedNetwork``."""
        return self.settings.spiking and isinstance(node.operation, Neurons)

    def input_formats(self) -> Mapping[str, InputFormat]:
        """See ``WeightedNetwork``: formats of the layers that read a quantised ReLU."""
        given = {name: neurons.format for name, neurons in self.layers_of(QuantisedRelu).items()}
        sources = {node.name: node.links[0].source for node in self.graph.nodes if len(node.links) == 1}
        return {name: given[sources[name]] for name in self.weighted_layers() if sources.get(name) in given}

    def neurons(self) -> dict[str, Lif]:
        """All LIF layers, by the names of their nodes, in network order."""
        return self.layers_of(Lif)

    def norms(self) -> dict[str, BatchNorm]:
        """Batch normalisation layers by the name of their node: a node with weights (after them) or LIF (before it)."""
        return self.layers_of(BatchNorm)

    def keep_alive(self) -> None:
        """Correct learned steps at which weights get no gradients, after an update; see ``WeightQuantiser``."""
        for layer in self.weighted_layers().values():
            layer.quantiser.keep_alive(layer.kept)

    @contextmanager
    def at_bits(self, bits: WeightBits) -> Iterator[None]:
        """Change the precision of the network within this context; see ``set_bits``."""
        own = {name: layer.quantiser.bits for name, layer in self.weighted_layers().items()}
        self.set_bits(bits)
        try:
            yield
        finally:
            for name, layer in self.weighted_layers().items():
                layer.quantiser.bits = own[name]

    def set_bits(self, bits: WeightBits) -> None:
        """Set the precision of all weights (2 to 16, or 32: not quantised), for post-training quantisation."""
        for name, layer in self.weighted_layers().items():
            layer.quantiser.bits = bits_of(bits, name)
