"""The reference network for fitness: random weights, exact arithmetic, and SpikingJelly's neurons."""

import torch
from torch import Tensor, nn

from neuronas.snn.arithmetic import batch_norm, exact_conv2d, normalised_image, pool
from neuronas.snn.graph_network import GraphNetwork, NormalisedNeurons
from neuronas.snn.neuron import NeuronParameters
from neuronas.snn.quantisation import FixedPoint
from neuronas.snn.spikingjelly import SpikingJellyLif
from neuronas.snn.weights import WeightSource, weights_place
from neuronas.space.genotype import Architecture
from neuronas.space.graph import Neurons, Node, Weights
from neuronas.space.lowering import lower_features
from neuronas.space.shape import NetworkShape


class StepwiseBatchNorm(nn.Module):
    """Batch normalisation with the statistics of each time step (``arithmetic.batch_norm``)."""

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C, H, W] -> the same shape."""
        return batch_norm(x)


class ImageConvolution(nn.Module):
    """Convolution of images followed by batch normalisation."""

    def __init__(self, weights: FixedPoint, stride: int):
        super().__init__()
        self.weights, self.stride = weights, stride

    def forward(self, images: Tensor) -> Tensor:
        """[1, B, C, H, W] -> [1, B, C', H', W']."""
        return normalised_image(images[0], self.weights, self.stride)


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


class SpikingFeatures(GraphNetwork):
    """The network without its head: images [B, C, H, W] -> spikes [T, B, C', H', W'] of the last LIF layer.

    Args:
        architecture: the cells.
        shape: sizes of the network around the cells.
        weights: draws the quantised weights.
        neuron: parameters of the LIF neurons.
        timesteps: number of time steps T.
    """

    def __init__(
        self,
        architecture: Architecture,
        shape: NetworkShape,
        weights: WeightSource,
        neuron: NeuronParameters,
        timesteps: int,
    ):
        graph = lower_features(architecture, shape)

        def convolution(node: Node, operation: Weights) -> nn.Module:
            n_out, n_in, kernel, _ = graph.weight_shape(node)
            own = weights.convolution(weights_place(node), n_in * operation.groups, n_out, kernel, operation.groups)
            if node.name in graph.static:
                return ImageConvolution(own, operation.stride)
            return SpikeConvolution(own)

        def neurons(_: Node, operation: Neurons) -> nn.Module:
            own = SpikingJellyLif(neuron, timesteps, operation.threshold)
            return NormalisedNeurons(StepwiseBatchNorm(), own) if operation.normalised else own

        super().__init__(graph, timesteps, convolution, neurons, pool)
