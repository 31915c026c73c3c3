"""Export formats by name: how a file is written and computed, and which packages it requires."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from neuronas.config import EXPORT_FORMATS, ExportConfig, WeightBits
from neuronas.errors import ConfigurationError
from neuronas.hardware.accelerator import Accelerator
from neuronas.runs.inputs import NetworkInput
from neuronas.snn.decision import READOUT

if TYPE_CHECKING:
    from torch import Tensor

    from neuronas.export.crossbars import CrossbarsDocument
    from neuronas.export.integer_network import IntegerNetwork
    from neuronas.export.verification import Computed, IntegerResult, RoundTrip
    from neuronas.runs.results import Synthesis
    from neuronas.snn.bound_graph import BoundGraph


@dataclass(frozen=True)
class ModelledCycles:
    """Clock cycles of the run's accelerator by cost model ``mapped``.

    Attributes:
        cycles: clock cycles per image over all time steps, without waiting for a sensor.
        hardware: name of the accelerator.
        schedule: schedule of the layers.
    """

    cycles: int
    hardware: str
    schedule: str


@dataclass(frozen=True)
class ExportContent:
    """A trained network with all information that is exported.

    Attributes:
        network: layer graph with its arrays.
        architecture: the architecture in text notation.
        weight_bits: 2 to 16, or 32 for weights that are not quantised; one number, or by layer.
        input: size and normalisation of the input images.
        class_names: class names in the order of the outputs; None if classes have no names.
        crossbars: placement on the accelerator of the run.
        settings: settings of the export.
        accelerator: accelerator of the run, with a memory device; used by format ``crossbars``.
        modelled: cycles of the cost model, for comparison with those of the engine; used by format ``rtl``.
    """

    network: "BoundGraph"
    architecture: str
    weight_bits: WeightBits
    input: NetworkInput
    class_names: tuple[str, ...] | None
    crossbars: "CrossbarsDocument"
    settings: ExportConfig = field(default_factory=ExportConfig)
    accelerator: Accelerator | None = None
    modelled: ModelledCycles | None = None

    @cached_property
    def integers(self) -> "IntegerNetwork":
        """The integer-only network.

        Raises:
            ConfigurationError: see ``export.to_integers``.
        """
        from neuronas.export.to_integers import integer_network

        return integer_network(self.network, self.input, self.settings.fraction_bits)

    @property
    def about(self) -> dict[str, str]:
        """Metadata for readers of the file, as text; class names as a JSON list."""
        return {
            "architecture": self.architecture,
            "class_names": json.dumps(self.class_names),
            "image_channels": str(self.input.channels),
            "image_size": f"{self.input.height}x{self.input.width}",
            "preparation": self.input.preparation,
            "readout": READOUT,
        }


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
