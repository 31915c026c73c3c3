"""The reference interpreter: computes an exported network in float64, node by node."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from neuronas.export.unrolled import Unrolled
from neuronas.snn.bound_graph import BoundGraph, Floats, NeuronArrays, WeightArrays
from neuronas.snn.neuron import lif_step
from neuronas.space.node_operations import Pool, Shape, Weights


@dataclass(frozen=True)
class Interpreted:
    """Result of a network for a batch.

    Attributes:
        scores: class scores [T, B, n_classes].
        n_spikes: number of spikes of each image over all time steps, [B], by name of the LIF layer.
        margin: [B] smallest distance between a potential and its threshold; below the rounding error, a spike depends
            on rounding.
    """

    scores: Tensor
    n_spikes: dict[str, Tensor]
    margin: Tensor


def steps_of(images: Tensor) -> tuple[Tensor, ...]:
    """Images [B, C, H, W] of each time step of a sequence, or the images themselves."""
    return images.unbind() if images.dim() == 5 else (images,)


@torch.no_grad()
def interpret(network: BoundGraph, images: Tensor) -> Interpreted:
    """Compute scores, spikes and margins of a batch.

    Args:
        network: the network.
        images: normalised images [B, C, H, W], or sequences [T, B, C, H, W].
    """
    interpreter = _Interpreter(network, images.shape[-4])
    scores = torch.stack(interpreter.scores(steps_of(images.double())))
    return Interpreted(scores, interpreter.n_spikes, interpreter.margin)


class _Interpreter(Unrolled[Tensor, WeightArrays, NeuronArrays]):
    """Values are tensors [B, ...]."""

    def __init__(self, network: BoundGraph, n_images: int):
        super().__init__(network)
        self.n_spikes: dict[str, Tensor] = {}
        self.margin = torch.full((n_images,), torch.inf, dtype=torch.float64)

    def zeros(self, shape: Shape, name: str) -> Tensor:
        return self.margin.new_zeros(len(self.margin), *shape)

    def add(self, x: Tensor, y: Tensor, name: str) -> Tensor:
        return x + y

    def weigh(self, operation: Weights, weights: WeightArrays, x: Tensor, node: str, name: str) -> Tensor:
        if weights.codes is None or weights.step is None:
            held, step = torch.from_numpy(weights.values).double(), None
        else:  # as on a chip: a sum of integers, which is then scaled
            held, step = torch.from_numpy(weights.codes).double(), weights.step.reshape(-1)
        if operation.kernel:
            y = F.conv2d(x, held, stride=operation.stride, padding=operation.n_padded, groups=operation.groups)
        else:
            y = F.linear(x.flatten(1), held)
        return _affine(weights.gain, weights.offset, _affine(step, None, y))

    def fire(self, neurons: NeuronArrays, x: Tensor, v: Tensor | None, node: str, name: str) -> tuple[Tensor, Tensor]:
        x = _affine(neurons.gain, neurons.offset, x)
        threshold, v_reset = _channels(neurons.threshold, x), _channels(neurons.v_reset, x)
        v = v_reset.expand_as(x) if v is None else v
        u, v = lif_step(x, v, neurons.tau, threshold, v_reset, neurons.v_rest)
        self.margin = torch.minimum(self.margin, u.abs().flatten(1).amin(dim=1))
        fires = u >= 0
        counted = fires.flatten(1).sum(dim=1)
        self.n_spikes[node] = self.n_spikes.get(node, torch.zeros_like(counted)) + counted
        return fires.to(x.dtype), v

    def pool(self, operation: Pool, x: Tensor, node: str, name: str) -> Tensor:
        pool = F.avg_pool2d if operation.reduce == "mean" else F.max_pool2d
        return pool(x, operation.kernel, operation.stride, operation.padding)

    def vote(self, size: int, x: Tensor, name: str) -> Tensor:
        return x.reshape(len(x), -1, size).mean(dim=2)


def _affine(gain: Floats | None, offset: Floats | None, x: Tensor) -> Tensor:
    if gain is not None:
        x = x * _channels(gain, x)
    return x if offset is None else x + _channels(offset, x)


def _channels(values: Floats, like: Tensor) -> Tensor:
    """One value, or one value per channel, reshaped to broadcast over [B, C, ...]."""
    tensor = torch.from_numpy(np.asarray(values, dtype=np.float64))
    return tensor.reshape(-1, *[1] * (like.dim() - 2))
