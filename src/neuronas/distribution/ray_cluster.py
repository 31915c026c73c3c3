"""Workers as actors of a Ray cluster (extra ``cluster``)."""

import logging
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, redirect_stdout
from typing import Any

import ray

from neuronas.config import validate
from neuronas.distribution.crew import Job, Lost, Message, Noted
from neuronas.distribution.lines import from_line, to_line
from neuronas.distribution.worker import Build, WorkerEvaluators, build_evaluators, work
from neuronas.errors import ConfigurationError

_log = logging.getLogger(__name__)


class RayCrew:
    """A crew of Ray actors; Ray assigns them to machines. If a machine is lost, its actor waits for a free one.

    Every machine needs the same version of neuronas, and the data set and files of the settings at the same paths.

    Args:
        address: address of the cluster; None: the cluster running on this machine, otherwise a new local one.
        size: number of workers; None: one per CUDA device, or, without CUDA, as many as fit if each gets as many CPUs
            as the smallest machine has.
        build: builds the evaluators of a worker.
        job: the job of every worker; threads and memory share are set for its machine.

    Raises:
        ConfigurationError: the cluster is not found, or has too few CPUs or CUDA devices.
    """

    def __init__(self, address: str | None, size: int | None, build: Build, job: Job):
        # A thread of Ray prints events of the cluster; standard output is reserved for the result of the search.
        self._ending = ExitStack()
        self._ending.enter_context(redirect_stdout(sys.stderr))
        self._build, self._job = build, job
        self._actors: dict[int, Any] = {}
        self._arrivals: dict[int, Any] = {}
        self._streams: dict[Any, int] = {}
        try:
            if not ray.is_initialized():
                self._ending.callback(ray.shutdown)
                terminate = signal.getsignal(signal.SIGTERM)
                _connect(address)
                signal.signal(signal.SIGTERM, terminate)  # Ray installs a handler that exits with another code
            self.size, self._resources = _division(_machines(), size, job.settings.device)
        except ConfigurationError:
            self.close()
            raise

    def start(self, number: int) -> None:
        """See ``Crew``."""
        options = ray.remote(max_restarts=0, scheduling_strategy="SPREAD", **self._resources)
        actor = options(_Actor).remote(self._build, self._job.model_dump(), self._resources["num_cpus"])
        self._actors[number] = actor
        self._arrivals[number] = actor.__ray_ready__.remote()
        self._listen(number, actor.prepare)

    def give(self, number: int, evaluator: str, architectures: Sequence[str]) -> None:
        """See ``Crew``."""
        self._listen(number, self._actors[number].work, evaluator, list(architectures))

    def wait(self, seconds: float) -> list[tuple[int, Message]]:
        """See ``Crew``."""
        ready, _ = ray.wait(list(self._streams), num_returns=1, timeout=seconds, fetch_local=False)
        found = [(self._streams[stream], message) for stream in ready for message in self._next(stream)]
        for number, message in found:
            if isinstance(message, Lost):
                self.stop(number)
        if not ready:
            _log.info("no message from %d workers for %.0f s", len(self._streams), seconds)
        return found

    def is_queued(self, number: int) -> bool:
        """See ``Crew``."""
        arrived, _ = ray.wait([self._arrivals[number]], timeout=0, fetch_local=False)
        return not arrived

    def stop(self, number: int) -> None:
        """See ``Crew``."""
        actor = self._actors.pop(number, None)
        if actor is None:
            return
        ray.kill(actor)
        del self._arrivals[number]
        self._streams = {stream: owner for stream, owner in self._streams.items() if owner != number}

    def close(self) -> None:
        """See ``Crew``."""
        for number in list(self._actors):
            self.stop(number)
        self._ending.close()

    def _listen(self, number: int, method: Any, *arguments: Any) -> None:
        self._streams[method.options(num_returns="streaming").remote(*arguments)] = number

    def _next(self, stream: Any) -> Iterator[Message]:
        """The next message of a stream that is ready; nothing at its end."""
        try:
            yield from_line(ray.get(next(stream)))
        except StopIteration:
            del self._streams[stream]
        except ray.exceptions.RayTaskError as error:
            yield Lost(str(error).strip().splitlines()[-1])
        except ray.exceptions.RayError as error:
            yield Lost(str(error).strip().splitlines()[0])


