"""``metrics.jsonl``: one line for each epoch; optionally the same for TensorBoard."""

import json
from pathlib import Path
from typing import Any

from neuronas.config import is_there, read_bytes, write_text
from neuronas.errors import ConfigurationError, VerificationError
from neuronas.runs.epoch import Epoch

METRICS = "metrics.jsonl"
_MAX_BYTES = 100_000_000


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
