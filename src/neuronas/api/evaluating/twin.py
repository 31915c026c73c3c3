"""The artificial twin of a spiking run: its training, and the comparison of both networks on the same chip."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from neuronas.api.setup.dataset_settings import sensor_of
from neuronas.api.setup.settings import planned
from neuronas.api.setup.trained import TrainedRun, read_trained
from neuronas.api.training.checks import check_twin
from neuronas.api.training.train import train
from neuronas.config import RECIPES, is_there
from neuronas.errors import ConfigurationError, RunDirectoryError, quoted
from neuronas.hardware.mapped.activity import DENSE, Activity as LayerRates
from neuronas.hardware.mapped.break_even import break_even_rate
from neuronas.hardware.mapped.model import MappedCostModel
from neuronas.runs.directory import CONFIG, TRAINING
from neuronas.runs.observer import Observer
from neuronas.runs.results import TrainingResult
from neuronas.runs.twins import TwinSide, TwinVerdict
from neuronas.runs.work import Seen
from neuronas.space.workload import Layer, rows

if TYPE_CHECKING:
    from neuronas.training.activity import NetworkActivity
    from neuronas.training.images import Images

_OF_SPIKES = ("surrogate", "loss", "rate_weight", "rate_target")
"""Training settings without meaning for a network without spikes or time steps; the twin uses its recipe's."""


@dataclass(frozen=True)
class Twin:
    """The artificial twin of a run: quantised ReLU of ceil(log2(T + 1)) bits instead of LIF neurons.

    Attributes:
        of: spiking run.
    """

    of: TrainedRun

    @property
    def directory(self) -> Path:
        """Directory of its training: RUN-twin."""
        own = self.of.directory if self.of.directory.name not in ("", "..") else self.of.directory.resolve()
        return own.with_name(f"{own.name}-twin")

    @property
    def activation_bits(self) -> int:
        """Number of bits for the numbers 0 to T."""
        return self.of.plan.config.network.timesteps.bit_length()

    @property
    def is_trained(self) -> bool:
        """Whether its training is finished."""
        return TrainingResult.is_finished(self.directory / TRAINING)

    def trained(self, observer: Observer | None = None) -> "TrainedTwin":
        """The twin with its best weights; its training is started or continued if it is not finished.

        Args:
            observer: observer of the training.

        Raises:
            ConfigurationError: the run has no twin, or the twin's directory holds another run.
            RunDirectoryError: the training of the run itself is not finished.
            NeuronasError: see ``train``.
        """
        self.check()
        options, assignments = self._options, self._assignments
        if is_there(self.directory / CONFIG):
            expected = planned("train", options, assignments=assignments, run=self.of.directory)
            check_twin(expected, self.of.architecture, self.directory, self.of.directory)
        if not self.is_trained:
            train(
                self.of.directory, out=self.directory, resume="auto", assignments=assignments, observer=observer,
                **options,
            )  # fmt: skip
        return TrainedTwin(self, read_trained(self.directory, {"device": self.of.plan.config.device}))

    def check(self) -> None:
        """Refuse a run that has no twin; see ``trained``."""
        given, settings = self.of, self.of.plan.config.train
        if settings.ann:
            raise ConfigurationError(
                f"run {given.directory} is trained with --ann, an artificial network itself; expected a spiking run"
            )
        if settings.start_from is not None:
            raise ConfigurationError(
                f"run {given.directory} is fine-tuned from the spiking run {settings.start_from}, which an artificial "
                "network cannot start from; expected a run without --start-from"
            )
        if any(link.delayed for node in given.network.graph.nodes for link in node.links):
            raise ConfigurationError(
                f"run {given.directory} has backward edges, which carry values from the previous time step; expected "
                "forward edges only: the artificial twin has one time step"
            )
        if not TrainingResult.is_finished(given.directory / TRAINING):
            raise RunDirectoryError(
                f"run {given.directory}: its training is not finished, so that no twin can be compared with "
                f"it; continue with: neuronas train {quoted(given.directory)} --resume"
            )

    @property
    def _options(self) -> dict[str, Any]:
        config = self.of.plan.config
        options: dict[str, Any] = {"ann": True, "activation_bits": self.activation_bits}
        options["device"] = config.train.device
        places = {"data_dir": config.data.data_dir, "teacher": config.train.teacher}
        return options | {name: place for name, place in places.items() if place is not None}

    @property
    def _assignments(self) -> Iterable[str]:
        recipe = RECIPES[self.of.plan.config.train.recipe]
        return [f"train.{name}={recipe[name]}" for name in _OF_SPIKES]