class _Actor:
    """A worker in a Ray process; it yields encoded messages (``distribution.lines``)."""

    def __init__(self, build: Build, job: dict[str, Any], n_cpus: int):
        context = ray.get_runtime_context()
        machine = next(node for node in ray.nodes() if node["NodeID"] == context.get_node_id())
        shares = {"threads": n_cpus, "memory_share": n_cpus / max(n_cpus, machine["Resources"].get("CPU", n_cpus))}
        self._build, self._job = build, validate(Job, {**job, **shares}, "job")
        self._notes = _Notes()
        logging.getLogger("neuronas").addHandler(self._notes)
        self._evaluators: WorkerEvaluators | None = None

    def prepare(self) -> Iterator[bytes]:
        self._evaluators, message = build_evaluators(self._build, self._job)
        for one in (*self._notes.take(), message):
            yield to_line(one)

    def work(self, evaluator: str, architectures: list[str]) -> Iterator[bytes]:
        if self._evaluators is None:
            raise LookupError("work was sent to a worker that is not ready")
        for one in work(self._evaluators, evaluator, architectures):
            yield to_line(one)  # no "yield from": Ray sends values into this generator


class _Notes(logging.Handler):
    """Collects warnings for the parent process."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._kept: list[Noted] = []

    def emit(self, record: logging.LogRecord) -> None:
        """See ``logging.Handler``."""
        self._kept.append(Noted(record.getMessage()))

    def take(self) -> list[Noted]:
        """Return the collected warnings and clear them."""
        kept, self._kept = self._kept, []
        return kept


def _connect(address: str | None) -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # no usage statistics over the network
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    try:
        ray.init(address=address or "auto", **quiet)
    except (ConnectionError, ValueError, RuntimeError) as error:
        if address is not None:
            reason = " ".join(str(error).split())[:200]
            raise ConfigurationError(f"--cluster ray:{address}: cluster not found ({reason})") from error
        ray.init(include_dashboard=False, _node_ip_address="127.0.0.1", **quiet)


def _machines() -> list[dict[str, float]]:
    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


def _division(machines: list[dict[str, float]], size: int | None, device: str) -> tuple[int, dict[str, Any]]:
    """Number of workers, and the Ray resources of each.

    Args:
        machines: resources of each machine, in Ray's units.
        size: number of workers; None: see ``RayCrew``.
        device: ``auto``, ``cpu`` or ``cuda``.

    Raises:
        ConfigurationError: the machines have too few CPUs or CUDA devices.
    """
    n_gpus = int(sum(machine.get("GPU", 0) for machine in machines))
    if device == "cuda" and not n_gpus:
        raise ConfigurationError("--device cuda given for a cluster without CUDA devices; expected cpu or auto")
    with_gpus = device != "cpu" and n_gpus > 0
    places = [m for m in machines if m.get("CPU", 0) >= 1 and (not with_gpus or m.get("GPU", 0) >= 1)]
    if not places:
        raise ConfigurationError("the cluster has no CPUs; expected at least one node with CPUs")

    def room(n_cpus: int) -> int:
        return sum(int(min(m["CPU"] // n_cpus, m.get("GPU", 0) if with_gpus else m["CPU"])) for m in places)

    largest = int(max(machine["CPU"] for machine in places))
    if size is None:
        size = n_gpus if with_gpus else room(int(min(machine["CPU"] for machine in places)))
    n_cpus = next((n for n in range(largest, 0, -1) if room(n) >= size), None)
    if n_cpus is None:
        what = "one CUDA device per worker" if with_gpus else "at least one CPU per worker"
        raise ConfigurationError(f"--workers {size} given; expected at most {room(1)} on this cluster ({what})")
    return size, {"num_cpus": n_cpus, "num_gpus": int(with_gpus)}
