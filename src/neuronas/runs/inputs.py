"""How an image of any kind becomes the network's input, as stated in exported files and evaluations."""

from neuronas.config import DataConfig
from neuronas.runs.document import Document

PREPARATION = (
    "turn upright (EXIF); 8 bits by the range of the pixel type; transparency on white; grey (L) or RGB; "
    "Pillow Image.resize((width, height), Image.Resampling.BILINEAR); (pixel / 255 - mean) / std"
)
"""The rule in words; computed by ``data.pixels``."""
SEQUENCE = (
    "one 8-bit image per time step, for recordings according to the settings of section events; "
    "(pixel / 255 - mean) / std"
)
"""The rule for sequences."""


class NetworkInput(Document):
    """How an image becomes the input [channels, height, width] of a network.

    Attributes:
        channels: 1 (grey), 3 (RGB), or the number of channels of images in memory.
        height: height of the image in pixels; ``width`` likewise.
        mean: mean of each channel, for pixels in [0, 1]; the network reads (pixel / 255 - mean) / std.
        std: see ``mean``.
        preparation: the complete rule in words.
    """

    channels: int
    height: int
    width: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    preparation: str = PREPARATION

    @classmethod
    def of(cls, data: DataConfig) -> "NetworkInput":
        """The input according to a run's settings."""
        height, width = data.image_side
        rule = SEQUENCE if data.sequence else PREPARATION
        return cls(
            channels=data.image_channels, height=height, width=width, mean=data.mean, std=data.std, preparation=rule
        )
