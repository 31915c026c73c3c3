"""The base of every JSON document that neuronas writes: one model writes, reads, prints and publishes it."""

from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from neuronas.config import first_mistake, is_there, parse_json, plain, read_text, write_json
from neuronas.errors import VerificationError, writing

_MAX_BYTES = 100_000_000
Finite = Annotated[float | None, BeforeValidator(plain)]
"""A number; infinity and NaN, which JSON cannot hold, become null."""
Location = Annotated[Path, Field(strict=False)]
"""A path, written to JSON as text."""
Share = Annotated[float, Field(ge=0, le=1)]
"""A fraction, 0 to 1."""


class Document(BaseModel):
    """A JSON document: frozen, strictly typed and without unknown keys, so that reading restores what was written."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, defer_build=True)

    def plain(self) -> dict[str, Any]:
        """The document as JSON values, as printed by ``--json``."""
        return self.model_dump(mode="json")

    def write(self, path: Path) -> None:
        """Write the document atomically; its folder is created if necessary.

        Raises:
            RunDirectoryError: it cannot be written.
        """
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, self.plain())

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a document.

        Raises:
            VerificationError: the file is missing, damaged or another document; the message names file and field.
        """
        try:
            text = read_text(path, _MAX_BYTES)
        except OSError as error:
            raise VerificationError(f"{path}: cannot be read ({error.strerror})") from error
        except ValueError as error:
            raise VerificationError(f"{path}: is not valid JSON ({error})") from error
        return cls.parse(text, str(path))

    @classmethod
    def packaged(cls, package: str, file: str) -> Self:
        """Read a document from the data files of a package."""
        return cls.parse(files(package).joinpath(file).read_text(encoding="utf-8"), file)

    @classmethod
    def parse(cls, text: str, source: str) -> Self:
        """Parse a document from JSON text.

        Args:
            text: one JSON object.
            source: origin of the text, for error messages.

        Raises:
            VerificationError: see ``read``.
        """
        try:
            values = parse_json(text)
        except ValueError as error:
            raise VerificationError(f"{source}: is not valid JSON ({error})") from error
        if not isinstance(values, dict):
            raise VerificationError(f"{source}: holds a {type(values).__name__}; expected a JSON object")
        try:
            return cls.model_validate(_frozen(values))
        except ValidationError as error:
            raise VerificationError(f"{source}: {first_mistake(error, cls)}") from None

    @classmethod
    def read_if_there(cls, path: Path) -> Self | None:
        """Read a document; None if the file does not exist yet.

        Raises:
            VerificationError: see ``read``.
        """
        return cls.read(path) if is_there(path) else None


def _frozen(value: Any) -> Any:
    """JSON arrays as tuples, as strict models require."""
    if isinstance(value, dict):
        return {key: _frozen(one) for key, one in value.items()}
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
