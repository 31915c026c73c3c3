"""Reader of ``torch.nn.Module``: one call of its ``forward``, traced by ``torch.fx``.

Layers are recognised by their class or its superclasses: SpikingJelly's layers and neurons in either ``step_mode``, and
``neuronas.snn.lif.Lif``; ReLU is read as neurons. The dimension of the time steps, if a module adds one, is not part of
a value's shape.
"""

import operator
from collections.abc import Mapping, Sequence
from functools import partial
from math import prod
from typing import Any, Literal

import torch
from spikingjelly.activation_based import layer as spikingjelly_layer, neuron as spikingjelly_neuron
from torch import fx, nn
from torch.nn import functional as F  # noqa: N812

from neuronas.errors import ConfigurationError
from neuronas.importing.draft import Draft
from neuronas.importing.layers import UNSUPPORTED, convolution, linear, pooling
from neuronas.importing.module_arrays import rule_of, scaling_of, weights_of
from neuronas.snn.bound_graph import WeightArrays
from neuronas.snn.graph_network import GraphNetwork
from neuronas.snn.imported import ImportedNetwork, Scaling
from neuronas.snn.lif import Lif
from neuronas.snn.spikingjelly import SpikingJellyLif
from neuronas.space.graph import Graph
from neuronas.space.node_operations import Shape, Sum

_NEURONS = (nn.ReLU, nn.ReLU6, spikingjelly_neuron.BaseNode, Lif, SpikingJellyLif)
_FOLDED = (nn.Identity, nn.Flatten, nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd)
_CONTAINERS = (spikingjelly_layer.SeqToANNContainer, spikingjelly_layer.MultiStepContainer)
_POOLS = (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)
_STATELESS = (nn.ReLU, nn.ReLU6, *_FOLDED, *_POOLS)
_LAYERS = (nn.Conv2d, nn.Linear, spikingjelly_layer.VotingLayer, *_NEURONS, *_FOLDED, *_POOLS, *_CONTAINERS)


def read_module(module: object, input_shape: Sequence[int] | None) -> Graph:
    """Read a module's layers, without their weights.

    Args:
        module: convolutions, linear layers, pools, sums, batch normalisation, and neurons.
        input_shape: [C, H, W] of an image.

    Raises:
        ConfigurationError: the shape is missing, or a layer is unsupported; names the layer and its type.
    """
    if not isinstance(module, nn.Module):
        raise ConfigurationError(f"{module!r:.60} given; expected an architecture, a path, or an nn.Module")
    if isinstance(module, GraphNetwork):
        return module.graph
    return _read(module, input_shape, with_arrays=False).graph()


def read_module_arrays(module: nn.Module, input_shape: Sequence[int]) -> ImportedNetwork:
    """Read a module's layers with their weights and neurons; see ``read_module``."""
    return _read(module, input_shape, with_arrays=True).network()


