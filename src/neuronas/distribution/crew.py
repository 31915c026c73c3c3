"""What the distributor and its workers say to each other, and what a back end must offer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

from pydantic import Field

from neuronas.config import ResolvedConfig, Section
from neuronas.errors import NeuronasError


class Job(Section):
    """What a worker must know before its first candidate.

    Attributes:
        settings: of the run, complete.
        copies: what the settings name by file or object, as plain values by the names in ``runs.directory.COPIES``.
        identity: of the run, so that a worker notices other code under the same names.
        threads: CPU threads.
        memory_limit_bytes: of the worker's machine; None: as the settings say, or half of what is free there.
        memory_share: the worker's share of that.
        cuda_device: the device that is the worker's own, where the run computes on CUDA.
        images: that candidates are judged by (see ``data.batches.to_text``); None: the worker reads them.
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
        computes: digest of the images and of all else that decides a fitness, equal for all workers of a run.
    """

    computes: str


@dataclass(frozen=True)
class Evaluated:
    """Fitness of one candidate of the piece in hand, by its place there."""

    place: int
    fitness: float


@dataclass(frozen=True)
class Finished:
    """The whole piece is done. ``peak_memory_mb``: the worker's largest resident memory so far."""

    peak_memory_mb: float


@dataclass(frozen=True)
class Noted:
    """A warning that a worker would have logged."""

    text: str


@dataclass(frozen=True)
class Refused:
    """A worker says that the settings cannot be computed, whoever tries."""

    error: NeuronasError


@dataclass(frozen=True)
class Lost:
    """A worker has ended: killed, out of memory, its machine gone, by an error of its own, or since it was silent."""

    reason: str


Message = Ready | Evaluated | Finished | Noted | Refused | Lost


class Crew(Protocol):
    """Workers with numbers from 0; each holds one piece at a time.

    A worker sends ``Ready``, then for each piece ``Evaluated`` for its members in order and ``Finished``. Nothing
    follows ``Lost``; the number can be started anew.
    """

    size: int

    def start(self, number: int) -> None:
        """Start a worker; returns at once."""
        ...

    def give(self, number: int, evaluator: str, architectures: Sequence[str]) -> None:
        """Give a ready worker a piece, as texts, for its evaluator of this name."""
        ...

    def wait(self, seconds: float) -> Sequence[tuple[int, Message]]:
        """Wait until any worker says something, so many seconds at most."""
        ...

    def is_queued(self, number: int) -> bool:
        """Whether a worker that was started still waits for a machine; its silence then means nothing."""
        ...

    def stop(self, number: int) -> None:
        """End a worker, whatever it does; it sends nothing more. Nothing where it was lost already."""
        ...

    def close(self) -> None:
        """End all workers."""
        ...
