"""From given settings to the parts of a run, as far as neither images nor torch are needed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuronas.api.absent import looked_up
from neuronas.api.dataset_settings import DATA_SET, chosen_dataset, decided_by, default_limits, sensor_of
from neuronas.config import (
    ALGORITHMS,
    FITNESS,
    PRESETS,
    RECIPES,
    SETTINGS,
    NetworkConfig,
    ResolvedConfig,
    RunConfig,
    Section,
    WeightBits,
    each_layer,
    label,
    merged,
    one_precision,
    origin,
    plugin_digest,
    validate,
    value_at,
    with_value,
    written,
)
from neuronas.config import given as checked
from neuronas.data.dataset import DataSet
from neuronas.errors import ConfigurationError
from neuronas.hardware.accelerator import Accelerator, load_accelerator
from neuronas.hardware.budget import Budget
from neuronas.hardware.cost import Cost, CostModel
from neuronas.hardware.mapped.activity import Activity, load_activity
from neuronas.hardware.mapped.intervals import spreads
from neuronas.hardware.mapped.model import MappedCostModel
from neuronas.hardware.models import beside, make_cost_model, mapped_cost_model
from neuronas.hardware.units import BUDGETED
from neuronas.runs.costs import CostReport, OtherModel
from neuronas.runs.directory import RunOrigin
from neuronas.runs.network_setting import NetworkSetting
from neuronas.search.algorithms.base import Algorithm
from neuronas.search.algorithms.table import as_algorithm
from neuronas.space.genotype import Architecture
from neuronas.space.notation import format_architecture
from neuronas.space.shape import NetworkShape
from neuronas.space.spaces import Space, load_space
from neuronas.space.workload import Layer, rows

if TYPE_CHECKING:
    from neuronas.fitness.measure import Measure


@dataclass(frozen=True)
class Copies:
    """Copies, in a run or a worker's job, of the files and objects that settings name; None: to be looked up."""

    space: Space | None = None
    accelerator: Accelerator | None = None
    activity: Activity | None = None


COPIED: dict[str, type[Section]] = {"space": Space, "accelerator": Accelerator, "activity": Activity}
"""Class of each copy, by its name in ``runs.directory.COPIES``."""


@dataclass(frozen=True)
class Plan:
    """The complete settings of a run, and the objects that they name.

    Attributes:
        config: complete settings.
        given: settings that the user gave; later commands, such as training, resolve them again.
        dataset: data set that the settings name, or that was given.
    """

    config: ResolvedConfig
    given: RunConfig
    dataset: DataSet
    space: Space
    shape: NetworkShape
    accelerator: Accelerator
    activity: Activity
    cost_model: CostModel
    algorithm: Algorithm
    measure: "Measure"
    budget: Budget

    def mapped_model(self, activity: Activity | None = None) -> MappedCostModel:
        """Cost model ``mapped``, which places weights on the chip, whichever model the budgets apply to.

        Args:
            activity: activity instead of the one in the settings.
        """
        network = self.config.network
        return mapped_cost_model(
            self.config.hardware,
            self.accelerator,
            network.weight_bits,
            network.timesteps,
            activity or self.activity,
            sensor_of(self.config),
        )

    def model_named(
        self,
        name: str,
        *,
        accelerator: Accelerator | None = None,
        weight_bits: WeightBits | None = None,
        timesteps: int | None = None,
    ) -> CostModel:
        """Another cost model; arguments that are not given are taken from the settings.

        Args:
            name: name in the registry of cost models.
            accelerator: accelerator to cost.
            weight_bits: bits of the weights.
            timesteps: time steps T.
        """
        hardware, network = self.config.hardware.model_copy(update={"cost_model": name}), self.config.network
        return make_cost_model(
            hardware,
            accelerator or self.accelerator,
            weight_bits or network.weight_bits,
            timesteps or network.timesteps,
            self.activity,
            sensor_of(self.config),
        )

    def other_model(self, work: Sequence[Layer], name: str) -> OtherModel:
        """Cost by the model that the budgets do not apply to.

        Args:
            work: rows of work to cost.
            name: name of the model that it complements.
        """
        other = self.model_named(beside(name))
        cost = other.estimate(work)
        totals = {name: getattr(cost, name) for name in BUDGETED}
        return OtherModel(cost_model=other.name, violations=self.budget.violations(cost), **totals)

    def at(self, setting: NetworkSetting) -> "Plan":
        """The plan with other channels, time steps and weight bits."""
        network, shape = (
            self.config.network.model_copy(update=setting.plain()),
            replace(self.shape, channels=setting.channels),
        )
        values = {name: value for name, value in written(self.given).items() if name != "design"}
        return replace(
            self,
            given=checked(merged(values, {"network": setting.plain()}), "settings"),
            config=self.config.model_copy(update={"network": network}),
            dataset=self.dataset.with_timesteps(setting.timesteps),
            shape=shape,
            measure=_adapted(self.measure, shape, network),
            cost_model=self.model_named(
                self.cost_model.name, weight_bits=setting.weight_bits, timesteps=setting.timesteps
            ),
        )

    @property
    def setting(self) -> NetworkSetting:
        """Channels, time steps and weight bits.

        Raises:
            ConfigurationError: layers have different bits.
        """
        network = self.config.network
        bits = one_precision(network.weight_bits, "a network that a design chooses")
        return NetworkSetting(channels=network.channels, timesteps=network.timesteps, weight_bits=bits)

    def cost_report(self, architecture: Architecture, cost: Cost, model: CostModel | None = None) -> CostReport:
        """The cost as a document; ``model``: the cost model that computed it, if not the run's."""
        return self.work_report(format_architecture(architecture), rows(architecture, self.shape), cost, model)

    def work_report(self, text: str, work: Sequence[Layer], cost: Cost, model: CostModel | None = None) -> CostReport:
        """The same document for any network: its name, its rows of work, and their cost."""
        network = self.config.network
        weighted = [row.name for row in work if row.has_weights]
        return CostReport.of(
            cost,
            self.other_model(work, (model or self.cost_model).name),
            architecture=text,
            hardware=self.config.hardware.accelerator,
            cost_model=(model or self.cost_model).name,
            weight_bits=each_layer(network.weight_bits, weighted),
            timesteps=network.timesteps,
        )

    @property
    def passes_images(self) -> bool:
        """Whether the data set is an object in this process, which workers cannot open by name."""
        return not isinstance(value_at(written(self.given), "data.name") or "", str)

    @property
    def copies(self) -> Copies:
        """Copies of the files and objects that the settings name."""
        return Copies(self.space, self.accelerator, self.activity)

    @property
    def origin(self) -> RunOrigin:
        """Files that a run of this plan keeps, so that it needs no other file and notices changed code."""
        data = {DATA_SET: self.dataset.fingerprint}
        plugins = {f"plugin {name}": plugin_digest(name) for name in self.config.plugins}
        return RunOrigin(
            self.config,
            self.given,
            {"space": self.space, "accelerator": self.accelerator, "activity": self.activity},
            {"fitness": origin(self.measure), "algorithm": origin(self.algorithm.propose), **data, **plugins},
            self.algorithm.grows,
        )


