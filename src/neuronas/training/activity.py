"""Activity of a trained network on images: spikes, input rates of each layer at each time step, operations."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.grad import conv2d_input

from neuronas.hardware.sensor import BYTE
from neuronas.snn.classifier import Classifier
from neuronas.snn.lif import observed
from neuronas.snn.trainable import QuantisedConvolution, QuantisedLinear
from neuronas.snn.weighted import InputFormat
from neuronas.space.node_operations import Image
from neuronas.training.images import Images
from neuronas.training.passes import Reader

PJ_PER_MAC, PJ_PER_ACCUMULATE = 4.6, 0.9
"""Energy of 32-bit floating-point operations in 45 nm CMOS: Horowitz, ISSCC 2014, doi 10.1109/ISSCC.2014.6757323."""


@dataclass(frozen=True)
class LayerActivity:
    """Activity of one layer with weights, per image, over all time steps.

    Attributes:
        input_rate: share of nonzero inputs per time step, 0 to 1. For outputs of a quantised ReLU and for pixels of a
            sequence: share of bits that are 1.
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
    """Accumulates the activity of one layer.

    Attributes:
        n_steps: number of time steps T.
        format: format of the inputs if they are integers of several bits; None: inputs are counted as zero or nonzero.
    """

    layer: QuantisedConvolution | QuantisedLinear
    n_steps: int
    format: InputFormat | None
    operations: float = 0.0
    is_binary: bool = True
    n_active: list[float] = field(default_factory=list)
    n_inputs: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._weights = (self.layer.held != 0).double()
        self._fan_out: Tensor | None = None
        self.start()

    def start(self) -> None:
        """Begin a batch."""
        self._seen: list[tuple[float, int]] = []

    def read(self, x: Tensor, n_images: int) -> None:
        """Inputs of successive time steps: [n_steps * n_images, C, H, W], or [n_steps, n_images, n]."""
        if self._fan_out is None:
            self._fan_out = self._fan_out_of(x.shape[1:])
        inputs = x.movedim(1, -1) if x.dim() == 4 else x  # in memory order
        steps = inputs.reshape(-1, n_images, len(self._fan_out))
        nonzero = steps
        if not (isinstance(self.layer, QuantisedConvolution) and self.layer.reads_spikes):
            nonzero = (steps != 0).float()
            self.is_binary = self.is_binary and torch.equal(steps.float(), nonzero)
        counts = nonzero.sum(dim=1, dtype=torch.float32).double()  # over images, by step and input; exact below 2^24
        self.operations += float((counts.sum(dim=0) * self._fan_out).sum())
        for step, count in zip(steps, counts, strict=True):
            active = float(count.sum()) if self.format is None else _n_ones(step, self.format)
            self._seen.append((active, step.numel()))

    def _fan_out_of(self, shape: torch.Size) -> Tensor:
        """Number of products with a nonzero weight for each input of an image: [H * W * C] or [n]."""
        layer, weights = self.layer, self._weights
        if not isinstance(layer, QuantisedConvolution):
            return weights.sum(dim=0)
        weights = weights.reshape(layer.groups, -1, *weights.shape[1:]).sum(dim=1)  # a group reads the same channels
        side = [(n + 2 * layer.padding - layer.kernel) // layer.stride + 1 for n in shape[1:]]
        outputs = weights.new_ones(1, layer.groups, *side)
        found: Tensor = conv2d_input((1, *shape), weights, outputs, layer.stride, layer.padding, groups=layer.groups)  # type: ignore[no-untyped-call]
        return found[0].movedim(0, -1).flatten()

    def end(self) -> None:
        """End a batch. Inputs read once are equal at every time step; otherwise, missing first steps had no input."""
        seen = self._seen * self.n_steps if len(self._seen) == 1 else self._seen
        seen = [(0.0, 0)] * (self.n_steps - len(seen)) + seen
        self.n_active = [old + new for old, (new, _) in zip(self.n_active or [0.0] * len(seen), seen, strict=True)]
        self.n_inputs = [old + new for old, (_, new) in zip(self.n_inputs or [0] * len(seen), seen, strict=True)]

    def result(self, n_images: int) -> LayerActivity:
        """The mean over all batches."""
        rates = tuple(active / max(n, 1) for active, n in zip(self.n_active, self.n_inputs, strict=True))
        rate = sum(self.n_active) / sum(self.n_inputs)
        return LayerActivity(rate, self.operations / n_images, self.is_binary, rates)


class ActivityReader(Reader):
    """Counts spikes and operations in a pass.

    Args:
        network: network at one precision.
        images: images that are computed.
        pixel_bits: bits per pixel of sequences; the first layer reads pixels before normalisation, so no event is 0.
    """

    def __init__(self, network: Classifier, images: Images, pixel_bits: int = BYTE):
        self._network, self._images = network, images
        formats, graph = dict(network.input_formats()), network.graph
        self._of_pixels = {
            node.name
            for node in graph.nodes
            if graph.is_sequence and node.links and isinstance(graph.by_name[node.links[0].source].operation, Image)
        }
        formats |= dict.fromkeys(self._of_pixels, InputFormat(pixel_bits))
        with torch.no_grad():
            self._meters = {
                name: _Meter(layer, network.timesteps, formats.get(name))
                for name, layer in network.weighted_layers().items()
            }
        self._n_images = 0
        self._n_spikes: dict[str, int] = {}
        self._n_neurons: dict[str, int] = {}

    @contextmanager
    def watching(self, n_images: int) -> Iterator[None]:
        """See ``Reader``."""
        for meter in self._meters.values():
            meter.start()
        hooks = [
            meter.layer.register_forward_pre_hook(partial(self._read, name, n_images))
            for name, meter in self._meters.items()
        ]
        try:
            with observed(self._network.neurons(), self._count):
                yield
        finally:
            for hook in hooks:
                hook.remove()

    def read(self, scores: Tensor, labels: Tensor) -> None:
        """See ``Reader``."""
        self._n_images += len(labels)
        for meter in self._meters.values():
            meter.end()

    @property
    def result(self) -> NetworkActivity:
        """The mean over the images."""
        layers = {name: meter.result(self._n_images) for name, meter in self._meters.items() if any(meter.n_inputs)}
        rates = {name: n / self._n_neurons[name] for name, n in self._n_spikes.items()}
        return NetworkActivity(layers, rates, sum(self._n_spikes.values()) / self._n_images)

    def _read(self, name: str, n_images: int, _: nn.Module, inputs: tuple[Tensor]) -> None:
        x = self._images.levels(inputs[0]) if name in self._of_pixels else inputs[0]
        self._meters[name].read(x, n_images)

    def _count(self, name: str, spikes: Tensor) -> None:
        of_images = spikes.movedim(2, -1).flatten(2)  # in memory order
        n_spikes = int(of_images.sum(dim=2, dtype=torch.float32).double().sum())  # exact below 2^24 per image
        self._n_spikes[name] = self._n_spikes.get(name, 0) + n_spikes
        self._n_neurons[name] = self._n_neurons.get(name, 0) + spikes.numel()


def _n_ones(x: Tensor, given: InputFormat) -> float:
    """Number of inputs, each weighted by the share of its bits that are 1."""
    return sum(float(plane.double().sum()) for _, plane in given.planes(x)) / given.n_bits
