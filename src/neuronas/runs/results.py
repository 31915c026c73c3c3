"""Results of searches, trainings and exports: ``result.json``, ``front.json``, ``training.json``, ``export/*.json``."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from neuronas.runs.card import Card, Shown, call, percent
from neuronas.runs.costs import Budgeted, CostSummary
from neuronas.runs.document import Document, Finite, Location, Share
from neuronas.runs.integers import IntegerAccuracy, WeightAccuracy

IF_DEAD = (
    "train it with more --epochs or --weight-bits, or with a lower --learning-rate or --rate-weight (docs/training.md)"
)
"""What to do about a network whose scores do not depend on the image."""


class FailedCandidate(Document):
    """A candidate whose fitness could not be computed."""

    architecture: str
    reason: str


class ExpectedAccuracy(Document):
    """Expected test accuracy of a network after training, 0 to 1; not a measurement.

    Attributes:
        value: expected accuracy.
        low: lower limit of the interval.
        high: upper limit.
        level: confidence level of the interval.
        difference: smallest difference of two expected accuracies that exceeds noise; null: not known.
        source: data that the estimate was fitted to, in words.
        n_compared: number of other functions evaluated on the full batch by the search; 0: not compared.
        n_within_noise: number of those whose expected difference from this one is within noise.
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
        """The estimate in one line."""
        limits = f"{percent(self.low)} to {percent(self.high)}"
        text = f"{percent(self.value)} ({100 * self.level:.0f} % interval {limits}), from {self.source}"
        if not self.n_compared:
            return text
        return f"{text}; {self.n_within_noise:,} of {self.n_compared:,} other functions differ by no more than noise"

    def against(self, other: "ExpectedAccuracy") -> str | None:
        """Whether another network is expected to differ beyond noise; None if ``difference`` is not known."""
        if self.difference is None or other.source != self.source:
            return None
        return "beyond noise" if abs(self.value - other.value) > self.difference else "by no more than noise"


NOT_CALIBRATED = "not calibrated for this data"
"""Text shown if accuracy cannot be estimated from fitness."""


class SearchSummary(Document):
    """``result.json``: the answer of a search and how it was found.

    Attributes:
        fitness: fitness of the answer; null if no network distinguishes two images.
        expected_accuracy: estimate for the answer after training; null: not calibrated for this data, network, fitness.
        budget: each limit; null: no limit.
        violations: excess of the answer's cost over each broken limit, in the unit of its name.
        rejected: how many candidates broke each limit (one may break several).
        seconds: wall-clock time of all sessions, without reading images, starting workers and training finalists.
        peak_memory_mb: peak resident memory of the process and its workers together, MiB.
        chosen_by: only with finalists: whether the answer was chosen by ``fitness`` or by accuracy among the
            ``finalists`` (``finalists.json``).
        failed: failed candidates, if any.
        out_of_time: true if the search stopped at its time limit (``max_minutes``): this is the best candidate so far,
            and the search can be resumed.
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
    """``front.json``: the Pareto front (non-dominated candidates), the fittest first.

    Attributes:
        prefer: how the answer was chosen.
        chosen: the answer.
        hypervolume: share of the box between ``ideal`` and ``reference`` that the front dominates.
        ideal: best value of each objective among feasible candidates; null if none has a finite fitness.
        reference: worst value of each objective among feasible candidates; null as ``ideal``.
    """

    objectives: dict[str, Literal["maximise", "minimise"]]
    prefer: str
    chosen: str
    hypervolume: float
    ideal: dict[str, float] | None
    reference: dict[str, float] | None
    front: tuple[FrontMember, ...]


class TrainingResult(Shown, Document):
    """``training.json``: a training that finished or reached its time limit.

    Attributes:
        directory: run directory.
        epochs: number of epochs trained.
        best_epoch: epoch of the weights used; 0 before the end of the first epoch.
        validation_accuracy: accuracy at ``best_epoch``; null without validation images or before the end of the first
            epoch.
        n_training: number of training images.
        n_validation: number of validation images, which select the best epoch.
        seed: random seed of training.
        seconds: wall-clock time of the last session.
        dead_outputs: for each layer with weights, the number of outputs whose quantised weights are all 0 after the
            last epoch; layers without such outputs are omitted.
        silent_layers: LIF layers without a spike after the last epoch.
        stopped_early: whether validation accuracy did not rise for ``train.patience`` epochs.
        out_of_time: true if training stopped at its time limit (``max_minutes``): this is the best epoch so far, and
            training can be resumed.
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
        """Whether a file states that training finished."""
        known = cls.read_if_there(path)
        return known is not None and not known.out_of_time

    def is_of(self, epochs: int) -> bool:
        """Whether training with this number of epochs has finished."""
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


