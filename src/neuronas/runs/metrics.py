"""``metrics.jsonl`` of a run: one line for each epoch of its training."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from neuronas.runs.document import Document, Share
from neuronas.runs.lines import JsonLines

METRICS = "metrics.jsonl"


class Epoch(Document):
    """One line of ``metrics.jsonl``.

    Attributes:
        epoch: from 1.
        train_loss: mean loss over the epoch's images, computed at each step.
        train_accuracy: accuracy over the epoch's images, computed at each step.
        validation_accuracy: accuracy after the epoch; null without validation images.
        learning_rate: learning rate of the last step.
        firing_rate: spikes per neuron per time step after the epoch, mean over the layers; null without spikes.
        sparsity: share of weights that are 0.
        images_per_s: images per second at the last step.
        dead_outputs: number of outputs of weighted layers whose quantised weights are all 0.
        silent_layers: number of LIF layers without a spike after the epoch.
        is_best: whether its weights were the best so far and were kept in ``checkpoints/best.safetensors``.
    """

    epoch: Annotated[int, Field(ge=1)]
    train_loss: float
    train_accuracy: Share
    validation_accuracy: Share | None
    learning_rate: float
    firing_rate: float | None
    sparsity: float
    images_per_s: float
    dead_outputs: int = 0
    silent_layers: int = 0
    is_best: bool = False

    @property
    def numbers(self) -> dict[str, float]:
        """The measured values, by name."""
        return {
            name: float(value)
            for name, value in self.plain().items()
            if value is not None and not isinstance(value, bool)
        }


def read_epochs(path: Path) -> tuple[Epoch, ...]:
    """The epochs of a run; see ``JsonLines.read``."""
    return JsonLines(path, Epoch).read()
