"""A layer graph computed in float64, one value after another: the reference of what an exported file means."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from neuronas.export.bound_graph import BoundGraph, Floats, NeuronArrays, WeightArrays
from neuronas.space.graph import Image, Neurons, Node, Pool, Sum, Votes, Weights

Values = dict[str, Tensor | None]
"""Node name -> [B, ...]; None where nothing has come yet."""


@dataclass(frozen=True)
class Interpreted:
    """What a graph gives for a batch.

    Attributes:
        scores: [T, B, n_classes].
        n_spikes: by name of the neurons' node, [B] spikes of each image over all time steps.
        margin: [B] the least distance of a potential from its threshold; nearer than a rounding error, a spike
            may come or not.
    """

    scores: Tensor
    n_spikes: dict[str, Tensor]
    margin: Tensor


@torch.no_grad()
def interpret(network: BoundGraph, images: Tensor) -> Interpreted:
    """Compute a network.

    Args:
        network: to be computed.
        images: [B, C, H, W], normalised.
    """
    return _Run(network, images.double()).computed()


class _Run:
    """One batch on its way through the graph."""

    def __init__(self, network: BoundGraph, images: Tensor):
        self.network, self.graph, self.images = network, network.graph, images
        self.potentials: dict[str, Tensor] = {}
        self.n_spikes: dict[str, Tensor] = {}
        self.margin = torch.full((len(images),), torch.inf, dtype=torch.float64)

    def computed(self) -> Interpreted:
        static, fixed, before = self.graph.static, Values(), Values()
        scores = []
        for _ in range(self.network.timesteps):
            now = fixed.copy()
            for node in self.graph.nodes:
                if node.name not in now:
                    now[node.name] = self._value(node, now, before)
            fixed = fixed or {name: now[name] for name in static}
            before = now
            scores.append(now[self.graph.nodes[-1].name])
        return Interpreted(torch.stack([one for one in scores if one is not None]), self.n_spikes, self.margin)

    def _value(self, node: Node, now: Values, before: Values) -> Tensor | None:
        summands = [(before if link.delayed else now).get(link.source) for link in node.links]
        given = [one for one in summands if one is not None]
        match node.operation:
            case Image():
                return self.images
            case Sum() if not given:
                return self.images.new_zeros(len(self.images), *node.shape)
        if not given:
            return None
        x = given[0]
        for one in given[1:]:
            x = x + one
        match node.operation:
            case Weights() as operation:
                return _weigh(operation, self.network.weights[node.name], x)
            case Neurons():
                return self._fire(node.name, self.network.neurons[node.name], x)
            case Pool(kernel, stride, padding, reduce):
                pool = F.avg_pool2d if reduce == "mean" else F.max_pool2d
                return pool(x, kernel, stride, padding)
            case Votes(size):
                return x.reshape(len(x), -1, size).mean(dim=2)
        return x

    def _fire(self, name: str, neurons: NeuronArrays, x: Tensor) -> Tensor:
        if neurons.gain is not None:
            x = x * _channels(neurons.gain, x)
        if neurons.offset is not None:
            x = x + _channels(neurons.offset, x)
        threshold, v_reset = _channels(neurons.threshold, x), _channels(neurons.v_reset, x)
        v = self.potentials.get(name, v_reset.expand_as(x))
        h = v + (x - (v - neurons.v_rest)) / neurons.tau
        fires = h >= threshold
        self.potentials[name] = torch.where(fires, v_reset, h)
        self.margin = torch.minimum(self.margin, (h - threshold).abs().flatten(1).amin(dim=1))
        counted = fires.flatten(1).sum(dim=1)
        self.n_spikes[name] = self.n_spikes.get(name, torch.zeros_like(counted)) + counted
        return fires.to(x.dtype)


def _weigh(operation: Weights, weights: WeightArrays, x: Tensor) -> Tensor:
    if weights.codes is None or weights.step is None:
        held, step = torch.from_numpy(weights.values).double(), None
    else:  # what a chip does: a sum of integers first, scaled behind it
        held, step = torch.from_numpy(weights.codes).double(), weights.step.reshape(-1)
    if operation.kernel:
        y = F.conv2d(x, held, stride=operation.stride, padding=operation.kernel // 2, groups=operation.groups)
    else:
        y = F.linear(x.flatten(1), held)
    for factor in (step, weights.gain):
        if factor is not None:
            y = y * _channels(factor, y)
    return y if weights.offset is None else y + _channels(weights.offset, y)


def _channels(values: Floats, like: Tensor) -> Tensor:
    """One value or one for each channel, shaped to broadcast over [B, C, ...]."""
    tensor = torch.from_numpy(np.asarray(values, dtype=np.float64))
    return tensor.reshape(-1, *[1] * (like.dim() - 2))