def plan(
    given: RunConfig, copies: Copies | None = None, *, lenient: bool = False, started_in: Path | None = None
) -> Plan:
    """Fill in defaults, and look up all names.

    Args:
        given: settings as the user gave them.
        copies: copies of the files and objects that they name, if a run holds them.
        lenient: a finished run is read: its code need not be available until it is used.
        started_in: folder in which the run was started; data not found under a relative path is looked for there.

    Raises:
        ConfigurationError, DataError: a name is unknown, or values cannot be combined.
    """
    copies = copies or Copies()
    values = written(given)
    values = merged(PRESETS[values.get("preset") or SETTINGS["preset"].default], values)
    named = {path: one.default for path, one in SETTINGS.items() if one.meaning.choices is not None}
    chosen = {path: default if (value := value_at(values, path)) is None else value for path, default in named.items()}
    dataset = chosen_dataset(chosen["data.name"], values, started_in)
    space = copies.space or load_space(chosen["space"])
    algorithm = as_algorithm(looked_up(ALGORITHMS, chosen["search.algorithm"], lenient=lenient))
    recipe = value_at(values, "train.recipe") or SETTINGS["train.recipe"].default
    defaults = {
        **{path: one.default for path, one in SETTINGS.items() if one.meaning.default is None},
        **decided_by(dataset, values),
        **({"network.channels": space.channels} if space.channels else {}),
        **default_limits(algorithm.budget, dataset, values),
        **{f"train.{name}": value for name, value in RECIPES[recipe].items()},
        "train.seed": value_at(values, "seed") or 0,
        "train.device": value_at(values, "device") or "auto",
    }
    config = _resolved(values, defaults)
    network = config.network
    shape = NetworkShape(
        image_channels=config.data.image_channels,
        image_side=config.data.image_side,
        n_classes=config.data.n_classes,
        channels=network.channels,
        n_cells=space.cells,
        head_width=network.head_width,
        head=network.head,
        n_voters=network.n_voters,
        sequence=config.data.sequence,
    )
    if space.backward and network.timesteps == 1:
        raise ConfigurationError(
            f"timesteps 1 given with space {config.space}, whose backward edges carry values of the previous step; "
            "expected at least 2"
        )
    accelerator = copies.accelerator or load_accelerator(chosen["hardware.accelerator"])
    activity = copies.activity or load_activity(config.hardware)
    return Plan(
        config=config,
        given=given,
        dataset=dataset.with_timesteps(network.timesteps) if config.data.sequence else dataset,
        space=space,
        shape=shape,
        accelerator=accelerator,
        activity=activity,
        cost_model=make_cost_model(
            config.hardware, accelerator, network.weight_bits, network.timesteps, activity, sensor_of(config)
        ),
        algorithm=algorithm,
        measure=_adapted(looked_up(FITNESS, chosen["fitness.name"], lenient=lenient), shape, network),
        budget=Budget(**config.budget.model_dump(), spreads=spreads(accelerator)),
    )


def _adapted(measure: "Measure", shape: NetworkShape, network: NetworkConfig) -> "Measure":
    """The measure for the networks of a run."""
    from neuronas.fitness.measure import Task, for_task

    return for_task(measure, Task(shape, network.timesteps, network.weight_bits))


def _resolved(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> ResolvedConfig:
    nested: dict[str, Any] = {}
    for path, one in SETTINGS.items():
        value = value_at(values, path)
        if value is None:
            value = defaults[path]
        if one.meaning.choices is not None and value is not None and not isinstance(value, str):
            value = label(value)
        nested = with_value(nested, path, value)
    return validate(ResolvedConfig, nested, "settings")
