"""What a network is shown: how an image of any kind becomes its input. Exported files and evaluations state it."""

from neuronas.config import DataConfig
from neuronas.runs.document import Document

PREPARATION = (
    "turn upright (EXIF); 8 bits by the range of the pixel type; transparency on white; grey (L) or RGB; "
    "Pillow Image.resize((width, height), Image.Resampling.BILINEAR); (pixel / 255 - mean) / std"
)
"""The rule in words; ``data.pixels`` computes it."""
SEQUENCE = (
    "an image of 8 bits for each time step, of recordings as the settings of section events say; "
    "(pixel / 255 - mean) / std"
)
"""The rule of sequences."""


class NetworkInput(Document):
    """How an image becomes the input [channels, height, width] of a network.

    Attributes:
        channels: 1 (grey), 3 (RGB), or as many as images in memory had.
        height: of the image, in pixels; ``width`` likewise.
        mean: per channel, of pixels in [0, 1]; the network sees (pixel / 255 - mean) / std.
        std: see ``mean``.
        preparation: the whole rule, in words.
    """

    channels: int
    height: int
    width: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    preparation: str = PREPARATION

    @classmethod
    def of(cls, data: DataConfig) -> "NetworkInput":
        """That of a run's settings."""
        height, width = data.image_side
        rule = SEQUENCE if data.sequence else PREPARATION
        return cls(
            channels=data.image_channels, height=height, width=width, mean=data.mean, std=data.std, preparation=rule
        )
