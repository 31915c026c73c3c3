"""Reads a network from a file, according to the extension of its name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from neuronas.errors import ConfigurationError
from neuronas.hdf5.reading import reading_hdf5

if TYPE_CHECKING:
    from neuronas.importing.draft import ImageShape
    from neuronas.snn.imported import ImportedNetwork
    from neuronas.space.graph import Graph
    from neuronas.space.node_operations import Shape

_NIR_GROUP = "node"


@dataclass(frozen=True)
class _Format:
    """Readers of the layers of a file, without and with weights and neurons; the package is imported on demand."""

    package: str
    layers: "Callable[[Path, ImageShape], Graph]"
    arrays: "Callable[[Path, ImageShape, float | None], ImportedNetwork]"


def _onnx_layers(path: Path, shape: "ImageShape") -> "Graph":
    from neuronas.importing.onnx_file import read_onnx

    return read_onnx(path, shape)


def _onnx_arrays(path: Path, shape: "ImageShape", dt_s: float | None) -> "ImportedNetwork":
    from neuronas.importing.onnx_file import read_onnx_arrays

    if dt_s is not None:
        raise ConfigurationError(f"--dt {dt_s:g} given with {path}; expected it with NIR files only")
    return read_onnx_arrays(path, shape)


def _nir_layers(path: Path, shape: "ImageShape") -> "Graph":
    with reading_hdf5(path, _NIR_GROUP) as file:
        from neuronas.importing.nir_file import read_nir

        return read_nir(file, shape)


def _nir_arrays(path: Path, shape: "ImageShape", dt_s: float | None) -> "ImportedNetwork":
    with reading_hdf5(path, _NIR_GROUP) as file:
        from neuronas.importing.nir_file import read_nir_arrays

        return read_nir_arrays(file, shape, dt_s)


_READERS: Mapping[str, _Format] = {
    ".onnx": _Format("onnx", _onnx_layers, _onnx_arrays),
    ".nir": _Format("nir", _nir_layers, _nir_arrays),
}


def is_network_file(path: Path) -> bool:
    """Whether the extension of a name is supported."""
    return not path.is_dir() and path.suffix.lower() in _READERS


def read_network(path: Path, input_shape: "Shape | None" = None) -> "Graph":
    """Read a network's layers from an ``.onnx`` or ``.nir`` file.

    Args:
        path: path of the file.
        input_shape: [C, H, W]; None: the file's.

    Raises:
        ConfigurationError: the file is not found, a package is missing, or a layer is unsupported.
        VerificationError: the file cannot be read.
    """
    from neuronas.importing.draft import ImageShape

    return _reader(path).layers(path, ImageShape(given=input_shape))


def read_network_arrays(path: Path, default_shape: "Shape", dt_s: float | None = None) -> "ImportedNetwork":
    """Read a network with its weights and neurons from an ``.onnx`` or ``.nir`` file.

    Args:
        path: path of the file.
        default_shape: [C, H, W], for dynamic sizes of the file.
        dt_s: length of a time step in seconds, for NIR files that do not specify it; None: 1e-4.

    Raises:
        ConfigurationError: see ``read_network``; or a layer can be costed but not simulated.
        VerificationError: the file cannot be read.
    """
    from neuronas.importing.draft import ImageShape

    return _reader(path).arrays(path, ImageShape(default=default_shape), dt_s)


def _reader(path: Path) -> _Format:
    reader = _READERS[path.suffix.lower()]
    if find_spec(reader.package) is None:
        raise ConfigurationError(f"{path} given, which needs {reader.package}; run: pip install 'neuronas[export]'")
    if not path.is_file():
        raise ConfigurationError(f"{path} given, which is not found; expected an .onnx or .nir file")
    return reader
