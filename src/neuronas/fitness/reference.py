"""The reference evaluation: slow, but short and readable. The fast engine must give the same fitness."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from neuronas.fitness.measure import Measure, Reading, reads_hidden, reads_output
from neuronas.fitness.patterns import Patterns
from neuronas.snn.graph_network import module_key
from neuronas.snn.network import SpikeConvolution, SpikingFeatures
from neuronas.snn.neuron import NeuronParameters
from neuronas.snn.weights import WeightSource
from neuronas.space.genotype import Architecture
from neuronas.space.shape import NetworkShape


class ReferenceEvaluator:
    """Builds each network with SpikingJelly's neurons, runs it, and reads the spikes in front of each convolution.

    Args:
        batches: [n, B, C, H, W] normalised images, of sequences [n, T, B, C, H, W]; fitness is the mean over the n
            batches.
        shape: sizes of the network around the cells.
        weights: draws the quantised weights.
        neuron: parameters of the LIF neurons.
        timesteps: number of time steps.
        measure: the fitness measure.
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
            network = SpikingFeatures(
                architecture,
                self.shape,
                self.weights,
                self.neuron,
                self.timesteps,
                with_hidden=reads_hidden(self.measure),
            )
            network.to(self.batches.device)
            per_batch = [self._fitness(architecture.cleaned, network, images) for images in self.batches]
            yield index, sum(per_batch) / len(per_batch)

    @torch.no_grad()
    def _fitness(self, architecture: Architecture, network: SpikingFeatures, images: Tensor) -> float:
        # The LIF layers of a cell with feedback are read as one.
        sections = network.graph.sections
        groups = {node.name: one.source if one.has_delays else node.name for one in sections for node in one.nodes}
        readings: dict[str, list[Tensor]] = {}
        hooks = []
        for name, layer in network.layers_of(SpikeConvolution).items():
            found = readings.setdefault(groups[name], [])
            hooks.append(layer.register_forward_pre_hook(lambda _, x, found=found: found.extend(self._read(*x))))
        for name in network.head_neurons[0 if reads_output(self.measure) else 1 :]:
            found = readings.setdefault(name, [])
            neurons = network.layers[module_key(name)]
            hooks.append(neurons.register_forward_hook(lambda _, __, y, found=found: found.extend(self._read(y))))
        network(images)
        for hook in hooks:
            hook.remove()
        layers = [Reading.added(found) for found in readings.values()]
        return self.measure.combine(architecture, self.shape.n_cells, layers)

    def _read(self, spikes: Tensor) -> list[Tensor]:
        return list(self.measure.read(Patterns.of(spikes.flatten(2))))
