"""``network.json`` of the integer format, as strict models; its JSON schema is docs/schemas/integer.schema.json.

Tensors are named here and lie in the safetensors file beside it.
"""

from typing import Annotated, Literal

from pydantic import Field

from neuronas.export.crossbars import CrossbarsDocument, Index, Size
from neuronas.runs.document import Document
from neuronas.runs.inputs import NetworkInput

FORMAT: Literal["neuronas-integer-2"] = "neuronas-integer-2"
WEIGHTS_FILE: Literal["weights.safetensors"] = "weights.safetensors"


class LinkDocument(Document):
    """Where a value comes from. ``delayed``: of the previous time step, nothing at the first."""

    source: str
    delayed: bool


class NodeDocument(Document):
    """One value; its links are added up, then the operation follows. ``shape``: [C, H, W], or [n] behind ``multiply``.

    A node none of whose links brings anything yet brings nothing itself; a ``sum`` is then 0.
    """

    name: str
    links: tuple[LinkDocument, ...]
    shape: tuple[Size, ...]


class ImageNode(NodeDocument):
    """The image, (pixel / 255 - mean) / std, the same at every time step."""

    operation: Literal["image"] = "image"


class WeightsNode(NodeDocument):
    """``gain * step * (codes x) + offset``: a convolution, or, kernel 0, a product with the flat input.

    Attributes:
        groups: channels are split into so many groups, and each output reads the inputs of its own.
        codes: tensor [out, in / groups, k, k] or [out, in], int8 or int16.
        step: tensor [1] or [out], float32; one unit of a code.
        gain: tensor [out] float32, batch normalisation's factor; null: 1.
        offset: tensor [out] float32, its summand; null: 0.
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
    """LIF neurons: h = v + (gain * x - (v - v_rest)) / tau; where h >= threshold, a spike, and v = v_reset; else v = h.

    Batch normalisation in front is folded into gain, threshold and reset. v begins at v_reset.

    Attributes:
        tau: in time steps.
        threshold: tensor [1] or [channels], float64; ``v_reset`` likewise.
        gain: tensor [channels] float32; null: 1.
    """

    operation: Literal["neurons"] = "neurons"
    tau: float
    v_rest: float
    threshold: str
    v_reset: str
    gain: str | None


class PoolNode(NodeDocument):
    """Mean or maximum over windows of ``kernel`` pixels: [height, width], ``stride`` likewise.

    Pixels beyond the edge, ``padding`` on each side, count as 0 in a mean and not at all in a maximum.
    """

    operation: Literal["pool"] = "pool"
    reduce: Literal["mean", "max"]
    kernel: tuple[Size, Size]
    stride: tuple[Size, Size]
    padding: Index


class SumNode(NodeDocument):
    """What meets at a node of a cell."""

    operation: Literal["sum"] = "sum"


class VotesNode(NodeDocument):
    """Mean over each ``size`` successive values."""

    operation: Literal["votes"] = "votes"
    size: Size


AnyNode = Annotated[
    ImageNode | WeightsNode | NeuronsNode | PoolNode | SumNode | VotesNode, Field(discriminator="operation")
]


class NetworkDocument(Document):
    """A spiking network in integers, and the crossbars that hold it. Nodes stand in the order of computation.

    Attributes:
        class_names: in the order of the outputs; null where classes are called by their numbers.
    """

    format: Literal["neuronas-integer-2"]
    neuronas: str
    architecture: str
    weight_bits: Annotated[int, Field(ge=4, le=16)]
    timesteps: Size
    input: NetworkInput
    class_names: tuple[str, ...] | None
    readout: str
    weights_file: Literal["weights.safetensors"]
    weights_sha256: str
    nodes: tuple[AnyNode, ...]
    crossbars: CrossbarsDocument
