"""Activity of a trained network on images: spikes, input rates of each layer in each time step, operations."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from neuronas.hardware.sensor import BYTE
from neuronas.snn.classifier import Classifier
from neuronas.snn.lif import observed
from neuronas.snn.trainable import QuantisedConvolution, QuantisedLinear
from neuronas.snn.weighted import InputFormat
from neuronas.space.node_operations import Image
from neuronas.training.evaluation import Seen, unseen
from neuronas.training.images import Images, Indices

PJ_PER_MAC, PJ_PER_ACCUMULATE = 4.6, 0.9
"""Energy of 32-bit floating-point operations in 45 nm CMOS: Horowitz, ISSCC 2014, doi 10.1109/ISSCC.2014.6757323."""


@dataclass(frozen=True)
class LayerActivity:
    """Activity of one layer with weights, per image, over all time steps.

    Attributes:
        input_rate: share of nonzero inputs per time step, 0 to 1; of what a quantised ReLU gives, and of the pixels of
            a sequence, share of bits that are 1.
        operations: number of products of a nonzero input and a nonzero weight.
        spiking: whether the inputs are spikes: an operation is then an accumulation, otherwise a multiply-accumulate.
        input_rates: input rate of each time step.
    """

    input_rate: float
    operations: float
    spiking: bool
    input_rates: tuple[float, ...]


@dataclass(frozen=True)
class NetworkActivity:
    """Activity of a network, per image.

    Attributes:
        layers: activity of each layer with weights, by the name of its node in the layer graph.
        firing_rates: spikes per neuron per time step of each LIF layer, by name.
        n_spikes: number of spikes of all LIF layers over all time steps.
    """

    layers: dict[str, LayerActivity]
    firing_rates: dict[str, float]
    n_spikes: float

    @property
    def accumulations(self) -> float:
        """Synaptic operations: accumulations of a weight, each caused by a spike."""
        return sum(layer.operations for layer in self.layers.values() if layer.spiking)

    @property
    def multiplications(self) -> float:
        """Multiply-accumulate operations of layers whose inputs are not spikes."""
        return sum(layer.operations for layer in self.layers.values() if not layer.spiking)

    @property
    def literature_energy_uj(self) -> float:
        """Energy in uJ, at 4.6 pJ per multiply-accumulate and 0.9 pJ per accumulation (see ``PJ_PER_MAC``)."""
        return (PJ_PER_MAC * self.multiplications + PJ_PER_ACCUMULATE * self.accumulations) / 1e6


@dataclass
class _Meter:
    """What one layer has read so far.

    Attributes:
        n_steps: T.
        format: of its inputs, where they are integers of several bits; None: an input counts as 0 or not 0.
    """

    layer: QuantisedConvolution | QuantisedLinear
    n_steps: int
    format: InputFormat | None
    operations: float = 0.0
    is_binary: bool = True
    n_active: list[float] = field(default_factory=list)
    n_inputs: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        weights = (self.layer.held != 0).float()
        if isinstance(self.layer, QuantisedConvolution):  # the filters of a group read the same channels
            weights = weights.reshape(self.layer.groups, -1, *weights.shape[1:]).sum(dim=1)
        self._weights = weights
        self.start()

    def start(self) -> None:
        """A batch begins."""
        self._seen: list[tuple[float, int]] = []

    def read(self, x: Tensor, n_images: int) -> None:
        """Inputs of successive time steps: [n_steps * n_images, C, H, W], or [n_steps, n_images, n]."""
        nonzero, layer = (x != 0).float(), self.layer
        if isinstance(layer, QuantisedConvolution):
            done = F.conv2d(nonzero, self._weights, stride=layer.stride, padding=layer.kernel // 2, groups=layer.groups)
        else:
            done = F.linear(nonzero, self._weights)
        self.operations += _total(done)
        self.is_binary = self.is_binary and bool(((x == 0) | (x == 1)).all())
        for step in x.reshape(-1, n_images, *x.shape[1:] if x.dim() == 4 else x.shape[2:]):
            active = _total((step != 0).float()) if self.format is None else _n_ones(step, self.format)
            self._seen.append((active, step.numel()))

    def end(self) -> None:
        """A batch ends. What was read once is the same at every time step; else the first steps brought nothing."""
        seen = self._seen * self.n_steps if len(self._seen) == 1 else self._seen
        seen = [(0.0, 0)] * (self.n_steps - len(seen)) + seen
        self.n_active = [old + new for old, (new, _) in zip(self.n_active or [0.0] * len(seen), seen, strict=True)]
        self.n_inputs = [old + new for old, (_, new) in zip(self.n_inputs or [0] * len(seen), seen, strict=True)]

    def result(self, n_images: int) -> LayerActivity:
        """Of all batches."""
        rates = tuple(active / max(n, 1) for active, n in zip(self.n_active, self.n_inputs, strict=True))
        rate = sum(self.n_active) / sum(self.n_inputs)
        return LayerActivity(rate, self.operations / n_images, self.is_binary, rates)


@torch.no_grad()
def measure_activity(
    network: Classifier,
    images: Images,
    indices: Indices,
    device: torch.device,
    seen: Seen = unseen,
    pixel_bits: int = BYTE,
) -> NetworkActivity:
    """Count spikes and operations; the result is the mean over the given images.

    Args:
        network: the network.
        images: stills or sequences.
        indices: of those that are shown.
        device: for the computation.
        seen: is told of images that were just computed.
        pixel_bits: of the pixels of sequences, which the first layer reads before normalisation, so that no event is 0.
    """
    network.eval()
    counts: dict[str, float] = {}
    neurons: dict[str, int] = {}
    formats, graph = dict(network.input_formats()), network.graph
    of_pixels = {
        node.name
        for node in graph.nodes
        if graph.is_sequence and node.links and isinstance(graph.by_name[node.links[0].source].operation, Image)
    }
    formats |= dict.fromkeys(of_pixels, InputFormat(pixel_bits))
    meters = {
        name: _Meter(layer, network.timesteps, formats.get(name)) for name, layer in network.weighted_layers().items()
    }
    n_images = 0

    def watch(name: str) -> Callable[[torch.nn.Module, tuple[Tensor]], None]:
        def read(_: torch.nn.Module, inputs: tuple[Tensor]) -> None:
            meters[name].read(images.levels(inputs[0]) if name in of_pixels else inputs[0], n_images)

        return read

    def count(name: str, spikes: Tensor) -> None:
        counts[name] = counts.get(name, 0.0) + _total(spikes)
        neurons[name] = neurons.get(name, 0) + spikes.numel()

    hooks = [meter.layer.register_forward_pre_hook(watch(name)) for name, meter in meters.items()]
    try:
        with observed(network.neurons(), count):
            for x, labels in images.batches(indices, device):
                n_images = len(labels)
                for meter in meters.values():
                    meter.start()
                network(x)
                for meter in meters.values():
                    meter.end()
                seen(n_images)
    finally:
        for hook in hooks:
            hook.remove()
    n = len(indices)
    layers = {name: meter.result(n) for name, meter in meters.items() if any(meter.n_inputs)}
    return NetworkActivity(layers, {name: counts[name] / neurons[name] for name in counts}, sum(counts.values()) / n)


def _total(values: Tensor) -> float:
    return float(values.double().sum())


def _n_ones(x: Tensor, given: InputFormat) -> float:
    """Number of inputs, each counted by the share of its bits that are 1."""
    return sum(_total(plane) for _, plane in given.planes(x)) / given.n_bits
