"""The argument ARCH: an architecture's text, an ``architecture.json``, or a run directory."""

from dataclasses import dataclass
from functools import cached_property
from os import PathLike, fspath
from pathlib import Path
from typing import Literal, Self

from neuronas.config import as_path, is_there
from neuronas.errors import ArchitectureError, RunDirectoryError, VerificationError, quoted
from neuronas.runs.directory import ARCHITECTURE, CONFIG
from neuronas.runs.document import Document
from neuronas.runs.environment import check_format
from neuronas.space.canonical import architecture_key
from neuronas.space.genotype import Architecture
from neuronas.space.notation import format_architecture, parse_architecture

_EXPECTED = "expected an architecture such as |skip~0|+…, an architecture.json or a run directory"


class ArchitectureFile(Document):
    """``architecture.json``. A file written by hand may contain the text alone.

    Attributes:
        architecture: its text.
        key: canonical key: equal for architectures that compute the same function.
    """

    format: Literal["neuronas-architecture-1"] = "neuronas-architecture-1"
    architecture: str
    key: str | None = None

    @classmethod
    def of(cls, architecture: Architecture) -> Self:
        """The document of an architecture."""
        return cls(architecture=format_architecture(architecture), key=architecture_key(architecture))


@dataclass(frozen=True)
class Given:
    """An architecture given as ARCH, and the settings of its run, if any.

    Attributes:
        source: the architecture, its text, or a path to its file.
        config: settings of the run.
    """

    source: Architecture | str | Path
    config: Path | None = None

    @cached_property
    def architecture(self) -> Architecture:
        """The architecture, read on first access, because plug-ins may have to be loaded before.

        Raises:
            ArchitectureError: not an architecture.
            VerificationError: a damaged or changed file.
        """
        if isinstance(self.source, Architecture):
            return self.source
        return _from_file(self.source) if isinstance(self.source, Path) else parse_architecture(self.source)

    @property
    def run(self) -> Path | None:
        """The run directory, if ARCH names one."""
        return self.config.parent if self.config else None


def read_architecture(given: Architecture | str | PathLike[str]) -> Given:
    """Resolve the argument ARCH.

    Raises:
        ArchitectureError: neither an architecture nor a path.
        RunDirectoryError: a run without an answer, or of another version of neuronas.
    """
    if isinstance(given, Architecture):
        return Given(given)
    path, text = as_path(given, "ARCH"), fspath(given)
    if "|" in text or not text.strip():
        return Given(text)
    if path.is_dir():
        check_format(path)
        config = path / CONFIG if is_there(path / CONFIG) else None
        if is_there(path / ARCHITECTURE):
            return Given(path / ARCHITECTURE, config)
        if config is None:
            raise RunDirectoryError(f"'{path}' given, which holds no {ARCHITECTURE}; expected a run directory")
        raise RunDirectoryError(
            f"run directory {path}: has no result yet: its search was stopped, or nothing fits its budgets; "
            f"resume it, or see which limit is closest, with neuronas search --resume --out {quoted(path)}"
        )
    if path.is_file():
        return Given(path)
    what = "a path that is not found" if text.endswith(".json") or "/" in text else "no architecture"
    raise ArchitectureError(f"'{text}' given, {what}; {_EXPECTED}")


def read_architecture_of(directory: Path) -> Given:
    """Read the architecture and the settings of a run directory.

    Raises:
        RunDirectoryError: not a directory, without settings, or written by another version of neuronas.
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
    try:
        content = ArchitectureFile.read(path)
    except VerificationError as error:
        if path.suffix.lower() == ".json":
            raise
        raise VerificationError(f"'{path}' given, another kind of file; {_EXPECTED}") from error
    try:
        architecture = parse_architecture(content.architecture)
    except ArchitectureError as error:
        raise VerificationError(f"{path}: {error}") from None
    if content.key not in (None, architecture_key(architecture)):
        raise VerificationError(f"{path}: key and architecture do not match; the file was changed")
    return architecture
