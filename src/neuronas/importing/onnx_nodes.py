"""Reads the nodes of an ONNX graph one by one.

Channel-wise operations after a layer (scale, shift, batch normalisation) are folded into it, or ignored if arrays are
not read. LIF neurons are found by their comparison of a potential with a constant threshold. The potential is the sum
of the input and the potential of the previous time step, which ``Where`` resets.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import prod
from typing import Any, Literal

import numpy as np
import onnx
from onnx import helper

from neuronas.importing.draft import Draft, ImageShape
from neuronas.importing.layers import UNSUPPORTED, linear
from neuronas.importing.onnx_constants import Constant, Constants
from neuronas.importing.onnx_layers import convolution_of, pool_of, upper_limit, weights_shape
from neuronas.importing.onnx_lif import find_lif
from neuronas.snn.bound_graph import WeightArrays
from neuronas.snn.imported import ReluRule, Scaling, SpikeRule
from neuronas.space.node_operations import Sum


@dataclass(frozen=True)
class _Value:
    """Value of a node of the layer graph.

    Attributes:
        node: name of the node.
        is_state: whether it is a potential of the previous time step, not an input of this one.
        n_votes: number of successive outputs per class, if ``Reshape`` made them a dimension; otherwise 0.
    """

    node: str
    is_state: bool = False
    n_votes: int = 0


class NodeReader:
    """Reads the nodes in order.

    Args:
        path: path of the file, for messages.
        graph: graph of the model.
        shape: shape of the input image.
        with_arrays: see ``Draft``.
        timesteps: number of unrolled time steps of a file exported by neuronas, whose image may be a sequence
            [T, batch, channels, height, width].
    """

    def __init__(
        self,
        path: str,
        graph: onnx.GraphProto,
        shape: ImageShape,
        *,
        with_arrays: bool = False,
        timesteps: int | None = None,
    ):
        self.draft = Draft(path, with_arrays=with_arrays)
        self.constants = Constants(path, whole=with_arrays)
        self.lif = find_lif(graph) if with_arrays else {}
        self.inner = {name for one in self.lif.values() for name in one.inner}
        self.known: dict[str, _Value | Constant] = {one.name: self.constants.of(one) for one in graph.initializer}
        inputs = [one for one in graph.input if one.name not in self.known]
        with self.draft.reading(", ".join(one.name for one in inputs), "Input"):
            if len(inputs) != 1:
                raise ValueError(f"{len(inputs)} inputs given; expected one, the image")
            sizes = [one.dim_value or 0 for one in inputs[0].type.tensor_type.shape.dim]
            self.is_sequence = timesteps is not None and sizes[:-4] == [timesteps]
            image = shape.of(sizes[1:] if self.is_sequence else sizes)
            self.image = self.draft.image(inputs[0].name, image, sequence=self.is_sequence)
            self.known[inputs[0].name] = _Value(self.image)

    def read(self, node: onnx.NodeProto) -> None:
        """Read one node.

        Raises:
            ConfigurationError: it is unsupported.
        """
        name = node.name or node.output[0]
        with self.draft.reading(name, node.op_type):
            given = [self._given(one) for one in node.input if one]
            attributes = {one.name: helper.get_attribute_value(one) for one in node.attribute}
            values = [one for one in given if isinstance(one, _Value)]
            if values:
                if node.op_type == "Shape":
                    self.known[node.output[0]] = Constant()
                    return
                if node.op_type not in _READ:
                    raise ValueError(UNSUPPORTED)
                self.output = node.output[0]
                self.known[node.output[0]] = _READ[node.op_type](self, name, given, attributes)
            else:
                self.known[node.output[0]] = self._folded(node, [one for one in given if isinstance(one, Constant)])

    def node_of(self, output: str) -> str:
        """Name of the node of the layer graph for an output of the file.

        Raises:
            ConfigurationError: it does not depend on the image.
        """
        found = self.known.get(output)
        with self.draft.reading(output, "Output"):
            if not isinstance(found, _Value):
                raise ValueError("constant given; expected class scores")
            return found.node

    def _given(self, name: str) -> _Value | Constant:
        if name not in self.known:
            raise ValueError(f"input '{name}' is missing or comes later; expected nodes in order of computation")
        return self.known[name]

    def _folded(self, node: onnx.NodeProto, given: Sequence[Constant]) -> _Value | Constant:
        """Value of a node that depends on constants only."""
        if node.op_type == "ConstantOfShape" and given[0].value is not None:
            return _Value(self.draft.zeros(node.output[0], tuple(map(int, given[0].value))))
        return self.constants.folded(node, given)

    def _weigh(self, name: str, given: Sequence[Any], attributes: Mapping[str, Any]) -> _Value:
        shape = weights_shape(given)
        operation = convolution_of(shape, attributes)
        return _Value(self.draft.weigh(name, operation, given[0].node, shape, self._arrays(given)))

    def _multiply(self, name: str, given: Sequence[Any], attributes: Mapping[str, Any]) -> _Value:
        shape, is_transposed = weights_shape(given), not attributes.get("transB", 0)
        if is_transposed:
            shape = shape[::-1]
        factors = attributes.get("alpha", 1.0), attributes.get("beta", 1.0)
        arrays = self._arrays(given, factors, is_transposed=is_transposed)
        return _Value(self.draft.weigh(name, linear(shape[0]), given[0].node, shape, arrays))

    def _arrays(
        self, given: Sequence[Any], factors: tuple[float, float] = (1.0, 1.0), *, is_transposed: bool = False
    ) -> WeightArrays | None:
        """Arrays of a layer from its weights, its bias and their factors."""
        if not self.draft.with_arrays:
            return None
        weights: Constant = given[1]
        return weights.weights(given[2] if len(given) > 2 else None, factors, is_transposed=is_transposed)

    def _add(self, name: str, given: Sequence[Any], attributes: Mapping[str, Any]) -> _Value:
        """An addition: of constants (a shift), of potentials (part of neurons), or else a sum."""
        values = [one for one in given if isinstance(one, _Value)]
        inputs = [one for one in values if not one.is_state]
        found = (inputs or values)[0]
        if len(inputs) > 1:
            found = _Value(self.draft.add(name, Sum(), *(one.node for one in inputs)))
        shifts = [one for one in given if isinstance(one, Constant)]
        return self._scaled(name, found, 1.0, *shifts) if shifts else found

    def _subtract(self, name: str, given: Sequence[Any], attributes: Mapping[str, Any]) -> _Value:
        values = [one for one in given if isinstance(one, _Value)]
        inputs = [one for one in values if not one.is_state]
        if len(inputs) > 1:
            raise ValueError("difference of two values given; expected one value and constants, or a sum")
        found = (inputs or values)[0]
        if len(values) > 1:
            return found
        sign = 1.0 if isinstance(given[0], _Value) else -1.0
        constant = next(one for one in given if isinstance(one, Constant))
        return self._scaled(name, found, sign, constant, shift=-sign)

    def _scale(self, name: str, given: Sequence[Any], attributes: Mapping[str, Any]) -> _Value:
        values = [one for one in given if isinstance(one, _Value)]
        if len(values) > 1:
            raise ValueError("product of two values given; expected one value and constants")
        return self._scaled(name, values[0], next(one for one in given if isinstance(one, Constant)))

    def _divide(self, name: str, given: Sequence[Any], attributes: Mapping[str, Any]) -> _Value:
        if not isinstance(given[0], _Value) or not isinstance(given[1], Constant):
            raise ValueError("division by a value given; expected one value and a constant")
        return self._scaled(name, given[0], given[1], is_divisor=True)

    def _normalise(self, name: str, given: Sequence[Any], attributes: Mapping[str, Any]) -> _Value:
        if not self.draft.with_arrays:
            return self._keep(name, given, attributes)
        weight, bias, mean, variance = (one.needed for one in given[1:5])
        gain = weight / np.sqrt(variance + attributes.get("epsilon", 1e-5))
        offset = bias - mean * gain
        return _Value(self.draft.scale(name, given[0].node, partial(Scaling.of_channels, gain, offset)))

    def _scaled(
        self,
        name: str,
        value: _Value,
        gain: Constant | float,
        *shifts: Constant,
        shift: float = 1.0,
        is_divisor: bool = False,
    ) -> _Value:
        """A value times a gain, plus constants times ``shift``; values inside neurons are ignored."""
        if not self.draft.with_arrays or self.output in self.inner:
            return value
        factor = gain.needed if isinstance(gain, Constant) else np.float64(gain)
        if is_divisor:
            factor = 1 / factor
        offset = sum((shift * one.needed for one in shifts), np.float64(0.0))
        return replace(value, node=self.draft.scale(name, value.node, partial(Scaling.of, factor, offset)))

    def _keep(self, name: str, given: Sequence[Any], attributes: Mapping[str, Any]) -> _Value:
        value: _Value = given[0]
        return value

    def _fire(self, name: str, given: Sequence[Any], attributes: Mapping[str, Any]) -> _Value:
        if not isinstance(given[0], _Value) or any(isinstance(one, _Value) for one in given[1:]):
            raise ValueError("comparison of other values given; expected a potential and a constant threshold")
        return _Value(self.draft.fire(name, given[0].node, self._spike_rule()))

    def _spike_rule(self) -> SpikeRule | None:
        if not self.draft.with_arrays:
            return None
        if self.output not in self.lif:
            raise ValueError("comparison without LIF neurons around it given; expected them as neuronas export writes")
        return self.lif[self.output].rule(self._given)

    def _relu(self, name: str, given: Sequence[Any], attributes: Mapping[str, Any]) -> _Value:
        return _Value(self.draft.fire(name, given[0].node, ReluRule() if self.draft.with_arrays else None))

    def _clip(self, name: str, given: Sequence[Any], attributes: Mapping[str, Any]) -> _Value:
        rule = ReluRule(upper_limit(given[1:], attributes)) if self.draft.with_arrays else None
        return _Value(self.draft.fire(name, given[0].node, rule))

    def _gather(self, name: str, given: Sequence[Any], attributes: Mapping[str, Any]) -> _Value:
        """The image of a time step; only the last step's nodes are kept."""
        value: _Value = given[0]
        if not self.is_sequence or value.node != self.image or attributes.get("axis", 0) != 0:
            raise ValueError("selected channels given; expected a layer that reads all channels")
        return value

    def _reset(self, name: str, given: Sequence[Any], attributes: Mapping[str, Any]) -> _Value:
        if not isinstance(given[0], _Value):
            raise ValueError("constant condition given; expected the spikes that reset a potential")
        return _Value(given[0].node, is_state=True)

    def _pool(
        self, name: str, given: Sequence[Any], attributes: Mapping[str, Any], *, reduce: Literal["mean", "max"]
    ) -> _Value:
        return _Value(self.draft.add(name, pool_of(reduce, attributes), given[0].node))

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
            raise ValueError("concatenated channels given; expected sums")
        value: _Value = given[-1]
        return value


