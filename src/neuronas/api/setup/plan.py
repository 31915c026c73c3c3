"""The plan of a run: its complete settings, the objects that they name, and its cost models."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from neuronas.api.setup.dataset_settings import DATA_SET, sensor_of
from neuronas.config import (
    FITNESS,
    ResolvedConfig,
    RunConfig,
    Section,
    WeightBits,
    given as checked,
    merged,
    origin,
    plugin_digest,
    value_at,
    written,
)
from neuronas.data.dataset import DataSet
from neuronas.hardware.accelerator import Accelerator
from neuronas.hardware.budget import Budget
from neuronas.hardware.cost import Cost, CostModel
from neuronas.hardware.mapped.activity import Activity
from neuronas.hardware.mapped.intervals import spreads
from neuronas.hardware.mapped.model import MappedCostModel
from neuronas.hardware.models import beside, make_cost_model
from neuronas.hardware.units import BUDGETED
from neuronas.runs.costs import CostReport, OtherModel
from neuronas.runs.directory import RunOrigin
from neuronas.runs.network_setting import NetworkSetting
from neuronas.search.algorithms.base import Algorithm
from neuronas.space.genotype import Architecture
from neuronas.space.notation import format_architecture
from neuronas.space.shape import NetworkShape
from neuronas.space.spaces import Space
from neuronas.space.workload import rows

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
        measure: the fitness, adapted to the networks of the run.
        defaults: default of each setting, by path; None: that of the data set, which was not queried.
        cost_model: the cost model that the budget applies to.
        budget: the limits, with the spread of measured arrays of the accelerator's kind.

    Raises:
        ConfigurationError: a memory cell of the accelerator stores more bits than a weight has.
    """

    config: ResolvedConfig
    given: RunConfig
    dataset: DataSet
    space: Space
    shape: NetworkShape
    accelerator: Accelerator
    activity: Activity
    algorithm: Algorithm
    measure: "Measure"
    defaults: Mapping[str, Any]
    cost_model: CostModel = field(init=False)
    budget: Budget = field(init=False)

    def __post_init__(self) -> None:
        from neuronas.fitness.measure import Task, for_task

        network = self.config.network
        measure = for_task(self.measure, Task(self.shape, network.timesteps, network.weight_bits))
        object.__setattr__(self, "measure", measure)
        object.__setattr__(self, "cost_model", self.model_named(self.config.hardware.cost_model))
        budget = Budget(**self.config.budget.model_dump(), spreads=spreads(self.accelerator))
        object.__setattr__(self, "budget", budget)

    def model_named(
        self,
        name: str,
        *,
        accelerator: Accelerator | None = None,
        weight_bits: WeightBits | None = None,
        timesteps: int | None = None,
        activity: Activity | None = None,
    ) -> CostModel:
        """A cost model; arguments that are not given are taken from the settings.

        Args:
            name: name in the registry of cost models.
            accelerator: accelerator to cost.
            weight_bits: bits of the weights.
            timesteps: time steps T.
            activity: firing rates of the layers' inputs.
        """
        hardware, network = self.config.hardware.model_copy(update={"cost_model": name}), self.config.network
        return make_cost_model(
            hardware,
            accelerator or self.accelerator,
            weight_bits or network.weight_bits,
            timesteps or network.timesteps,
            activity or self.activity,
            sensor_of(self.config),
        )

    def mapped_model(self, activity: Activity | None = None) -> MappedCostModel:
        """Cost model ``mapped``, which places weights on the chip, whichever model the budgets apply to.

        Args:
            activity: activity instead of the one in the settings.
        """
        return cast(MappedCostModel, self.model_named("mapped", activity=activity))

    def cost(self, architecture: Architecture, model: CostModel | None = None) -> Cost:
        """The cost of an architecture by the run's cost model, or by another one."""
        return (model or self.cost_model).estimate(rows(architecture, self.shape))

    def cost_report(self, architecture: Architecture | str, cost: Cost, model: CostModel | None = None) -> CostReport:
        """The cost as a document.

        Args:
            architecture: the architecture, or the name of another network.
            cost: its cost.
            model: the cost model that computed it, if not the run's.
        """
        text = architecture if isinstance(architecture, str) else format_architecture(architecture)
        model, hardware, network = model or self.cost_model, self.config.hardware, self.config.network
        other = self.model_named(beside(model.name))
        totals = other.estimate([row.layer for row in cost.layers])
        complement = OtherModel(
            cost_model=other.name,
            violations=self.budget.violations(totals),
            **{name: getattr(totals, name) for name in BUDGETED},
        )
        return CostReport.of(cost, model.name, complement, text, hardware.accelerator, network)

    @property
    def fitness_shape(self) -> NetworkShape:
        """Sizes of the network whose spikes the fitness reads.

        Unless its channels are given, it is no wider than the measure needs; on simulated chips, width has an effect.
        """
        from neuronas.fitness.measure import enough_channels

        fitness, own = self.config.fitness, self.shape.channels
        enough = own if fitness.chip_fitness else enough_channels(self.measure) or own
        return replace(self.shape, channels=fitness.channels or min(own, enough))

    def with_fitness(self, name: str) -> "Plan":
        """The plan with another fitness measure, by name."""
        fitness = self.config.fitness.model_copy(update={"name": name})
        return replace(
            self,
            given=checked(merged(written(self.given), {"fitness": {"name": name}}), "settings"),
            config=self.config.model_copy(update={"fitness": fitness}),
            measure=FITNESS[name],
        )

    def at(self, setting: NetworkSetting) -> "Plan":
        """The plan with other channels, time steps and weight bits."""
        values = {name: value for name, value in written(self.given).items() if name != "design"}
        chosen = dict(setting)
        network = self.config.network.model_copy(update=chosen)
        return replace(
            self,
            given=checked(merged(values, {"network": chosen}), "settings"),
            config=self.config.model_copy(update={"network": network}),
            dataset=self.dataset.with_timesteps(setting.timesteps),
            shape=replace(self.shape, channels=setting.channels),
        )

    @property
    def setting(self) -> NetworkSetting:
        """Channels, time steps and weight bits."""
        return NetworkSetting(**{name: getattr(self.config.network, name) for name in NetworkSetting.model_fields})

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
            vars(self.copies),
            {"fitness": origin(self.measure), "algorithm": origin(self.algorithm.propose), **data, **plugins},
            self.algorithm.grows,
        )
