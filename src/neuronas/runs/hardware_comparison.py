"""A network's cost on every accelerator, as printed by ``estimate ARCH --hardware all``."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Self

from neuronas.config import WeightBits
from neuronas.hardware.units import BUDGETED
from neuronas.runs.costs import Budgeted, CostInterval
from neuronas.runs.document import Document

if TYPE_CHECKING:
    from neuronas.hardware.accelerator import Accelerator
    from neuronas.hardware.cost import Cost


class ChipCost(Budgeted):
    """The totals on one accelerator.

    Attributes:
        hardware: name of the accelerator.
        description: description of the accelerator.
        technology_nm: technology node in nm.
        rows_per_read: number of rows that are summed in one read of a column.
        intervals: see ``CostSummary``.
        violations: excess over each limit that it breaks, in the unit of its name.
    """

    hardware: str
    description: str
    technology_nm: float
    rows_per_read: int
    intervals: dict[str, CostInterval]
    violations: dict[str, float]

    @classmethod
    def of(cls, name: str, accelerator: "Accelerator", cost: "Cost", violations: Mapping[str, float]) -> Self:
        """A cost on an accelerator."""
        return cls(
            hardware=name,
            description=accelerator.description,
            technology_nm=float(accelerator.technology_nm),
            rows_per_read=int(accelerator.crossbar.rows_read),
            intervals={name: CostInterval.of(one, getattr(cost, name)) for name, one in cost.intervals.items()},
            violations=dict(violations),
            **{name: getattr(cost, name) for name in BUDGETED},
        )


class RefusedHardware(Document):
    """An accelerator on which the network cannot be costed, and why."""

    hardware: str
    reason: str


class HardwareComparison(Document):
    """A network on every accelerator, least energy first."""

    architecture: str
    cost_model: str
    weight_bits: WeightBits
    timesteps: int
    chips: tuple[ChipCost, ...]
    refused: tuple[RefusedHardware, ...]