@dataclass(frozen=True)
class Measured:
    """Results of a network on the test images.

    Attributes:
        top1: accuracy.
        activity: activity of its layers.
    """

    top1: float
    activity: "NetworkActivity"

    @property
    def trace(self) -> dict[str, tuple[float, ...]]:
        """Input rate of each layer with weights in each time step."""
        return {name: layer.input_rates for name, layer in self.activity.layers.items()}


@dataclass(frozen=True)
class TrainedTwin:
    """A twin with its best weights.

    Attributes:
        twin: the twin.
        run: its trained run.
    """

    twin: Twin
    run: TrainedRun

    def verdict(self, spiking: Measured, images: "Images", seen: Seen) -> TwinVerdict:
        """Compare both networks on the spiking run's chip, by cost model ``mapped``.

        Args:
            spiking: results of the spiking network on the images.
            images: test images.
            seen: called with the number of images just computed.
        """
        plan, work = self.twin.of.plan, rows(self.twin.of.architecture, self.twin.of.plan.shape)
        found = self._measure(images, seen)
        lif = plan.mapped_model(DENSE)
        relu = replace(lif, timesteps=1, activation_bits=self.twin.activation_bits)
        firing_rate = fmean(spiking.activity.firing_rates.values())
        ones = fmean(found.activity.layers[name].input_rate for name in self.run.network.input_formats())
        artificial = _side(relu, work, found, ones, self.twin.activation_bits)
        return TwinVerdict.of(
            _side(lif, work, spiking, firing_rate, lif.timesteps),
            artificial,
            break_even_rate(lif, work, spiking.trace, firing_rate, artificial.energy_uj),
            twin=str(self.run.directory),
            hardware=plan.config.hardware.accelerator,
            weight_bits=self.twin.of.trained.weight_bits,
            n_images=len(images),
            assumptions=_at(relu, found).estimate(work).assumptions,
            training_seconds=TrainingResult.read(self.run.directory / TRAINING).seconds,
        )

    def _measure(self, images: "Images", seen: Seen) -> Measured:
        import numpy as np

        from neuronas.training.activity import ActivityReader
        from neuronas.training.evaluation import accuracy_of
        from neuronas.training.passes import ClassScores, run_pass

        network, scores = self.run.network, ClassScores()
        activity = ActivityReader(network, images, sensor_of(self.run.plan.config).pixel_bits)
        run_pass(network, images, np.arange(len(images)), self.run.device, scores, activity, seen=seen)
        return Measured(accuracy_of(scores.result, images.labels).top1, activity.result)


def _at(model: MappedCostModel, found: Measured) -> MappedCostModel:
    return replace(model, activity=LayerRates(trace=found.trace))


def _side(dense: MappedCostModel, work: Sequence[Layer], found: Measured, mean: float, n_reads: int) -> TwinSide:
    cost = _at(dense, found).estimate(work)
    return TwinSide(
        top1=found.top1,
        n_reads=n_reads,
        activity=mean,
        area_mm2=cost.area_mm2,
        latency_ms=cost.latency_ms,
        energy_uj=cost.energy_uj,
        energy_dense_uj=dense.estimate(work).energy_uj,
        energy_components=cost.components["energy_uj"],
    )
