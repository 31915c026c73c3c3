"""Reads a network from a file, by the ending of its name."""

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
    """Reads the layers of a file, or layers with weights and neurons; imports the package only then."""

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
    """Whether the name is that of a file that can be read."""
    return not path.is_dir() and path.suffix.lower() in _READERS


def read_network(path: Path, input_shape: "Shape | None" = None) -> "Graph":
    """Read a network's layers from an ``.onnx`` or ``.nir`` file.

    Args:
        path: of the file.
        input_shape: [C, H, W]; None: as the file says.

    Raises:
        ConfigurationError: not found, a package is missing, or it holds what a layer graph cannot.
        VerificationError: it cannot be read.
    """
    from neuronas.importing.draft import ImageShape

    return _reader(path).layers(path, ImageShape(given=input_shape))


def read_network_arrays(path: Path, default_shape: "Shape", dt_s: float | None = None) -> "ImportedNetwork":
    """Read a network with its weights and neurons from an ``.onnx`` or ``.nir`` file.

    Args:
        path: of the file.
        default_shape: [C, H, W], for the sizes that the file leaves open.
        dt_s: length of a time step, s, of a NIR file that does not say it; None: 1e-4.

    Raises:
        ConfigurationError: see ``read_network``; or a layer that can be costed, and not simulated.
        VerificationError: it cannot be read.
    """
    from neuronas.importing.draft import ImageShape

    return _reader(path).arrays(path, ImageShape(default=default_shape), dt_s)


def _reader(path: Path) -> _Format:
    reader = _READERS[path.suffix.lower()]
    if find_spec(reader.package) is None:
        raise ConfigurationError(f"{path} given, which needs {reader.package}; pip install 'neuronas[export]'")
    if not path.is_file():
        raise ConfigurationError(f"{path} given, which is not found; expected an .onnx or .nir file")
    return reader
