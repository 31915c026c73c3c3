"""``metrics.jsonl``: one line for each epoch; optionally the same for TensorBoard."""

import json
from pathlib import Path
from typing import Any

from neuronas.config import write_text
from neuronas.errors import ConfigurationError

METRICS = "metrics.jsonl"


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
        rows = read_metrics(self.path)[:n_epochs] if n_epochs and self.path.exists() else []
        write_text(self.path, "".join(json.dumps(row) + "\n" for row in rows))
        if tensorboard:
            try:
                from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - an optional package
            except ImportError as error:
                raise ConfigurationError(
                    "--tensorboard needs a package: pip install 'neuronas[tensorboard]'"
                ) from error
            self._writer = SummaryWriter(str(folder / "tensorboard"), purge_step=n_epochs + 1)

    def append(self, row: dict[str, Any]) -> None:
        """Add an epoch."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, allow_nan=False) + "\n")
        if self._writer is not None:
            for name, value in row.items():
                if name != "epoch" and value is not None:
                    self._writer.add_scalar(name, value, row["epoch"])
            self._writer.flush()


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Read all complete lines; a line that was cut off by a crash is dropped."""
    rows = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            break
        if not isinstance(row, dict):
            break
        rows.append(row)
    return rows
