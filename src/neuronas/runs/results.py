"""What searches, trainings and exports leave: ``result.json``, ``front.json``, ``training.json``, ``export/*.json``."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from neuronas.runs.card import Card, Shown, call, percent
from neuronas.runs.costs import Budgeted, CostSummary
from neuronas.runs.document import Document, Finite, Location, Share
from neuronas.runs.integers import IntegerAccuracy, WeightAccuracy
from neuronas.runs.synthesis import Synthesis


class FailedCandidate(Document):
    """A candidate whose fitness could not be computed."""

    architecture: str
    reason: str


class ExpectedAccuracy(Document):
    """Test accuracy that a network is expected to have after training, 0 to 1; no measurement.

    Attributes:
        value: expected.
        low: lower limit of the interval.
        high: upper limit.
        level: share of such intervals that hold the accuracy.
        difference: two networks whose expected accuracies differ by more differ beyond noise; null: not known.
        source: what it was learned from, for people.
        n_compared: other functions that the search evaluated on the full batch; 0: not compared.
        n_within_noise: those of them that are not expected to differ from this one beyond noise.
    """

    value: Share
    low: Share
    high: Share
    level: Share
    difference: Share | None
    source: str
    n_compared: int = 0
    n_within_noise: int = 0

    @property
    def text(self) -> str:
        """In a line for people."""
        limits = f"{percent(self.low)} to {percent(self.high)}"
        text = f"{percent(self.value)} ({self.level:.0%} interval {limits}), from {self.source}"
        if not self.n_compared:
            return text
        return f"{text}; {self.n_within_noise:,} of {self.n_compared:,} other functions differ by no more than noise"

    def against(self, other: "ExpectedAccuracy") -> str | None:
        """Whether another network is expected to differ beyond noise; None where nothing is known of differences."""
        if self.difference is None or other.source != self.source:
            return None
        return "beyond noise" if abs(self.value - other.value) > self.difference else "by no more than noise"


NOT_CALIBRATED = "not calibrated for this data"
"""Where no accuracy can be expected of a fitness."""


class SearchSummary(Document):
    """``result.json``: the answer of a search and how it was found.

    Attributes:
        fitness: of the answer; null if no network distinguishes two images.
        expected_accuracy: of the answer after training; null: not calibrated for this data, network and fitness.
        budget: each limit; null: no limit.
        violations: excess of the answer's cost over each limit that it breaks, in the unit of its name.
        rejected: how many candidates broke each limit (one may break several).
        seconds: wall-clock time of all sessions; reading images, starting workers and training finalists does not
            count.
        peak_memory_mb: largest resident memory of the process and its workers together, MiB.
        chosen_by: only where finalists were asked for: what made it the answer, its ``fitness`` or what it learned as
            one of the ``finalists`` (``finalists.json``).
        failed: only where candidates failed.
        out_of_time: true if the time was up (``max_minutes``): this is the best so far, and the search can be resumed.
    """

    architecture: str
    fitness: Finite
    expected_accuracy: ExpectedAccuracy | None = None
    cost: CostSummary
    budget: dict[str, Finite]
    violations: dict[str, float]
    n_candidates: int
    n_evaluated: int
    rejected: dict[str, int]
    seconds: float
    peak_memory_mb: float
    seed: int
    dataset: str
    space: str
    algorithm: str
    chosen_by: Literal["fitness", "finalists"] | None = Field(default=None, exclude_if=lambda value: value is None)
    failed: tuple[FailedCandidate, ...] = Field(default=(), exclude_if=lambda failed: not failed)
    out_of_time: bool = Field(default=False, exclude_if=lambda value: not value)


class FrontMember(Budgeted):
    """One architecture of a Pareto front."""

    architecture: str
    fitness: float


class ParetoFront(Document):
    """``front.json``: the candidates that no other one beats in every objective, the fittest first.

    Attributes:
        prefer: how the answer was chosen.
        chosen: the answer.
        hypervolume: share that the front dominates of the box between ``ideal`` and ``reference``.
        ideal: the best value of each objective among the candidates that fit; null where none has a finite fitness.
        reference: the worst, likewise.
    """

    objectives: dict[str, Literal["maximise", "minimise"]]
    prefer: str
    chosen: str
    hypervolume: float
    ideal: dict[str, float] | None
    reference: dict[str, float] | None
    front: tuple[FrontMember, ...]


class TrainingResult(Shown, Document):
    """``training.json``: a training that came to its end, or whose time was up.

    Attributes:
        directory: of the run.
        epochs: that were trained.
        best_epoch: the one whose weights are used; 0 before the first has ended.
        validation_accuracy: of that epoch; null without validation images, or before the first epoch has ended.
        n_training: images that were learned from.
        n_validation: images that chose the best epoch.
        seed: of the training.
        seconds: wall-clock time of the session that ended it.
        dead_outputs: of each weighted layer after the last epoch, how many outputs have only weights that are 0 as the
            chip holds them; layers without one are left out.
        silent_layers: LIF layers without a single spike after the last epoch.
        stopped_early: validation accuracy did not rise for ``train.patience`` epochs.
        out_of_time: true if the time was up (``max_minutes``): this is the best epoch so far, and the training can be
            resumed.
    """

    directory: Location
    epochs: int
    best_epoch: int
    validation_accuracy: Share | None
    n_training: int
    n_validation: int
    seed: int
    seconds: float
    dead_outputs: dict[str, int] = Field(default_factory=dict)
    silent_layers: tuple[str, ...] = ()
    stopped_early: bool = False
    out_of_time: bool = Field(default=False, exclude_if=lambda value: not value)

    @classmethod
    def is_finished(cls, path: Path) -> bool:
        """Whether a file says that a training came to its end."""
        known = cls.read_if_there(path)
        return known is not None and not known.out_of_time

    def is_of(self, epochs: int) -> bool:
        """Whether this is how a training of so many epochs ended."""
        return self.epochs == epochs and not self.out_of_time

    def card(self) -> Card:
        """See ``Shown``."""
        facts = {
            "best epoch": f"{self.best_epoch} of {self.epochs}",
            "validation accuracy": percent(self.validation_accuracy),
            "images": f"{self.n_training:,} for training, {self.n_validation:,} for validation",
            "run": str(self.directory),
        }
        if self.dead_outputs:
            facts["dead outputs"] = ", ".join(f"{name} {n}" for name, n in self.dead_outputs.items())
        if self.silent_layers:
            facts["without a spike"] = ", ".join(self.silent_layers)
        if self.out_of_time:
            return Card("training, out of time", facts, call("train", self.directory, "resume=True"))
        return Card("training", facts, call("evaluate", self.directory))


class ExportManifest(Shown, Document):
    """``export/FORMAT.json``: a verified export.

    Attributes:
        run: directory of the run.
        format: ``nir``, ``onnx``, ``integer``, …
        path: the exported file, or its folder.
        verified_by: what computed the network again from it.
        n_images: how many images it computed.
        n_images_tied: those in which rounding alone decides a spike.
        largest_difference: of a class score from the network's own.
        largest_score: of the network, in magnitude; of integer-only formats the sum over the time steps.
        is_exact: an integer-only format, whose scores and spikes equal those of the integer-only network to the bit.
        weights: what rounding the weights costs; left out where they are not rounded, or the images are not there.
        integer: what integer arithmetic costs; left out for other formats, and where the images are not there.
        synthesis: rtl: what it takes on an FPGA; left out where that was not counted (``export.synthesise``).
    """

    run: Location
    format: str
    path: Location
    verified_by: str
    n_images: int
    n_images_tied: int
    largest_difference: float
    largest_score: float
    is_exact: bool = Field(default=False, exclude_if=lambda value: not value)
    weights: WeightAccuracy | None = Field(default=None, exclude_if=lambda weights: weights is None)
    integer: IntegerAccuracy | None = Field(default=None, exclude_if=lambda integer: integer is None)
    synthesis: Synthesis | None = Field(default=None, exclude_if=lambda synthesis: synthesis is None)

    @property
    def costs(self) -> tuple[str, ...]:
        """What the export's precision costs, for people."""
        return tuple(one.text for one in (self.weights, self.integer) if one is not None)

    def card(self) -> Card:
        """See ``Shown``."""
        facts = {
            "file": str(self.path),
            "verified by": f"{self.verified_by}, {self.n_images} images",
            "largest difference": f"{self.largest_difference:.2g} of {self.largest_score:.3g}",
        }
        if self.costs:
            facts["accuracy"] = "; ".join(self.costs)
        if self.synthesis is not None:
            facts["hardware"] = self.synthesis.text
        return Card(f"export, {self.format}", facts, call("report", self.run))