_Read = Callable[[NodeReader, str, Sequence[Any], Mapping[str, Any]], _Value]
_READ: Mapping[str, _Read] = {
    "Conv": NodeReader._weigh,
    **dict.fromkeys(("Gemm", "MatMul"), NodeReader._multiply),
    "Add": NodeReader._add,
    "Sum": NodeReader._add,
    "Sub": NodeReader._subtract,
    "Mul": NodeReader._scale,
    "Div": NodeReader._divide,
    "BatchNormalization": NodeReader._normalise,
    **dict.fromkeys(("Dropout", "Identity", "Flatten", "Cast", "Unsqueeze"), NodeReader._keep),
    **dict.fromkeys(("QuantizeLinear", "DequantizeLinear"), NodeReader._keep),
    "Relu": NodeReader._relu,
    "Clip": NodeReader._clip,
    **dict.fromkeys(("GreaterOrEqual", "Greater"), NodeReader._fire),
    "Where": NodeReader._reset,
    "MaxPool": partial(NodeReader._pool, reduce="max"),
    "AveragePool": partial(NodeReader._pool, reduce="mean"),
    "GlobalMaxPool": partial(NodeReader._pool_all, reduce="max"),
    "GlobalAveragePool": partial(NodeReader._pool_all, reduce="mean"),
    "ReduceMean": NodeReader._mean,
    "Reshape": NodeReader._reshape,
    "Concat": NodeReader._stack,
    "Gather": NodeReader._gather,
}
