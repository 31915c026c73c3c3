"""The reference interpreter of all integer exports: computes an integer network on batches of images."""

from collections.abc import Callable
from math import prod

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from neuronas.export.integer_network import (
    CURRENT_SHIFT,
    LARGEST_MEMBRANE,
    LEAK_SHIFT,
    IntegerNetwork,
    IntegerNeurons,
    Integers,
    IntegerWeights,
    converted,
)
from neuronas.export.interpreter import steps_of
from neuronas.export.ranges import is_rounded, received_unit
from neuronas.export.unrolled import Unrolled
from neuronas.space.graph import Link, Node
from neuronas.space.node_operations import Pool, Shape, Weights

Seen = Callable[[str, Tensor], None]
"""Called with the name of a LIF layer and its spikes [B, ...], for each time step in turn."""
_EXACT_FLOAT32 = 2**24


def _unseen(name: str, spikes: Tensor) -> None:
    pass


@torch.no_grad()
def integer_scores(network: IntegerNetwork, pixels: Tensor, seen: Seen = _unseen, weighed: Seen = _unseen) -> Tensor:
    """Compute the class scores of images.

    Args:
        network: the network.
        pixels: uint8 [B, C, H, W], or sequences [T, B, C, H, W].
        seen: called with the spikes of each LIF layer.
        weighed: called with the input of each node with weights; once if it is the same at all time steps.

    Returns:
        scores [T, B, n_classes] int64, in the unit of the last node.
    """
    interpreter, image = _IntegerInterpreter(network, pixels, seen, weighed), network.image
    steps = []
    for x in steps_of(pixels):
        multiplied = x.long() * interpreter.channels(image.multiplier, x)
        steps.append((multiplied + interpreter.channels(image.offset, x)) >> image.shift)
    return torch.stack(interpreter.scores(steps))


class _IntegerInterpreter(Unrolled[Tensor, IntegerWeights, IntegerNeurons]):
    """Values are int64 tensors [B, ...]; all of them would fit int32."""

    def __init__(self, network: IntegerNetwork, pixels: Tensor, seen: Seen, weighed: Seen):
        super().__init__(network)
        self.integers, self.n_images, self.device, self.seen = network, pixels.shape[-4], pixels.device, seen
        self.weighed = weighed

    def channels(self, values: Integers, like: Tensor) -> Tensor:
        """One value per channel, reshaped to broadcast over [B, C, ...]."""
        return torch.from_numpy(values).to(self.device).reshape(-1, *[1] * (like.dim() - 2))

    def received(self, x: Tensor, link: Link, node: Node) -> Tensor:
        """Convert a value to the unit of the node's sum; see ``received_unit``."""
        units = self.integers.units
        factor, divisor = converted(units[link.source], received_unit(units, node, self.integers.unit))
        return x if factor == divisor else _divided(x * factor, divisor)

    def zeros(self, shape: Shape, name: str) -> Tensor:
        return torch.zeros(self.n_images, *shape, dtype=torch.int64, device=self.device)

    def add(self, x: Tensor, y: Tensor, name: str) -> Tensor:
        return x + y

    def weigh(self, operation: Weights, weights: IntegerWeights, x: Tensor, node: str, name: str) -> Tensor:
        self.weighed(node, x)
        exact = torch.float32 if self.integers.sums[node] < _EXACT_FLOAT32 and not x.is_cuda else torch.float64
        codes, x = torch.from_numpy(weights.codes).to(self.device, exact), x.to(exact)
        if operation.kernel:
            y = F.conv2d(x, codes, stride=operation.stride, padding=operation.n_padded, groups=operation.groups)
        else:
            y = F.linear(x.flatten(1), codes)
        total, rescale = y.long(), weights.rescale
        if rescale is None:
            return total
        total = (total + (1 << rescale.pre_shift >> 1)) >> rescale.pre_shift
        product = total * self.channels(rescale.multiplier, total) + self.channels(rescale.offset, total)
        return product >> self.channels(rescale.shift, total)

    def fire(self, neurons: IntegerNeurons, x: Tensor, v: Tensor | None, node: str, name: str) -> tuple[Tensor, Tensor]:
        limit, reset = self.channels(neurons.limit, x), self.channels(neurons.reset, x)
        limited = torch.minimum(torch.maximum(x, -limit), limit) * self.channels(neurons.multiplier, x)
        current = (limited + (1 << CURRENT_SHIFT - 1)) >> CURRENT_SHIFT
        p = reset.expand_as(x) if v is None else v
        h = ((p * neurons.leak + (1 << LEAK_SHIFT - 1)) >> LEAK_SHIFT) + current
        h = h.clamp(-LARGEST_MEMBRANE - 1, LARGEST_MEMBRANE)
        spikes = h >= self.channels(neurons.threshold, x)
        self.seen(node, spikes)
        return spikes.long(), torch.where(spikes, reset, h)

    def pool(self, operation: Pool, x: Tensor, node: str, name: str) -> Tensor:
        if operation.reduce == "max":
            found = F.max_pool2d(x.double(), operation.kernel, operation.stride, operation.padding)
            return found.long()
        total = F.avg_pool2d(
            x.double(), operation.kernel, operation.stride, operation.padding, divisor_override=1
        ).long()
        is_mean = is_rounded(self.integers.units, node, self.integers.unit)
        return _divided(total, prod(operation.kernel)) if is_mean else total

    def vote(self, size: int, x: Tensor, name: str) -> Tensor:
        return x.reshape(len(x), -1, size).sum(dim=2)


def _divided(x: Tensor, divisor: int) -> Tensor:
    """Quotient rounded to nearest, halves up."""
    return torch.div(x + divisor // 2, divisor, rounding_mode="floor")
