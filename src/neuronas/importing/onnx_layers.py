"""Operations of a layer graph from the attributes of ONNX nodes."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from neuronas.importing.layers import convolution, pooling
from neuronas.importing.onnx_constants import Constant
from neuronas.space.node_operations import Pool, Shape, Weights


def convolution_of(shape: Shape, attributes: Mapping[str, Any]) -> Weights:
    """A ``Conv`` with weights of a shape.

    Raises:
        ValueError: its attributes are unsupported.
    """
    n_out, _, *kernel = shape
    _check_padding(attributes)
    if len(kernel) != 2:
        raise ValueError(f"{len(kernel)}-dimensional kernel given; expected two dimensions")
    return convolution(
        n_out,
        kernel,
        attributes.get("strides", 1),
        attributes.get("pads", 0),
        attributes.get("dilations", 1),
        attributes.get("group", 1),
    )


def pool_of(reduce: Literal["mean", "max"], attributes: Mapping[str, Any]) -> Pool:
    """A ``MaxPool`` or ``AveragePool``.

    Raises:
        ValueError: its attributes are unsupported.
    """
    _check_padding(attributes)
    return pooling(
        reduce,
        attributes["kernel_shape"],
        attributes.get("strides", 1),
        attributes.get("pads", 0),
        ceil=bool(attributes.get("ceil_mode", 0)),
        counts_padding=bool(attributes.get("count_include_pad", 0)),
    )


def upper_limit(limits: Sequence[Constant], attributes: Mapping[str, Any]) -> float:
    """Upper limit of a ``Clip`` that is a ReLU.

    Raises:
        ValueError: its lower limit is not 0.
    """
    found = [float(one.needed) for one in limits]
    found = found or [attributes[key] for key in ("min", "max") if key in attributes]
    if len(found) != 2 or found[0] != 0 or found[1] <= 0:
        raise ValueError(f"limits {found} given; expected 0 and a number above it, as of ReLU6")
    return found[1]


def _check_padding(attributes: Mapping[str, Any]) -> None:
    if attributes.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID"):
        raise ValueError(f"auto_pad {attributes['auto_pad'].decode()} given; expected pads")


def weights_shape(given: Sequence[object]) -> Shape:
    """Shape of the weights of a layer, which are its second input.

    Raises:
        ValueError: they are not constant, or the first input is.
    """
    value, weights = given[:2]
    if isinstance(value, Constant) or not isinstance(weights, Constant) or weights.shape is None:
        raise ValueError("product of two values given; expected one value and constant weights")
    return weights.shape
