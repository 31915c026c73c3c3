"""Files with one document per line, for appending; a crash truncates at most the last line."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Generic, TypeVar

from neuronas.config import is_there, read_bytes, write_text
from neuronas.errors import VerificationError, writing
from neuronas.runs.document import Document

_MAX_BYTES = 1_000_000_000
Row = TypeVar("Row", bound=Document)


class JsonLines(Generic[Row]):
    """A file of documents of one kind.

    Args:
        path: the file, which may be missing.
        kind: class of the documents.
    """

    def __init__(self, path: Path, kind: type[Row]):
        self.path, self.kind = path, kind

    def read(self) -> tuple[Row, ...]:
        """Read all complete lines; empty if the file does not exist. A last line that was cut off is dropped.

        Raises:
            VerificationError: the file cannot be read, or a line is not such a document.
        """
        return self._read()[0]

    def read_to_append(self) -> tuple[Row, ...]:
        """As ``read``, and remove a truncated last line, so that nothing is appended to it.

        Raises:
            VerificationError: see ``read``.
            RunDirectoryError: the file cannot be written.
        """
        rows, rest = self._read()
        if rest:
            self.write(rows)
        return rows

    def _read(self) -> tuple[tuple[Row, ...], str]:
        if not is_there(self.path):
            return (), ""
        try:
            *complete, rest = read_bytes(self.path, _MAX_BYTES).decode(errors="replace").split("\n")
        except OSError as error:
            raise VerificationError(f"{self.path}: cannot be read ({error.strerror})") from error
        rows = (self.kind.parse(line, f"{self.path}, line {n}") for n, line in enumerate(complete, start=1))
        return tuple(rows), rest

    def write(self, rows: Iterable[Row]) -> None:
        """Replace all lines.

        Raises:
            RunDirectoryError: the file cannot be written.
        """
        write_text(self.path, "".join(map(_line, rows)))

    def append(self, row: Row) -> None:
        """Append a line; file and folder are created if necessary.

        Raises:
            RunDirectoryError: the file cannot be written.
        """
        with writing(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(_line(row))


def _line(row: Document) -> str:
    return json.dumps(row.plain(), allow_nan=False) + "\n"
