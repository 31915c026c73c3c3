"""Writes the metrics of a training: ``metrics.jsonl`` and, if requested, the same for TensorBoard."""

from pathlib import Path
from typing import Any

from neuronas.errors import ConfigurationError
from neuronas.runs.lines import JsonLines
from neuronas.runs.metrics import METRICS, Epoch


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
