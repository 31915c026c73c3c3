"""Evaluators of a search: in this process, in worker processes of this machine, or on a cluster; a worker's engine."""

import os
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from neuronas.api.searching.evaluators import (
    evaluators_of,
    machine_limit_bytes,
    make_evaluators,
    make_setup,
    search_images,
)
from neuronas.api.setup.compose import plan
from neuronas.api.setup.images import prepare_images
from neuronas.api.setup.plan import COPIED, Copies, Plan
from neuronas.config import given, load_plugins, validate
from neuronas.distribution.crew import Crew, Job
from neuronas.distribution.distributor import DistributedEvaluator, Distributor
from neuronas.distribution.processes import ProcessCrew
from neuronas.distribution.silence import Silence
from neuronas.distribution.worker import WorkerEvaluators, serve
from neuronas.errors import ConfigurationError, VerificationError
from neuronas.machine import n_cores
from neuronas.runs.work import Work
from neuronas.search.screening import Evaluators
from neuronas.version import __version__

if TYPE_CHECKING:
    from torch import Tensor

FULL, SCREEN = "full", "screen"
_COMMAND = (sys.executable, "-P", "-c", "from neuronas.api.searching.workers import main; main()")


@dataclass(frozen=True)
class Computing:
    """Evaluators of a search, and their workers, if any."""

    evaluators: Evaluators
    distributor: Distributor | None = None

    @property
    def peak_memory_mb(self) -> float:
        """Largest resident memory of this process and of its workers so far, added up, MiB."""
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
        return own + (self.distributor.peak_memory_mb if self.distributor else 0.0)


@contextmanager
def computing(run: Plan, scan: Work | None, *, download: bool) -> Iterator[Computing]:
    """Make the evaluators for the settings, and stop their workers on exit; see ``make_evaluators``.

    Raises:
        NeuronasError: see ``make_evaluators``; or no worker can be started.
    """
    engine = run.config.engine
    if engine.workers is None and engine.cluster is None:
        yield Computing(make_evaluators(run, scan, download=download))
        return
    if scan is not None:
        prepare_images(run, scan, download=download)
    silence = Silence(60 * engine.silence_limit_minutes)
    distributor = Distributor(_crew(run), run.shape.n_cells, silence=silence)
    try:
        distributor.prepare()
        screen = DistributedEvaluator(distributor, SCREEN) if run.config.fitness.has_screen else None
        yield Computing(evaluators_of(run, DistributedEvaluator(distributor, FULL), screen), distributor)
    finally:
        distributor.close()


def _crew(run: Plan) -> Crew:
    engine = run.config.engine
    job = Job(
        settings=run.config,
        copies={name: model.model_dump() for name, model in run.origin.copies.items()},
        identity=run.origin.identity,
        threads=1,
        memory_limit_bytes=None,
        memory_share=1.0,
        cuda_device=0,
        images=_images_as_text(run) if run.passes_images else None,
    )
    if engine.cluster is not None:
        return _ray_crew(engine.cluster.partition(":")[2] or None, engine.workers, job)
    size = engine.workers or 1
    shares = {
        "threads": max(1, n_cores() // size),
        "memory_limit_bytes": machine_limit_bytes(run),
        "memory_share": 1 / size,
    }
    return ProcessCrew(size, _COMMAND, lambda number: job.model_copy(update={**shares, "cuda_device": number}))


def _images_as_text(run: Plan) -> str:
    from neuronas.data.batches import to_text

    return to_text(search_images(run))


def _ray_crew(address: str | None, size: int | None, job: Job) -> Crew:
    try:
        from neuronas.distribution.ray_cluster import RayCrew
    except ImportError as error:
        raise ConfigurationError(f"--cluster ray needs Ray ({error}); run: pip install 'neuronas[cluster]'") from error
    return RayCrew(address, size, build, job)


def build(job: Job) -> WorkerEvaluators:
    """Build a worker's own engine from the run's settings.

    Raises:
        VerificationError: this machine has different code under the names in the settings.
        NeuronasError: as ``neuronas search`` without workers.
    """
    load_plugins(job.settings.plugins)
    copies: dict[str, Any] = {name: validate(COPIED[name], values, name) for name, values in job.copies.items()}
    run = plan(given(job.settings.model_dump(), "job"), Copies(**copies))
    if run.origin.identity != job.identity:
        raise VerificationError(
            "a worker has other code under the names that the settings give (fitness, algorithm, plug-ins); expected "
            "the same on every machine"
        )
    _set_threads(job.threads)
    limit_bytes = int((job.memory_limit_bytes or machine_limit_bytes(run)) * job.memory_share)
    setup = make_setup(run, limit_bytes, job.cuda_device, _images(job))
    evaluators: dict[str, Any] = {FULL: setup.evaluators.full}
    if setup.evaluators.screen is not None:
        evaluators[SCREEN] = setup.evaluators.screen
    return WorkerEvaluators(evaluators, f"{setup.computes} with neuronas {__version__}")


def _images(job: Job) -> "Tensor | None":
    from neuronas.data.batches import from_text

    return None if job.images is None else from_text(job.images)


def _set_threads(n: int) -> None:
    import torch

    torch.set_num_threads(n)


def main() -> None:
    """Run as a worker process."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    serve(build)
