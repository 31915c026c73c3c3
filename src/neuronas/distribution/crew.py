"""Messages between the distributor and its workers, and the interface of a back end."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

from pydantic import Field

from neuronas.config import ResolvedConfig, Section
from neuronas.errors import NeuronasError


class Job(Section):
    """What a worker needs before its first candidate.

    Attributes:
        settings: of the run, complete.
        copies: what the settings name by file or object, as plain values by the names in ``runs.directory.COPIES``.
        identity: of the run, so that a worker notices other code under the same names.
        threads: CPU threads.
        memory_limit_bytes: of the worker's machine; None: from the settings, or half of the free memory there.
        memory_share: the worker's share of that.
        cuda_device: the worker's own device, where the run computes on CUDA.
        images: the images that fitness is computed on (``data.batches.to_text``); None: the worker reads them.
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
    """A worker has built its engine.

    Attributes:
        computes: digest of the images and of everything else that a fitness depends on; equal for all workers of a run.
    """

    computes: str


@dataclass(frozen=True)
class Evaluated:
    """Fitness of one candidate of the current piece, by its index in the piece."""

    place: int
    fitness: float


@dataclass(frozen=True)
class Finished:
    """The whole piece is done. ``peak_memory_mb``: the worker's largest resident memory so far."""

    peak_memory_mb: float


@dataclass(frozen=True)
class Noted:
    """A warning that a worker passes on to the parent's log."""

    text: str


@dataclass(frozen=True)
class Refused:
    """A worker reports that no worker can compute with these settings."""

    error: NeuronasError


@dataclass(frozen=True)
class Lost:
    """A worker has ended: killed, out of memory, its machine lost, an unexpected error, or silent for too long."""

    reason: str


Message = Ready | Evaluated | Finished | Noted | Refused | Lost


class Crew(Protocol):
    """Workers with numbers from 0; each holds one piece at a time.

    A worker sends ``Ready``, then for each piece ``Evaluated`` for its members in order and ``Finished``. Nothing
    follows ``Lost``; the number can then be started again.
    """

    size: int

    def start(self, number: int) -> None:
        """Start a worker; returns at once."""
        ...

    def give(self, number: int, evaluator: str, architectures: Sequence[str]) -> None:
        """Give a ready worker a piece, as architecture texts, for its evaluator of this name."""
        ...

    def wait(self, seconds: float) -> Sequence[tuple[int, Message]]:
        """Return the messages of workers; wait for at most this many seconds until there is one."""
        ...

    def is_queued(self, number: int) -> bool:
        """Whether a started worker still waits for a machine, so that its silence means nothing."""
        ...

    def stop(self, number: int) -> None:
        """End a worker, whatever it is doing; it sends nothing more. No effect on a lost worker."""
        ...

    def close(self) -> None:
        """End all workers."""
        ...
