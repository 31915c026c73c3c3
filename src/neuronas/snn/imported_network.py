"""An imported network as a PyTorch module, with float weights or with integer weights for crossbars."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from neuronas.config import FULL_PRECISION, WeightBits, bits_of
from neuronas.snn.bound_graph import Floats, WeightArrays
from neuronas.snn.fake_quantisation import Codes
from neuronas.snn.folded_time import folded, pooled
from neuronas.snn.graph_network import module_key
from neuronas.snn.imported import ImportedNetwork, ReluRule, Scaling, SpikeRule
from neuronas.snn.weighted import InputFormat, WeightedLayer, WeightedNetwork
from neuronas.space.graph import Node
from neuronas.space.node_operations import Neurons, Sum, Weights


class FixedLayer(WeightedLayer):
    """A convolution or fully connected layer with fixed weights: integers times a step.

    Args:
        operation: kernel, stride, padding and groups.
        codes: integers, and their step (one value or one per output).
    """

    def __init__(self, operation: Weights, codes: Codes):
        super().__init__()
        self.kernel, self.groups = operation.kernel, operation.groups
        self.stride, self.padding = operation.stride, operation.n_padded
        self.register_buffer("codes", codes.codes)
        self.register_buffer("step", codes.step)

    @property
    def held(self) -> Tensor:
        """See ``WeightedLayer``."""
        return self.get_buffer("codes") * self.get_buffer("step")

    @property
    def integers(self) -> Codes:
        """See ``WeightedLayer``."""
        return Codes(self.get_buffer("codes"), self.get_buffer("step"))

    def forward(self, x: Tensor) -> Tensor:
        """Multiply by the codes, then by the step: sums of spikes are exact."""
        codes, step = self.integers
        if not self.kernel:
            return F.linear(x, codes) * step.flatten()
        y = F.conv2d(x, codes, stride=self.stride, padding=self.padding, groups=self.groups)
        return y * step.reshape(-1, 1, 1)


class _Scaled(nn.Module):
    """``gain * x + offset`` of [T, B, ...]."""

    def __init__(self, scaling: Scaling):
        super().__init__()
        self.register_buffer("gain", _tensor(scaling.gain))
        self.register_buffer("offset", _tensor(scaling.offset))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.get_buffer("gain") + self.get_buffer("offset")


class _WeightsNode(nn.Module):
    """A layer on sequences [T, B, ...]; its inputs are rounded to a format if ``inputs`` is set."""

    def __init__(self, layer: FixedLayer, arrays: WeightArrays, n_dims: int):
        super().__init__()
        self.layer, self.is_convolution = layer, bool(layer.kernel)
        gain, offset = (
            np.float64(value) if given is None else given.reshape(-1, *[1] * (n_dims - 1))
            for given, value in ((arrays.gain, 1.0), (arrays.offset, 0.0))
        )
        self.scaled = _Scaled(Scaling(np.asarray(gain), np.asarray(offset)))
        self.inputs: InputFormat | None = None

    def forward(self, x: Tensor) -> Tensor:
        if self.inputs is not None:
            x = self.inputs.rounded(x)
        y: Tensor = folded(self.layer, x) if self.is_convolution else self.layer(x.flatten(2))
        scaled: Tensor = self.scaled(y)
        return scaled


class _Relu(nn.Module):
    """ReLU, with an upper limit if the network has one; see ``NeuronLayer``."""

    def __init__(self, rule: ReluRule, scaling: Scaling | None):
        super().__init__()
        self.largest, self.scaled = rule.largest, nn.Identity() if scaling is None else _Scaled(scaling)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.scaled(x).clamp(0, self.largest)
        return y

    def step(self, x: Tensor, v: Tensor | None) -> tuple[Tensor, Tensor | None]:
        return self(x), v


class _ImportedNeurons(nn.Module):
    """Neurons of ``SpikeRule``; see ``NeuronLayer``."""

    def __init__(self, rule: SpikeRule, scaling: Scaling | None, timesteps: int):
        super().__init__()
        self.timesteps, self.scaled = timesteps, nn.Identity() if scaling is None else _Scaled(scaling)
        values = {"threshold": rule.threshold, "rest": rule.v_rest, "tau": rule.tau, "reset": rule.v_reset}
        for name, value in values.items():
            self.register_buffer(name, None if value is None else _tensor(value))
        self.threshold: Tensor
        self.rest: Tensor
        self.tau: Tensor | None
        self.reset: Tensor | None

    def forward(self, x: Tensor) -> Tensor:
        x, v, spikes = self.scaled(x), None, []
        for number in range(self.timesteps):
            fired, v = self._fired(x[min(number, len(x) - 1)], v)
            spikes.append(fired)
        return torch.stack(spikes)

    def step(self, x: Tensor, v: Tensor | None) -> tuple[Tensor, Tensor | None]:
        return self._fired(self.scaled(x), v)

    def _fired(self, x: Tensor, v: Tensor | None) -> tuple[Tensor, Tensor]:
        if v is None:
            v = (self.rest if self.reset is None else self.reset).expand_as(x)
        h = v + (x if self.tau is None else (x - (v - self.rest)) / self.tau)
        fires = h >= self.threshold
        return fires.to(x.dtype), torch.where(fires, h - self.threshold if self.reset is None else self.reset, h)


class ImportedClassifier(WeightedNetwork):
    """An imported network: normalised images -> class scores.

    Args:
        imported: layer graph and arrays.
        timesteps: number of time steps T; 1 for networks without spikes.
        weight_bits: precision of the weights, for all layers or by layer. Each output has a step with which its largest
            weight gets the largest code; codes given in the file are kept if they fit. 32: not quantised.
    """

    def __init__(self, imported: ImportedNetwork, timesteps: int, weight_bits: WeightBits):
        def weights(node: Node, operation: Weights) -> nn.Module:
            arrays = imported.weights[node.name]
            codes = _codes(arrays, bits_of(weight_bits, node.name))
            return _WeightsNode(FixedLayer(operation, codes), arrays, len(node.shape))

        def neurons(node: Node, operation: Neurons) -> nn.Module:
            rule, scaling = imported.neurons[node.name], imported.scalings.get(node.name)
            return _Relu(rule, scaling) if isinstance(rule, ReluRule) else _ImportedNeurons(rule, scaling, timesteps)

        super().__init__(imported.graph, timesteps, weights, neurons, pooled)
        self._rules = imported.neurons
        self._sums = nn.ModuleDict()
        for node in imported.graph.nodes:
            if isinstance(node.operation, Sum) and node.name in imported.scalings:
                self._sums[module_key(node.name)] = _Scaled(imported.scalings[node.name])

    def forward(self, images: Tensor) -> Tensor:
        """[B, C, H, W] normalised images -> [T, B, n_classes] class scores; T = 1 if all time steps are equal."""
        return super().forward(images).flatten(2)

    def is_spiking(self, node: Node) -> bool:
        """See ``WeightedNetwork``."""
        return isinstance(self._rules.get(node.name), SpikeRule)

    def is_plain(self, node: Node) -> bool:
        """See ``WeightedNetwork``."""
        return super().is_plain(node) and module_key(node.name) not in self._sums

    def input_formats(self) -> Mapping[str, InputFormat]:
        """See ``WeightedNetwork``; set by ``set_input_formats``."""
        found = {name: node.inputs for name, node in self.layers_of(_WeightsNode).items()}
        return {name: inputs for name, inputs in found.items() if inputs is not None}

    def set_input_formats(self, formats: Mapping[str, InputFormat]) -> None:
        """Round the inputs of layers, by name, to formats in the following computations."""
        for name, node in self.layers_of(_WeightsNode).items():
            if name in formats:
                node.inputs = formats[name]

    @torch.no_grad()
    def input_ranges(self, images: Tensor) -> dict[str, tuple[float, float]]:
        """Lowest (at most 0) and highest input of each layer with weights for normalised images, by name."""
        found: dict[str, tuple[float, float]] = {}
        with self._watched(found):
            self(images)
        return found

    @contextmanager
    def _watched(self, found: dict[str, tuple[float, float]]) -> Iterator[None]:
        def watch(name: str, layer: nn.Module) -> torch.utils.hooks.RemovableHandle:
            def seen(module: nn.Module, inputs: tuple[Tensor]) -> None:
                low, high = found.get(name, (0.0, 0.0))
                found[name] = min(low, float(inputs[0].min())), max(high, float(inputs[0].max()))

            return layer.register_forward_pre_hook(seen)

        hooks = [watch(name, layer) for name, layer in self.weighted_layers().items()]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _value(self, node: Node, x: Tensor, potentials: dict[str, Tensor | None] | None) -> Tensor:
        value = super()._value(node, x, potentials)
        key = module_key(node.name)
        return self._sums[key](value) if key in self._sums else value


def _codes(arrays: WeightArrays, weight_bits: int) -> Codes:
    values = torch.from_numpy(arrays.values).float()
    if weight_bits == FULL_PRECISION:
        return Codes(values, torch.ones(1))
    largest = 2 ** (weight_bits - 1) - 1
    shape = (-1, *[1] * (values.dim() - 1))
    if arrays.codes is not None and arrays.step is not None and np.abs(arrays.codes).max(initial=0) <= largest:
        return Codes(torch.from_numpy(arrays.codes).float(), _tensor(arrays.step).reshape(shape))
    step = values.abs().reshape(len(values), -1).amax(dim=1).reshape(shape) / largest
    step = torch.where(step > 0, step, 1.0)
    return Codes((values / step).round().clamp(-largest, largest), step)


def _tensor(values: Floats) -> Tensor:
    return torch.from_numpy(np.array(values, dtype=np.float32))
