"""Format ``rtl``: a folder with an engine in Verilog, its memories and a testbench, simulated to verify it."""

import logging
import re
import shutil
import textwrap
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from neuronas.config import write_text
from neuronas.errors import VerificationError, counted
from neuronas.export.content import ExportContent, ModelledCycles
from neuronas.export.programs import check_program, output_of, work_folder
from neuronas.export.rtl_program import FIELDS, RtlProgram
from neuronas.export.self_test import frames_of, self_test
from neuronas.export.synthesis import SYNTHESIS, report_lines, synthesised
from neuronas.export.templates import render
from neuronas.export.verification import IntegerResult
from neuronas.runs.results import Synthesis

_MAX_IMAGES = 1024
"""Largest number of images in the testbench."""
_CYCLES_PER_MINUTE = 9e6
"""Approximate speed of Icarus Verilog 11 on one core, measured with 8 channels on 8x8 pixels."""
SIMULATION = "iverilog"
_log = logging.getLogger(__name__)


def write_rtl(content: ExportContent, folder: Path) -> Synthesis | None:
    """Write engine, memories, testbench, Makefile and a report of cycles and memories to a folder.

    Returns:
        the cells of an FPGA, if requested.

    Raises:
        ConfigurationError: see ``to_integers``; or cells are requested and Yosys is not installed.
        VerificationError: Yosys reports an error.
    """
    test = self_test(content)
    network = test.network
    program = RtlProgram(network, content.settings.lanes)
    n_frame, n_classes = int(np.prod(network.graph.nodes[0].shape)), int(np.prod(network.graph.nodes[-1].shape))
    sizes = [int(np.prod(network.graph.by_name[name].shape)) for name in network.neuron_layers]
    n_program = len(program.instructions) * len(FIELDS)
    values = test.opening | {
        "lanes": program.lanes, "code_bits": program.code_bits, "input_bits": program.input_bits,
        "timesteps": network.timesteps, "n_classes": n_classes, "scores": program.scores, "fields": FIELDS,
        "n_fields": len(FIELDS), "n_instructions": len(program.instructions), "address_bits": program.address_bits,
        "n_program": n_program, "n_codes": max(1, len(program.codes)), "n_table": max(1, len(program.table)),
        "n_values": program.n_values, "n_membranes": max(1, program.n_membranes), "n_frame": n_frame,
        "frame_bits": max(1, (n_frame - 1).bit_length()), "class_bits": max(1, (n_classes - 1).bit_length()),
        "n_layers": len(sizes), "layer_sizes": sizes, "n_frames": network.n_frames, "n_images": len(test.frames),
        "max_images": _MAX_IMAGES, "synthesis": SYNTHESIS,
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("neuronas.v", "testbench.v", "Makefile"):
        write_text(folder / name, render(f"rtl/{name}", values))
    write_text(folder / "program.hex", _hex((word for one in program.instructions for word in one.words()), 32))
    write_text(folder / "codes.hex", _hex((_packed(one, program.code_bits) for one in program.codes), 0))
    write_text(folder / "table.hex", _hex(program.table, 32))
    _write_vectors(folder, test.frames, test.expected)
    cells = synthesised(folder) if content.settings.synthesise else None
    write_text(folder / "report.txt", _report(program, content.modelled, cells))
    return cells


def compute_rtl(folder: Path, pixels: Tensor) -> IntegerResult:
    """Simulate images with the testbench of a folder.

    Args:
        folder: folder written by ``write_rtl``.
        pixels: uint8 [B, C, H, W], or sequences [T, B, C, H, W].

    Raises:
        ConfigurationError: Icarus Verilog is not installed, or too little space is free for it.
        VerificationError: the simulator reports an error, or the cycles differ from those in the report.
    """
    expected = int(re.search(r"cycles per image +(\d+)", (folder / "report.txt").read_text()).group(1))  # type: ignore[union-attr]
    n_images = len(frames_of(pixels))
    if (minutes := n_images * expected / _CYCLES_PER_MINUTE) > 1:
        _log.warning(
            "simulating %s of %s cycles, about %.0f minutes on one core",
            counted(n_images, "image"),
            f"{expected:,}",
            minutes,
        )
    result, cycles = simulated(folder, pixels)
    if cycles != {expected}:
        raise VerificationError(f"{folder}: takes {sorted(cycles)} cycles per image; expected {expected}")
    return result


def simulated(folder: Path, pixels: Tensor) -> tuple[IntegerResult, set[int]]:
    """Simulate images. Returns their results and the distinct numbers of cycles per image."""
    check_program(SIMULATION, "Icarus Verilog", "iverilog", "--format rtl given, which is simulated to verify it")
    with work_folder(folder) as made:
        place, frames = made / "rtl", frames_of(pixels)
        shutil.copytree(folder, place)
        nothing = IntegerResult(torch.zeros(0, 0, dtype=torch.int64), np.zeros((0, 0), np.uint32))
        _write_vectors(place, frames, nothing)
        output_of((SIMULATION, "-g2005", "-Wall", "-o", "simulation", "testbench.v", "neuronas.v"), place)
        said = output_of(("vvp", "-n", "simulation", f"+images={len(frames)}"), place)
    lines = [line.split(" | ") for line in said.splitlines() if line.endswith("cycles")]
    if len(lines) != len(frames):
        raise VerificationError(f"{folder}: the simulation ended after {len(lines)} of {len(frames)} images: {said}")
    scores = torch.tensor([[int(word) for word in line[0].split()[1:]] for line in lines])
    spikes = np.array([[int(word, 16) for word in line[1].split()] for line in lines], np.uint32)
    return IntegerResult(scores, spikes.reshape(len(lines), -1)), {int(line[2].split()[0]) for line in lines}


def _write_vectors(folder: Path, frames: Tensor, expected: IntegerResult) -> None:
    rows = zip(expected.scores.tolist(), expected.spikes.tolist(), strict=True)
    write_text(folder / "frames.hex", _hex(frames.flatten().tolist(), 8))
    write_text(folder / "expected.hex", _hex((word for scores, spikes in rows for word in (*scores, *spikes)), 32))


def _packed(codes: Iterable[int], bits: int) -> int:
    """Weights of all lanes in one word; the first lane is in the lowest bits."""
    return sum((int(code) & (1 << bits) - 1) << bits * lane for lane, code in enumerate(codes))


def _hex(words: Iterable[int], bits: int) -> str:
    """Lines for ``$readmemh``; negative numbers in two's complement of ``bits`` bits."""
    return "".join(f"{word & (1 << bits) - 1 if word < 0 else word:x}\n" for word in words)


def _report(program: RtlProgram, modelled: ModelledCycles | None, cells: Synthesis | None) -> str:
    bits = program.memory_bits()
    lines = [
        f"lanes (outputs computed at a time) {program.lanes}",
        f"cycles per image   {program.cycles()}",
        *(_compared(modelled) if modelled else ()),
        "",
        *(f"{name + ' memory, bits':<24}{n:>12}" for name, n in bits.items()),
        f"{'all memories, bits':<24}{sum(bits.values()):>12}",
        "",
        f"{'instruction':<28}{'cycles of a time step':>22}",
        *(f"{one.name:<28}{one.cycles:>22}" for one in program.instructions),
        "",
        *(report_lines(cells) if cells else ("make synthesis.txt counts cells of an FPGA (Yosys).",)),
        "That it synthesises does not say that it closes timing.",
    ]
    return "\n".join(lines) + "\n"


def _compared(modelled: ModelledCycles) -> list[str]:
    """Cycles of the cost model, and why they differ from those of the engine."""
    why = (
        "The two differ because they count different hardware: the engine computes its lanes' outputs one input a "
        "cycle, and fetches instructions; the chip reads the rows of its crossbars at once, all crossbars of a layer "
        "together, bit by bit of the inputs, and moves values over its network. Neither is an estimate of the other."
    )
    said = f"cost model mapped  {modelled.cycles} cycles of {modelled.hardware}, schedule {modelled.schedule}"
    return [said, *textwrap.wrap(why, 100)]
