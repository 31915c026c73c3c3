"""Export formats by name: how a file is written and computed, and which packages it requires."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from neuronas.config import EXPORT_FORMATS
from neuronas.errors import ConfigurationError
from neuronas.export.content import ExportContent

if TYPE_CHECKING:
    from torch import Tensor

    from neuronas.export.verification import Computed, IntegerResult, RoundTrip
    from neuronas.runs.results import Synthesis

Write = Callable[[ExportContent, Path], "Synthesis | None"]
"""Writes the file or folder; returns the cells of an FPGA, if they were counted."""
Verify = Callable[[ExportContent, Path], "RoundTrip"]
Compute = Callable[[Path, "Tensor"], "Computed | IntegerResult"]


@dataclass(frozen=True)
class Format:
    """One export format.

    Attributes:
        place: name of the file or folder in a run directory.
        load: imports and returns two functions: one writes the file; the other computes scores from the file alone,
            for images [B, C, H, W] or sequences [T, B, C, H, W].
        computed_by: name of the program that computes the file.
        is_integer: whether the file computes the integer-only network; the second function then takes uint8 pixels, and
            its results are equal to the interpreter's.
        options: settings of ``export`` that it reads, besides those of all integer-only formats.
        verify: imports and returns a function that checks the file, for formats that compute no images.
        packages: required packages; the extra ``export`` installs those of the built-in formats.
    """

    place: str
    load: Callable[[], tuple[Write, Compute]]
    computed_by: str
    packages: tuple[str, ...] = ()
    is_integer: bool = False
    options: tuple[str, ...] = ()
    verify: Callable[[], Verify] | None = None

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the settings of ``export`` that it reads."""
        return (*self.options, "fraction_bits") if self.is_integer else self.options


def _integer() -> tuple[Write, Compute]:
    from neuronas.export.integer import compute_integer, write_integer

    return write_integer, compute_integer


def _nir() -> tuple[Write, Compute]:
    from neuronas.export.nir_format import compute_nir, write_nir

    return write_nir, compute_nir


def _onnx() -> tuple[Write, Compute]:
    from neuronas.export.onnx_format import compute_onnx, write_onnx

    return write_onnx, compute_onnx


def _crossbars() -> tuple[Write, Compute]:
    from neuronas.export.crossbar_files import write_crossbars

    return write_crossbars, _not_computed


def _not_computed(path: Path, images: "Tensor") -> "Computed":
    raise TypeError(f"{path}: a file that computes no images; expected to be checked by its format's verify")


def _crossbar_check() -> Verify:
    from neuronas.export.crossbar_check import verify_crossbars

    return verify_crossbars


def _rtl() -> tuple[Write, Compute]:
    from neuronas.export.rtl_format import compute_rtl, write_rtl

    return write_rtl, compute_rtl


def _c() -> tuple[Write, Compute]:
    from neuronas.export.c_format import compute_c, write_c

    return write_c, compute_c


BUILTIN: dict[str, Format] = {
    "integer": Format("integer", _integer, "the reference interpreter"),
    "nir": Format("network.nir", _nir, "SpikingJelly's NIR importer", ("nir", "nirtorch"), options=("dt_s",)),
    "c": Format("c", _c, "the compiled program", is_integer=True, options=("max_ram_kib", "max_flash_kib")),
    "crossbars": Format(
        "crossbars", _crossbars, "sums of conductances and spikes", is_integer=True, verify=_crossbar_check
    ),
    "rtl": Format("rtl", _rtl, "the simulated engine", is_integer=True, options=("lanes", "synthesise")),
    "onnx": Format("network.onnx", _onnx, "onnxruntime", ("onnx", "onnxruntime"), options=("opset",)),
}


def format_named(name: str) -> Format:
    """Look up a format.

    Raises:
        ConfigurationError: the name is unknown, or a required package is not installed.
    """
    found: Format = EXPORT_FORMATS[name]
    missing = [package for package in found.packages if find_spec(package) is None]
    if missing:
        raise ConfigurationError(
            f"--format {name} given, which needs {' and '.join(missing)}; run: pip install 'neuronas[export]'"
        )
    return found
