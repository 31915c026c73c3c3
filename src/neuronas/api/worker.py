"""The engine of a search worker, and the entry point of a worker process, which only neuronas starts."""

import os
from typing import TYPE_CHECKING, Any

from neuronas.api.compose import plan
from neuronas.api.evaluators import machine_limit_bytes, make_setup
from neuronas.api.plan import COPIED, Copies
from neuronas.config import given, load_plugins, validate
from neuronas.distribution.crew import Job
from neuronas.distribution.worker import WorkerEvaluators, serve
from neuronas.errors import VerificationError
from neuronas.version import __version__

if TYPE_CHECKING:
    from torch import Tensor

FULL, SCREEN = "full", "screen"


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
