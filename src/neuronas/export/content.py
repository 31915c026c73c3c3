"""What every format writes: the layer graph, and what a reader must know about it."""

from dataclasses import dataclass

from neuronas.export.bound_graph import BoundGraph
from neuronas.export.document import CrossbarsDocument


@dataclass(frozen=True)
class Content:
    """A trained network, ready to be written.

    Attributes:
        network: what it computes.
        architecture: its text.
        weight_bits: 4 to 16, or 32 for weights that are not quantised.
        mean: per channel, of pixels in [0, 1]; the network sees (pixel - mean) / std.
        std: see ``mean``.
        crossbars: what lies where on the run's accelerator.
        dt_s: length of a time step in seconds, for formats whose time constants carry time.
    """

    network: BoundGraph
    architecture: str
    weight_bits: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    crossbars: CrossbarsDocument
    dt_s: float


READOUT = "class scores at every time step; their mean over the time steps decides, the highest wins"
