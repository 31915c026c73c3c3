"""The settings of a network, besides its cells, that a design chooses."""

from pydantic import Field

from neuronas.runs.document import Document


class NetworkSetting(Document):
    """Width, time steps and precision of a network.

    Attributes:
        channels: number of channels before the first reduction.
        timesteps: number of time steps T.
        weight_bits: bits per weight; 32: not quantised.
    """

    channels: int = Field(ge=1)
    timesteps: int = Field(ge=1)
    weight_bits: int = Field(ge=2)

    @property
    def text(self) -> str:
        """The setting in words."""
        return f"{self.channels} channels, T = {self.timesteps}, {self.weight_bits} bits"

    @property
    def folder(self) -> str:
        """Name for its files."""
        return f"c{self.channels}-t{self.timesteps}-w{self.weight_bits}"
