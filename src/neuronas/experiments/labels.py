"""Trained accuracies of architectures, read from a table such as SpikeNAS-Bench's."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from random import Random

from neuronas.config import read_text
from neuronas.errors import ConfigurationError
from neuronas.space.genotype import NODE_PAIRS, NONE, Architecture, Edge, Genotype

OPERATION_CODES: tuple[Edge, ...] = (
    NONE,
    Edge("skip"),
    Edge("conv_3x3", threshold=0.5),
    Edge("conv_3x3", threshold=1.0),
    Edge("conv_3x3", threshold=1.5),
)
"""What a number in an ``op_`` column means (SpikeNAS-Bench, IEEE TAI 2024)."""
_EDGE_COLUMNS = tuple(f"op_{low}{high}" for low, high in NODE_PAIRS)
_ACCURACY = "test_accuracy"
_COLUMNS = f"id, op_01 … op_23, {_ACCURACY}"
_MAX_BYTES = 100_000_000
_BYTE_ORDER_MARK = "\ufeff"  # spreadsheets begin a table with it


@dataclass(frozen=True)
class LabelledNetwork:
    """A connected architecture, dead edges removed, and the test accuracy in percent of its trained network."""

    row_id: str
    architecture: Architecture
    accuracy: float


def read_labels(path: Path) -> list[LabelledNetwork]:
    """Read the connected networks of a CSV file: columns ``id``, ``op_01`` … ``op_23`` and ``test_accuracy``.

    Raises:
        ConfigurationError: the file cannot be read, a column is missing, or a value makes no sense; names the line.
    """
    try:
        reader = csv.DictReader(io.StringIO(read_text(path, _MAX_BYTES).removeprefix(_BYTE_ORDER_MARK), newline=""))
        for name in ("id", *_EDGE_COLUMNS, _ACCURACY):
            n = (reader.fieldnames or []).count(name)
            if n != 1:
                how = f"{n} columns" if n else "no column"
                raise ConfigurationError(f"labels {path}: {how} '{name}'; expected {_COLUMNS} once")
        rows = [_labelled(row, f"labels {path}, line {reader.line_num}") for row in reader]
    except OSError as error:
        raise ConfigurationError(
            f"labels {path}: cannot be read ({error.strerror}); expected a CSV file with the columns {_COLUMNS}"
        ) from error
    except (ValueError, csv.Error) as error:
        raise ConfigurationError(f"labels {path}: cannot be read as CSV ({error})") from error
    connected = [row for row in rows if _is_connected(row.architecture)]
    if not connected:
        raise ConfigurationError(f"labels {path}: no connected network in {len(rows)} rows; expected at least 1")
    return connected


def draw(rows: Sequence[LabelledNetwork], n: int | None, seed: int) -> list[LabelledNetwork]:
    """Draw n rows without replacement, in the order of the file; all of them if n is None.

    Raises:
        ConfigurationError: n is larger than the table.
    """
    if n is None:
        return list(rows)
    if not 1 <= n <= len(rows):
        raise ConfigurationError(f"--sample {n} given; expected 1 to {len(rows):,}, the connected networks")
    chosen = Random(seed).sample(range(len(rows)), n)  # noqa: S311 - no cryptography
    return [rows[index] for index in sorted(chosen)]


def _labelled(row: Mapping[str | None, str | None], where: str) -> LabelledNetwork:
    edges = tuple(_edge(row[column], column, where) for column in _EDGE_COLUMNS)
    text = row[_ACCURACY]
    try:
        accuracy = float(text or "")
    except ValueError:
        accuracy = float("nan")
    if not (isfinite(accuracy) and 0 <= accuracy <= 100):
        raise ConfigurationError(f"{where}: {_ACCURACY} '{text}' given; expected percent, 0 to 100")
    return LabelledNetwork(row["id"] or "", Architecture((Genotype(edges),)).cleaned, accuracy)


def _edge(text: str | None, column: str, where: str) -> Edge:
    if text is None or text.strip() not in map(str, range(len(OPERATION_CODES))):
        raise ConfigurationError(f"{where}: {column} '{text}' given; expected 0 to {len(OPERATION_CODES) - 1}")
    return OPERATION_CODES[int(text)]


def _is_connected(architecture: Architecture) -> bool:
    """Whether any edge is left: cleaning removes all of them where no path joins input and output."""
    return any(edge != NONE for cell in architecture.cells for edge in cell.edges)
