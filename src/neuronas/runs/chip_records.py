"""``chips/NAME.jsonl``: one line for each simulated chip, so that an evaluation continues after an interruption."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field

from neuronas.runs.document import Document, Share
from neuronas.runs.lines import JsonLines

CHIPS = "chips"
_MOST_CHARACTERS = 120


class LayerSums(Document):
    """Sums over the calibration images of one layer on one chip; see ``neuronas.chip.crossbar_layer.Observed``."""

    signal: float
    error: float
    n_saturated: float
    n_conversions: float


class ChipRecord(Document):
    """One line: a chip that was simulated.

    Attributes:
        key: digest of everything that affects the result, except the number of the chip.
        number: number of the chip, from 0.
        top1: accuracy on the test images.
        layers: statistics of each layer; null if they were not measured.
    """

    key: str
    number: Annotated[int, Field(ge=0)]
    top1: Share
    layers: dict[str, LayerSums] | None


class ChipRecords:
    """Stored results of chips that have been simulated.

    Args:
        path: the file; None: keep the chips in memory only.

    Raises:
        VerificationError: the file cannot be read, or a line is not a chip. A last line that was cut off is removed.
        RunDirectoryError: the file cannot be written.
    """

    def __init__(self, path: Path | None = None):
        self._lines = JsonLines(path, ChipRecord) if path is not None else None
        known = self._lines.read_to_append() if self._lines is not None else ()
        self._found = {(record.key, record.number): record for record in known}

    def get(self, key: str, number: int, *, layers: bool) -> ChipRecord | None:
        """The stored result of a chip; None if there is none, or none with the required statistics.

        Args:
            key: see ``ChipRecord``.
            number: number of the chip.
            layers: whether statistics of the layers are needed.
        """
        found = self._found.get((key, number))
        return None if found is None or (layers and found.layers is None) else found

    def add(self, record: ChipRecord) -> None:
        """Store the result of a chip.

        Raises:
            RunDirectoryError: the file cannot be written.
        """
        self._found[record.key, record.number] = record
        if self._lines is not None:
            self._lines.append(record)


def chip_records_file(directory: Path, hardware: str) -> Path:
    """Path of a run's file with the results of each simulated chip of an accelerator.

    Args:
        directory: the run directory.
        hardware: the accelerator's name, or its file.
    """
    return directory / CHIPS / f"{file_stem(hardware)}.jsonl"


def file_stem(hardware: str, changes: Sequence[str] = ()) -> str:
    """File name, without suffix, for a chip; it is not necessarily unique.

    Args:
        hardware: the accelerator's name, or its file.
        changes: see ``ChipEvaluation.changes``.
    """
    name = _plain(re.sub(r"\.ya?ml$", "", hardware.replace("\\", "/").rsplit("/", 1)[-1])) or "chip"
    return ".".join([name, *(_plain(one) for one in changes)])[:_MOST_CHARACTERS]


def _plain(text: str) -> str:
    return re.sub(r"[^\w.-]+", "-", text).strip("-.")
