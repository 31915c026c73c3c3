"""``network.json`` of the integer format as strict models; its JSON schema is docs/schemas/integer.schema.json.

The file names tensors, which are in the safetensors file in the same folder.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from neuronas.config import FULL_PRECISION, WeightBits, distinct_bits
from neuronas.export.crossbars import CrossbarsDocument, Index, Size
from neuronas.runs.document import Document
from neuronas.runs.inputs import NetworkInput

FORMAT: Literal["neuronas-integer-2"] = "neuronas-integer-2"
WEIGHTS_FILE: Literal["weights.safetensors"] = "weights.safetensors"


class LinkDocument(Document):
    """An input of a node. ``delayed``: the value of the previous time step; no value at the first time step."""

    source: str
    delayed: bool


class NodeDocument(Document):
    """One node: the values of its links are added, then the operation is applied.

    ``shape``: [C, H, W], or [n] after a fully connected layer. A node has no value until one of its links has one,
    except ``sum``, whose value is then 0.
    """

    name: str
    links: tuple[LinkDocument, ...]
    shape: tuple[Size, ...]


class ImageNode(NodeDocument):
    """The image, (pixel / 255 - mean) / std; the same at every time step unless it is a ``sequence``."""

    operation: Literal["image"] = "image"
    sequence: bool = False


class WeightsNode(NodeDocument):
    """``gain * step * (codes x) + offset``: a convolution or, with kernel 0, a fully connected layer on the flat input.

    Attributes:
        groups: number of groups; each output reads the inputs of its own group only.
        codes: tensor [out, in / groups, k, k] or [out, in], int8 or int16.
        step: tensor [1] or [out], float32; the weight of code 1.
        gain: tensor [out] float32, scale of batch normalisation; null: 1.
        offset: tensor [out] float32, shift of batch normalisation; null: 0.
    """

    operation: Literal["weights"] = "weights"
    kernel: Index
    stride: Size
    padding: Index
    groups: Size
    codes: str
    step: str
    gain: str | None
    offset: str | None


class NeuronsNode(NodeDocument):
    """LIF neurons: h = v + (gain * x - (v - v_rest)) / tau; if h >= threshold: spike, v = v_reset; otherwise v = h.

    Batch normalisation of the input is folded into gain, threshold and reset. The initial potential is v_reset.

    Attributes:
        tau: membrane time constant in time steps.
        v_rest: resting potential.
        threshold: tensor [1] or [channels], float64: firing threshold.
        v_reset: tensor [1] or [channels], float64: potential after a spike.
        gain: tensor [channels] float32; null: 1.
    """

    operation: Literal["neurons"] = "neurons"
    tau: float
    v_rest: float
    threshold: str
    v_reset: str
    gain: str | None


class PoolNode(NodeDocument):
    """Mean or maximum pooling. ``kernel`` and ``stride`` are [height, width] in pixels.

    Pixels beyond the image (``padding`` on each side) count as 0 in a mean, and are ignored in a maximum.
    """

    operation: Literal["pool"] = "pool"
    reduce: Literal["mean", "max"]
    kernel: tuple[Size, Size]
    stride: tuple[Size, Size]
    padding: Index


class SumNode(NodeDocument):
    """The sum at a node of a cell."""

    operation: Literal["sum"] = "sum"


class VotesNode(NodeDocument):
    """Voting: the mean of each group of ``size`` successive values."""

    operation: Literal["votes"] = "votes"
    size: Size


AnyNode = Annotated[
    ImageNode | WeightsNode | NeuronsNode | PoolNode | SumNode | VotesNode, Field(discriminator="operation")
]


def _quantised(weight_bits: WeightBits) -> WeightBits:
    if FULL_PRECISION in distinct_bits(weight_bits):
        raise ValueError("expected 2 to 16 bits")
    return weight_bits


class NetworkDocument(Document):
    """A spiking network with integer weights, and its placement on crossbars. Nodes are in the order of computation.

    Attributes:
        weight_bits: bits of the codes; one number, or by layer.
        class_names: class names in the order of the outputs; null if classes have no names.
    """

    format: Literal["neuronas-integer-2"]
    neuronas: str
    architecture: str
    weight_bits: Annotated[WeightBits, AfterValidator(_quantised)]
    timesteps: Size
    input: NetworkInput
    class_names: tuple[str, ...] | None
    readout: str
    weights_file: Literal["weights.safetensors"]
    weights_sha256: str
    nodes: tuple[AnyNode, ...]
    crossbars: CrossbarsDocument
