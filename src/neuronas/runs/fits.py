"""What ``fit`` answers: whether a network fits a chip, which limits it breaks, and what would mend it."""

from neuronas.config import WeightBits
from neuronas.runs.card import Card, Shown
from neuronas.runs.document import Document


class FitLayer(Document):
    """One layer as the chip holds it.

    Attributes:
        kernel: height and width, with pooling that became part of it.
        n_weights: words of weight memory, as the chip addresses it.
        n_neurons: words of neuron memory, likewise.
        core: number of its core; null where it has none, or several.
    """

    name: str
    in_channels: int
    out_channels: int
    kernel: tuple[int, int]
    stride: int
    pool: int
    n_weights: int
    n_neurons: int
    core: int | None


class BrokenTargetLimit(Document):
    """A limit that the network breaks.

    Attributes:
        layer: which breaks it; null: the network as a whole.
        limit: its name.
        text: given and expected, for people.
        value: the number that is needed; null if the limit is not a number.
        allowed: the most that the chip has, or the nearest value that it supports.
        source: of the limit.
        needs_another_architecture: no smaller layer helps.
    """

    layer: str | None
    limit: str
    text: str
    value: float | None
    allowed: float | None
    source: str
    needs_another_architecture: bool


class Mend(Document):
    """A change of the settings.

    Attributes:
        options: of ``fit``, ``search`` and ``train``.
        fits: whether the network fits with it.
        left: names of limits that are still broken.
    """

    options: str
    fits: bool
    left: tuple[str, ...]


class FitResult(Shown, Document):
    """The answer of ``fit``.

    Attributes:
        n_cores_used: or the fewest that can hold the network; null where the chip's memory is not documented.
        largest_channels: up to 4,096, with which it fits, everything else as it is; null where none does, or where the
            network's width cannot be set.
        mends: settings that mend it, or some of it; none where it fits.
        differs: what the chip computes otherwise.
    """

    architecture: str
    target: str
    description: str
    weight_bits: WeightBits
    fits: bool
    layers: tuple[FitLayer, ...]
    n_cores: int | None
    n_cores_used: int | None
    broken: tuple[BrokenTargetLimit, ...]
    largest_channels: int | None
    mends: tuple[Mend, ...]
    differs: tuple[str, ...]

    @property
    def text(self) -> str:
        """The answer in one line."""
        name = self.description or self.target
        if not self.fits:
            layers = len({one.layer for one in self.broken if one.layer})
            limits = ", ".join(dict.fromkeys(one.limit for one in self.broken))
            where = f" in {layers} layer{'s' if layers > 1 else ''}" if layers else ""
            return f"does not fit {name}: breaks {limits}{where}"
        if self.n_cores_used is None:
            return f"breaks no documented limit of {name}, whose memory is not documented"
        return f"fits {name}: {self.n_cores_used} of {self.n_cores} cores"

    def card(self) -> Card:
        """See ``Shown``."""
        facts = {"answer": self.text}
        if self.broken:
            facts["first"] = f"{self.broken[0].layer or 'network'}: {self.broken[0].text}"
        if mend := next((one for one in self.mends if one.fits), None):
            facts["fits with"] = mend.options
        return Card("fit", facts)
