"""Format ``c``: a folder with a C99 program that computes the integer-only network, compiled and run to verify it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from neuronas.config import write_text
from neuronas.errors import ConfigurationError, VerificationError
from neuronas.export.c_program import C99Program, listed
from neuronas.export.content import ExportContent
from neuronas.export.memory_table import check_limits, table
from neuronas.export.programs import output_of, work_folder
from neuronas.export.self_test import frames_of, self_test
from neuronas.export.templates import render
from neuronas.export.verification import IntegerResult
from neuronas.kernels.compiler import find_compiler
from neuronas.snn.decision import decided

STRICT = ("-O2", "-std=c99", "-Wall", "-Wextra", "-Werror")
"""Options of the compiler; GCC and Clang have no warning."""
_FIXED = ("run.c", "trace.h", "Makefile")


def write_c(content: ExportContent, folder: Path) -> None:
    """Write the program, its self-test, a Makefile and a table of its memory to a folder.

    Raises:
        ConfigurationError: see ``to_integers`` and ``check_limits``.
    """
    program, options = C99Program(content.integers), content.settings
    memory = program.memory()
    check_limits(memory, options.max_flash_kib, options.max_ram_kib)
    test = self_test(content)
    values = program.values() | test.opening
    vectors = {
        "inputs": [[listed(frame.flatten().tolist()) for frame in one] for one in test.frames],
        "scores": test.expected.scores.tolist(),
        "hashes": [[f"{one}u" for one in row] or ["0"] for row in test.expected.spikes.tolist()],
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("neuronas.h", "neuronas.c"):
        write_text(folder / name, render(f"c/{name}", values))
    write_text(folder / "test.c", render("c/test.c", vectors))
    for name in _FIXED:
        write_text(folder / name, render(f"c/{name}", {}))
    write_text(folder / "memory.txt", table(memory))


def compute_c(folder: Path, pixels: Tensor) -> IntegerResult:
    """Compile the program of a folder, run its self-test, and compute images with it.

    Args:
        folder: folder written by ``write_c``.
        pixels: uint8 [B, C, H, W], or sequences [T, B, C, H, W].

    Raises:
        ConfigurationError: no C compiler is installed, or too little space is free for it.
        VerificationError: the program cannot be compiled or run, or its self-test fails.
    """
    try:
        compiler = find_compiler("C")
    except FileNotFoundError as error:
        raise ConfigurationError(f"--format c given, which is verified by compiling it: {error}") from error
    with work_folder(folder) as made:
        test = compiled((compiler, *STRICT), folder, made, "test.c")
        output_of((str(test),), folder)
        program = compiled((compiler, *STRICT), folder, made, "run.c")
        return computed((str(program),), pixels, made)


def compiled(compiler: Sequence[str], folder: Path, made: Path, main: str) -> Path:
    """Compile a program that also prints the digests of spikes.

    Args:
        compiler: the command and its options.
        folder: folder of the sources.
        made: folder for the compiled program.
        main: file with the function ``main``.

    Raises:
        VerificationError: the compiler reports an error.
    """
    program = made / main.removesuffix(".c")
    output_of(
        (*compiler, "-DNEURONAS_TRACE", "-o", str(program), str(folder / main), str(folder / "neuronas.c")), folder
    )
    return program


def computed(command: Sequence[str], pixels: Tensor, made: Path) -> IntegerResult:
    """Compute images with a compiled program.

    Args:
        command: command that runs it.
        pixels: uint8 [B, C, H, W], or sequences [T, B, C, H, W].
        made: folder for the file of inputs.

    Raises:
        VerificationError: it fails, or a class is not the one with the highest score.
    """
    images = made / "images.bin"
    images.write_bytes(frames_of(pixels).numpy().tobytes())
    lines = [line.split(" |") for line in output_of((*command, str(images)), made).splitlines()]
    answers = torch.tensor([[int(word) for word in scores.split()] for scores, _ in lines])
    spikes = np.array([[int(word, 16) for word in digests.split()] for _, digests in lines], np.uint32)
    scores = answers[:, 1:]
    if not torch.equal(answers[:, 0], decided(scores)):
        raise VerificationError(f"{command[-1]}: a class is not that of the highest score")
    return IntegerResult(scores, spikes.reshape(len(lines), -1))
