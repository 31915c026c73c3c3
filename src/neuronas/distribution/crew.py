"""Messages of workers, and the interface of a group of workers (a crew)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

from pydantic import Field

from neuronas.config import ResolvedConfig, Section
from neuronas.errors import NeuronasError


class Job(Section):
    """Everything that a worker needs to start.

    Attributes:
        settings: resolved settings of the run.
        copies: content of the files and objects that the settings name, by the names in ``runs.directory.COPIES``.
        identity: digest of the run; a worker whose code gives another digest refuses the job.
        threads: number of CPU threads.
        memory_limit_bytes: memory limit of the worker's machine; None: that of the settings, otherwise less than half
            of the free memory of the machine.
        memory_share: the worker's share of the memory limit, above 0, at most 1.
        cuda_device: index of the worker's CUDA device, if the run computes on CUDA.
        images: the images for computing fitness (``data.batches.to_text``); None: the worker reads the data set.
    """

    settings: ResolvedConfig
    copies: dict[str, dict[str, Any]]
    identity: str
    threads: Annotated[int, Field(ge=1)]
    memory_limit_bytes: Annotated[int, Field(ge=1)] | None
    memory_share: Annotated[float, Field(gt=0, le=1)]
    cuda_device: Annotated[int, Field(ge=0)]
    images: str | None = None


@dataclass(frozen=True)
class Ready:
    """A worker has built its evaluators.

    Attributes:
        computes: digest of the images and of everything else that affects fitness; it must be equal for all workers.
    """

    computes: str


@dataclass(frozen=True)
class Evaluated:
    """Fitness of one candidate.

    Attributes:
        place: index of the candidate in the current piece of work.
        fitness: its fitness.
    """

    place: int
    fitness: float


@dataclass(frozen=True)
class PieceFinished:
    """All candidates of the current piece are evaluated.

    Attributes:
        peak_memory_mb: peak resident memory of the worker so far, in MiB.
    """

    peak_memory_mb: float


@dataclass(frozen=True)
class Noted:
    """A warning of a worker, for the log of the parent process."""

    text: str


@dataclass(frozen=True)
class Refused:
    """An error that every worker would have with these settings; the search ends with it."""

    error: NeuronasError


@dataclass(frozen=True)
class Lost:
    """A worker has ended: it was killed, ran out of memory, lost its machine, failed, or did not respond."""

    reason: str


Message = Ready | Evaluated | PieceFinished | Noted | Refused | Lost


class Crew(Protocol):
    """A group of workers, numbered from 0. A worker computes one piece of work (a list of candidates) at a time.

    A worker sends ``Ready``; then, for each piece, ``Evaluated`` for each candidate in order, and ``PieceFinished``.
    After ``Lost`` it sends nothing more, and a worker with the same number can be started.
    """

    size: int

    def start(self, number: int) -> None:
        """Start a worker; return without waiting for it."""
        ...

    def give(self, number: int, evaluator: str, architectures: Sequence[str]) -> None:
        """Send a piece of work to a ready worker.

        Args:
            number: the worker.
            evaluator: name of one of its evaluators.
            architectures: the candidates, in text notation.
        """
        ...

    def wait(self, seconds: float) -> Sequence[tuple[int, Message]]:
        """Return (worker, message) pairs; wait up to ``seconds`` for the first message."""
        ...

    def is_queued(self, number: int) -> bool:
        """Whether a started worker still waits for a machine; no time limit applies meanwhile."""
        ...

    def stop(self, number: int) -> None:
        """End a worker at once; it sends nothing more. No effect if it has already ended."""
        ...

    def close(self) -> None:
        """End all workers."""
        ...
