"""An integer network as instructions, weights and tables of the engine in ``templates/rtl/neuronas.v``."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from math import prod
from typing import Any

import numpy as np

from neuronas.export.integer_network import IntegerNetwork, Integers, converted
from neuronas.export.ranges import is_rounded, received_unit
from neuronas.export.storage import WIDTHS, Place, storage, width
from neuronas.space.graph import Link, Node
from neuronas.space.node_operations import Image, Neurons, Pool, Sum, Votes, Weights

IMAGE, WEIGHTS, NEURONS, POOL, ADD = range(5)
FIELDS = (
    "operation", "starts", "is_static", "source", "target", "n_rows", "n_columns", "n_in", "n_out", "kernel_rows",
    "kernel_columns", "stride_rows", "stride_columns", "padding", "in_rows", "in_columns", "codes", "tables",
    "pre_shift", "is_rescaled", "is_maximum", "divisor", "factor", "membranes", "layer", "n_per_group", "n_in_group",
    "leak", "overwrite",
)  # fmt: skip
"""Fields of an instruction, in the order in which the engine reads them."""
_NEVER, _ALWAYS, _FIRST_STEP = 0, 1, 2
"""When an addition overwrites the target instead of adding to it."""
_DIVISION = 34
"""Cycles of a division."""


@dataclass(frozen=True)
class Instruction:
    """One instruction of the engine.

    Attributes:
        name: name of the node, for reports.
        fields: fields that are not 0, by name.
        cycles: clock cycles from its fetch to the next one if it is executed.
        skipped: clock cycles if it is skipped.
    """

    name: str
    fields: dict[str, int]
    cycles: int
    skipped: int = field(default=len(FIELDS) + 3)

    def words(self) -> list[int]:
        """Values of all fields, in the order of ``FIELDS``."""
        return [int(self.fields.get(name, 0)) for name in FIELDS]


class RtlProgram:
    """The contents of the engine's memories.

    Args:
        network: the network, with proven ranges.
        lanes: number of outputs of a layer with weights that are computed at a time.

    Raises:
        ConfigurationError: see ``storage``.
    """

    def __init__(self, network: IntegerNetwork, lanes: int):
        self.network, self.graph, self.lanes = network, network.graph, lanes
        self.plan = storage(network)
        self.codes: list[list[int]] = []
        self.table: list[int] = []
        self.n_membranes, self.input_bits = 0, 2
        starts, total = [], 0
        for size in (*self.plan.sizes.values(), *self.plan.delay_sizes.values()):
            starts.append(total)
            total += size
        self._values, self._delays = dict(zip(WIDTHS, starts, strict=False)), dict(zip(WIDTHS, starts[3:], strict=True))
        self.scores = total
        self.n_values = total + prod(self.graph.nodes[-1].shape)
        steps = [one for node in self.plan.nodes for one in self._instructions(node)]
        self.instructions = [*steps, *self._after_a_step()]

    @property
    def code_bits(self) -> int:
        """Bits of each weight."""
        largest = max(int(np.abs(one.codes).max(initial=0)) for one in self.network.weights.values())
        return max(2, largest.bit_length() + 1)

    @property
    def address_bits(self) -> int:
        """Bits of all addresses and counters: one more than the largest requires."""
        numbers = [word for one in self.instructions for name, word in one.fields.items() if name != "factor"]
        sizes = (
            len(self.codes),
            len(self.table),
            self.n_values,
            self.n_membranes,
            len(self.instructions) * len(FIELDS),
        )
        return int(max(*numbers, *sizes, prod(self.graph.nodes[0].shape), self.network.timesteps)).bit_length() + 1

    def cycles(self) -> int:
        """Clock cycles per image, from start to class."""
        network, total = self.network, 0
        for step in range(network.timesteps):
            for one in self.instructions:
                done = step >= one.fields.get("starts", 0) and not (one.fields.get("is_static") and step)
                total += one.cycles if done else one.skipped
        return total + 3 * prod(self.graph.nodes[-1].shape)

    def memory_bits(self) -> dict[str, int]:
        """Bits of each memory."""
        return {
            "program": 32 * len(self.instructions) * len(FIELDS),
            "codes": self.code_bits * self.lanes * len(self.codes),
            "table": 32 * len(self.table),
            "values": 32 * self.n_values,
            "membranes": 16 * self.n_membranes,
            "frame": 8 * prod(self.graph.nodes[0].shape),
        }

    def _instructions(self, node: Node) -> Iterator[Instruction]:
        common = {
            "starts": self.network.first_steps[node.name], "is_static": int(node.name in self.graph.static),
            "target": self._place(self.plan.values[node.name]),
        }  # fmt: skip
        match node.operation:
            case Image():
                image, n = self.network.image, prod(node.shape)
                shift = np.full_like(image.multiplier, image.shift)
                tables = self._tabulated(image.multiplier, image.offset, shift)
                fields = {"operation": IMAGE, "n_rows": n, "n_out": node.shape[0], "tables": tables}
                yield _instruction(node, common | fields, 6 * n)
            case Weights() as operation:
                yield self._weights(node, operation, common)
            case Neurons():
                yield self._neurons(node, common)
            case Pool() as operation:
                yield self._pool(node, operation, common)
            case Sum():
                yield from self._sum(node, common)
            case Votes(size):
                n = node.shape[0]
                fields = common | {
                    "operation": POOL, "source": self._source(node.links[0]), "n_rows": 1, "n_columns": n, "n_in": 1,
                    "n_in_group": 1, "kernel_rows": 1, "kernel_columns": size, "stride_rows": 1, "stride_columns": size,
                    "in_rows": 1, "in_columns": n * size, "divisor": 1,
                }  # fmt: skip
                yield _instruction(node, fields, n * (size + 3))

    def _weights(self, node: Node, operation: Weights, common: dict[str, int]) -> Instruction:
        weights, shape = self.network.weights[node.name], self.graph.input_shape(node)
        self.input_bits = max(self.input_bits, width(self.network.ranges[node.links[0].source]))
        groups, n_out = operation.groups, node.shape[0]
        kernel = operation.kernel or 1
        n_in = shape[0] if operation.kernel else prod(shape)
        in_rows, in_columns = shape[1:] if operation.kernel else (1, 1)
        rows, columns = node.shape[1:] if operation.kernel else (1, 1)
        first = len(self.codes)
        for group in _grouped(weights.codes, operation, shape):  # [output, row, column, input]
            for block in range(0, len(group), self.lanes):
                outputs = group[block : block + self.lanes].reshape(-1, kernel * kernel * n_in // groups)
                self.codes += outputs.T.tolist()
        rescale = weights.rescale
        fields = common | {
            "operation": WEIGHTS, "source": self._source(node.links[0]), "n_rows": rows, "n_columns": columns,
            "n_in": n_in, "n_out": n_out, "kernel_rows": kernel, "kernel_columns": kernel,
            "stride_rows": operation.stride, "stride_columns": operation.stride,
            "padding": operation.n_padded if operation.kernel else 0, "in_rows": in_rows, "in_columns": in_columns,
            "codes": first, "n_per_group": n_out // groups, "n_in_group": n_in // groups,
        }  # fmt: skip
        if rescale is not None:
            tables = self._tabulated(rescale.multiplier, rescale.offset, rescale.shift)
            fields |= {"tables": tables, "pre_shift": rescale.pre_shift, "is_rescaled": 1}
        blocks = -(-n_out // groups // self.lanes)
        per_output = 2 if rescale is None else 6
        window = kernel * kernel * n_in // groups
        return _instruction(node, fields, rows * columns * (groups * blocks * (window + 3) + n_out * per_output))

    def _neurons(self, node: Node, common: dict[str, int]) -> Instruction:
        neurons, n = self.network.neurons[node.name], prod(node.shape)
        tables = self._tabulated(neurons.multiplier, neurons.limit, neurons.threshold, neurons.reset)
        fields = common | {
            "operation": NEURONS, "source": self._source(node.links[0]), "n_rows": n, "n_out": node.shape[0],
            "tables": tables, "membranes": self.n_membranes, "leak": neurons.leak,
            "layer": self.network.neuron_layers.index(node.name),
        }  # fmt: skip
        self.n_membranes += n
        return _instruction(node, fields, 9 * n)

    def _pool(self, node: Node, operation: Pool, common: dict[str, int]) -> Instruction:
        shape, is_max = self.graph.input_shape(node), operation.reduce == "max"
        size = prod(operation.kernel)
        divided = size > 1 and not is_max and is_rounded(self.network.units, node.name, self.network.unit)
        fields = common | {
            "operation": POOL, "source": self._source(node.links[0]), "n_rows": node.shape[1],
            "n_columns": node.shape[2], "n_in": shape[0], "n_in_group": 1, "kernel_rows": operation.kernel[0],
            "kernel_columns": operation.kernel[1], "stride_rows": operation.stride[0],
            "stride_columns": operation.stride[1], "padding": operation.padding, "in_rows": shape[1],
            "in_columns": shape[2], "is_maximum": int(is_max), "divisor": size if divided else 1,
        }  # fmt: skip
        return _instruction(node, fields, prod(node.shape) * (size + 3 + _DIVISION * divided))

    def _sum(self, node: Node, common: dict[str, int]) -> Iterator[Instruction]:
        """Zeros first if no link has a value at the first time step, then one addition per link."""
        reached = [link for link in node.links if link.source in self.network.first_steps]
        arrivals = [self.network.first_steps[link.source] + link.delayed for link in reached]
        if 0 not in arrivals:
            yield self._add(node.name, common, common["target"], prod(node.shape), factor=0, overwrite=_ALWAYS)
        ordered = sorted(zip(arrivals, reached, strict=True), key=lambda one: one[0])
        for number, (arrival, link) in enumerate(ordered):
            factor, divisor = converted(
                self.network.units[link.source], received_unit(self.network.units, node, self.network.unit)
            )
            replaces = _ALWAYS if not number and not arrival else _NEVER
            fields = common | {"starts": arrival, "divisor": divisor}
            yield self._add(node.name, fields, self._source(link), prod(node.shape), factor, replaces)

    def _after_a_step(self) -> Iterator[Instruction]:
        for source, place in self.plan.delays.items():
            fields = {"starts": self.network.first_steps[source], "target": self._delays[place.bits] + place.offset}
            origin = self._place(self.plan.values[source])
            yield self._add(f"{source}, kept", fields, origin, place.size, factor=1, overwrite=_ALWAYS)
        last = self.graph.nodes[-1]
        origin = self._place(self.plan.values[last.name])
        yield self._add("scores", {"target": self.scores}, origin, prod(last.shape), factor=1, overwrite=_FIRST_STEP)

    def _add(self, name: str, common: dict[str, int], source: int, n: int, factor: int, overwrite: int) -> Instruction:
        fields = {"divisor": 1} | common | {"operation": ADD, "source": source, "n_rows": n, "n_out": 1}
        fields |= {"factor": factor, "overwrite": overwrite}
        return Instruction(name, fields, n * (6 + _DIVISION * (fields["divisor"] > 1)) + len(FIELDS) + 3)

    def _source(self, link: Link) -> int:
        if link.delayed:
            place = self.plan.delays[link.source]
            return self._delays[place.bits] + place.offset
        return self._place(self.plan.values[link.source])

    def _place(self, place: Place) -> int:
        return self._values[place.bits] + place.offset

    def _tabulated(self, *values: Integers) -> int:
        first = len(self.table)
        self.table += chain.from_iterable(np.stack(values, axis=1).tolist())
        return first


def _instruction(node: Node, fields: dict[str, int], cycles: int) -> Instruction:
    return Instruction(node.name, fields, cycles + len(FIELDS) + 3)


def _grouped(codes: Integers, operation: Weights, shape: Any) -> Integers:
    """Codes [groups, output, row, column, input of the group]."""
    if not operation.kernel:
        if len(shape) == 3:  # values are stored by row, column and channel
            codes = codes.reshape(-1, *shape).transpose(0, 2, 3, 1)
        return codes.reshape(1, len(codes), 1, 1, -1)
    return codes.reshape(operation.groups, -1, *codes.shape[1:]).transpose(0, 1, 3, 4, 2)
