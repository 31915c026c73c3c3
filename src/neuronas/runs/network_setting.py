"""The settings of a network, besides its cells, that a design chooses."""

from collections.abc import Sequence

from pydantic import Field

from neuronas.config import LayerBits, WeightBits, bits_of, distinct_bits
from neuronas.runs.document import Document


class NetworkSetting(Document):
    """Width, time steps and precision of a network.

    Attributes:
        channels: number of channels before the first reduction.
        timesteps: number of time steps T.
        weight_bits: bits per weight, of all layers or by part of the network; 32: not quantised.
    """

    channels: int = Field(ge=1)
    timesteps: int = Field(ge=1)
    weight_bits: WeightBits

    @property
    def lowest_bits(self) -> int:
        """The lowest precision of any weight."""
        return distinct_bits(self.weight_bits)[0]

    @property
    def text(self) -> str:
        """The setting in words."""
        bits = f"{self.weight_bits} bits" if isinstance(self.weight_bits, int) else f"bits {self.weight_bits}"
        return f"{self.channels} channels, T = {self.timesteps}, {bits}"

    @property
    def folder(self) -> str:
        """Name for its files."""
        bits = str(self.weight_bits).replace("=", "").replace(",", "-")
        return f"c{self.channels}-t{self.timesteps}-w{bits}"


def setting_values(settings: Sequence[NetworkSetting]) -> dict[str, list[int]]:
    """Values of each axis at each setting; if layers have different bits, each part is an axis: ``weight_bits A``."""
    found = {name: [getattr(one, name) for one in settings] for name in ("channels", "timesteps")}
    bits = [one.weight_bits for one in settings]
    parts = next((one.by_key for one in bits if isinstance(one, LayerBits)), None)
    if parts is None:
        return found | {"weight_bits": bits}
    return found | {f"weight_bits {part}": [bits_of(one, part) for one in bits] for part in parts}
