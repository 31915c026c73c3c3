"""What a design leaves: ``design.json``, and in its folder ``design`` what it chose among."""

from typing import Literal

from pydantic import Field

from neuronas.runs.card import Card, Shown, call, percent
from neuronas.runs.costs import Budgeted
from neuronas.runs.document import Document, Location, Share
from neuronas.runs.integers import IntegerAccuracy
from neuronas.runs.network_setting import NetworkSetting
from neuronas.runs.results import SearchSummary

DESIGN, FOLDER = "design.json", "design"
CHOICE, STAGES = "choice.json", "stages.json"
"""In the folder: what can be chosen from, and how long each stage has taken so far."""
Stage = Literal[
    "feasibility", "survey", "search", "finalists", "training", "evaluation", "chips", "export", "report"
]  # fmt: skip


class Axes(Document):
    """The values of each axis that a design chooses from, the largest first."""

    channels: tuple[int, ...]
    timesteps: tuple[int, ...]
    weight_bits: tuple[int, ...]

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
    """A setting that may be the best one, with the fittest surveyed candidate that keeps all limits there.

    Attributes:
        share: of the surveyed candidates that keep all limits.
        architecture: the candidate; its cost is that at this setting.
        fitness: as surveyed.
    """

    setting: NetworkSetting
    share: Share
    architecture: str
    fitness: float


class SettingChoice(Document):
    """``design/choice.json``: which settings are searched, and why.

    Attributes:
        n_surveyed: candidates whose fitness was surveyed once, for all settings.
        n_settings: combinations of the axes.
        n_feasible: those at which a surveyed candidate keeps all limits.
        n_designs: designs that were costed: each surveyed candidate at each setting.
        n_searched: how many contenders, from the first, are searched.
        contenders: settings that no other one beats, in the order in which they are searched.
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
    """A measured share with the limits of its 95 % interval; null: not known, as of a single chip."""

    value: Share
    low: Share | None
    high: Share | None

    @property
    def text(self) -> str:
        """For people."""
        if self.low is None or self.high is None:
            return percent(self.value)
        return f"{percent(self.value)} (95 % interval {percent(self.low)} to {percent(self.high)})"


class Alternative(Budgeted):
    """The answer's cells at another setting: what one axis costs, and what would have to be allowed for it.

    Attributes:
        needs: the limits, as options, that would have to be raised; empty where it keeps all of them.
        is_larger: more of an axis than the answer has.
        is_offered: its value is among those that could be chosen.
    """

    setting: NetworkSetting
    needs: str
    is_larger: bool
    is_offered: bool


class DesignResult(Shown, SearchSummary):
    """``design.json``: the answer of a design, what was measured of it, and why it is the answer.

    Attributes:
        directory: of the run, which holds the answer as any other run.
        channels: of the answer.
        timesteps: T of the answer.
        weight_bits: of the answer.
        test_accuracy: of the trained network on the test images, at its precision.
        n_test: test images.
        integer: accuracy of its integer-only network; null: it has none.
        integer_left_out: why it has none; left out where it has one.
        chip_accuracy: mean over simulated chips, with the interval of the mean; null: not simulated.
        n_chips: simulated chips.
        chip_loss: test accuracy that the chips cost; null: not simulated.
        chips_left_out: why no chips were simulated; null where they were.
        verdict: in a sentence.
        reason: why this design is the answer, in sentences.
        choice: the settings that it was chosen from.
        alternatives: what other settings cost with the same cells.
        files: by name, paths in the run's directory.
        stages: what was done, with its time.
    """

    directory: Location
    channels: int
    timesteps: int
    weight_bits: int
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
    files: dict[str, str]
    stages: tuple[StageTime, ...]

    @property
    def setting(self) -> NetworkSetting:
        """Of the answer."""
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
