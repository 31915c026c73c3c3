"""Cells and memories of an FPGA that generated Verilog uses, counted by Yosys."""

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from neuronas.errors import VerificationError
from neuronas.export.programs import check_program, output_of, work_folder
from neuronas.runs.results import CELL_GROUPS, Synthesis

YOSYS = "yosys"
SYNTHESIS = "read_verilog neuronas.v; synth_xilinx -family xc7 -flatten -top neuronas"
"""Yosys script for a Xilinx 7-series FPGA; the Makefile contains the same."""
_BLOCK_RAM_BITS = {"RAMB18E1": 18 * 1024, "RAMB36E1": 36 * 1024}
"""Bits of each kind of block RAM (Xilinx UG473)."""
_TARGET = "Xilinx 7-series"
_GROUPS = {
    "luts": r"LUT\d",
    "flip_flops": r"FD[RSCP]E(_1)?",
    "dsps": "DSP48E1",
    "block_rams": "RAMB(18|36)E1",
}
"""Regular expression of the cell types in each group of ``CELL_GROUPS``."""


def grouped(program: str, cells: Mapping[str, int]) -> Synthesis:
    """Group the cells of each type.

    Args:
        program: name and version of the program that counted them.
        cells: number of cells by type.
    """
    return Synthesis(
        program=program,
        target=_TARGET,
        block_ram_bits=sum(bits * cells.get(kind, 0) for kind, bits in _BLOCK_RAM_BITS.items()),
        cells=dict(cells),
        **{group: sum(n for kind, n in cells.items() if re.fullmatch(kinds, kind)) for group, kinds in _GROUPS.items()},
    )


def report_lines(found: Synthesis) -> tuple[str, ...]:
    """Lines of ``report.txt``."""
    known = "|".join(_GROUPS.values())
    others = {kind: n for kind, n in found.cells.items() if not re.fullmatch(known, kind)}
    return (
        f"cells of a {found.target} FPGA, by {found.program}",
        *(f"{name:<24}{getattr(found, group):>12}" for group, name in CELL_GROUPS.items()),
        f"{'block RAM, bits':<24}{found.block_ram_bits:>12}",
        f"others: {', '.join(f'{kind} {n}' for kind, n in sorted(others.items())) or 'none'}",
    )


def check_synthesis() -> None:
    """Check that Yosys is installed.

    Raises:
        ConfigurationError: it is not.
    """
    check_program(YOSYS, "Yosys", YOSYS, "--synthesise given, which counts the cells of an FPGA")


def synthesised(folder: Path) -> Synthesis:
    """Synthesise the engine of a folder.

    Args:
        folder: folder with ``neuronas.v`` and the files of its memories.

    Raises:
        ConfigurationError: Yosys is not installed, or too little space is free for it.
        VerificationError: Yosys reports an error.
    """
    check_synthesis()
    version = " ".join(output_of((YOSYS, "-V"), folder).split()[:2])
    with work_folder(folder) as made:
        place = made / "rtl"
        shutil.copytree(folder, place)
        output_of((YOSYS, "-q", "-p", f"{SYNTHESIS}; tee -q -o cells.json stat -json"), place)
        said = (place / "cells.json").read_text(encoding="utf-8")
    try:
        cells = json.loads(said[said.index("{") :])["design"]["num_cells_by_type"]
    except (ValueError, LookupError, TypeError) as error:
        raise VerificationError(f"{folder}: {version} gives no numbers of cells: {said:.100}") from error
    return grouped(version, cells)
