"""Cost models by name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from neuronas.config import COST_MODELS, HardwareConfig, WeightBits, distinct_bits, keys_with
from neuronas.errors import ConfigurationError
from neuronas.hardware.accelerator import Accelerator
from neuronas.hardware.sensor import AT_ONCE, Sensor

if TYPE_CHECKING:
    from neuronas.hardware.cost import CostModel
    from neuronas.hardware.mapped.activity import Activity
    from neuronas.hardware.mapped.model import MappedCostModel

_Make = Callable[[HardwareConfig, Accelerator, WeightBits, int, "Activity", Sensor], "CostModel"]


@dataclass(frozen=True)
class CostModelEntry:
    """A cost model as a choice; a function alone serves too, and then declares nothing.

    Attributes:
        make: makes the model.
        settings_read: settings of section ``hardware`` that have an effect with some cost models only, and have one
            with this.
    """

    make: _Make
    settings_read: frozenset[str] = frozenset()

    def __call__(
        self,
        settings: HardwareConfig,
        accelerator: Accelerator,
        weight_bits: WeightBits,
        timesteps: int,
        activity: "Activity",
        sensor: Sensor,
    ) -> "CostModel":
        """See ``make_cost_model``."""
        return self.make(settings, accelerator, weight_bits, timesteps, activity, sensor)


def _paper(
    settings: HardwareConfig,
    accelerator: Accelerator,
    weight_bits: WeightBits,
    timesteps: int,
    activity: "Activity",
    sensor: Sensor,
) -> "CostModel":
    from neuronas.hardware.paper import PaperCostModel

    return PaperCostModel(accelerator, weight_bits, timesteps, sensor=sensor)


def mapped_cost_model(
    settings: HardwareConfig,
    accelerator: Accelerator,
    weight_bits: WeightBits,
    timesteps: int,
    activity: "Activity",
    sensor: Sensor = AT_ONCE,
) -> "MappedCostModel":
    """Make the cost model ``mapped``, whose mapping the floorplan also uses."""
    from neuronas.hardware.mapped.model import MappedCostModel

    return MappedCostModel(
        accelerator, weight_bits, timesteps, settings.schedule, settings.replication, activity, sensor=sensor
    )


BUILTIN: dict[str, CostModelEntry] = {
    "paper": CostModelEntry(_paper),
    "mapped": CostModelEntry(
        mapped_cost_model, frozenset({"hardware.schedule", "hardware.replication", "hardware.activity"})
    ),
}


def beside(name: str) -> str:
    """The model that is reported in addition to another: ``paper`` for ``mapped``, otherwise ``mapped``."""
    return "paper" if name == "mapped" else "mapped"


def make_cost_model(
    settings: HardwareConfig,
    accelerator: Accelerator,
    weight_bits: WeightBits,
    timesteps: int,
    activity: "Activity",
    sensor: Sensor = AT_ONCE,
) -> "CostModel":
    """Make the cost model selected by the settings, for an accelerator, precision and number of time steps.

    Args:
        settings: name and options of the model.
        accelerator: the accelerator.
        weight_bits: bits of the parameters.
        timesteps: number of time steps T.
        activity: firing rates of the layers' inputs.
        sensor: sensor that provides the images.

    Raises:
        ConfigurationError: the model is unknown, or a memory cell stores more bits than a weight has.
    """
    make: _Make = COST_MODELS[settings.cost_model]
    bits_per_cell = int(accelerator.crossbar.bits_per_cell)
    least = distinct_bits(weight_bits)[0]
    if bits_per_cell > least:
        raise ConfigurationError(
            f"{settings.accelerator}: crossbar.bits_per_cell is {bits_per_cell} but weights have {least} bits"
            f"{keys_with(weight_bits, least)}; expected at most the weight bits"
        )
    return make(settings, accelerator, weight_bits, timesteps, activity, sensor)
