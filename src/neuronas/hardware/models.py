"""The cost models by name."""

from neuronas.errors import unknown_name
from neuronas.hardware.accelerator import Accelerator
from neuronas.hardware.cost import CostModel
from neuronas.hardware.paper import PaperCostModel

COST_MODELS = {"paper": PaperCostModel}


def make_cost_model(name: str, accelerator: Accelerator, weight_bits: int, timesteps: int) -> CostModel:
    """Make the cost model ``name`` for an accelerator, precision and number of time steps.

    Raises:
        ConfigurationError: if there is no such model.
    """
    if name not in COST_MODELS:
        raise unknown_name("cost model", name, COST_MODELS)
    return COST_MODELS[name](accelerator, weight_bits, timesteps)
