"""``chips/NAME.jsonl``: one line for each simulated chip, so that an evaluation continues after an interruption."""

import json
from pathlib import Path
from typing import Annotated

from pydantic import Field

from neuronas.config import is_there, read_bytes, write_text
from neuronas.errors import RunDirectoryError, VerificationError
from neuronas.runs.document import Document, Share

_MAX_BYTES = 1_000_000_000


class LayerSums(Document):
    """Sums over the calibration images of one layer on one chip; see ``neuronas.chip.crossbar_layer.Observed``."""

    signal: float
    error: float
    n_saturated: float
    n_conversions: float


class ChipRecord(Document):
    """One line: a chip that was simulated.

    Attributes:
        key: digest of everything that decides the result, except for the number of the chip.
        number: of the chip, from 0.
        top1: accuracy on the test images.
        layers: statistics of each layer; null if they were not measured.
    """

    key: str
    number: Annotated[int, Field(ge=0)]
    top1: Share
    layers: dict[str, LayerSums] | None


class ChipRecords:
    """Chips that are simulated already.

    Args:
        path: the file; None: keep the chips in memory only.

    Raises:
        VerificationError: the file cannot be read, or a line is not a chip. A last line that was cut off is dropped.
    """

    def __init__(self, path: Path | None = None):
        self.path = path
        self._found: dict[tuple[str, int], ChipRecord] = {}
        if path is None or not is_there(path):
            return
        try:
            *complete, rest = read_bytes(path, _MAX_BYTES).decode(errors="replace").split("\n")
        except OSError as error:
            raise VerificationError(f"{path}: cannot be read ({error.strerror})") from error
        for number, line in enumerate(complete, start=1):
            self._remember(ChipRecord.parse(line, f"{path}, line {number}"))
        if rest:
            write_text(path, "".join(f"{line}\n" for line in complete))

    def get(self, key: str, number: int, *, layers: bool) -> ChipRecord | None:
        """A chip that is simulated already; None if it is not, or without the statistics of its layers.

        Args:
            key: see ``ChipRecord``.
            number: of the chip.
            layers: whether statistics of the layers are needed.
        """
        found = self._found.get((key, number))
        return None if found is None or (layers and found.layers is None) else found

    def add(self, record: ChipRecord) -> None:
        """Keep a chip.

        Raises:
            RunDirectoryError: the file cannot be written.
        """
        self._remember(record)
        if self.path is None:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record.plain(), allow_nan=False) + "\n")
        except OSError as error:
            raise RunDirectoryError(f"{self.path}: cannot be written ({error.strerror})") from error

    def _remember(self, record: ChipRecord) -> None:
        self._found[record.key, record.number] = record
