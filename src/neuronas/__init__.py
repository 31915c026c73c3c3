"""neuronas: finds spiking neural networks that fit a compute-in-memory chip.

Each command of the command line is a function with the same options::

    import neuronas

    found = neuronas.search(dataset="digits", channels=8, max_energy_uj=20, out="runs/mine")
    neuronas.train(found.directory)
    print(neuronas.evaluate(found.directory).top1)
    network = neuronas.load(found.directory)
"""

import logging
from importlib import import_module
from os import PathLike
from typing import TYPE_CHECKING, Any

from neuronas.version import __version__ as __version__

if TYPE_CHECKING:
    from neuronas.snn.classifier import Classifier

_MODULES = {
    "Accelerator": "hardware.accelerator",
    "Architecture": "space.genotype",
    "ChipEvaluation": "runs.chip_evaluations",
    "DataSet": "data.dataset",
    "DesignFront": "runs.design_fronts",
    "DesignResult": "runs.designs",
    "DesignSpace": "hardware.design_space",
    "Estimate": "api.estimating.estimate",
    "Evaluation": "runs.evaluations",
    "ExportManifest": "runs.results",
    "FitResult": "runs.fits",
    "InMemoryDataSet": "data.memory",
    "Observer": "runs.observer",
    "Page": "api.reporting.report",
    "Plugin": "config",
    "Predictions": "runs.predictions",
    "ProgressBar": "cli.progress",
    "RunConfig": "config",
    "SearchResult": "api.searching.result",
    "Space": "space.spaces",
    "StreamResult": "runs.predictions",
    "TrainingResult": "runs.results",
    "compare": "api.reporting.report",
    "design": "api.designing.design",
    "design_front": "api.designing.front",
    "estimate": "api.estimating.estimate",
    "evaluate": "api.evaluating.evaluate",
    "evaluate_on_chips": "api.evaluating.chip",
    "fit": "api.estimating.fit",
    "predict": "api.evaluating.predict",
    "run": "api.evaluating.stream",
    "train": "api.training.train",
}
"""Module of each public name; it is imported on first use."""
_CALLABLE_PACKAGES = ("export", "report", "search")
__all__ = sorted([*_MODULES, *_CALLABLE_PACKAGES, "__version__", "load"])  # noqa: PLE0605 - type checkers read the stub

logging.getLogger(__name__).addHandler(logging.NullHandler())


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f"neuronas.{_MODULES[name]}"), name)
    if name in _CALLABLE_PACKAGES:
        return import_module(f"neuronas.{name}")
    raise AttributeError(f"module 'neuronas' has no attribute '{name}'")


def __dir__() -> list[str]:
    return __all__


def load(run: str | PathLike[str], device: str = "cpu") -> "Classifier":
    """Read the network of a trained run with its best weights, in evaluation mode.

    Args:
        run: run directory.
        device: ``cpu``, ``cuda`` or ``auto``.

    Returns:
        An ``nn.Module``: normalised images [B, C, H, W] -> class scores [T, B, n_classes], one set for each time
        step; the class with the highest mean over the time steps is the prediction.

    Raises:
        RunDirectoryError: the directory holds no run, or the run was not trained.
        VerificationError: a file is damaged.
    """
    from neuronas.api.setup.trained import read_trained  # noqa: PLC0415 - imports torch
    from neuronas.config import as_path  # noqa: PLC0415

    return read_trained(as_path(run, "RUN"), {"device": device}).trained.network
