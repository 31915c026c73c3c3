"""Measured compute-in-memory chips: the table that comes with the package, or a CSV file of the same columns.

The table is a part of the one that N. Shanbhag's group at the University of Illinois maintains ("Comprehending
in-memory computing trends via proper benchmarking", CICC 2022), MIT licence: ``imc-chips.LICENSE``. Several rows may be
one chip at several precisions or voltages; rows of one paper are not independent.
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from math import isfinite, nan
from pathlib import Path

import numpy as np

from neuronas.config import read_text
from neuronas.errors import ConfigurationError
from neuronas.hardware.silicon.macro import REFERENCE_V, Array, Kind, Macros

_MAX_BYTES = 10_000_000
_BYTE_ORDER_MARK = "\ufeff"
_PAPER, _ARCHITECTURE, _CELL, _READOUT = "Paper Title", "Architecture", "Cell Type", "Compute Model"
_OPERATIONS = "N_1b"
NUMBERS = {
    "node_nm": ("Tech (nm)", "nm"),
    "supply_v": ("Supply V(V)", "V"),
    "input_bits": ("B_x", "bits"),
    "weight_bits": ("B_w", "bits"),
    "adc_bits": ("B_ADC", "bits"),
    "rows": ("N", "rows"),
    "n_adcs": ("N_ADC", "columns"),
    "n_operations": (_OPERATIONS, "operations"),
    "time_ns": ("T_core(ns)", "ns"),
    "tops_per_w": ("TOPS/W", "TOPS/W"),
}
"""Columns with numbers above 0 or empty cells, with the expected unit."""
_LEAST, _MOST = 1e-9, 1e12
"""Bounds of all numbers: far beyond any chip, and narrow enough that products and powers of them stay finite."""
COLUMNS = (_PAPER, _ARCHITECTURE, _CELL, _READOUT, *(column for column, _ in NUMBERS.values()))
GROUPS = ("SRAM", "eNVM", "digital")
_GROUP = {
    "digital": "digital", "sram": "SRAM", "dram": "SRAM", "nvm": "eNVM", "flash": "eNVM", "rram": "eNVM",
    "reram": "eNVM", "mram": "eNVM", "pcm": "eNVM", "fefet": "eNVM",
}  # fmt: skip
"""Group of an architecture by a part of its name; the first that is in it decides."""
_NOTHING = ("", "-", "–", "na", "n/a", "nan", "#n/a", "#div/0!", "#value!", "#ref!")  # the last as spreadsheets write
_LABELLED = re.compile(r"([^();]+)\(([^();]+)\)")


@dataclass(frozen=True)
class Chip:
    """One row of the table. Numbers that are not given are NaN.

    Attributes:
        row: row number, from 1.
        name: first author, venue and year, if these columns are given.
        paper: title of the paper; rows of a paper are usually of one chip.
        group: ``SRAM`` (and other cells that store charge), ``eNVM`` or ``digital``.
        kind: kind of array, which selects the law.
        numbers: values by the names of ``NUMBERS``.
        sums_currents: see ``Macros``.
        is_mram: see ``Macros``.
    """

    row: int
    name: str
    paper: str
    group: str
    kind: Kind
    numbers: Mapping[str, float]
    sums_currents: bool
    is_mram: bool

    @property
    def missing(self) -> list[str]:
        """Missing columns that are required for an estimate."""
        needed = ["node_nm"]
        if self.kind in ("SRAM", "eNVM"):
            needed += ["rows", "n_adcs", "input_bits", "weight_bits", "adc_bits"]
        elif self.kind == "digital array":
            needed += ["input_bits"]
        return [NUMBERS[name][0] for name in needed if not isfinite(self.numbers[name])]


def bundled_chips() -> list[Chip]:
    """The 115 rows that come with the package."""
    text = files(__package__).joinpath("imc-chips.csv").read_text(encoding="utf-8")
    return _parsed(text, "imc-chips.csv")


def read_chips(path: Path) -> list[Chip]:
    """Read a CSV file of the table's columns (``COLUMNS``; others are not read).

    Raises:
        ConfigurationError: the file cannot be read, a column is missing, there is no row, or a cell holds no number
            above 0 or an absurd one; names row and column.
    """
    try:
        return _parsed(read_text(path, _MAX_BYTES), f"chips {path}")
    except OSError as error:
        raise ConfigurationError(f"chips {path}: cannot be read ({error.strerror}); expected a CSV file") from error
    except (ValueError, csv.Error) as error:
        raise ConfigurationError(f"chips {path}: cannot be read as CSV ({error})") from error


def as_macros(chips: Sequence[Chip]) -> Macros:
    """Chips as columns; a missing supply voltage is assumed to be 0.9 V."""

    def column(name: str) -> Array:
        return np.array([chip.numbers[name] for chip in chips], dtype=np.float64)

    supply = column("supply_v")
    return Macros(
        kind=np.array([chip.kind for chip in chips]),
        node_nm=column("node_nm"),
        supply_v=np.where(np.isnan(supply), REFERENCE_V, supply),
        rows=column("rows"),
        n_adcs=column("n_adcs"),
        input_bits=np.nan_to_num(column("input_bits"), nan=1.0),
        weight_bits=column("weight_bits"),
        adc_bits=column("adc_bits"),
        sums_currents=np.array([chip.sums_currents for chip in chips], dtype=np.bool_),
        is_mram=np.array([chip.is_mram for chip in chips], dtype=np.bool_),
    )


def _parsed(text: str, source: str) -> list[Chip]:
    reader = csv.DictReader(io.StringIO(text.removeprefix(_BYTE_ORDER_MARK), newline=""), strict=True)
    columns = list(reader.fieldnames or [])
    for name in COLUMNS:
        n = columns.count(name)
        if n != 1:
            how = f"{n} columns" if n else "no column"
            raise ConfigurationError(f"{source}: {how} '{name}'; expected once each: {', '.join(COLUMNS)}")
    chips = [_chip(row, number, source) for number, row in enumerate(reader, 1)]
    if not chips:
        raise ConfigurationError(f"{source}: 0 rows below the column names; expected at least 1")
    return chips


def _chip(row: Mapping[str | None, str | None], number: int, source: str) -> Chip:
    where = f"{source}, row {number}"
    if None in row:
        raise ConfigurationError(f"{where}: more cells than columns; expected a comma inside a cell in quotes")
    text = {name: " ".join((value or "").split()) for name, value in row.items() if name is not None}
    if not text[_PAPER]:
        raise ConfigurationError(f"{where}, column {_PAPER}: nothing given; expected a title")
    group = next((one for part, one in _GROUP.items() if part in text[_ARCHITECTURE].lower()), None)
    if group is None:
        raise ConfigurationError(
            f"{where}, column {_ARCHITECTURE}: '{text[_ARCHITECTURE]}' given; expected SRAM, DRAM, eDRAM, eNVM, eFlash "
            "or Digital"
        )
    numbers = {
        name: _number(text[column], text[_ARCHITECTURE], unit, f"{where}, column {column}")
        for name, (column, unit) in NUMBERS.items()
    }
    cell, readout = text[_CELL].lower(), text[_READOUT].upper()
    kind: Kind = "eNVM" if group == "eNVM" else "SRAM"
    if group == "digital":
        kind = "processor"
    elif readout == "DIMC" or cell.endswith("+d"):
        kind = "digital array"
    return Chip(
        row=number,
        name=_name(text),
        paper=text[_PAPER],
        group=group,
        kind=kind,
        numbers=_completed(numbers),
        sums_currents=kind == "eNVM" or (kind == "SRAM" and readout == "IS"),
        is_mram="mram" in cell,
    )


def _completed(numbers: dict[str, float]) -> dict[str, float]:
    """Compute a missing number of ADCs from the operations of an invocation, if these are given."""
    factors = [numbers[name] for name in ("rows", "input_bits", "weight_bits")]
    if not isfinite(numbers["n_adcs"]):
        numbers["n_adcs"] = numbers["n_operations"] / (2 * float(np.prod(factors)))
    return numbers


def _number(text: str, architecture: str, unit: str, where: str) -> float:
    """A cell. Of several labelled numbers, ``0.75 (Digital); 0.95 (SRAM)``, that of the row's architecture."""
    if text.lower() in _NOTHING:
        return nan
    given, labelled = text, {label.strip().lower(): one for one, label in _LABELLED.findall(text)}
    if labelled and len(labelled) == text.count("(") == text.count(";") + 1:
        given = labelled.get(architecture.lower(), text)
    try:
        value = float(given)
    except ValueError:
        value = nan
    if not _LEAST <= value <= _MOST:
        raise ConfigurationError(
            f"{where}: '{text}' given; expected one number above 0 in {unit} ({_LEAST:g} to {_MOST:g}), or nothing"
        )
    return value


def _name(text: Mapping[str, str]) -> str:
    known = [text.get(column, "") for column in ("Authors", "Journal/Conference", "Year")]
    return " ".join(filter(None, known)) or text[_PAPER]
