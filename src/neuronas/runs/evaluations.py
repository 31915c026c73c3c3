"""Result of the evaluation of a trained run: ``evaluation.json``."""

from typing import Annotated

from pydantic import Field

from neuronas.config import WeightBits, precision_text
from neuronas.runs.card import Card, Shown, call, percent
from neuronas.runs.costs import CostSummary
from neuronas.runs.decisions import Decisions
from neuronas.runs.document import Document, Finite, Share
from neuronas.runs.inputs import NetworkInput
from neuronas.runs.integers import IntegerAccuracy
from neuronas.runs.intervals import wilson_95
from neuronas.runs.twins import TwinVerdict


class LayerOperations(Document):
    """Activity of one layer with weights per image, over all time steps.

    Attributes:
        input_rate: share of nonzero inputs per time step; for outputs of a quantised ReLU and pixels of a sequence,
            share of bits that are 1.
        input_rates: input rate of each time step; null if not measured.
        operations: number of products of a nonzero input and a nonzero weight.
        spiking: whether the inputs are spikes; an operation is then an accumulation, otherwise a multiply-accumulate.
    """

    input_rate: Share
    input_rates: tuple[Share, ...] | None = None
    operations: float
    spiking: bool


class Evaluation(Shown, Document):
    """``evaluation.json``: a trained network on the test images.

    Attributes:
        epoch: epoch of the weights, with accuracy ``validation_accuracy`` (null without validation images).
        spiking: false for the artificial network of ``--ann``.
        top1: top-1 accuracy at the run's precision.
        top5: top-5 accuracy.
        per_class: top-1 accuracy of each class; null for a class without images.
        confusion: confusion matrix in images (rows: true class, columns: predicted class).
        weight_bits: weight precision; a number, or the bits of each layer.
        accuracy_by_bits: top-1 accuracy at each precision of all layers; ``float`` is full precision, ``mixed`` the
            network's own bits where these differ by layer.
        firing_rates: spikes per neuron per time step of each LIF layer.
        layers: activity of each layer with weights.
        spikes_per_image: spikes over all LIF layers and time steps; null without spikes.
        synaptic_operations_per_image: accumulations caused by spikes.
        multiplications_per_image: multiply-accumulates of layers whose inputs are not spikes.
        literature_energy_uj: energy at 0.9 pJ per accumulation, 4.6 pJ per multiply-accumulate (ISSCC 2014).
        cost: cost by the run's cost model.
        cost_at_trace: cost by model ``mapped`` at the measured input rates; null without spikes.
        class_names: names in the order of ``per_class`` and ``confusion``; null: classes have no names.
        input: how an image becomes the network's input.
        same_scores: whether all images have the same scores (a dead network); absent if they do not.
        decisions: accuracy and cost of early exit; null without spikes or with one time step.
        integer: comparison with the integer-only network; absent if not requested.
        twin: comparison with the artificial twin; absent if not requested.
    """

    run: str
    dataset: str
    split: str
    n_images: int
    epoch: int
    validation_accuracy: Share | None
    spiking: bool
    weight_bits: WeightBits
    top1: Share
    top5: Share
    per_class: tuple[Finite, ...]
    confusion: tuple[tuple[int, ...], ...]
    accuracy_by_bits: Annotated[dict[str, Share], Field(min_length=1)]
    firing_rates: dict[str, Share]
    layers: dict[str, LayerOperations]
    spikes_per_image: float | None
    synaptic_operations_per_image: float
    multiplications_per_image: float
    literature_energy_uj: float
    cost: CostSummary
    cost_at_trace: CostSummary | None
    class_names: tuple[str, ...] | None = None
    input: NetworkInput | None = None
    same_scores: bool = Field(default=False, exclude_if=lambda value: not value)
    decisions: Decisions | None = None
    integer: IntegerAccuracy | None = Field(default=None, exclude_if=lambda integer: integer is None)
    twin: TwinVerdict | None = Field(default=None, exclude_if=lambda twin: twin is None)

    def card(self) -> Card:
        """See ``Shown``."""
        at = precision_text(self.weight_bits)
        facts = {
            "top-1": f"{percent(self.top1)} at {at}, {self.n_images:,} {self.split} images",
            "by bits": ", ".join(f"{bits}: {percent(value)}" for bits, value in self.accuracy_by_bits.items()),
            "epoch": str(self.epoch),
            "energy": f"{self.cost.energy_uj:.4g} µJ by model '{self.cost.cost_model}'",
            "run": self.run,
        }
        if self.spikes_per_image is not None:
            facts["spikes per image"] = f"{self.spikes_per_image:,.0f}"
        if self.integer is not None:
            facts["integer-only"] = self.integer.text.removeprefix("integer-only: ")
        if self.twin is not None:
            facts["artificial twin"] = self.twin.text
        return Card("evaluation", facts, call("evaluate_on_chips", self.run))

    @property
    def dead(self) -> str:
        """That the network is dead, in words; empty if it is not."""
        return f"the network is dead: it gives all {self.n_images:,} test images the same scores" * self.same_scores

    @property
    def says_top5(self) -> bool:
        """Whether top-5 accuracy is meaningful: with at least ten classes."""
        return len(self.confusion) >= 10

    def interval_95(self, accuracy: float) -> tuple[float, float]:
        """95 % interval of an accuracy on the same images; see ``wilson_95``."""
        return wilson_95(accuracy, self.n_images)