def _read(module: nn.Module, input_shape: Sequence[int] | None, *, with_arrays: bool) -> Draft:
    name = type(module).__name__
    if input_shape is None:
        raise ConfigurationError(f"{name} given without input_shape; expected input_shape=(channels, height, width)")
    try:
        traced = _Tracer().trace(module)
    except (fx.proxy.TraceError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigurationError(
            f"{name}: torch.fx cannot trace its forward ({reason}); expected no conditions on values, or a file"
        ) from error
    reader = _ModuleReader(Draft(name, with_arrays=with_arrays), module, tuple(map(int, input_shape)))
    reader.read(traced)
    return reader.draft


class _Tracer(fx.Tracer):
    """Tracer that does not trace into known layers."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Whether a module is a known layer; other modules are traced."""
        return isinstance(m, _LAYERS) or super().is_leaf_module(m, module_qualified_name)


class _ModuleReader:
    """Converts a traced module."""

    def __init__(self, draft: Draft, module: nn.Module, input_shape: Shape):
        self.draft, self.module, self.input_shape = draft, module, input_shape
        self.called: set[str] = set()

    def read(self, traced: fx.Graph) -> None:
        """Read all layers into the draft."""
        values: dict[fx.Node, Any] = {}
        for node in traced.nodes:
            name, kind = str(node.target) if node.op == "call_module" else node.name, self._kind(node)
            with self.draft.reading(name, kind):
                match node.op:
                    case "placeholder":
                        if values:
                            raise ValueError("second input given; expected one, the image")
                        values[node] = self.draft.image(name, self.input_shape)
                    case "call_module":
                        values[node] = self._layer(name, self.module.get_submodule(name), values[node.args[0]])
                    case "call_function" | "call_method":
                        given = [values.get(one, one) if isinstance(one, fx.Node) else one for one in node.args]
                        values[node] = self._call(name, node, given, node.kwargs)
                    case "get_attr":
                        raise ValueError("parameter outside of a layer given; expected layers with weights")
                    case "output" if self.draft.with_arrays:
                        if not isinstance(node.args[0], fx.Node):
                            raise ValueError("several outputs given; expected one, the class scores")
                        self.draft.output = values[node.args[0]]

    def _kind(self, node: fx.Node) -> str:
        if node.op == "call_module":
            return type(self.module.get_submodule(str(node.target))).__name__
        return getattr(node.target, "__name__", str(node.target))

    def _layer(self, name: str, layer: nn.Module, source: str) -> str:
        draft = self.draft
        if name in self.called and not isinstance(layer, _STATELESS):
            raise ValueError("called twice; expected a forward of one time step that calls each layer once")
        self.called.add(name)
        match layer:
            case nn.Sequential():
                for part, one in layer.named_children():
                    with draft.reading(f"{name}.{part}", type(one).__name__):
                        source = self._layer(f"{name}.{part}", one, source)
                return source
            case nn.Conv2d():
                operation = convolution(
                    layer.out_channels, layer.kernel_size, layer.stride, _padding(layer), layer.dilation, layer.groups
                )
                return draft.weigh(name, operation, source, tuple(layer.weight.shape), self._weights(layer))
            case nn.Linear():
                operation = linear(layer.out_features)
                return draft.weigh(name, operation, source, tuple(layer.weight.shape), self._weights(layer))
            case nn.modules.batchnorm._BatchNorm() if draft.with_arrays:
                return draft.scale(name, source, scaling_of(layer))
            case nn.MaxPool2d():
                if layer.dilation not in (1, (1, 1)):
                    raise ValueError(f"dilation {layer.dilation} given; expected 1")
                stride = layer.kernel_size if layer.stride is None else layer.stride
                pool = pooling("max", layer.kernel_size, stride, layer.padding, ceil=layer.ceil_mode)
                return draft.add(name, pool, source)
            case nn.AvgPool2d():
                counts = layer.count_include_pad
                pool = pooling(
                    "mean", layer.kernel_size, layer.stride, layer.padding, ceil=layer.ceil_mode, counts_padding=counts
                )
                return draft.add(name, pool, source)
            case nn.AdaptiveAvgPool2d():
                return draft.pool_to(name, "mean", source, _pair(layer.output_size))
            case nn.AdaptiveMaxPool2d():
                return draft.pool_to(name, "max", source, _pair(layer.output_size))
            case spikingjelly_layer.VotingLayer():
                return draft.vote(name, layer.voting_size, source)
        if isinstance(layer, _NEURONS):
            return self._fire(name, source, layer)
        if isinstance(layer, _FOLDED):
            return source
        raise ValueError(UNSUPPORTED)

    def _weights(self, layer: nn.Conv2d | nn.Linear) -> WeightArrays | None:
        return weights_of(layer) if self.draft.with_arrays else None

    def _fire(self, name: str, source: str, layer: nn.Module) -> str:
        if not self.draft.with_arrays:
            return self.draft.fire(name, source)
        rule, factor = rule_of(layer)
        if factor != 1:
            source = self.draft.scale(f"{name}.input", source, partial(Scaling.of, factor, 0.0))
        return self.draft.fire(name, source, rule)

    def _add(self, name: str, given: list[Any], named: Mapping[str, Any]) -> str:
        values = [one for one in given if isinstance(one, str)]
        numbers = [one for one in given if isinstance(one, int | float)]
        if named and self.draft.with_arrays:
            raise ValueError(f"{', '.join(named)} given; expected a plain sum")
        found = self.draft.add(name, Sum(), *values) if len(values) > 1 else values[0]
        return self.draft.scale(name, found, partial(Scaling.of, 1.0, float(sum(numbers)))) if numbers else found

    def _call(self, name: str, node: fx.Node, given: list[Any], named: Mapping[str, Any]) -> Any:
        """Result of a function or a method: the name of a value; None for sizes."""
        target = node.target if isinstance(node.target, str) else _METHODS.get(node.target)
        source = given[0]
        match target:
            case "add":
                return self._add(name, given, named)
            case "relu":
                return self._fire(name, source, nn.ReLU())
            case "max_pool2d" | "avg_pool2d":
                return self._pool(name, target, given, named)
            case "adaptive_avg_pool2d":
                size = given[1] if len(given) > 1 else named["output_size"]
                return self.draft.pool_to(name, "mean", source, _pair(size))
            case "mean":
                return self._mean(name, source, given[1] if len(given) > 1 else named.get("dim"))
            case "flatten" | "contiguous" | "dropout":
                return source
            case "view" | "reshape":
                if not _flattens(given[1:], prod(self.draft.shape(source))):
                    raise ValueError(f"sizes {given[1:]} given; expected to flatten an image, as flatten(1) does")
                return source
            case "size" | "getattr" | "getitem":
                return None
            case "unsqueeze" if given[1] == 0:  # before the time steps
                return source
            case "repeat" if all(n == 1 for n in given[2:]):
                return source
        raise ValueError(UNSUPPORTED)

    def _pool(self, name: str, target: str, given: Sequence[Any], named: Mapping[str, Any]) -> str:
        keys = ("kernel_size", "stride", "padding")
        chosen = {**dict(zip(keys, given[1:], strict=False)), **{key: named[key] for key in keys if key in named}}
        others = {key: value for key, value in named.items() if key not in keys}
        if len(given) > 1 + len(keys) or any(value != _POOL_DEFAULTS.get(key) for key, value in others.items()):
            raise ValueError("more than kernel_size, stride and padding given; expected a layer such as nn.AvgPool2d")
        stride = chosen.get("stride") or chosen["kernel_size"]
        reduce: Literal["mean", "max"] = "max" if target.startswith("max") else "mean"
        return self.draft.add(name, pooling(reduce, chosen["kernel_size"], stride, chosen.get("padding", 0)), given[0])

    def _mean(self, name: str, source: str, dims: Any) -> str:
        axes = sorted([dims] if isinstance(dims, int) else dims or [])
        if axes == [0]:  # over the time steps
            return source
        if axes not in ([-2, -1], [2, 3], [3, 4]):
            raise ValueError(f"mean over dimensions {axes} given; expected height and width, or time steps (0)")
        return self.draft.pool_all(name, "mean", source)


_POOL_DEFAULTS: Mapping[str, Any] = {
    "dilation": 1,
    "ceil_mode": False,
    "return_indices": False,
    "count_include_pad": True,
}
_METHODS: Mapping[Any, str] = {
    **dict.fromkeys((operator.add, operator.iadd, torch.add), "add"),
    **dict.fromkeys((F.relu, torch.relu, torch.relu_), "relu"),
    **dict.fromkeys((F.max_pool2d, torch.max_pool2d), "max_pool2d"),
    F.avg_pool2d: "avg_pool2d",
    F.adaptive_avg_pool2d: "adaptive_avg_pool2d",
    **dict.fromkeys((F.dropout, F.dropout2d), "dropout"),
    torch.flatten: "flatten",
    torch.mean: "mean",
    torch.reshape: "reshape",
    torch.unsqueeze: "unsqueeze",
    getattr: "getattr",
    operator.getitem: "getitem",
}
"""Functions and the equivalent tensor methods."""


def _flattens(sizes: Sequence[Any], n_values: int) -> bool:
    if len(sizes) == 1 and isinstance(sizes[0], Sequence):
        sizes = sizes[0]
    return len(sizes) == 2 and sizes[1] in (-1, n_values)


def _padding(layer: nn.Conv2d) -> int | Sequence[int]:
    if layer.padding_mode != "zeros":
        raise ValueError(f"padding_mode {layer.padding_mode} given; expected zeros")
    if isinstance(layer.padding, str):
        return 0 if layer.padding == "valid" else [side // 2 for side in layer.kernel_size]
    return layer.padding


def _pair(size: Any) -> tuple[int, int]:
    height, width = (size, size) if isinstance(size, int) else size
    if height is None or width is None:
        raise ValueError("size None given; expected height and width")
    return int(height), int(width)
