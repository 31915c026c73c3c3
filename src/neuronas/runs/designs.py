"""Results of a design: ``design.json``, and the alternatives considered, in folder ``design``."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from neuronas.config import WeightBits
from neuronas.runs.card import Card, Shown, call, percent
from neuronas.runs.costs import Budgeted
from neuronas.runs.design_fronts import FrontChoice
from neuronas.runs.directory import CONFIG
from neuronas.runs.document import Document, Location, Share
from neuronas.runs.integers import IntegerAccuracy
from neuronas.runs.network_setting import NetworkSetting
from neuronas.runs.results import SearchSummary

DESIGN, FOLDER, FRONT_FOLDER = "design.json", "design", "front"
"""Result of a design; folder of its candidates; folder of the front from which its chip was chosen."""
BEGUN = Path(FOLDER, CONFIG)
"""File that exists once a design is begun."""
CHOICE, STAGES = "choice.json", "stages.json"
"""Files in the folder: the alternatives, and the time of each stage so far."""
Stage = Literal[
    "feasibility", "survey", "search", "finalists", "training", "evaluation", "chips", "export", "report"
]  # fmt: skip


class Axes(Document):
    """The values of each axis of a design, the largest first."""

    channels: tuple[int, ...]
    timesteps: tuple[int, ...]
    weight_bits: tuple[WeightBits, ...]

    @property
    def settings(self) -> tuple[NetworkSetting, ...]:
        """Every combination, in order."""
        return tuple(
            NetworkSetting(channels=channels, timesteps=timesteps, weight_bits=bits)
            for channels in self.channels
            for timesteps in self.timesteps
            for bits in self.weight_bits
        )


class Contender(Budgeted):
    """A setting that may be the best one, with its fittest surveyed candidate within all limits.

    Attributes:
        share: share of the surveyed candidates within all limits.
        architecture: the candidate; ``cost`` is its cost at this setting.
        fitness: fitness in the survey.
    """

    setting: NetworkSetting
    share: Share
    architecture: str
    fitness: float


class SettingChoice(Document):
    """``design/choice.json``: which settings are searched, and why.

    Attributes:
        n_surveyed: number of candidates whose fitness was computed, once for all settings.
        n_settings: number of combinations of the axes.
        n_feasible: number of settings at which a surveyed candidate is within all limits.
        n_designs: number of costed designs: each surveyed candidate at each setting.
        n_searched: number of contenders that are searched, from the first.
        contenders: non-dominated settings, in the order in which they are searched.
    """

    axes: Axes
    n_surveyed: int
    n_settings: int
    n_feasible: int
    n_designs: int
    n_searched: int
    contenders: tuple[Contender, ...]

    @property
    def searched(self) -> tuple[Contender, ...]:
        """The contenders whose cells are searched."""
        return self.contenders[: self.n_searched]


class StageTime(Document):
    """A stage, and its wall-clock seconds in all sessions."""

    name: Stage
    seconds: float


class StageTimes(Document):
    """``design/stages.json``."""

    stages: tuple[StageTime, ...] = ()


class MeasuredShare(Document):
    """A measured share with its 95 % interval; null: not known, as for a single chip."""

    value: Share
    low: Share | None
    high: Share | None

    @property
    def text(self) -> str:
        """Value and interval as text."""
        if self.low is None or self.high is None:
            return percent(self.value)
        return f"{percent(self.value)} (95 % interval {percent(self.low)} to {percent(self.high)})"


class Alternative(Budgeted):
    """The answer's cells with another value of one axis: the cost, and the limits that would have to be raised.

    Attributes:
        needs: limits, as options, that would have to be raised; empty if it is within all limits.
        is_larger: whether the value is larger than the answer's.
        is_offered: whether the value is among those that could be chosen.
    """

    setting: NetworkSetting
    needs: str
    is_larger: bool
    is_offered: bool


class DesignResult(Shown, SearchSummary):
    """``design.json``: the answer of a design, its measurements, and why it was chosen.

    Attributes:
        directory: run directory; it contains the answer as any other run.
        channels: channels of the answer.
        timesteps: time steps T of the answer.
        weight_bits: weight precision of the answer, of all layers or by part of the network.
        test_accuracy: accuracy of the trained network on the test images, at its precision.
        n_test: number of test images.
        integer: accuracy of its integer-only network; null: none.
        integer_left_out: why there is no integer-only network; absent if there is one.
        chip_accuracy: mean over simulated chips, with the interval of the mean; null: not simulated.
        n_chips: number of simulated chips.
        chip_loss: loss of test accuracy on the chips; null: not simulated.
        chips_left_out: why no chips were simulated; null if they were.
        verdict: conclusion, one sentence.
        reason: why this design was chosen, in sentences.
        choice: the settings considered.
        alternatives: the same cells at other settings.
        front: choice of chip and setting from the front of networks and chips; absent if the chip was given.
        files: paths in the run directory, by name.
        stages: the stages and their times.
    """

    directory: Location
    channels: int
    timesteps: int
    weight_bits: WeightBits
    test_accuracy: MeasuredShare
    n_test: int
    integer: IntegerAccuracy | None
    integer_left_out: str | None = Field(default=None, exclude_if=lambda why: why is None)
    chip_accuracy: MeasuredShare | None
    n_chips: int
    chip_loss: float | None
    chips_left_out: str | None = Field(default=None, exclude_if=lambda why: why is None)
    verdict: str
    reason: tuple[str, ...]
    choice: SettingChoice
    alternatives: tuple[Alternative, ...]
    front: FrontChoice | None = Field(default=None, exclude_if=lambda front: front is None)
    files: dict[str, str]
    stages: tuple[StageTime, ...]

    @property
    def setting(self) -> NetworkSetting:
        """Setting of the answer."""
        return NetworkSetting(channels=self.channels, timesteps=self.timesteps, weight_bits=self.weight_bits)

    @property
    def seconds_in_all(self) -> float:
        """Wall-clock time of all stages and sessions."""
        return sum(one.seconds for one in self.stages)

    def card(self) -> Card:
        """See ``Shown``."""
        facts = {
            "network": f"{self.setting.text}, {self.cost.parameters:,} weights",
            "test accuracy": self.test_accuracy.text,
            "energy": f"{self.cost.energy_uj:.4g} µJ by model '{self.cost.cost_model}'",
            "verdict": self.verdict,
            "run": str(self.directory),
        }
        if self.chip_accuracy is not None:
            facts["on simulated chips"] = self.chip_accuracy.text
        return Card("design", facts, call("load", self.directory))
