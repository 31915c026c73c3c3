"""Reading a history file: the part shared by writer and readers."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from neuronas.config import is_there, read_beginning
from neuronas.errors import ADVICE_IF_FULL, RunDirectoryError, VerificationError

SCHEMA_VERSION = 2

TARGET = "target"
"""Name of the limit, besides the budgets, for candidates that do not fit the target chip."""


@dataclass(frozen=True)
class CandidateRow:
    """One proposed architecture. ``rejected``: names of the broken limits, separated by commas; see ``TARGET``."""

    position: int
    batch: int
    architecture: str
    key: str
    parameters: float
    area_mm2: float
    latency_ms: float
    energy_uj: float
    rejected: str


_BLOCK = 500
"""Rows read at a time. With more live objects, Python's garbage collector takes longer."""
_MAGIC, _LARGEST_PAGE = b"SQLite format 3\0", 65536
"""First bytes of the header, and the page size that it encodes as 1 because it does not fit 16 bits
(https://www.sqlite.org/fileformat2.html#the_database_header)."""
_SYSTEM = {
    sqlite3.SQLITE_PERM, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN,
}  # fmt: skip
"""Errors caused by the disk or by another process; all others mean that the file is not a valid history."""
_NO_SPACE = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE}
"""SQLite reports only a full disk as full; an exceeded quota is a write error."""


class HistoryFile:
    """Queries on an open history."""

    path: Path
    _db: sqlite3.Connection

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def n_candidates(self) -> int:
        """Number of candidates."""
        with self._errors():
            return int(self._db.execute("SELECT count(*) FROM candidates").fetchone()[0])

    def evaluation_seconds(self) -> tuple[int, float]:
        """Number of evaluations, and their total time in seconds."""
        with self._errors():
            row = self._db.execute("SELECT count(*), total(seconds) FROM evaluations").fetchone()
        return int(row[0]), float(row[1])

    def fitness(self, *, screened: bool) -> dict[str, float]:
        """Every fitness known so far from the small or the full batch, by canonical key."""
        with self._errors():
            found = dict(self._db.execute("SELECT key, fitness FROM evaluations WHERE screened = ?", (screened,)))
            if not {float}.issuperset(map(type, found.values())):
                raise TypeError("a fitness is not a number")
            return found

    def failures(self, *, screened: bool) -> dict[str, str]:
        """Reasons why the fitness on the small or the full batch could not be computed, by canonical key."""
        with self._errors():
            return dict(self._db.execute("SELECT key, reason FROM failures WHERE screened = ?", (screened,)))

    def columns(self, *names: str) -> list[list[Any]]:
        """Columns of all candidates in the order of proposal, by the names of ``CandidateRow``; values are not checked.

        A million rows as objects would take several times as long.
        """
        found: list[list[Any]] = [[] for _ in names]
        with self._errors():
            rows = self._db.execute(f"SELECT {', '.join(names)} FROM candidates ORDER BY position")  # noqa: S608 - ours
            while block := rows.fetchmany(_BLOCK):
                for column, values in zip(found, zip(*block, strict=True), strict=True):
                    column.extend(values)
        return found

    def seconds(self) -> float:
        """Wall-clock seconds of all sessions that worked on this history."""
        return self._number("seconds") or 0.0

    def peak_memory_mb(self) -> float | None:
        """Peak memory of the session that finished the search; None if it is not finished."""
        return self._number("peak_memory_mb")

    def _number(self, name: str) -> float | None:
        with self._errors():
            row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
            number = float(row[0]) if row else None
            if number is not None and not isfinite(number):
                raise ValueError(f"{name} is {number}")
            return number

    def _is_new(self) -> bool:
        """Check the file; return True if nothing was written to it yet.

        Raises:
            VerificationError: the file is not a history, or has another version.
        """
        version = self._version()
        if version == 0:
            if self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                raise VerificationError(f"{self.path}: holds other tables; it is not a neuronas history")
            return True
        if version != SCHEMA_VERSION:
            raise VerificationError(f"{self.path}: history of version {version}; expected version {SCHEMA_VERSION}")
        # Views, triggers and generated columns are executable code and might never terminate.
        programs = (
            "SELECT name FROM sqlite_master WHERE type IN ('view', 'trigger') OR sql LIKE 'CREATE VIRTUAL%' UNION ALL "
            "SELECT x.name FROM sqlite_master m, pragma_table_xinfo(m.name) x WHERE m.type = 'table' AND x.hidden"
        )
        if found := self._db.execute(programs).fetchone():
            raise VerificationError(f"{self.path}: contains '{found[0]}', which no history has; the file was changed")
        return False

    def _check_whole(self) -> None:
        """Compare the file's size with its header, since SQLite pads a truncated last page with zeros.

        If a writer left pages in the write-ahead log, these count as well, and the header may be older or newer.

        Raises:
            VerificationError: the file is truncated, or is not a regular file.
        """
        if not is_there(self.path):
            return
        if not self.path.is_file():  # SQLite would wait for a pipe
            raise VerificationError(f"{self.path}: cannot be read (not a regular file, or a broken link)")
        beside = self.path.with_name(f"{self.path.name}-wal")
        if beside.is_file() and beside.stat().st_size:
            return
        header, size = read_beginning(self.path, 32)
        if header.startswith(_MAGIC) and len(header) == 32:
            page, n_pages = int.from_bytes(header[16:18], "big"), int.from_bytes(header[28:32], "big")
            expected = n_pages * (_LARGEST_PAGE if page == 1 else page)
            if size < expected:
                raise VerificationError(f"{self.path}: has {size:,} of {expected:,} bytes; it is cut off")

    def _version(self) -> int:
        with self._errors():
            return int(self._db.execute("PRAGMA user_version").fetchone()[0])

    @contextmanager
    def _opening(self) -> Iterator[None]:
        """Close the file if it turns out not to be a history."""
        try:
            yield
        except BaseException:
            if hasattr(self, "_db"):
                self._db.close()
            raise

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
            short = code == sqlite3.SQLITE_IOERR_SHORT_READ
            kind = RunDirectoryError if code & 0xFF in _SYSTEM and not short else VerificationError
            advice = f"; {ADVICE_IF_FULL}" if code in _NO_SPACE else ""
            raise kind(f"{self.path}: {error}{advice}") from error
        except OSError as error:
            kind = VerificationError if error.errno == errno.EINVAL else RunDirectoryError  # EINVAL: not a regular file
            raise kind(f"{self.path}: cannot be read ({error.strerror})") from error
        except (ValueError, TypeError, OverflowError) as error:
            raise VerificationError(f"{self.path}: holds other values than a history ({error})") from error


class HistorySnapshot(HistoryFile):
    """Open a snapshot of a history that another process may continue to write. Nothing is written, not even a lock
    file if no search is running, so that a run on a read-only disk can be read.

    Raises:
        VerificationError: the file is not a history, has another version, or is truncated.
        RunDirectoryError: the file cannot be opened.
    """

    def __init__(self, path: Path):
        self.path = path
        with self._errors():
            self._check_whole()
        # A writer keeps its newest pages in the write-ahead log; without a log, the file does not change.
        still = not path.with_name(f"{path.name}-wal").exists()
        address = f"{path.resolve().as_uri()}?mode=ro" + ("&immutable=1" if still else "")
        with self._errors(), self._opening():
            self._db = sqlite3.connect(address, uri=True, isolation_level=None, timeout=30)
            self._db.execute("BEGIN")
            self.is_empty = self._is_new()
