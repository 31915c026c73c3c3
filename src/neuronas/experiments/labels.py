"""Trained accuracies of architectures, read from a table such as that of SpikeNAS-Bench."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from random import Random
from typing import TypeVar

from neuronas.config import read_text
from neuronas.errors import ArchitectureError, ConfigurationError
from neuronas.space.genotype import NONE, Architecture, Edge, Genotype, node_pairs
from neuronas.space.notation import parse_architecture

OPERATION_CODES: tuple[Edge, ...] = (
    NONE,
    Edge("skip"),
    Edge("conv_3x3", threshold=0.5),
    Edge("conv_3x3", threshold=1.0),
    Edge("conv_3x3", threshold=1.5),
)
"""Operation for each number in an ``op_`` column (SpikeNAS-Bench, IEEE TAI 2024)."""
_EDGE_COLUMNS = tuple(f"op_{low}{high}" for low, high in node_pairs(4))
_ARCHITECTURE, _ACCURACY = "architecture", "test_accuracy"
_COLUMNS = f"id, op_01 … op_23 (or {_ARCHITECTURE}), {_ACCURACY}"
_N_CELLS = 2
"""Number of cell places of an architecture with a single cell, as in all built-in spaces."""
_MAX_BYTES = 100_000_000
_BYTE_ORDER_MARK = "\ufeff"  # byte order mark that spreadsheets write
Row = Mapping[str | None, str | None]
Value = TypeVar("Value")


@dataclass(frozen=True)
class TrainingTask:
    """Training task of a network, as far as the table states it; different tasks are ranked separately."""

    dataset: str | None = None
    channels: int | None = None
    image_side: int | None = None


@dataclass(frozen=True)
class LabelledNetwork:
    """A connected architecture, dead edges removed, and the test accuracy in percent of its trained network.

    Attributes:
        row_id: column ``id``, or the line number if there is none.
        where: file and line, for messages.
        architecture: architecture without dead edges.
        accuracy: test accuracy in percent.
        n_cells: number of cell places.
        task: training task.
        weight_bits: precision of the weights; None if the table does not state it.
        timesteps: number of time steps T; None if the table does not state it.
        seed: random seed of the training; None if the table does not state it.
    """

    row_id: str
    architecture: Architecture
    accuracy: float
    where: str
    n_cells: int = _N_CELLS
    task: TrainingTask = TrainingTask()
    weight_bits: int | None = None
    timesteps: int | None = None
    seed: int | None = None


@dataclass(frozen=True)
class Labels:
    """A table of trained networks, and the data set on whose images fitness is evaluated; None: the run's."""

    path: Path
    dataset: str | None = None


def read_labels(path: Path) -> list[LabelledNetwork]:
    """Read the connected networks of a CSV file: ``id``, ``op_01`` … ``op_23`` and ``test_accuracy``.

    Instead of ``op_01`` … ``op_23`` a column ``architecture`` may hold the text notation; then ``id`` may be absent.
    Optional columns: ``weight_bits``, ``timesteps``, ``dataset``, ``channels``, ``image_side``, ``seed``.

    Raises:
        ConfigurationError: the file cannot be read, a column is missing, or a value is invalid; names the line.
    """
    try:
        reader = csv.DictReader(io.StringIO(read_text(path, _MAX_BYTES).removeprefix(_BYTE_ORDER_MARK), newline=""))
        columns = list(reader.fieldnames or [])
        needed = (_ARCHITECTURE, _ACCURACY) if _ARCHITECTURE in columns else ("id", *_EDGE_COLUMNS, _ACCURACY)
        for name in needed:
            n = columns.count(name)
            if n != 1:
                how = f"{n} columns" if n else "no column"
                raise ConfigurationError(f"labels {path}: {how} '{name}'; expected {_COLUMNS} once")
        rows = [_labelled(row, reader.line_num, f"labels {path}, line {reader.line_num}") for row in reader]
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
    chosen = Random(seed).sample(range(len(rows)), n)  # noqa: S311 - not for cryptography
    return [rows[index] for index in sorted(chosen)]


def _labelled(row: Row, line: int, where: str) -> LabelledNetwork:
    architecture, n_cells = _architecture(row, where)
    accuracy = _value(row, _ACCURACY, float, where, "percent, 0 to 100")
    if accuracy is None or not (isfinite(accuracy) and 0 <= accuracy <= 100):
        raise ConfigurationError(f"{where}: {_ACCURACY} '{row[_ACCURACY]}' given; expected percent, 0 to 100")

    def whole(column: str) -> int | None:
        return _value(row, column, int, where, "a whole number, or nothing")

    return LabelledNetwork(
        row.get("id") or str(line),
        architecture.cleaned,
        accuracy,
        where,
        n_cells,
        TrainingTask((row.get("dataset") or "").strip() or None, whole("channels"), whole("image_side")),
        whole("weight_bits"),
        whole("timesteps"),
        whole("seed"),
    )


def _architecture(row: Row, where: str) -> tuple[Architecture, int]:
    """An architecture and its number of cell places, counted in the text, because equal cells are stored once."""
    if _ARCHITECTURE not in row:
        return Architecture((Genotype(tuple(_edge(row[column], column, where) for column in _EDGE_COLUMNS)),)), _N_CELLS
    text = row[_ARCHITECTURE] or ""
    try:
        return parse_architecture(text), text.count("/") + 1 if "/" in text else _N_CELLS
    except ArchitectureError as error:
        raise ConfigurationError(f"{where}: {error}") from error


def _value(row: Row, column: str, kind: Callable[[str], Value], where: str, expected: str) -> Value | None:
    """A number in a column; None if the column is absent or empty."""
    text = (row.get(column) or "").strip()
    try:
        return kind(text) if text else None
    except ValueError:
        raise ConfigurationError(f"{where}: {column} '{text}' given; expected {expected}") from None


def _edge(text: str | None, column: str, where: str) -> Edge:
    if text is None or text.strip() not in map(str, range(len(OPERATION_CODES))):
        raise ConfigurationError(f"{where}: {column} '{text}' given; expected 0 to {len(OPERATION_CODES) - 1}")
    return OPERATION_CODES[int(text)]


def _is_connected(architecture: Architecture) -> bool:
    """Whether each cell has an edge: all edges were removed if no path connects input and output."""
    return all(any(edge != NONE for edge in cell.edges) for cell in architecture.cells)
