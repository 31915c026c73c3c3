"""``metrics.jsonl``: one line for each epoch; optionally the same for TensorBoard."""

import json
from pathlib import Path
from typing import Any

from neuronas.config import is_there, parse_json, read_bytes, write_text
from neuronas.errors import ConfigurationError, VerificationError

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
        rows = read_metrics(self.path)[:n_epochs] if n_epochs and is_there(self.path) else []
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
    """Read all complete lines; a last line that was cut off by a crash is dropped.

    Raises:
        VerificationError: it cannot be read, or another line is broken.
    """
    try:
        *complete, _ = read_bytes(path, _MAX_BYTES).decode(errors="replace").split("\n")
    except OSError as error:
        raise VerificationError(f"{path}: cannot be read ({error.strerror})") from error
    return [_row(line, f"{path}, line {number}") for number, line in enumerate(complete, start=1)]


def _row(line: str, where: str) -> dict[str, Any]:
    try:
        row = parse_json(line)
    except ValueError as error:
        raise VerificationError(f"{where}: is not valid JSON ({error})") from None
    if not isinstance(row, dict):
        raise VerificationError(f"{where}: holds a {type(row).__name__}; expected an object of key and value")
    return row
