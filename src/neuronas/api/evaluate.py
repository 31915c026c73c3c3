"""What a trained run does on the test images: accuracy at every precision, firing rates, operations, cost."""

from collections.abc import Iterable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuronas.api.trained import TrainedRun, read_trained
from neuronas.config import plain, write_json
from neuronas.hardware.cost import CostModel
from neuronas.hardware.mapped.activity import Activity as LayerRates
from neuronas.space.workload import rows

if TYPE_CHECKING:
    from neuronas.training.evaluation import Accuracy, Activity

EVALUATION = "evaluation.json"


@dataclass(frozen=True)
class Evaluation:
    """A trained network on the test images.

    Attributes:
        top1: accuracy at the run's precision, 0 to 1.
        top5: share of images whose class is among the five highest scores.
        accuracy_by_bits: at other precisions; ``float`` is full precision.
        document: the content of ``evaluation.json``.
    """

    top1: float
    top5: float
    accuracy_by_bits: dict[str, float]
    document: dict[str, Any]


def evaluate(
    run: str | PathLike[str],
    *,
    assignments: Iterable[str] = (),
    **options: Any,
) -> Evaluation:
    """Measure a trained run on its test images, and write ``evaluation.json`` into its directory.

    Args:
        run: the run's directory.
        assignments: ``section.key=value`` texts, as ``--set`` takes them.
        **options: settings that are not the run's own, by keyword: ``hardware``, ``data_dir``, ``device``, ….

    Raises:
        RunDirectoryError: no run, or one that was not trained.
        DataError: images are missing or broken.
        VerificationError: a damaged file.
    """
    given = read_trained(Path(run), options, assignments)
    document = _measure(given)
    write_json(given.directory / EVALUATION, plain(document))
    return Evaluation(document["top1"], document["top5"], document["accuracy_by_bits"], document)


def _measure(given: TrainedRun) -> dict[str, Any]:
    import numpy as np

    from neuronas.snn.quantisation import FULL_PRECISION
    from neuronas.training.evaluation import accuracy_by_bits, measure_activity

    run, trained = given.plan, given.trained
    network, spiking = run.config.network, trained.network.settings.spiking
    images = given.images("test")
    indices = np.arange(len(images))
    accuracy = accuracy_by_bits(trained.network, images, indices, given.device, network.weight_bits)
    activity = measure_activity(trained.network, images, indices, given.device)
    return {
        "run": str(given.directory),
        "dataset": run.config.data.name,
        "split": "test",
        "n_images": len(images),
        "epoch": trained.epoch,
        "validation_accuracy": trained.accuracy,
        "spiking": spiking,
        "weight_bits": network.weight_bits,
        **_accuracy_document(accuracy[network.weight_bits]),
        "accuracy_by_bits": {
            "float" if bits == FULL_PRECISION else str(bits): one.top1 for bits, one in accuracy.items()
        },
        **_activity_document(activity, spiking=spiking),
        "cost": _cost(given, run.cost_model),
        "cost_at_trace": _cost(given, run.mapped_model(_trace(activity))) if spiking else None,
    }


def _cost(given: TrainedRun, model: CostModel) -> dict[str, Any]:
    cost = model.estimate(rows(given.architecture, given.plan.shape))
    document = given.plan.cost_document(given.architecture, cost, model)
    return {key: value for key, value in document.items() if key != "layers"}


def _trace(activity: "Activity") -> LayerRates:
    return LayerRates(trace={name: layer.input_rate for name, layer in activity.layers.items()})


def _accuracy_document(accuracy: "Accuracy") -> dict[str, Any]:
    return {
        "top1": accuracy.top1,
        "top5": accuracy.top5,
        "per_class": [None if value != value else float(value) for value in accuracy.per_class],
        "confusion": accuracy.confusion.tolist(),
    }


def _activity_document(activity: "Activity", *, spiking: bool) -> dict[str, Any]:
    return {
        "firing_rates": activity.firing_rates,
        "layers": {
            name: {"input_rate": layer.input_rate, "operations": layer.operations, "spiking": layer.spiking}
            for name, layer in activity.layers.items()
        },
        "spikes_per_image": activity.n_spikes if spiking else None,
        "synaptic_operations_per_image": activity.accumulations,
        "multiplications_per_image": activity.multiplications,
        "literature_energy_uj": activity.literature_energy_uj,
    }
