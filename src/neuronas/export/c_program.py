"""An integer network as C99: the values that the templates in ``templates/c`` receive."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from textwrap import fill
from typing import Any

import numpy as np

from neuronas.export.integer_network import (
    CURRENT_SHIFT,
    LEAK_SHIFT,
    IntegerNetwork,
    Integers,
    IntegerWeights,
    converted,
)
from neuronas.export.memory_table import MemoryRow
from neuronas.export.ranges import is_rounded, received_unit
from neuronas.export.storage import WIDTHS, Place, Storage, storage
from neuronas.space.graph import Link, Node
from neuronas.space.node_operations import Image, Neurons, Pool, Shape, Sum, Votes, Weights

_INT8, _INT16 = 8, 16


@dataclass(frozen=True)
class ConstantArray:
    """A constant array of the program.

    Attributes:
        layer: the node that reads it.
    """

    name: str
    bits: int
    n: int
    what: str
    text: str
    layer: str


class C99Program:
    """The parts of a C program, as values for the templates.

    Args:
        network: the network, with proven ranges.

    Raises:
        ConfigurationError: see ``storage``.
    """

    def __init__(self, network: IntegerNetwork):
        self.network, self.graph = network, network.graph
        self.storage: Storage = storage(network)
        self.arrays: list[ConstantArray] = []
        self.membranes: list[dict[str, Any]] = []
        self.layers = [self._layer(number, node) for number, node in enumerate(self.storage.nodes)]

    def values(self) -> dict[str, Any]:
        """Values for the templates, besides ``about`` and ``version``."""
        image, last = self.graph.nodes[0], self.graph.nodes[-1]
        channels, height, width = image.shape
        delays = [
            {"n": place.size, "to": _pointer("delay", place), "source": _pointer("value", self.storage.values[source])}
            for source, place in self.storage.delays.items()
        ]
        body = " ".join(str(value) for one in self.layers for value in one.values())
        return {
            "height": height, "width": width, "channels": channels, "n_classes": prod(last.shape),
            "timesteps": self.network.timesteps, "n_frames": self.network.n_frames,
            "is_sequence": self.graph.is_sequence, "layers": self.network.neuron_layers,
            "unit": _shown(self.network.units[last.name]), "arrays": self.arrays,
            "sizes": [(bits, self.storage.sizes[bits]) for bits in WIDTHS],
            "delay_sizes": [(bits, self.storage.delay_sizes[bits]) for bits in WIDTHS],
            "membranes": self.membranes, "program": self.layers, "delays": delays, "counts_steps": self._last_start(),
            "helpers": [name for name in ("shifted", "divided") if name == "shifted" or f"{name}(" in body],
            "last": _pointer("value", self.storage.values[last.name]),
        }  # fmt: skip

    def memory(self) -> list[MemoryRow]:
        """Bytes of each layer, in order, and of the memory that layers share."""
        rows = []
        membranes = {one["layer"]: 2 * one["n"] for one in self.membranes}
        for node in self.storage.nodes:
            constants = sum(one.n * one.bits // 8 for one in self.arrays if one.layer == node.name)
            delay = self.storage.delays.get(node.name)
            state = membranes.get(node.name, 0) + (delay.size * delay.bits // 8 if delay else 0)
            place = self.storage.values[node.name]
            rows.append(MemoryRow(node.name, constants, state, place.size * place.bits // 8))
        shared = sum(size * bits // 8 for bits, size in self.storage.sizes.items())
        rows.append(MemoryRow("values, shared by layers", 0, shared, 0, is_layer=False))
        rows.append(MemoryRow("scores", 0, 4 * prod(self.graph.nodes[-1].shape), 0, is_layer=False))
        return rows

    def _last_start(self) -> int:
        links = (link for node in self.storage.nodes for link in node.links)
        return max([self._start(link) for link in links if link.source in self.network.first_steps], default=0)

    def _start(self, link: Link) -> int:
        """The first time step at which a link has a value."""
        return self.network.first_steps[link.source] + link.delayed

    def _layer(self, number: int, node: Node) -> dict[str, Any]:
        what = _NAMES[type(node.operation)]
        place = self.storage.values[node.name]
        common = {
            "number": number, "name": node.name, "what": what, "kind": what, "static": node.name in self.graph.static,
            "starts": self.network.first_steps[node.name], "out": _pointer("value", place), "bits": place.bits,
        }  # fmt: skip
        match node.operation:
            case Image():
                return common | self._image(node)
            case Weights() as operation:
                return common | self._weights(number, node, operation)
            case Neurons():
                return common | self._neurons(number, node)
            case Pool() as operation:
                return common | self._pool(node, operation)
            case Sum():
                return common | {"n": prod(node.shape), "terms": self._terms(node)}
            case Votes(size):
                return common | {"n": prod(node.shape), "size": size, "source": self._source(node)[0]}

    def _image(self, node: Node) -> dict[str, Any]:
        image, channels = self.network.image, node.shape[0]
        return {
            "pixels": prod(node.shape[1:]), "channels": channels, "shift": image.shift,
            "multiplier": self._constant("image_multiplier", 32, image.multiplier, "c", node.name),
            "offset": self._constant("image_offset", 32, image.offset, "c", node.name),
        }  # fmt: skip

    def _weights(self, number: int, node: Node, operation: Weights) -> dict[str, Any]:
        weights, shape = self.network.weights[node.name], self.graph.input_shape(node)
        source, in_bits, is_spikes = self._source(node)
        code_bits = _INT8 if np.abs(weights.codes).max(initial=0) < 2 ** (_INT8 - 1) else _INT16
        codes = f"codes_{number}"
        self._array(codes, code_bits, layout(weights.codes, operation, shape), f"{node.name}: weights", node.name)
        n_out, n_in = node.shape[0], shape[0] if operation.kernel else prod(shape)
        per_group = n_out // operation.groups
        group = f"c / {n_in // operation.groups} * {per_group} + " if operation.groups > 1 else ""
        return {
            "kernel": operation.kernel, "stride": operation.stride, "padding": operation.n_padded,
            "in_rows": shape[1] if operation.kernel else 0, "in_columns": shape[2] if operation.kernel else 0,
            "rows": node.shape[1] if operation.kernel else 0, "columns": node.shape[2] if operation.kernel else 0,
            "n_in": n_in, "n_out": n_out, "per_group": per_group, "group": group, "codes": codes,
            "source": source, "in_bits": in_bits, "code_bits": code_bits,
            "sum_bits": _INT16 if self.network.sums[node.name] < 2 ** (_INT16 - 1) else 32,
            "product": "w[o]" if is_spikes else "(int32_t)in[c] * w[o]", "result": self._result(number, node, weights),
        }  # fmt: skip

    def _result(self, number: int, node: Node, weights: IntegerWeights) -> str:
        rescale = weights.rescale
        if rescale is None:
            return "sum[o]"
        q = "(int32_t)sum[o]"
        if rescale.pre_shift:
            q = f"shifted({q} + {1 << rescale.pre_shift >> 1}, {rescale.pre_shift})"
        multiplier = self._constant(f"multiplier_{number}", 16, rescale.multiplier, "o", node.name)
        offset = self._constant(f"offset_{number}", 32, rescale.offset, "o", node.name)
        shift = self._constant(f"shift_{number}", 8, rescale.shift, "o", node.name)
        return f"shifted({q} * {multiplier} + {offset}, {shift})"

    def _neurons(self, number: int, node: Node) -> dict[str, Any]:
        neurons, channels, pixels = self.network.neurons[node.name], node.shape[0], prod(node.shape[1:])
        source = self._source(node)[0]
        channel, state = ("c" if pixels > 1 else "i"), f"membrane_{number}"
        limited = self.network.ranges[self._read(node).source].largest > neurons.limit.min()
        reset = self._constant(f"reset_{number}", 16, neurons.reset, channel, node.name)
        in_loop = reset if not reset.endswith("[c]") else f"reset_{number}[i % {channels}]"
        self.membranes.append(
            {"name": state, "n": pixels * channels, "what": node.name, "layer": node.name, "reset": in_loop}
        )
        return {
            "pixels": pixels, "channels": channels, "source": source, "state": state,
            "index": "n" if pixels > 1 else "i", "layer": self.network.neuron_layers.index(node.name),
            "limit": self._constant(f"limit_{number}", 32, neurons.limit, channel, node.name) if limited else "",
            "leak": neurons.leak, "leak_half": 1 << LEAK_SHIFT - 1, "leak_shift": LEAK_SHIFT,
            "multiplier": self._constant(f"multiplier_{number}", 32, neurons.multiplier, channel, node.name),
            "half": 1 << CURRENT_SHIFT - 1, "shift": CURRENT_SHIFT, "reset": reset,
            "threshold": self._constant(f"threshold_{number}", 16, neurons.threshold, channel, node.name),
        }  # fmt: skip

    def _pool(self, node: Node, operation: Pool) -> dict[str, Any]:
        shape, size, is_max = self.graph.input_shape(node), prod(operation.kernel), operation.reduce == "max"
        rounded = not is_max and is_rounded(self.network.units, node.name, self.network.unit)
        return {
            "rows": node.shape[1], "columns": node.shape[2], "channels": shape[0],
            "in_rows": shape[1], "in_columns": shape[2], "source": self._source(node)[0],
            "kernel": operation.kernel, "stride": operation.stride, "padding": operation.padding,
            "is_max": is_max, "first": "INT32_MIN" if is_max else "0",
            "result": f"divided(found + {size // 2}, {size})" if rounded else "found",
        }  # fmt: skip

    def _terms(self, node: Node) -> list[dict[str, Any]]:
        return [
            {"first": self._start(link), "value": self._value(link, node)}
            for link in node.links
            if link.source in self.network.first_steps
        ]

    def _value(self, link: Link, node: Node) -> str:
        units = self.network.units
        factor, divisor = converted(units[link.source], received_unit(units, node, self.network.unit))
        value = f"{self._array_of(link)}[i]"
        if divisor == 1:
            return value if factor == 1 else f"(int32_t){value} * {factor}"
        return f"divided((int32_t){value} * {factor} + {divisor // 2}, {divisor})"

    def _read(self, node: Node) -> Link:
        return node.links[0]

    def _source(self, node: Node) -> tuple[str, int, bool]:
        """The array that a node reads, its bits, and whether its values are spikes."""
        link = self._read(node)
        found, spikes = self.network.ranges[link.source], not link.delayed
        is_spikes = spikes and self.network.units[link.source] == 1 and found.low.min() >= 0 and found.high.max() <= 1
        place = self.storage.delays[link.source] if link.delayed else self.storage.values[link.source]
        return self._array_of(link), place.bits, bool(is_spikes)

    def _array_of(self, link: Link) -> str:
        if link.delayed:
            return _pointer("delay", self.storage.delays[link.source])
        return _pointer("value", self.storage.values[link.source])

    def _constant(self, name: str, bits: int, values: Integers, index: str, layer: str) -> str:
        """An expression for one value per channel: a number where all are equal, otherwise an array."""
        if (values == values.flat[0]).all():
            return str(int(values.flat[0])) if values.flat[0] >= 0 else f"({int(values.flat[0])})"
        self._array(name, bits, values, f"{layer}: {name.partition('_')[0]} of each channel", layer)
        return f"{name}[{index}]"

    def _array(self, name: str, bits: int, values: Integers, what: str, layer: str) -> None:
        self.arrays.append(ConstantArray(name, bits, values.size, what, listed(values.flat), layer))


def layout(codes: Integers, operation: Weights, shape: Shape) -> Integers:
    """Codes in the order in which programs read them: [row, column, input channel, output of its group]."""
    if not operation.kernel:
        if len(shape) == 3:  # values are stored by row, column and channel
            codes = codes.reshape(-1, *shape).transpose(0, 2, 3, 1).reshape(len(codes), -1)
        return codes.T
    grouped = codes.reshape(operation.groups, -1, *codes.shape[1:])  # [group, output, input, row, column]
    return grouped.transpose(3, 4, 0, 2, 1)


def listed(values: Iterable[Any]) -> str:
    """Numbers as lines of a C program."""
    return fill(", ".join(str(int(value)) for value in values), 110, initial_indent="    ", subsequent_indent="    ")


def _pointer(array: str, place: Place) -> str:
    name = f"{array}{place.bits}"
    return f"({name} + {place.offset})" if place.offset else name


def _shown(unit: Fraction) -> str:
    return f"{float(unit):.9g}"


_NAMES = {Image: "image", Weights: "weights", Neurons: "neurons", Pool: "pool", Sum: "sum", Votes: "votes"}