CELL_GROUPS = {"luts": "LUTs", "flip_flops": "flip-flops", "dsps": "DSP48E1", "block_rams": "block RAMs"}
"""Groups of cells, by attribute of ``Synthesis``, with their names in reports."""


class Synthesis(Document):
    """Cells of an FPGA. Successful synthesis does not imply timing closure.

    Attributes:
        program: synthesis program and its version.
        target: FPGA family.
        luts: look-up tables.
        flip_flops: registers of one bit.
        dsps: multipliers (DSP48E1).
        block_rams: block RAMs of 18 and of 36 Kibit.
        block_ram_bits: bits of all block RAMs.
        cells: number of cells of each kind.
    """

    program: str
    target: str
    luts: int
    flip_flops: int
    dsps: int
    block_rams: int
    block_ram_bits: int
    cells: dict[str, int]

    @property
    def text(self) -> str:
        """The resources in one line."""
        groups = ", ".join(f"{getattr(self, group):,} {name}" for group, name in CELL_GROUPS.items())
        return f"on a {self.target} FPGA, by {self.program}: {groups} of {self.block_ram_bits:,} bits"


class ExportManifest(Shown, Document):
    """``export/FORMAT.json``: a verified export.

    Attributes:
        run: run directory.
        format: ``nir``, ``onnx``, ``integer``, …
        path: the exported file, or its folder.
        verified_by: program that computed the exported network for comparison.
        n_images: number of images compared.
        n_images_tied: number of images in which a spike depends on rounding.
        largest_difference: largest difference of a class score from the network's.
        largest_score: largest magnitude of a class score; for integer-only formats, of the sum over the time steps.
        is_exact: whether scores and spikes equal those of the integer-only network bit for bit (integer-only formats).
        same_scores: whether the network gives all images the same scores, so that the comparison says little; absent if
            it does not.
        weights: accuracy loss due to rounded weights; absent if weights are not rounded or images are not available.
        integer: accuracy loss due to integer arithmetic; absent for other formats or if images are not available.
        synthesis: FPGA resources of format ``rtl``; absent without ``export.synthesise``.
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
    same_scores: bool = Field(default=False, exclude_if=lambda value: not value)
    weights: WeightAccuracy | None = Field(default=None, exclude_if=lambda weights: weights is None)
    integer: IntegerAccuracy | None = Field(default=None, exclude_if=lambda integer: integer is None)
    synthesis: Synthesis | None = Field(default=None, exclude_if=lambda synthesis: synthesis is None)

    @property
    def costs(self) -> tuple[str, ...]:
        """Accuracy loss due to the precision of the export, in words."""
        return tuple(one.text for one in (self.weights, self.integer) if one is not None)

    @property
    def doubt(self) -> str:
        """Why the comparison says little; empty if it does not."""
        if not self.same_scores:
            return ""
        return f"the verification says little: the network gives all images of it the same scores; {IF_DEAD}"

    def card(self) -> Card:
        """See ``Shown``."""
        facts = {
            "file": str(self.path),
            "verified by": f"{self.verified_by}, {self.n_images} images",
            "largest difference": f"{self.largest_difference:.2g} of {self.largest_score:.3g}",
        }
        if self.doubt:
            facts["verification"] = self.doubt
        if self.costs:
            facts["accuracy"] = "; ".join(self.costs)
        if self.synthesis is not None:
            facts["hardware"] = self.synthesis.text
        return Card(f"export, {self.format}", facts, call("report", self.run))
