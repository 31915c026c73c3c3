"""Constants of an ONNX graph: shapes only, for cost estimates, or shapes and values."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from neuronas.errors import VerificationError
from neuronas.snn.bound_graph import Floats, WeightArrays
from neuronas.space.node_operations import Shape

_LARGEST_READ = 64
"""Larger constants are weights: unless arrays are read, only their shape is."""


@dataclass(frozen=True, eq=False)
class Constant:
    """A value known before the network runs.

    Attributes:
        shape: shape; None if unknown.
        value: value, without entries that depend on the batch; None if unknown or not read.
        codes: integers whose product with ``step`` is the value; None if it is not such a product.
        step: quantisation step: one value, or one per entry of the first dimension.
    """

    shape: Shape | None = None
    value: NDArray[np.generic] | None = None
    codes: NDArray[np.int32] | None = None
    step: NDArray[np.float32] | None = None

    @property
    def needed(self) -> Floats:
        """The value in float64.

        Raises:
            ValueError: it is unknown.
        """
        if self.value is None:
            raise ValueError("constant that is computed in the file given; expected constants that are stored in it")
        return self.value.astype(np.float64)

    def weights(
        self, bias: "Constant | None", factors: tuple[float, float] = (1.0, 1.0), *, is_transposed: bool = False
    ) -> WeightArrays:
        """Arrays of a layer with this constant as its weights.

        Args:
            bias: bias of the layer.
            factors: factors of weights and bias.
            is_transposed: whether the first dimension is that of the inputs.
        """
        values, codes, step = self.needed.astype(np.float32), self.codes, self.step
        if is_transposed:  # a step per input cannot be expressed per output
            values, codes = values.T, codes.T if codes is not None and step is not None and step.size == 1 else None
        n_out, (alpha, beta) = len(values), factors
        offset = None if bias is None else np.broadcast_to(beta * bias.needed.reshape(-1), (n_out,))
        gain = None if alpha == 1 else np.full(n_out, alpha)
        return WeightArrays(values, codes, None if codes is None else step, gain, offset)


class Constants:
    """Creates constants.

    Args:
        source: name of the file, for messages.
        whole: whether to read and compute the values of large constants, too.
    """

    def __init__(self, source: str, *, whole: bool):
        self._source, self._whole = source, whole

    def of(self, tensor: onnx.TensorProto) -> Constant:
        """A constant that is stored in the file.

        Raises:
            VerificationError: it is corrupt.
        """
        shape = tuple(tensor.dims)
        is_short = prod(shape) <= _LARGEST_READ and tensor.data_location != onnx.TensorProto.EXTERNAL
        if not self._whole and not is_short:
            return Constant(shape)
        try:
            return Constant(shape, numpy_helper.to_array(tensor))
        except (KeyError, TypeError, ValueError) as error:
            raise VerificationError(f"{self._source}: constant '{tensor.name}' cannot be read ({error})") from error

    def folded(self, node: onnx.NodeProto, given: Sequence[Constant]) -> Constant:
        """Output of a node that depends on constants only."""
        match node.op_type:
            case "Constant":
                held = [helper.get_attribute_value(one) for one in node.attribute]
                return self.of(held[0]) if isinstance(held[0], onnx.TensorProto) else _stored(np.array(held[0]))
            case "Concat":
                return _stored(np.concatenate([one.value.ravel() for one in given if one.value is not None]))
            case "DequantizeLinear" if self._whole:
                return _dequantised(node, given)
            case _ if self._whole:
                return _computed(node, given)
            case "Transpose" if given[0].shape is not None:
                return Constant(given[0].shape[::-1])
            case "DequantizeLinear" | "Identity" | "Cast" | "QuantizeLinear":
                return given[0]
        return Constant()


def _stored(values: NDArray[np.generic]) -> Constant:
    return Constant(values.shape, values)


def _computed(node: onnx.NodeProto, given: Sequence[Constant]) -> Constant:
    values = [one.value for one in given]
    if any(value is None for value in values):
        return Constant()
    names = [name for name in node.input if name]
    (found, *_) = ReferenceEvaluator(node).run(None, dict(zip(names, values, strict=True)))
    return _stored(np.asarray(found))


def _dequantised(node: onnx.NodeProto, given: Sequence[Constant]) -> Constant:
    """``(codes - zero point) * step``; the codes are kept if a layer can use them."""
    codes, step = given[0].value, given[1].value
    if codes is None or step is None:
        return Constant()
    axis = next((one.i for one in node.attribute if one.name == "axis"), 1)
    along = step if step.size == 1 else step.reshape([-1 if place == axis else 1 for place in range(codes.ndim)])
    zero = 0 if len(given) < 3 or given[2].value is None else given[2].value
    centred = codes.astype(np.int32) - np.broadcast_to(
        zero if np.size(zero) == 1 else np.reshape(zero, along.shape), codes.shape
    )
    value = centred * along
    if step.size > 1 and axis != 0:
        return _stored(value)
    return Constant(codes.shape, value, centred.astype(np.int32), along.astype(np.float32))
