"""Result of ``fit``: whether a network fits a chip, which limits it breaks, and which changes would help."""

from neuronas.config import WeightBits
from neuronas.errors import counted
from neuronas.runs.card import Card, Shown
from neuronas.runs.document import Document


class FitLayer(Document):
    """One layer as mapped to the chip.

    Attributes:
        kernel: height and width, including merged pooling.
        n_weights: number of words of weight memory.
        n_neurons: number of words of neuron memory.
        core: index of its core; null if it has none or several.
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
        layer: the layer that breaks it; null: the network as a whole.
        limit: name of the limit.
        text: given and expected value, in words.
        value: required number; null if the limit is not a number.
        allowed: maximum of the chip, or the nearest supported value.
        source: source of the limit.
        needs_another_architecture: whether smaller layers would not help.
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
        options: options of ``fit``, ``search`` and ``train``.
        fits: whether the network fits with it.
        left: names of the limits that would still be broken.
    """

    options: str
    fits: bool
    left: tuple[str, ...]


class FitResult(Shown, Document):
    """Whether a network fits a chip and, if not, why: ``neuronas fit --json``.

    Attributes:
        n_cores_used: number of cores used, or a lower bound; null if the chip's memory is not documented.
        largest_channels: largest number of channels (at most 4,096) that fits, all else unchanged; null if none does,
            or if the network's width cannot be set.
        mends: changes that remove all or some of the broken limits; empty if it fits.
        advice: what to do if none of these changes suffices, such as the command of a search; empty if one does.
        differs: differences between the chip's computation and the network's.
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
    advice: str
    differs: tuple[str, ...]

    @property
    def text(self) -> str:
        """The result in one line."""
        name = self.description or self.target
        if not self.fits:
            layers = len({one.layer for one in self.broken if one.layer})
            limits = ", ".join(dict.fromkeys(one.limit for one in self.broken))
            where = f" in {counted(layers, 'layer')}" if layers else ""
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
