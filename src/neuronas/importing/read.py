"""Reads a network from a file, by the ending of its name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from neuronas.errors import ConfigurationError
from neuronas.space.graph import Graph, Shape

Read = Callable[[Path, Shape | None], Graph]


def _onnx() -> Read:
    from neuronas.importing.onnx_file import read_onnx

    return read_onnx


def _nir() -> Read:
    from neuronas.importing.nir_file import read_nir

    return read_nir


@dataclass(frozen=True)
class _Reader:
    """``load`` imports and returns the function that reads a file; it needs ``package``."""

    load: Callable[[], Read]
    package: str


_READERS: Mapping[str, _Reader] = {".onnx": _Reader(_onnx, "onnx"), ".nir": _Reader(_nir, "nir")}


def is_network_file(path: Path) -> bool:
    """Whether the name is that of a file that can be read."""
    return not path.is_dir() and path.suffix.lower() in _READERS


def read_network(path: Path, input_shape: Shape | None = None) -> Graph:
    """Read a network's layers from an ``.onnx`` or ``.nir`` file.

    Args:
        path: of the file.
        input_shape: [C, H, W]; None: as the file says.

    Raises:
        ConfigurationError: not found, a package is missing, or it holds what a layer graph cannot.
        VerificationError: it cannot be read.
    """
    reader = _READERS[path.suffix.lower()]
    if find_spec(reader.package) is None:
        raise ConfigurationError(f"{path} given, which needs {reader.package}; pip install 'neuronas[export]'")
    if not path.is_file():
        raise ConfigurationError(f"{path} given, which is not found; expected an .onnx or .nir file")
    return reader.load()(path, input_shape)
