"""``metrics.jsonl``: one line for each epoch; optionally the same for TensorBoard."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from neuronas.errors import ConfigurationError
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


class Metrics:
    """Appends epochs to ``metrics.jsonl``.

    Args:
        folder: run directory.
        n_epochs: number of finished epochs of a resumed run; later lines are removed.
        tensorboard: write event files to ``tensorboard/`` as well.
        writes: whether this process writes; False if another one does.

    Raises:
        ConfigurationError: TensorBoard is not installed.
    """

    def __init__(self, folder: Path, n_epochs: int, *, tensorboard: bool = False, writes: bool = True):
        self.path = folder / METRICS
        self._lines = JsonLines(self.path, Epoch)
        self._writer: Any = None
        if not writes:
            return
        self._lines.write(self._lines.read()[:n_epochs] if n_epochs else ())
        if tensorboard:
            try:
                from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - an optional package
            except ImportError as error:
                raise ConfigurationError(
                    "--tensorboard needs the package tensorboard; run: pip install 'neuronas[tensorboard]'"
                ) from error
            self._writer = SummaryWriter(str(folder / "tensorboard"), purge_step=n_epochs + 1)

    def append(self, row: Epoch) -> None:
        """Append an epoch."""
        self._lines.append(row)
        if self._writer is not None:
            for name, value in row.numbers.items():
                if name != "epoch":
                    self._writer.add_scalar(name, value, row.epoch)
            self._writer.flush()


def read_epochs(path: Path) -> tuple[Epoch, ...]:
    """The epochs of a run; see ``JsonLines.read``."""
    return JsonLines(path, Epoch).read()
