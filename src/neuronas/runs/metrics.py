"""``metrics.jsonl``: one line for each epoch; optionally the same for TensorBoard."""

import json
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from neuronas.config import is_there, read_bytes, write_text
from neuronas.errors import ConfigurationError, VerificationError
from neuronas.runs.document import Document, Share

METRICS = "metrics.jsonl"
_MAX_BYTES = 100_000_000


class Epoch(Document):
    """One line of ``metrics.jsonl``.

    Attributes:
        epoch: from 1.
        train_loss: mean over the epoch's images, of the network as it was at each step.
        train_accuracy: likewise.
        validation_accuracy: after the epoch; null without validation images.
        learning_rate: of the last step.
        firing_rate: spikes per neuron per time step after the epoch, mean over the layers; null without spikes.
        sparsity: share of weights that are 0.
        images_per_s: of the last step.
        dead_outputs: outputs of weighted layers all of whose weights are 0 as the chip holds them.
        silent_layers: LIF layers without a single spike after the epoch.
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


class Metrics:
    """Appends epochs to ``metrics.jsonl``.

    Args:
        folder: of the run.
        n_epochs: epochs that a resumed run has behind it; what else the file holds is dropped.
        tensorboard: write event files to ``tensorboard/`` as well.
        writes: False: another process writes.

    Raises:
        ConfigurationError: TensorBoard is not installed.
    """

    def __init__(self, folder: Path, n_epochs: int, *, tensorboard: bool = False, writes: bool = True):
        self.path = folder / METRICS
        self._writer: Any = None
        if not writes:
            return
        rows = read_epochs(self.path)[:n_epochs] if n_epochs else ()
        write_text(self.path, "".join(map(_line, rows)))
        if tensorboard:
            try:
                from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - an optional package
            except ImportError as error:
                raise ConfigurationError(
                    "--tensorboard needs a package: pip install 'neuronas[tensorboard]'"
                ) from error
            self._writer = SummaryWriter(str(folder / "tensorboard"), purge_step=n_epochs + 1)

    def append(self, row: Epoch) -> None:
        """Add an epoch."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(_line(row))
        if self._writer is not None:
            for name, value in row.plain().items():
                if name != "epoch" and value is not None:
                    self._writer.add_scalar(name, value, row.epoch)
            self._writer.flush()


def read_epochs(path: Path) -> tuple[Epoch, ...]:
    """Read all complete lines; empty where there is no file. A last line that a crash cut off is dropped.

    Raises:
        VerificationError: the file cannot be read, or a line is not an epoch.
    """
    if not is_there(path):
        return ()
    try:
        *complete, _ = read_bytes(path, _MAX_BYTES).decode(errors="replace").split("\n")
    except OSError as error:
        raise VerificationError(f"{path}: cannot be read ({error.strerror})") from error
    return tuple(Epoch.parse(line, f"{path}, line {number}") for number, line in enumerate(complete, start=1))


def _line(row: Epoch) -> str:
    return json.dumps(row.plain(), allow_nan=False) + "\n"
