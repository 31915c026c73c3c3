"""The history of a search: every candidate with its cost, every fitness, in one SQLite file.

Candidates are numbered in the order of proposal. Fitness is stored by canonical key,
so equivalent architectures share it. Committed data survive a kill at any moment (write-ahead log, one writer).
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Self

from neuronas.errors import NeuronasError, RunDirectoryError, VerificationError
from neuronas.runs.history_file import SCHEMA_VERSION, CandidateRow, HistoryFile

_SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE candidates (
    position INTEGER PRIMARY KEY, batch INTEGER NOT NULL, architecture TEXT NOT NULL, key TEXT NOT NULL,
    parameters REAL NOT NULL, area_mm2 REAL NOT NULL, latency_ms REAL NOT NULL, energy_uj REAL NOT NULL,
    rejected TEXT NOT NULL
);
CREATE TABLE evaluations (
    key TEXT, screened INTEGER, position INTEGER NOT NULL, fitness REAL NOT NULL, seconds REAL NOT NULL,
    PRIMARY KEY (screened, key)
) WITHOUT ROWID;
CREATE TABLE failures (
    key TEXT, screened INTEGER, position INTEGER NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (screened, key)
) WITHOUT ROWID;
"""


class History(HistoryFile):
    """Opens or creates a history file. Used in a ``with`` statement, it stores its wall-clock time on any exit.

    Attributes:
        was_finished: whether the search had finished before the file was opened.

    Raises:
        VerificationError: the file is not a history, has another version, or is truncated.
        RunDirectoryError: the file cannot be created or written (full disk, no permission).
    """

    def __init__(self, path: Path):
        self.path = path
        with self._errors(), self._opening():
            self._check_whole()
            self._db = sqlite3.connect(path, isolation_level=None, timeout=30)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            if self._is_new():
                self._db.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version={SCHEMA_VERSION}; COMMIT;")
            self.was_finished = self.peak_memory_mb() is not None
        self._before, self._opened = self.seconds(), perf_counter()
        self._elapsed_s = self._before if self.was_finished else None

    def __enter__(self) -> Self:
        """Return the open history."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Store the time and close the file."""
        with closing(self):
            if self._elapsed_s is None:
                with suppress(NeuronasError):  # the error that ended the search (such as a full disk) takes precedence
                    self._set("seconds", self.elapsed_s)

    @property
    def elapsed_s(self) -> float:
        """Wall-clock time of all sessions in seconds, until now or until the search finished."""
        return self._before + perf_counter() - self._opened if self._elapsed_s is None else self._elapsed_s

    def claim(self, identity: str) -> None:
        """Store which search this history belongs to, or check it.

        Raises:
            RunDirectoryError: it belongs to another one.
        """
        with self._errors():
            self._db.execute("INSERT OR IGNORE INTO meta VALUES ('identity', ?)", (identity,))
            row = self._db.execute("SELECT value FROM meta WHERE name = 'identity'").fetchone()
        if row[0] != identity:
            raise RunDirectoryError(
                f"{self.path}: belongs to a search with other settings, or a file that they name (space, hardware) was "
                "changed since; choose another --out"
            )

    def add_candidates(self, rows: Iterable[CandidateRow]) -> None:
        """Add a batch of candidates atomically. Existing positions must contain the same candidate.

        Raises:
            VerificationError: the history contains another candidate at one of the positions.
        """
        with self._errors(), self._transaction():
            for row in rows:
                known = self._db.execute(
                    "SELECT architecture FROM candidates WHERE position = ?", (row.position,)
                ).fetchone()
                if known is None:
                    self._db.execute(
                        "INSERT INTO candidates VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                        (
                            row.position, row.batch, row.architecture, row.key, row.parameters, row.area_mm2,
                            row.latency_ms, row.energy_uj, row.rejected,
                        ),
                    )  # fmt: skip
                elif known[0] != row.architecture:
                    raise VerificationError(
                        f"{self.path}: candidate {row.position} is {known[0]}, but this search proposes "
                        f"{row.architecture}; the history belongs to another search"
                    )

    def add_fitness(self, key: str, position: int, fitness: float, seconds: float, *, screened: bool) -> None:
        """Store the fitness of a canonical key.

        Args:
            key: canonical key.
            position: position of the first candidate with this key.
            fitness: higher is better.
            seconds: time since the previous evaluation.
            screened: whether it was computed on the small batch of a screen, not on the full one.
        """
        with self._errors():
            row = (key, screened, position, fitness, seconds)
            self._db.execute("INSERT INTO evaluations VALUES (?, ?, ?, ?, ?)", row)

    def add_failure(self, key: str, position: int, reason: str, *, screened: bool) -> None:
        """Store why the fitness of a canonical key could not be computed; see ``add_fitness``."""
        with self._errors():
            self._db.execute("INSERT INTO failures VALUES (?, ?, ?, ?)", (key, screened, position, reason))

    def finish(self, peak_memory_mb: float) -> None:
        """Mark the search as finished; store its time and its peak memory in MiB."""
        self._elapsed_s = self.elapsed_s
        self._set("seconds", self._elapsed_s)
        self._set("peak_memory_mb", peak_memory_mb)

    def reopen(self) -> None:
        """Resume a finished search with more draws."""
        with self._errors():
            self._db.execute("DELETE FROM meta WHERE name = 'peak_memory_mb'")
        self.was_finished, self._elapsed_s = False, None

    def _set(self, name: str, value: float) -> None:
        with self._errors():
            self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")
