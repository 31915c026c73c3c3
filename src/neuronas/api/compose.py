"""From settings to the parts of a run: everything that needs no image and no torch."""

from dataclasses import dataclass, replace

from neuronas.config import RunConfig, TrainConfig
from neuronas.data.dataset import DataSet
from neuronas.data.datasets import described, open_dataset
from neuronas.errors import ConfigurationError
from neuronas.hardware.accelerator import Accelerator, load_accelerator
from neuronas.hardware.budget import Budget
from neuronas.hardware.cost import Cost, CostModel
from neuronas.hardware.mapped.activity import Activity, load_activity
from neuronas.hardware.mapped.model import MappedCostModel
from neuronas.hardware.models import make_cost_model, mapped_cost_model
from neuronas.runs.costs import CostReport
from neuronas.search.algorithms.base import Algorithm
from neuronas.search.algorithms.table import algorithm_named
from neuronas.space.genotype import Architecture
from neuronas.space.layers import NetworkShape
from neuronas.space.notation import format_architecture
from neuronas.space.spaces import Space, load_space


@dataclass(frozen=True)
class Plan:
    """A run's settings, complete, and what they name."""

    config: RunConfig
    dataset: DataSet
    space: Space
    shape: NetworkShape
    accelerator: Accelerator
    activity: Activity
    cost_model: CostModel
    algorithm: Algorithm
    budget: Budget
    dataset_passed: bool = False
    """Whether the data set is an object of this process, which others cannot open by its name."""

    def with_training(self, settings: TrainConfig) -> "Plan":
        """The same with other settings of training."""
        return replace(self, config=self.config.model_copy(update={"train": settings}))

    def mapped_model(self, activity: Activity | None = None) -> MappedCostModel:
        """The model that knows where weights lie, whichever model budgets are judged by.

        Args:
            activity: other than the one that the settings name.
        """
        network = self.config.network
        return mapped_cost_model(
            self.config.hardware, self.accelerator, network.weight_bits, network.timesteps, activity or self.activity
        )

    def cost_report(self, architecture: Architecture, cost: Cost, model: CostModel | None = None) -> CostReport:
        """Cost as a document; ``model``: the cost model that computed it, if not the run's."""
        network = self.config.network
        return CostReport.of(
            cost,
            architecture=format_architecture(architecture),
            hardware=self.config.hardware.accelerator,
            cost_model=(model or self.cost_model).name,
            weight_bits=network.weight_bits,
            timesteps=network.timesteps,
        )


def plan(config: RunConfig, dataset: DataSet | None = None) -> Plan:
    """Fill in what the settings leave to the data set and the algorithm, and look up every name.

    Args:
        config: the settings.
        dataset: instead of the one that the settings name.

    Raises:
        ConfigurationError, DataError: an unknown name, or values that do not go together.
    """
    passed = dataset is not None
    dataset = dataset or open_dataset(config.data.name, config.data.data_dir)
    data = described(config.data, dataset)
    if passed:
        data = data.model_copy(update={"name": dataset.name})
    space = load_space(config.space)
    algorithm = algorithm_named(config.search.algorithm)
    budget = _budget(config, algorithm)
    limits = {f"max_{name}": float(limit) for name, limit in budget.limits.items()}
    network = config.network.model_copy(
        update={
            "channels": config.network.channels or space.channels or dataset.channels,
            "head_width": config.network.head_width or dataset.head_width,
        }
    )
    complete = config.model_copy(
        update={
            "network": network,
            "data": data,
            "fitness": config.fitness.model_copy(
                update={"batch_size": config.fitness.batch_size or dataset.batch_size}
            ),
            "budget": config.budget.model_copy(update=limits),
        }
    )
    shape = NetworkShape(
        image_channels=data.image_channels or 0,
        image_side=data.image_side or 0,
        n_classes=data.n_classes or 0,
        channels=network.channels or 0,
        n_cells=space.cells,
        head_width=network.head_width or 0,
        head=network.head,
    )
    if space.backward and network.timesteps == 1:
        raise ConfigurationError(
            f"timesteps 1 given with space {config.space}, whose backward edges carry what the step before left; "
            "expected at least 2"
        )
    accelerator = load_accelerator(config.hardware.accelerator)
    activity = load_activity(config.hardware)
    cost_model = make_cost_model(config.hardware, accelerator, network.weight_bits, network.timesteps, activity)
    return Plan(complete, dataset, space, shape, accelerator, activity, cost_model, algorithm, budget, passed)


def _budget(config: RunConfig, algorithm: Algorithm) -> Budget:
    given = {name: value for name, value in config.budget.model_dump().items() if value is not None}
    return Budget(**{f"max_{name}": float(limit) for name, limit in algorithm.budget.limits.items()} | given)
