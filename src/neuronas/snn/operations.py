"""Operations of the search spaces as modules on sequences [T, B, C, H, W]."""

import torch
from torch import Tensor, nn

from neuronas.snn.arithmetic import avg_pool_3x3, batch_norm, exact_conv2d
from neuronas.snn.neuron import NeuronParameters, make_lif
from neuronas.snn.quantisation import FixedPoint


class StemConvBatchNorm(nn.Module):
    """Convolution of the (real-valued) image and batch normalisation.

    Direct coding shows the same image at every time step, so both are computed once, in float64.
    """

    def __init__(self, weights: FixedPoint, stride: int):
        super().__init__()
        self.stride = stride
        self.register_buffer("values", torch.from_numpy(weights.values))

    def forward(self, images: Tensor) -> Tensor:
        """[B, C, H, W] images -> [1, B, C', H', W']."""
        values = self.get_buffer("values")
        padding = values.shape[-1] // 2
        y = nn.functional.conv2d(images.double(), values, stride=self.stride, padding=padding)
        return batch_norm(y.unsqueeze(0))


class ConvBatchNorm(nn.Module):
    """Convolution of spikes with fixed-point weights, and batch normalisation."""

    def __init__(self, weights: FixedPoint):
        super().__init__()
        self.scale = 2.0**-weights.exponent
        self.register_buffer("codes", torch.from_numpy(weights.codes))

    def forward(self, spikes: Tensor) -> Tensor:
        """[T, B, C, H, W] -> [T, B, C', H, W]."""
        y = exact_conv2d(spikes.flatten(0, 1), self.get_buffer("codes")) * self.scale
        return batch_norm(y.reshape(*spikes.shape[:2], *y.shape[1:]))


class LifConvBatchNorm(nn.Module):
    """The spaces' convolution operation: LIF neurons, convolution, batch normalisation."""

    def __init__(self, weights: FixedPoint, neuron: NeuronParameters, threshold: float | None = None):
        super().__init__()
        self.lif = make_lif(neuron, threshold)
        self.conv = ConvBatchNorm(weights)

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C, H, W] -> [T, B, C', H, W]."""
        y: Tensor = self.conv(self.lif(x))
        return y


class AvgPool3x3(nn.Module):
    """3x3 average pooling that keeps the side."""

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C, H, W] -> the same shape."""
        return avg_pool_3x3(x)
