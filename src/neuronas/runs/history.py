"""The history of a search: every candidate with its cost, every fitness, in one SQLite file.

Candidates are numbered in the order of proposal. A fitness belongs to a canonical key, so twins share it. What
is committed survives a kill at any moment (write-ahead log, one writer).
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from neuronas.errors import RunDirectoryError, VerificationError
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
"""
_FAILURES = """
CREATE TABLE failures (
    key TEXT, screened INTEGER, position INTEGER NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (screened, key)
) WITHOUT ROWID;
"""


class History(HistoryFile):
    """Opens or creates a history file.

    Raises:
        VerificationError: the file is no history, of another version, or was cut off.
        RunDirectoryError: the file cannot be created or written (full disk, no permission).
    """

    def __init__(self, path: Path):
        self.path = path
        with self._errors(), self._opening():
            self._check_whole()
            self._db = sqlite3.connect(path, isolation_level=None, timeout=30)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            missing = _SCHEMA + _FAILURES if self._is_new() else _FAILURES if self._version() < SCHEMA_VERSION else ""
            if missing:
                self._db.executescript(f"BEGIN; {missing} PRAGMA user_version={SCHEMA_VERSION}; COMMIT;")

    def claim(self, identity: str) -> None:
        """Say which search this history belongs to.

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
        """Add a batch of candidates, all or none. Known positions must hold the same candidate.

        Raises:
            VerificationError: the history holds something else at one of the positions.
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
        """Keep the fitness of a canonical key.

        Args:
            key: canonical key.
            position: where the function was first met.
            fitness: higher is better.
            seconds: since the evaluation before.
            screened: it comes from the small batch of a screen, not from the full one.
        """
        with self._errors():
            row = (key, screened, position, fitness, seconds)
            self._db.execute("INSERT INTO evaluations VALUES (?, ?, ?, ?, ?)", row)

    def add_failure(self, key: str, position: int, reason: str, *, screened: bool) -> None:
        """Keep why the fitness of a canonical key could not be computed; see ``add_fitness``."""
        with self._errors():
            self._db.execute("INSERT INTO failures VALUES (?, ?, ?, ?)", (key, screened, position, reason))

    def set_seconds(self, seconds: float) -> None:
        """Keep the wall-clock seconds."""
        with self._errors():
            self._db.execute("INSERT OR REPLACE INTO meta VALUES ('seconds', ?)", (seconds,))

    def finish(self, peak_memory_mb: float) -> None:
        """Keep that the search came to its end, with what memory at most."""
        with self._errors():
            self._db.execute("INSERT OR REPLACE INTO meta VALUES ('peak_memory_mb', ?)", (peak_memory_mb,))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")
