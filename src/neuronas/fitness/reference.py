"""The reference evaluation: slow, short, readable. Every faster one must give its numbers."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from neuronas.fitness.scores import Kernel, distances, kernel_named, log_determinant
from neuronas.snn.network import SpikingFeatures
from neuronas.snn.neuron import NeuronParameters, is_lif, reset_state
from neuronas.snn.weights import WeightSource
from neuronas.space.genotype import Architecture
from neuronas.space.layers import NetworkShape


class _KernelSum:
    """Forward hook that adds up the kernels of every LIF layer and time step."""

    def __init__(self, kernel: Kernel):
        self.kernel = kernel
        self.total: Tensor | float = 0.0
        self.count = 0

    def __call__(self, layer: nn.Module, inputs: tuple[Tensor, ...], spikes: Tensor) -> None:
        for step in spikes.flatten(2):
            self.total = self.total + self.kernel(*distances(step), step.shape[1])
            self.count += 1


class ReferenceEvaluator:
    """Builds each network with SpikingJelly's neurons, runs it on the batches and reads its spikes.

    Args:
        batches: [n, B, C, H, W] normalised images; fitness is the mean over the n batches.
        shape: the network around the cells.
        weights: where the quantised weights come from.
        neuron: parameters of the LIF neurons.
        timesteps: number of time steps.
        fitness: a name from ``scores.KERNELS``.
    """

    def __init__(
        self,
        batches: Tensor,
        shape: NetworkShape,
        weights: WeightSource,
        neuron: NeuronParameters,
        timesteps: int,
        fitness: str,
    ):
        self.batches, self.shape, self.weights = batches, shape, weights
        self.neuron, self.timesteps = neuron, timesteps
        self.kernel = kernel_named(fitness)

    def evaluate(self, architectures: Sequence[Architecture]) -> Iterator[tuple[int, float]]:
        """See ``Evaluator``."""
        for index, architecture in enumerate(architectures):
            network = SpikingFeatures(architecture, self.shape, self.weights, self.neuron, self.timesteps)
            network.to(self.batches.device)
            per_batch = [self._fitness(network, images) for images in self.batches]
            yield index, sum(per_batch) / len(per_batch)

    @torch.no_grad()
    def _fitness(self, network: nn.Module, images: Tensor) -> float:
        kernels = _KernelSum(self.kernel)
        hooks = [module.register_forward_hook(kernels) for module in network.modules() if is_lif(module)]
        reset_state(network)
        network(images)
        for hook in hooks:
            hook.remove()
        return log_determinant(torch.as_tensor(kernels.total) / kernels.count)
