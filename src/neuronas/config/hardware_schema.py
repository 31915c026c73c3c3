"""Settings of the hardware, its cost and budgets; see ``neuronas.config.schema``."""

from typing import Any, Literal, Self

from pydantic import field_validator, model_validator

from neuronas.config.registry import ACCELERATORS, COST_MODELS, TARGETS
from neuronas.config.setting import Before, Section, setting
from neuronas.config.values import ALGORITHM, BY_COST_MODEL, DESIGN, ESTIMATE, EVALUATE, FIT, SEARCH, Place

_COST = (ESTIMATE, SEARCH, DESIGN)


class HardwareConfig(Section):
    """Hardware: the accelerator and the cost model."""

    accelerator: str = setting(
        "Accelerator, or FILE.yaml (estimate: or all)", "spikeflow-rram",
        (ESTIMATE, SEARCH, EVALUATE, DESIGN),
        name="hardware", choices=ACCELERATORS,
    )  # fmt: skip
    target: str | None = setting(
        "Chip that the network must fit, or FILE.yaml", None, (SEARCH, FIT), choices=TARGETS, metavar="NAME",
        before=Before.DEFAULT, unset="search: none; fit: speck2f",
    )  # fmt: skip
    cost_model: str = setting("Cost model that budgets apply to", "mapped", _COST, choices=COST_MODELS)
    schedule: Literal["layers-in-order", "pipelined-over-timesteps"] = setting(
        "Order in which layers are computed (cost model mapped)", "layers-in-order", _COST, needs=BY_COST_MODEL
    )
    replication: int = setting(
        "Copies of each layer's weights (cost model mapped)", 1, _COST, needs=BY_COST_MODEL, ge=1, le=4096
    )
    activity: Literal["dense", "rate", "trace", "forecast"] = setting(
        "Activity of the inputs (cost model mapped; forecast: estimate only)", "dense", _COST, needs=BY_COST_MODEL
    )  # fmt: skip
    firing_rate: float | None = setting(
        "Fraction of the inputs that spike in a time step (--activity rate)", None, _COST, ge=0, le=1
    )
    trace: Place | None = setting(
        "Firing rate of each layer's inputs (--activity trace): YAML, or the evaluation.json of a run", None, _COST,
        metavar="FILE",
    )  # fmt: skip

    @model_validator(mode="after")
    def _activity_has_its_value(self) -> Self:
        for activity, key in (("rate", "firing_rate"), ("trace", "trace")):
            if (self.activity == activity) != (getattr(self, key) is not None):
                raise ValueError(f"expected activity '{activity}' together with {key}, or neither")
        return self


def _limit(what: str, unit: str | None = None) -> Any:
    return setting(f"Limit on the {what}; inf: no limit", ALGORITHM, _COST, unit=unit, ge=0, allow_inf_nan=True)


class BudgetConfig(Section):
    """Budget: upper limits of the cost; ``inf``: no limit."""

    max_parameters: float = _limit("number of weights")
    max_area_mm2: float = _limit("chip area", "mm²")
    max_latency_ms: float = _limit("latency per image", "ms")
    max_energy_uj: float = _limit("energy per image", "µJ")
    confidence: float | None = setting(
        "Apply budgets to the upper bounds of latency and energy at this confidence, not to the estimates", None, _COST,
        before=Before.DEFAULT, ge=0.5, lt=1,
    )  # fmt: skip

    @field_validator("*")
    @classmethod
    def _not_nan(cls, value: float | None) -> float | None:
        if value is not None and value != value:
            raise ValueError("expected a number >= 0 (or inf for no limit)")
        return value
