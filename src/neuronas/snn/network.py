"""The reference network for fitness: random weights, exact arithmetic, and SpikingJelly's neurons."""

import torch
from torch import Tensor, nn

from neuronas.snn.arithmetic import batch_norm, exact_conv2d, exact_linear, normalised_images, pool
from neuronas.snn.graph_network import GraphNetwork, NormalisedNeurons
from neuronas.snn.neuron import NeuronParameters
from neuronas.snn.quantisation import FixedPoint
from neuronas.snn.spikingjelly import SpikingJellyLif
from neuronas.snn.weights import WeightSource, weights_place
from neuronas.space.genotype import Architecture
from neuronas.space.graph import Node
from neuronas.space.lowering import lower_features
from neuronas.space.node_operations import Neurons, Weights
from neuronas.space.shape import NetworkShape


class StepwiseBatchNorm(nn.Module):
    """Batch normalisation with separate statistics for each time step (``arithmetic.batch_norm``)."""

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C, H, W] -> the same shape."""
        return batch_norm(x)


class ImageConvolution(nn.Module):
    """Convolution of images followed by batch normalisation."""

    def __init__(self, weights: FixedPoint, stride: int):
        super().__init__()
        self.weights, self.stride = weights, stride

    def forward(self, images: Tensor) -> Tensor:
        """[T or 1, B, C, H, W] -> [T or 1, B, C', H', W']."""
        return normalised_images(images, self.weights, self.stride)


class SpikeConvolution(nn.Module):
    """Convolution of spikes followed by batch normalisation."""

    def __init__(self, weights: FixedPoint):
        super().__init__()
        self.scale = 2.0**-weights.exponent
        self.register_buffer("codes", torch.from_numpy(weights.codes))

    def forward(self, spikes: Tensor) -> Tensor:
        """[T, B, C, H, W] -> [T, B, C', H, W]."""
        y = exact_conv2d(spikes.flatten(0, 1), self.get_buffer("codes")) * self.scale
        return batch_norm(y.reshape(*spikes.shape[:2], *y.shape[1:]))


class HiddenLinear(nn.Module):
    """The first linear layer of the head, on mean-pooled spikes."""

    def __init__(self, weights: FixedPoint):
        super().__init__()
        self.weights = weights

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C, H, W] -> [T, B, n]."""
        return exact_linear(x.flatten(2), self.weights)


class SpikingFeatures(GraphNetwork):
    """The network without its head: images [B, C, H, W] -> spikes [T, B, C', H', W'] of the last LIF layer.

    For sequences, images are [T, B, C, H, W].

    Args:
        architecture: the cells.
        shape: sizes of the network around the cells.
        weights: source of the quantised random weights.
        neuron: parameters of the LIF neurons.
        timesteps: number of time steps T.
        with_hidden: include the head's hidden layer; the output is then its spikes, [T, B, n].
    """

    def __init__(
        self,
        architecture: Architecture,
        shape: NetworkShape,
        weights: WeightSource,
        neuron: NeuronParameters,
        timesteps: int,
        *,
        with_hidden: bool = False,
    ):
        graph = lower_features(architecture, shape, with_hidden=with_hidden)

        def convolution(node: Node, operation: Weights) -> nn.Module:
            own = weights.of(weights_place(node), operation, graph.input_shape(node))
            if not operation.kernel:
                return HiddenLinear(own)
            if node.name in graph.in_front:
                return ImageConvolution(own, operation.stride)
            return SpikeConvolution(own)

        def neurons(_: Node, operation: Neurons) -> nn.Module:
            own = SpikingJellyLif(neuron, timesteps, operation.threshold)
            return NormalisedNeurons(StepwiseBatchNorm(), own) if operation.normalised else own

        super().__init__(graph, timesteps, convolution, neurons, pool)

    @property
    def head_neurons(self) -> list[str]:
        """Names of the LIF layers after the last cell, in network order."""
        return [
            node.name
            for node in self.graph.nodes
            if isinstance(node.operation, Neurons) and node.origin is not None and node.origin.part == "head"
        ]
