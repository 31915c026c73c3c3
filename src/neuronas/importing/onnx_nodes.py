"""Reads the nodes of an ONNX graph one by one.

What follows a layer channel by channel (scale, shift, batch normalisation) is folded into it and leaves no trace. LIF
neurons are found by their comparison: a potential that reaches a constant threshold, where the potential is a sum of
the input and what the last time step left, which ``Where`` resets.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any, Literal

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from neuronas.importing.draft import UNSUPPORTED, Draft, convolution, linear, pooling
from neuronas.space.graph import Shape, Sum

_LARGEST_READ = 64
"""Constants with more values are weights: only their shape is read."""


@dataclass(frozen=True)
class _Constant:
    """A value known before the network runs; ``value`` where it is short, without entries that depend on the batch."""

    shape: Shape | None = None
    value: NDArray[np.generic] | None = None


@dataclass(frozen=True)
class _Value:
    """What a node of the layer graph gives.

    Attributes:
        node: its name.
        is_state: it is a potential of the last time step, not an input of this one.
        n_votes: a class has so many successive outputs, as ``Reshape`` made them a dimension.
    """

    node: str
    is_state: bool = False
    n_votes: int = 0


class NodeReader:
    """Reads the nodes in order.

    Args:
        path: of the file, for messages.
        graph: of the model.
        input_shape: [C, H, W]; None: as the file says.
    """

    def __init__(self, path: str, graph: onnx.GraphProto, input_shape: Shape | None):
        self.draft = Draft(path)
        self.known: dict[str, _Value | _Constant] = {one.name: _constant(one) for one in graph.initializer}
        inputs = [one for one in graph.input if one.name not in self.known]
        with self.draft.reading(", ".join(one.name for one in inputs), "Input"):
            if len(inputs) != 1:
                raise ValueError(f"{len(inputs)} inputs given; expected one, the image")
            shape = input_shape or _image_shape(inputs[0])
            self.known[inputs[0].name] = _Value(self.draft.image(inputs[0].name, shape))

    def read(self, node: onnx.NodeProto) -> None:
        """Read one node.

        Raises:
            ConfigurationError: it cannot be represented.
        """
        name = node.name or node.output[0]
        with self.draft.reading(name, node.op_type):
            given = [self._given(one) for one in node.input if one]
            attributes = {one.name: helper.get_attribute_value(one) for one in node.attribute}
            values = [one for one in given if isinstance(one, _Value)]
            if values:
                if node.op_type == "Shape":
                    self.known[node.output[0]] = _Constant()
                    return
                if node.op_type not in _READ:
                    raise ValueError(UNSUPPORTED)
                self.known[node.output[0]] = _READ[node.op_type](self, name, given, attributes)
            else:
                self.known[node.output[0]] = self._folded(node, [one for one in given if isinstance(one, _Constant)])

    def _given(self, name: str) -> _Value | _Constant:
        if name not in self.known:
            raise ValueError(f"input '{name}' is missing or comes later; expected nodes in order of computation")
        return self.known[name]

    def _folded(self, node: onnx.NodeProto, given: Sequence[_Constant]) -> _Value | _Constant:
        """What depends on constants alone."""
        match node.op_type:
            case "Constant":
                held = [helper.get_attribute_value(one) for one in node.attribute]
                return _constant(held[0]) if isinstance(held[0], onnx.TensorProto) else _short(np.array(held[0]))
            case "Concat":
                return _short(np.concatenate([one.value.ravel() for one in given if one.value is not None]))
            case "Transpose" if given[0].shape is not None:
                return _Constant(given[0].shape[::-1])
            case "ConstantOfShape" if given[0].value is not None:
                return _Value(self.draft.zeros(node.output[0], tuple(map(int, given[0].value))))
            case "DequantizeLinear" | "Identity" | "Cast" | "QuantizeLinear":
                return given[0]
        return _Constant()

    def _weigh(self, name: str, given: Sequence[Any], attributes: Mapping[str, Any]) -> _Value:
        shape, source = _weights(given), given[0].node
        n_out, _, *kernel = shape
        pads = attributes.get("pads", [0] * 4)
        if attributes.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID"):
            raise ValueError(f"auto_pad {attributes['auto_pad'].decode()} given; expected pads")
        if len(kernel) != 2:
            raise ValueError(f"{len(kernel)}-dimensional kernel given; expected two dimensions")
        operation = convolution(
            n_out,
            kernel,
            attributes.get("strides", 1),
            pads,
            attributes.get("dilations", 1),
            attributes.get("group", 1),
        )
        return _Value(self.draft.weigh(name, operation, source, shape))

    def _multiply(self, name: str, given: Sequence[Any], attributes: Mapping[str, Any]) -> _Value:
        shape = _weights(given)
        if not attributes.get("transB", 0):
            shape = shape[::-1]
        return _Value(self.draft.weigh(name, linear(shape[0]), given[0].node, shape))

    def _add(self, name: str, given: Sequence[Any], attributes: Mapping[str, Any]) -> _Value:
        """Constants are shifts, and potentials belong to neurons; what remains is a sum."""
        values = [one for one in given if isinstance(one, _Value)]
        inputs = [one for one in values if not one.is_state]
        if len(inputs) < 2:
            return (inputs or values)[0]
        return _Value(self.draft.add(name, Sum(), *(one.node for one in inputs)))

    def _subtract(self, name: str, given: Sequence[Any], attributes: Mapping[str, Any]) -> _Value:
        values = [one for one in given if isinstance(one, _Value)]
        inputs = [one for one in values if not one.is_state]
        if len(inputs) > 1:
            raise ValueError("difference of two values given; expected one value and constants, or a sum")
        return (inputs or values)[0]

    def _scale(self, name: str, given: Sequence[Any], attributes: Mapping[str, Any]) -> _Value:
        values = [one for one in given if isinstance(one, _Value)]
        if len(values) > 1:
            raise ValueError("product of two values given; expected one value and constants")
        return values[0]

    def _keep(self, name: str, given: Sequence[Any], attributes: Mapping[str, Any]) -> _Value:
        value: _Value = given[0]
        return value

    def _fire(self, name: str, given: Sequence[Any], attributes: Mapping[str, Any]) -> _Value:
        if not isinstance(given[0], _Value) or any(isinstance(one, _Value) for one in given[1:]):
            raise ValueError("comparison of other values given; expected a potential and a constant threshold")
        return _Value(self.draft.fire(name, given[0].node))

    def _reset(self, name: str, given: Sequence[Any], attributes: Mapping[str, Any]) -> _Value:
        if not isinstance(given[0], _Value):
            raise ValueError("constant condition given; expected the spikes that reset a potential")
        return _Value(given[0].node, is_state=True)

    def _pool(
        self, name: str, given: Sequence[Any], attributes: Mapping[str, Any], *, reduce: Literal["mean", "max"]
    ) -> _Value:
        if attributes.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID"):
            raise ValueError(f"auto_pad {attributes['auto_pad'].decode()} given; expected pads")
        operation = pooling(
            reduce,
            attributes["kernel_shape"],
            attributes.get("strides", 1),
            attributes.get("pads", 0),
            ceil=bool(attributes.get("ceil_mode", 0)),
            counts_padding=bool(attributes.get("count_include_pad", 0)),
        )
        return _Value(self.draft.add(name, operation, given[0].node))

    def _pool_all(
        self, name: str, given: Sequence[Any], attributes: Mapping[str, Any], *, reduce: Literal["mean", "max"]
    ) -> _Value:
        return _Value(self.draft.pool_all(name, reduce, given[0].node))

    def _mean(self, name: str, given: Sequence[Any], attributes: Mapping[str, Any]) -> _Value:
        value, axes = given[0], list(attributes.get("axes", ()))
        if len(given) > 1 and given[1].value is not None:
            axes = [int(axis) for axis in given[1].value]
        if value.n_votes and axes == [2]:
            return _Value(self.draft.vote(name, value.n_votes, value.node))
        if sorted(axis % 4 for axis in axes) != [2, 3] or len(self.draft.shape(value.node)) != 3:
            raise ValueError(f"mean over the axes {axes} given; expected height and width")
        return _Value(self.draft.pool_all(name, "mean", value.node))

    def _reshape(self, name: str, given: Sequence[Any], attributes: Mapping[str, Any]) -> _Value:
        value, target, shape = given[0], given[1].value, self.draft.shape(given[0].node)
        sizes = [] if target is None else [int(size) for size in target]
        if sizes and len(sizes) <= 2 and sizes[-1] in (-1, prod(shape)):
            return _Value(value.node)
        if len(sizes) == 3 and sizes[1] == -1 and sizes[2] > 0 and len(shape) == 1:
            return _Value(value.node, n_votes=sizes[2])
        raise ValueError(f"reshape of {list(shape)} to {sizes or 'computed sizes'} given; expected to flatten it")

    def _stack(self, name: str, given: Sequence[Any], attributes: Mapping[str, Any]) -> _Value:
        if attributes.get("axis") != 0 or not all(isinstance(one, _Value) for one in given):
            raise ValueError("joined channels given; expected sums")
        value: _Value = given[-1]
        return value


_Read = Callable[[NodeReader, str, Sequence[Any], Mapping[str, Any]], _Value]
_READ: Mapping[str, _Read] = {
    "Conv": NodeReader._weigh,
    **dict.fromkeys(("Gemm", "MatMul"), NodeReader._multiply),
    "Add": NodeReader._add,
    "Sum": NodeReader._add,
    "Sub": NodeReader._subtract,
    **dict.fromkeys(("Mul", "Div"), NodeReader._scale),
    **dict.fromkeys(("BatchNormalization", "Dropout", "Identity", "Flatten", "Cast", "Unsqueeze"), NodeReader._keep),
    **dict.fromkeys(("QuantizeLinear", "DequantizeLinear"), NodeReader._keep),
    **dict.fromkeys(("Relu", "Clip", "GreaterOrEqual", "Greater"), NodeReader._fire),
    "Where": NodeReader._reset,
    "MaxPool": partial(NodeReader._pool, reduce="max"),
    "AveragePool": partial(NodeReader._pool, reduce="mean"),
    "GlobalMaxPool": partial(NodeReader._pool_all, reduce="max"),
    "GlobalAveragePool": partial(NodeReader._pool_all, reduce="mean"),
    "ReduceMean": NodeReader._mean,
    "Reshape": NodeReader._reshape,
    "Concat": NodeReader._stack,
}


def _constant(tensor: onnx.TensorProto) -> _Constant:
    shape = tuple(tensor.dims)
    is_short = prod(shape) <= _LARGEST_READ and tensor.data_location != onnx.TensorProto.EXTERNAL
    return _Constant(shape, numpy_helper.to_array(tensor) if is_short else None)


def _short(values: NDArray[np.generic]) -> _Constant:
    return _Constant(values.shape, values)


def _weights(given: Sequence[Any]) -> Shape:
    """Shape of the weights among the inputs of a layer."""
    if not isinstance(given[0], _Value) or not isinstance(given[1], _Constant) or given[1].shape is None:
        raise ValueError("product of two values given; expected one value and constant weights")
    shape: Shape = given[1].shape
    return shape


def _image_shape(given: onnx.ValueInfoProto) -> Shape:
    """[C, H, W] of the input [B, C, H, W]."""
    sizes = [one.dim_value or 0 for one in given.type.tensor_type.shape.dim]
    if len(sizes) != 4 or min(sizes[1:]) < 1:
        shown = ", ".join(str(size or "?") for size in sizes)
        raise ValueError(f"shape [{shown}] given; expected [batch, channels, height, width], or input_shape")
    return tuple(sizes[1:])
