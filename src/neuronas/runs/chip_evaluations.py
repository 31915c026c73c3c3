"""What evaluations of a trained network on simulated chips leave: ``chips/NAME.json``, one for each chip."""

from collections.abc import Sequence
from itertools import count
from pathlib import Path

from pydantic import Field

from neuronas.config import MEASURING, WeightBits, duration, settings_for
from neuronas.hardware.device_model import DeviceModel
from neuronas.runs.card import Card, Shown, call, percent
from neuronas.runs.chip_records import CHIPS, file_stem
from neuronas.runs.document import Document, Finite, Share

NOTICED_LOSS = 0.01
"""Loss of accuracy on chips below which nothing is diagnosed, and which a report does not show as bad news."""


class SimulatedChip(Document):
    """The chip as it was simulated; see ``neuronas.chip.chip_model``. A resistance of null is infinite.

    Attributes:
        after_s: time after programming; 0 without a device model.
        rows_per_read: rows that are converted at once; null: all rows of a crossbar.
    """

    non_idealities: tuple[str, ...]
    sign_scheme: str
    bits_per_cell: int
    crossbar_size: int
    on_resistance_ohm: float
    off_resistance_ohm: Finite
    write_variation: float
    variation: str
    read_noise: float
    stuck_on_share: Share
    stuck_off_share: Share
    column_resistance_ohm: float
    adc_bits: int | None
    gain_calibration: bool
    device_model: DeviceModel | None = None
    after_s: float = 0.0
    drift_compensation: bool = False
    rows_per_read: int | None = None


class LayerQuality(Document):
    """One layer on the chips: signal-to-noise ratio in dB (null: no error), share of conversions out of range."""

    snr_db: Finite
    adc_saturation: Share


class ChipAccuracies(Document):
    """Top-1 accuracy over simulated chips.

    Attributes:
        top1_std: standard deviation with n - 1; null for one chip, if others would differ.
        top1_interval_95: confidence interval of the mean (Student's t), within 0 and 1; null likewise.
        top1_per_chip: of each.
    """

    n_chips: int
    top1_mean: Share
    top1_std: float | None
    top1_interval_95: tuple[Share, Share] | None
    top1_per_chip: tuple[Share, ...]


class ChipAblation(ChipAccuracies):
    """Accuracy with one set of non-idealities; ``loss``: by how much it is below the quantised network's."""

    name: str
    non_idealities: tuple[str, ...]
    loss: float


class ChipTime(ChipAccuracies):
    """Accuracy some time after programming.

    Attributes:
        after_s: time after programming.
        extrapolated: the device was not measured so late.
        loss: by how much it is below the quantised network's.
    """

    after_s: float
    extrapolated: bool
    loss: float


class ChipRemedy(ChipAccuracies):
    """Accuracy with one change of the chip.

    Attributes:
        change: what was changed.
        how: an option of ``evaluate --chip``, or a key and value of the accelerator's file.
        recovered: by how much it is above the unchanged chip's.
    """

    change: str
    how: str
    recovered: float


class ChipVerdict(Document):
    """Why the network loses accuracy on the chips, and what would recover it. Test images take no part in it.

    Attributes:
        text: the conclusion, for people.
        split: the images: ``validation``, or ``training`` where the run has no validation images.
        quantised_network_top1: accuracy on them without any non-ideality.
        top1_mean: on the unchanged chips.
        causes: each non-ideality switched off, all others on; none, nor remedies, where the loss is below one point.
        remedies: each change of the chip alone that can help against these causes, those that cost little first; and
            noise-aware training, where it was tried.
        retrain: the command of a noise-aware training; empty for a network of one's own.
    """

    text: str
    split: str
    n_images: int
    quantised_network_top1: Share
    top1_mean: Share
    causes: tuple[ChipAblation, ...]
    remedies: tuple[ChipRemedy, ...]
    retrain: str


