"""Evaluation of a trained run on test images: accuracy at every precision, firing rates, operations, cost."""

from collections.abc import Iterable, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

from neuronas.api.estimating.own_network import is_own_network
from neuronas.api.evaluating.decisions import DecisionStudy
from neuronas.api.evaluating.integer_accuracy import integer_accuracy, integers_of
from neuronas.api.evaluating.twin import Measured, TrainedTwin, Twin
from neuronas.api.setup.dataset_settings import sensor_of
from neuronas.api.setup.held_out import EARLY_EXIT, Sample, held_out
from neuronas.api.setup.trained import TrainedRun, read_trained
from neuronas.config import WeightBits, as_path
from neuronas.errors import ConfigurationError
from neuronas.hardware.cost import CostModel
from neuronas.hardware.mapped.activity import Activity as LayerRates
from neuronas.runs.costs import CostSummary
from neuronas.runs.directory import EVALUATION, log
from neuronas.runs.evaluations import Evaluation, LayerOperations
from neuronas.runs.inputs import NetworkInput
from neuronas.runs.observer import Observer
from neuronas.runs.results import IF_DEAD
from neuronas.runs.work import Seen, Work

if TYPE_CHECKING:
    from neuronas.export.integer_network import IntegerNetwork


def evaluate(
    run: str | PathLike[str],
    *,
    twin: bool = False,
    integer: bool = False,
    own_precision: bool = False,
    assignments: Iterable[str] = (),
    observer: Observer | None = None,
    **options: Any,
) -> Evaluation:
    """Measure a trained run on its test images, and write ``evaluation.json`` into its directory.

    Args:
        run: run directory.
        twin: compare it with its artificial twin, which is first trained in RUN-twin if necessary; a further call after
            an interruption continues that training.
        integer: also measure the integer-only network that ``export`` writes as C and Verilog.
        own_precision: measure accuracy at the run's own precision only, in an eighth of the time.
        assignments: ``section.key=value`` texts, as ``--set`` takes them.
        observer: observer of the progress.
        **options: settings that may differ from the run's own, by keyword: ``hardware``, ``data_dir``, ``device``, ….

    Raises:
        ConfigurationError: your own network is given, which ``evaluate_on_chips`` takes; the run has no twin, or
            RUN-twin holds another run; the run has no integer-only network.
        RunDirectoryError: the directory holds no run, or the run was not trained (for a twin: not completely).
        DataError: images are missing or damaged.
        VerificationError: a file is damaged.
    """
    if is_own_network(run):
        raise ConfigurationError(
            f"{run!s:.60} given without --chip; expected a run's directory, or --chip (in Python: evaluate_on_chips)"
        )
    given = read_trained(as_path(run, "RUN"), options, assignments)
    integers = integers_of(given) if integer else None
    beside = Twin(given).trained(observer) if twin else None  # before any test image is read
    work = Work("evaluate", given.directory, "images", observer)
    from neuronas.training.evaluation import precisions

    bits = given.trained.weight_bits
    evaluation = _measure(given, beside, integers, (bits,) if own_precision else precisions(bits), work)
    if evaluation.dead:
        log.warning("run %s: %s; %s", given.directory, evaluation.dead, IF_DEAD)
    evaluation.write(given.directory / EVALUATION)
    work.finish(evaluation)
    return evaluation


def _measure(
    given: TrainedRun,
    twin: TrainedTwin | None,
    integers: "IntegerNetwork | None",
    at: Sequence[WeightBits],
    work: Work,
) -> Evaluation:
    import numpy as np

    from neuronas.snn.decision import are_same
    from neuronas.training.activity import ActivityReader
    from neuronas.training.early_exit import AnswersReader
    from neuronas.training.evaluation import accuracy_by_bits, precision_name
    from neuronas.training.passes import ClassScores, run_pass

    run, trained = given.plan, given.trained
    network, spiking = run.config.network, trained.network.settings.spiking
    images = given.images("test")
    indices = np.arange(len(images))
    study = DecisionStudy(given, held_out(given, EARLY_EXIT)) if spiking and network.timesteps > 1 else None
    n_passes = len(at) + (twin is not None) + (integers is not None)
    work.start(n_passes * len(images) + (len(study.choice.indices) if study else 0))

    def told(part: str) -> Seen:
        return lambda n: work.advance(n, part)

    scores, answers = ClassScores(), AnswersReader()
    counted = ActivityReader(trained.network, images, sensor_of(run.config).pixel_bits)
    readers = (scores, counted, answers) if study else (scores, counted)
    run_pass(trained.network, images, indices, given.device, *readers, seen=told("accuracy, spikes and operations"))
    decisions = None
    activity = counted.result
    trace = LayerRates(trace={name: layer.input_rates for name, layer in activity.layers.items()})
    if study:
        decisions = study.measured(answers.result, study.threshold(told("confidence of early exits")), trace)
    by_bits = accuracy_by_bits(
        trained.network, images, indices, given.device, trained.weight_bits, scores.result, at,
        told("accuracy at other precisions"),
    )  # fmt: skip
    own = by_bits[trained.weight_bits]
    return Evaluation(
        run=str(given.directory),
        dataset=run.config.data.name,
        split="test",
        n_images=len(images),
        epoch=trained.epoch,
        validation_accuracy=trained.accuracy,
        spiking=spiking,
        weight_bits=trained.weight_bits,
        top1=own.top1,
        top5=own.top5,
        per_class=tuple(own.per_class.tolist()),
        confusion=tuple(map(tuple, own.confusion.tolist())),
        accuracy_by_bits={precision_name(bits): found.top1 for bits, found in by_bits.items()},
        firing_rates=activity.firing_rates,
        layers={name: LayerOperations(**vars(layer)) for name, layer in activity.layers.items()},
        spikes_per_image=activity.n_spikes if spiking else None,
        synaptic_operations_per_image=activity.accumulations,
        multiplications_per_image=activity.multiplications,
        literature_energy_uj=activity.literature_energy_uj,
        cost=_cost(given, run.cost_model),
        cost_at_trace=_cost(given, run.mapped_model(trace)) if spiking else None,
        class_names=run.config.data.class_names,
        input=NetworkInput.of(run.config.data),
        same_scores=are_same(scores.result),
        decisions=decisions,
        integer=integer_accuracy(
            given, integers, Sample("test", images, indices), scores.result, told("integer arithmetic")
        )
        if integers
        else None,
        twin=twin.verdict(Measured(own.top1, activity), images, told("artificial twin")) if twin else None,
    )


def _cost(given: TrainedRun, model: CostModel) -> CostSummary:
    run, architecture = given.plan, given.architecture
    return run.cost_report(architecture, run.cost(architecture, model), model).summary
