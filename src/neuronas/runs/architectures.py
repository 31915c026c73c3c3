"""The argument ARCH: an architecture's text, an ``architecture.json``, or a run directory."""

from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from neuronas.config import is_there, read_json
from neuronas.errors import ArchitectureError, RunDirectoryError, VerificationError
from neuronas.runs.directory import ARCHITECTURE, CONFIG
from neuronas.space.canonical import architecture_key
from neuronas.space.genotype import Architecture
from neuronas.space.notation import format_architecture, parse_architecture


@dataclass(frozen=True)
class Given:
    """An architecture, and the settings of the run that it comes from, if any."""

    architecture: Architecture
    config: Path | None = None

    @property
    def run(self) -> Path | None:
        """The directory of the run that it comes from, if any."""
        return self.config.parent if self.config else None


def architecture_document(architecture: Architecture) -> dict[str, Any]:
    """Return the content of ``architecture.json``."""
    return {
        "format": "neuronas-architecture-1",
        "architecture": format_architecture(architecture),
        "key": architecture_key(architecture),
    }


def read_architecture(given: Architecture | str | PathLike[str]) -> Given:
    """Turn ARCH into an architecture; one that is one already stays as it is.

    Raises:
        ArchitectureError: neither an architecture nor a path.
        VerificationError: a file that holds none, or was changed.
    """
    if isinstance(given, Architecture):
        return Given(given)
    text = fspath(given)
    path = Path(text)
    if "|" in text or not text.strip():
        return Given(parse_architecture(text))
    if path.is_dir():
        config = path / CONFIG if is_there(path / CONFIG) else None
        if is_there(path / ARCHITECTURE):
            return Given(_from_file(path / ARCHITECTURE), config)
        if config is None:
            raise RunDirectoryError(f"'{path}' given, which holds no {ARCHITECTURE}; expected a run directory")
        raise RunDirectoryError(
            f"run directory {path}: has no result yet: its search was stopped, or nothing fits its budgets; "
            f"go on, or see which limit is closest, with neuronas search --resume --out {path}"
        )
    if path.is_file():
        return Given(_from_file(path))
    raise ArchitectureError(
        f"'{text}' given; expected an architecture such as |skip~0|+…, an architecture.json or a run directory"
    )


def read_run(directory: Path) -> Given:
    """Read a run directory that a verb needs as such: its architecture with its settings.

    Raises:
        RunDirectoryError: no directory, or one without settings.
        VerificationError: a damaged file.
    """
    if not directory.is_dir():
        raise RunDirectoryError(f"'{directory}' given; expected the directory of a trained run")
    given = read_architecture(str(directory))
    if given.config is None:
        raise RunDirectoryError(
            f"run directory {directory}: holds no config.yaml; expected the directory of a trained run"
        )
    return given


def _from_file(path: Path) -> Architecture:
    document = read_json(path)
    text = document.get("architecture") if isinstance(document, dict) else None
    if not isinstance(text, str):
        raise VerificationError(f"{path}: holds no key 'architecture' with an architecture's text")
    try:
        architecture = parse_architecture(text)
    except ArchitectureError as error:
        raise VerificationError(f"{path}: {error}") from None
    if document.get("key", key := architecture_key(architecture)) != key:
        raise VerificationError(f"{path}: key and architecture do not belong together; the file was changed")
    return architecture
