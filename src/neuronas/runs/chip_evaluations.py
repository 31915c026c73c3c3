"""Results of evaluations on simulated chips: ``chips/NAME.json``, one file for each chip."""

from collections.abc import Sequence
from itertools import count
from pathlib import Path

from pydantic import Field

from neuronas.config import MEASURING, WeightBits, duration, settings_for
from neuronas.errors import counted
from neuronas.hardware.device_model import DeviceModel
from neuronas.runs.card import Card, Shown, call, percent
from neuronas.runs.chip_records import CHIPS, file_stem
from neuronas.runs.document import Document, Finite, Share

NOTICED_LOSS = 0.01
"""Accuracy loss on chips below which no diagnosis is made and a report shows no warning."""


class SimulatedChip(Document):
    """Parameters of the simulated chip; see ``neuronas.chip.chip_model``. A resistance of null is infinite.

    Attributes:
        after_s: time after programming; 0 without a device model.
        rows_per_read: rows read in one conversion; null: all rows of a crossbar.
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
        top1_std: sample standard deviation (n - 1); null for a single chip if other chips would differ.
        top1_interval_95: confidence interval of the mean (Student's t), within 0 and 1; null as ``top1_std``.
        top1_per_chip: accuracy of each chip.
    """

    n_chips: int
    top1_mean: Share
    top1_std: float | None
    top1_interval_95: tuple[Share, Share] | None
    top1_per_chip: tuple[Share, ...]


class ChipAblation(ChipAccuracies):
    """Accuracy with one set of non-idealities; ``loss``: accuracy of the quantised network minus this one."""

    name: str
    non_idealities: tuple[str, ...]
    loss: float


class ChipTime(ChipAccuracies):
    """Accuracy some time after programming.

    Attributes:
        after_s: time after programming.
        extrapolated: whether the time is beyond the last measurement of the device.
        loss: accuracy of the quantised network minus this one.
    """

    after_s: float
    extrapolated: bool
    loss: float


class ChipRemedy(ChipAccuracies):
    """Accuracy with one change of the chip.

    Attributes:
        change: what was changed.
        how: option of ``evaluate --chip``, or key and value in the accelerator's file.
        recovered: accuracy minus that of the unchanged chip.
    """

    change: str
    how: str
    recovered: float


class ChipVerdict(Document):
    """Why the network loses accuracy on the chips, and what would recover it. Test images are not used.

    Attributes:
        text: the conclusion in words.
        split: the images: ``validation``, or ``training`` if the run has no validation images.
        quantised_network_top1: accuracy on these images without any non-ideality.
        top1_mean: mean accuracy on the unchanged chips.
        causes: accuracy with each non-ideality switched off, all others on; empty, like ``remedies``, if the loss is
            below one percentage point.
        remedies: accuracy with each single change of the chip that can help against these causes, the cheapest first;
            and with noise-aware training, if it was tried.
        retrain: command for noise-aware training; empty for an imported network.
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

    The kind is determined by the accelerator and the ``changes``; a new evaluation of the same kind replaces the file.

    Accuracies, layers, ablation and verdict are those at the last of the ``times``.

    Attributes:
        verdict: null without a diagnosis.
        times: accuracy at each requested time after programming.
        options: non-default options of ``evaluate --chip`` besides hardware, number and random seed of the chips.
        n_calibration_images: training images on which gains and converters are trimmed.
        run: run directory; or file or class of an imported network.
        quantised_network_top1: accuracy without any non-ideality.
        float_network_top1: accuracy of an imported network before its weights were rounded; null for runs.
        ablation: only if requested.
        seconds: time of this simulation, without chips reused from an earlier one.
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
            "top-1": f"{percent(self.top1_mean)} on {counted(self.n_chips, 'chip')}{interval}",
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
        """How the chip differs from the accelerator's, such as ``sign scheme offset-binary``."""
        return chip_changes(self.options)

    @property
    def chip(self) -> str:
        """Description of the chip: its accelerator and the changes."""
        return ", ".join([self.hardware, *self.changes])

    @property
    def when(self) -> str:
        """Time after programming as text; empty if no time was requested."""
        return f", {duration(self.times[-1].after_s)} after programming" if self.times else ""


def chip_changes(options: Sequence[str]) -> tuple[str, ...]:
    """The options of ``evaluate --chip`` that change the accelerator's chip, in words.

    Args:
        options: as ``config.as_options`` writes them: flags, each followed by its value, if any.
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
    """Path of a run's evaluation on simulated chips of one kind: the existing file, or else a new name.

    Args:
        directory: the run directory.
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
    """Read all evaluations of a run on simulated chips, by accelerator and changes; empty if there are none.

    Raises:
        VerificationError: a damaged file.
    """
    return tuple(sorted(_there(directory).values(), key=lambda one: (one.hardware, one.changes)))


def _there(directory: Path) -> dict[Path, ChipEvaluation]:
    return {path: ChipEvaluation.read(path) for path in sorted((directory / CHIPS).glob("*.json"))}
