"""Comparison with the artificial twin: a section of ``evaluation.json``."""

from typing import Literal, Self

from neuronas.config import WeightBits
from neuronas.hardware.units import quantity
from neuronas.runs.card import percent
from neuronas.runs.document import Document, Share
from neuronas.runs.intervals import difference_95, wilson_95

Winner = Literal["spiking", "artificial", "neither"]
_WINS = {
    "spiking": "the spiking network wins",
    "artificial": "the artificial twin wins",
    "neither": "neither network wins",
}


class TwinSide(Document):
    """One of the two networks, by cost model ``mapped``.

    Attributes:
        top1: accuracy on the test images.
        n_reads: number of reads of a crossbar per input: time steps T, or bits.
        activity: mean firing rate of the LIF layers; for the twin, mean share of bits between layers that are 1.
        energy_uj: energy per image at the measured activity of each layer.
        energy_dense_uj: energy per image if all neurons always fire, or all bits are 1.
        energy_components: components of ``energy_uj``.
    """

    top1: Share
    n_reads: int
    activity: Share
    area_mm2: float
    latency_ms: float
    energy_uj: float
    energy_dense_uj: float
    energy_components: dict[str, float]


class TwinVerdict(Document):
    """A spiking network compared with its artificial twin: the same graph, weight bits, recipe, images, seed and chip.

    Attributes:
        twin: run directory of the twin.
        activation_bits: bits of its quantised ReLU: ceil(log2(T + 1)), for the T + 1 possible spike counts.
        n_images: number of test images.
        difference_95: 95 % interval of the difference of the accuracies, spiking minus artificial.
        break_even_rate: mean firing rate below which the spiking network needs less energy than the twin at its
            measured activity; 0: at no rate, 1: at every rate.
        winner: the network that needs less energy at measured activity, unless it is less accurate beyond noise.
        text: the conclusion in words.
        assumptions: assumptions of the twin's cost.
        training_seconds: time of the last session of the twin's training.
    """

    twin: str
    hardware: str
    weight_bits: WeightBits
    timesteps: int
    activation_bits: int
    n_images: int
    spiking: TwinSide
    artificial: TwinSide
    difference_95: tuple[float, float]
    break_even_rate: Share
    winner: Winner
    text: str
    assumptions: tuple[str, ...]
    training_seconds: float

    @classmethod
    def of(
        cls,
        spiking: TwinSide,
        artificial: TwinSide,
        break_even_rate: float,
        *,
        twin: str,
        hardware: str,
        weight_bits: WeightBits,
        n_images: int,
        assumptions: tuple[str, ...],
        training_seconds: float,
    ) -> Self:
        """Compare two networks; see the attributes."""
        difference = difference_95(spiking.top1, artificial.top1, n_images)
        winner = _winner(spiking, artificial, difference)
        return cls(
            twin=twin,
            hardware=hardware,
            weight_bits=weight_bits,
            timesteps=spiking.n_reads,
            activation_bits=artificial.n_reads,
            n_images=n_images,
            spiking=spiking,
            artificial=artificial,
            difference_95=difference,
            break_even_rate=break_even_rate,
            winner=winner,
            text=f"on {hardware} {_WINS[winner]}: {_compared(spiking, artificial, difference)}; "
            f"{break_even_text(break_even_rate, spiking.activity)}",
            assumptions=assumptions,
            training_seconds=training_seconds,
        )

    @property
    def wins(self) -> str:
        """The winner in words."""
        return _WINS[self.winner]

    def interval_95(self, side: TwinSide) -> tuple[float, float]:
        """95 % interval of an accuracy; see ``wilson_95``."""
        return wilson_95(side.top1, self.n_images)


def _winner(spiking: TwinSide, artificial: TwinSide, difference: tuple[float, float]) -> Winner:
    low, high = difference
    if spiking.energy_uj < artificial.energy_uj:
        return "neither" if high < 0 else "spiking"
    if artificial.energy_uj < spiking.energy_uj:
        return "neither" if low > 0 else "artificial"
    return "artificial" if high < 0 else "spiking" if low > 0 else "neither"


def _compared(spiking: TwinSide, artificial: TwinSide, difference: tuple[float, float]) -> str:
    """The figures of the spiking network compared with the twin's."""
    low, high = difference
    noise = "within" if low <= 0 <= high else "beyond"
    facts = [
        f"spiking against artificial, accuracy is {percent(spiking.top1)} against {percent(artificial.top1)}, a "
        f"difference {noise} noise"
    ]
    for name, what in (("energy_uj", "energy at measured activity"), ("latency_ms", "latency"), ("area_mm2", "area")):
        values = (getattr(side, name) for side in (spiking, artificial))
        facts.append(f"{what} " + " against ".join(quantity(name, value) for value in values))
    return ", ".join(facts)


def break_even_text(rate: float, measured: float) -> str:
    """The firing rates at which the spiking network needs less energy, in words."""
    if rate == 0:
        return "the spiking network needs more energy at every firing rate, even without a single spike"
    if rate == 1:
        return "the spiking network needs less energy at every firing rate, even if all neurons always fire"
    return (
        f"the spiking network needs less energy below a mean firing rate of {rate:.2%}, and {measured:.2%} was measured"
    )
