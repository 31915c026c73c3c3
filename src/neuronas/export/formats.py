"""The formats by name: what each is called, needs, writes, and how its file is computed again."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from torch import Tensor

from neuronas.errors import ConfigurationError, named
from neuronas.export.content import Content
from neuronas.export.integer import compute_integer, write_integer
from neuronas.export.verification import Computed


@dataclass(frozen=True)
class Format:
    """One format.

    Attributes:
        place: name of its file, or of its folder, in a run.
        write: content -> the file.
        compute: the file and images [B, C, H, W] -> scores, from the file alone.
        computed_by: what computes the file.
    """

    place: str
    write: Callable[[Content, Path], None]
    compute: Callable[[Path, Tensor], Computed]
    computed_by: str


PACKAGES: dict[str, tuple[str, ...]] = {"nir": ("nir", "nirtorch"), "onnx": ("onnx", "onnxruntime"), "integer": ()}
"""Each format with the packages that it needs, which the extra ``export`` brings."""


def format_named(name: str) -> Format:
    """Look up a format; its packages are imported here and not before.

    Raises:
        ConfigurationError: unknown, or a package that it needs is missing.
    """
    missing = [package for package in named("format", name, PACKAGES) if find_spec(package) is None]
    if missing:
        raise ConfigurationError(
            f"--format {name} needs {' and '.join(missing)}, not installed here; pip install 'neuronas[export]'"
        )
    if name == "nir":
        from neuronas.export.nir_format import compute_nir, write_nir  # noqa: PLC0415

        return Format("network.nir", write_nir, compute_nir, "SpikingJelly's NIR importer")
    if name == "onnx":
        from neuronas.export.onnx_format import compute_onnx, write_onnx  # noqa: PLC0415

        return Format("network.onnx", write_onnx, compute_onnx, "onnxruntime")
    return Format("integer", write_integer, compute_integer, "the reference interpreter")
