"""Cost models by name."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from neuronas.config import COST_MODELS, SETTINGS, HardwareConfig, WeightBits, distinct_bits, keys_with
from neuronas.errors import ConfigurationError
from neuronas.hardware.accelerator import Accelerator
from neuronas.hardware.sensor import AT_ONCE, Sensor

if TYPE_CHECKING:
    from neuronas.hardware.cost import CostModel
    from neuronas.hardware.mapped.activity import Activity
    from neuronas.hardware.mapped.model import MappedCostModel

_Maker = Callable[[HardwareConfig, Accelerator, WeightBits, int, "Activity", Sensor], "CostModel"]


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


BUILTIN: dict[str, _Maker] = {"paper": _paper, "mapped": mapped_cost_model}


def beside(name: str) -> str:
    """The model that is reported in addition to another: ``paper`` for ``mapped``, otherwise ``mapped``."""
    return "paper" if name == "mapped" else "mapped"


def unread(settings: HardwareConfig) -> list[str]:
    """Names of settings that were changed although the chosen cost model does not use them."""
    if settings.cost_model == "mapped":
        return []
    names = ("schedule", "replication", "activity")
    return [name for name in names if getattr(settings, name) != SETTINGS[f"hardware.{name}"].default]


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
    make: _Maker = COST_MODELS[settings.cost_model]
    bits_per_cell = int(accelerator.crossbar.bits_per_cell)
    least = distinct_bits(weight_bits)[0]
    if bits_per_cell > least:
        raise ConfigurationError(
            f"{settings.accelerator}: crossbar.bits_per_cell is {bits_per_cell} but weights have {least} bits"
            f"{keys_with(weight_bits, least)}; expected at most the weight bits"
        )
    return make(settings, accelerator, weight_bits, timesteps, activity, sensor)
