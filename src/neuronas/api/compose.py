"""From settings to the parts of a run: everything that needs no image and no torch."""

from dataclasses import dataclass, replace
from typing import Any

from neuronas.config import RunConfig, TrainConfig
from neuronas.data.presets import DatasetPreset, classes_of, preset_for
from neuronas.errors import ConfigurationError
from neuronas.hardware.accelerator import Accelerator, load_accelerator
from neuronas.hardware.budget import Budget
from neuronas.hardware.cost import Cost, CostModel
from neuronas.hardware.document import cost_document
from neuronas.hardware.mapped.activity import Activity, load_activity
from neuronas.hardware.mapped.model import MappedCostModel
from neuronas.hardware.models import make_cost_model, mapped_cost_model
from neuronas.search.algorithms.base import Algorithm
from neuronas.search.algorithms.table import algorithm_named
from neuronas.space.genotype import Architecture
from neuronas.space.notation import format_architecture
from neuronas.space.shape import NetworkShape
from neuronas.space.spaces import Space, load_space


@dataclass(frozen=True)
class Plan:
    """A run's settings, complete, and what they name."""

    config: RunConfig
    preset: DatasetPreset
    space: Space
    shape: NetworkShape
    accelerator: Accelerator
    activity: Activity
    cost_model: CostModel
    algorithm: Algorithm
    budget: Budget

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

    def cost_document(self, architecture: Architecture, cost: Cost, model: CostModel | None = None) -> dict[str, Any]:
        """Cost as JSON, as the contract has it; ``model``: which one gave it, if not the run's."""
        network = self.config.network
        return cost_document(
            format_architecture(architecture),
            self.config.hardware.accelerator,
            (model or self.cost_model).name,
            network.weight_bits,
            network.timesteps,
            cost,
        )


def plan(config: RunConfig) -> Plan:
    """Fill in what the settings leave to presets, and look up every name.

    Raises:
        ConfigurationError, DataError: an unknown name, or values that do not go together.
    """
    preset = preset_for(config.data.name)
    space = load_space(config.space)
    algorithm = algorithm_named(config.search.algorithm)
    budget = _budget(config, algorithm)
    n_classes, class_names = config.data.n_classes, config.data.class_names
    if n_classes is None:
        n_classes, class_names = classes_of(config.data.name)
    limits = {f"max_{name}": float(limit) for name, limit in budget.limits.items()}
    network = config.network.model_copy(
        update={
            "channels": config.network.channels or space.channels or preset.channels,
            "head_width": config.network.head_width or preset.head_width,
        }
    )
    complete = config.model_copy(
        update={
            "network": network,
            "data": config.data.model_copy(
                update={
                    "image_side": config.data.image_side or preset.image_side,
                    "n_classes": n_classes,
                    "class_names": class_names,
                }
            ),
            "fitness": config.fitness.model_copy(update={"batch_size": config.fitness.batch_size or preset.batch_size}),
            "budget": config.budget.model_copy(update=limits),
        }
    )
    shape = NetworkShape(
        image_channels=preset.image_channels,
        image_side=complete.data.image_side or 0,
        n_classes=complete.data.n_classes or 0,
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
    return Plan(complete, preset, space, shape, accelerator, activity, cost_model, algorithm, budget)


def _budget(config: RunConfig, algorithm: Algorithm) -> Budget:
    given = {name: value for name, value in config.budget.model_dump().items() if value is not None}
    return Budget(**{f"max_{name}": float(limit) for name, limit in algorithm.budget.limits.items()} | given)