class ChipEvaluation(Shown, ChipAccuracies):
    """``chips/NAME.json``: a trained network on simulated chips of one kind.

    An accelerator and the ``changes`` make a kind; measured again, with other images or more chips, it has the new
    result.

    Its accuracies, layers, ablation and verdict are those of the last of the ``times``.

    Attributes:
        verdict: null without a diagnosis.
        times: accuracy at each time after programming that was asked for.
        options: of ``evaluate --chip`` besides hardware, number and random seed of the chips, where not the defaults.
        n_calibration_images: training images on which gains and converters are trimmed.
        run: its directory; or file or class of a network of one's own.
        quantised_network_top1: accuracy without any non-ideality.
        float_network_top1: accuracy of a network of one's own before its weights were rounded; null for runs.
        ablation: only where it was asked for.
        seconds: of this simulation, without chips that were kept from an earlier one.
    """

    run: str
    dataset: str
    split: str
    n_images: int
    n_calibration_images: int
    hardware: str
    weight_bits: WeightBits
    timesteps: int
    seed: int
    model: SimulatedChip
    quantised_network_top1: Share
    float_network_top1: Share | None = None
    layers: dict[str, LayerQuality]
    times: tuple[ChipTime, ...] = Field(default=(), exclude_if=lambda times: not times)
    ablation: tuple[ChipAblation, ...] = Field(default=(), exclude_if=lambda rows: not rows)
    verdict: ChipVerdict | None = None
    options: tuple[str, ...] = ()
    seconds: float

    def card(self) -> Card:
        """See ``Shown``."""
        interval = ""
        if self.top1_interval_95 is not None:
            interval = " (95 % interval of the mean: {} to {})".format(*map(percent, self.top1_interval_95))
        facts = {
            "top-1": f"{percent(self.top1_mean)} on {self.n_chips} chips{interval}",
            "without non-idealities": percent(self.quantised_network_top1),
            "chip": f"{self.chip}{self.when} with {', '.join(self.model.non_idealities) or 'no non-ideality'}",
            "run": self.run,
        }
        if self.float_network_top1 is not None:
            facts["float weights"] = percent(self.float_network_top1)
        if self.verdict is not None:
            facts["verdict"] = self.verdict.text
        if len(self.times) > 1:
            facts["over time"] = ", ".join(f"{duration(one.after_s)}: {percent(one.top1_mean)}" for one in self.times)
        following = "" if self.float_network_top1 is not None else call("export", self.run, "'integer'")
        return Card("simulated chips", facts, following)

    @property
    def changes(self) -> tuple[str, ...]:
        """What makes the chip another one than the accelerator's, such as ``sign scheme offset-binary``."""
        return chip_changes(self.options)

    @property
    def chip(self) -> str:
        """The chip, for people: its accelerator and the changes."""
        return ", ".join([self.hardware, *self.changes])

    @property
    def when(self) -> str:
        """How long after programming, for people; empty where no time was asked for."""
        return f", {duration(self.times[-1].after_s)} after programming" if self.times else ""


def chip_changes(options: Sequence[str]) -> tuple[str, ...]:
    """Which options of ``evaluate --chip`` make another chip of an accelerator's, in words.

    Args:
        options: as ``config.as_options`` writes them; flags, each with its value behind it, if it has one.
    """
    known, found = settings_for("evaluate"), []
    for place, flag in enumerate(options):
        words = flag.removeprefix("--").split("-") if flag.startswith("--") else []
        one = known.get("_".join(words)) or known.get("_".join(words[1:]))  # --no-...
        if one is None or one.section != "chip" or one.path.rpartition(".")[2] in MEASURING:
            continue
        value = () if one.primitive is bool else options[place + 1 : place + 2]
        found.append(" ".join([*words, *value]))
    return tuple(found)


def chip_file(directory: Path, hardware: str, options: Sequence[str] = ()) -> Path:
    """Where a run keeps the evaluation on simulated chips of a kind: the file that has it, or else a new one.

    Args:
        directory: of the run.
        hardware: the accelerator's name, or its file.
        options: see ``chip_changes``.

    Raises:
        VerificationError: the file of another chip is damaged.
    """
    kind, there = (hardware, chip_changes(options)), _there(directory)
    for path, one in there.items():
        if (one.hardware, one.changes) == kind:
            return path
    stem = file_stem(*kind)
    names = (f"{stem}{'' if number == 1 else f'-{number}'}.json" for number in count(1))
    return next(path for name in names if (path := directory / CHIPS / name) not in there)


def read_chips(directory: Path) -> tuple[ChipEvaluation, ...]:
    """Read the evaluations on all simulated chips of a run, by accelerator and changes; empty where there are none.

    Raises:
        VerificationError: a damaged file.
    """
    return tuple(sorted(_there(directory).values(), key=lambda one: (one.hardware, one.changes)))


def _there(directory: Path) -> dict[Path, ChipEvaluation]:
    return {path: ChipEvaluation.read(path) for path in sorted((directory / CHIPS).glob("*.json"))}
