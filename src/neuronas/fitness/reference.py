"""The reference evaluation: slow, short, readable. Every faster one must give its numbers."""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn

from neuronas.fitness.measure import Measure, Reading
from neuronas.fitness.patterns import Patterns
from neuronas.snn.network import SpikingFeatures
from neuronas.snn.neuron import NeuronParameters, is_lif, reset_state
from neuronas.snn.weights import WeightSource
from neuronas.space.genotype import Architecture
from neuronas.space.shape import NetworkShape


class _Readings:
    """Reads LIF layers by forward hooks, in the order in which they run; layers of one group are added up."""

    def __init__(self, measure: Measure):
        self.measure = measure
        self.groups: dict[str, list[Tensor]] = {}

    def hook(self, group: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        """The hook for a layer of this group."""

        def read(layer: nn.Module, inputs: tuple[Tensor, ...], spikes: Tensor) -> None:
            self.groups.setdefault(group, []).extend(self.measure.read(Patterns.of(spikes.flatten(2))))

        return read


class ReferenceEvaluator:
    """Builds each network with SpikingJelly's neurons, runs it on the batches and reads its spikes.

    Args:
        batches: [n, B, C, H, W] normalised images; fitness is the mean over the n batches.
        shape: the network around the cells.
        weights: where the quantised weights come from.
        neuron: parameters of the LIF neurons.
        timesteps: number of time steps.
        measure: reads spikes.
    """

    def __init__(
        self,
        batches: Tensor,
        shape: NetworkShape,
        weights: WeightSource,
        neuron: NeuronParameters,
        timesteps: int,
        measure: Measure,
    ):
        self.batches, self.shape, self.weights = batches, shape, weights
        self.neuron, self.timesteps = neuron, timesteps
        self.measure = measure

    def evaluate(self, architectures: Sequence[Architecture]) -> Iterator[tuple[int, float]]:
        """See ``Evaluator``."""
        for index, architecture in enumerate(architectures):
            network = SpikingFeatures(architecture, self.shape, self.weights, self.neuron, self.timesteps)
            network.to(self.batches.device)
            per_batch = [self._fitness(architecture.cleaned, network, images) for images in self.batches]
            yield index, sum(per_batch) / len(per_batch)

    @torch.no_grad()
    def _fitness(self, architecture: Architecture, network: SpikingFeatures, images: Tensor) -> float:
        readings = _Readings(self.measure)
        hooks = []
        for name, module in network.named_modules():
            if is_lif(module):
                hooks.append(module.register_forward_hook(readings.hook(_group(architecture, self.shape, name))))
        reset_state(network)
        network(images)
        for hook in hooks:
            hook.remove()
        layers = [Reading.added(group) for group in readings.groups.values()]
        return self.measure.combine(architecture, self.shape.n_cells, layers)


def _group(architecture: Architecture, shape: NetworkShape, name: str) -> str:
    """A cell with feedback runs step by step, so its layers are read as one; every other layer is its own group."""
    part, place, *_ = name.split(".")
    looped = part == "cells" and architecture.expanded(shape.n_cells)[int(place)].has_backward
    return f"{part}.{place}" if looped else name
