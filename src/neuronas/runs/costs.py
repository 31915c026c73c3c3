"""Cost as a document: what ``estimate --json`` prints, and what results of searches and evaluations contain."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Self

from pydantic import Field

from neuronas.config import NetworkConfig, WeightBits, each_layer
from neuronas.hardware.units import BUDGETED
from neuronas.runs.document import Document, Share
from neuronas.space.shape import Side

if TYPE_CHECKING:
    from neuronas.hardware.accelerator import Accelerator
    from neuronas.hardware.cost import Cost, Interval, LayerCost
    from neuronas.hardware.sweep import Sweep, SweepPoint


class Budgeted(Document):
    """The four quantities that a budget can limit."""

    parameters: int
    area_mm2: float
    latency_ms: float
    energy_uj: float


class OtherModel(Budgeted):
    """The totals by the cost model that is not used for budgets.

    ``violations``: excess over each limit that they break, in the unit of its name.
    """

    cost_model: str
    violations: dict[str, float]


class CostInterval(Document):
    """Interval of a cost, from the errors of the estimates of measured arrays.

    Attributes:
        low: lower limit, in the cost's unit.
        high: upper limit.
        level: confidence, 0 to 1.
        array: part of the cost due to arrays, in the cost's unit.
        not_validated: share of the cost without validation against silicon; it is assumed exact.
    """

    low: float
    high: float
    level: Share
    array: float
    not_validated: Share

    @classmethod
    def of(cls, interval: "Interval", cost: float) -> Self:
        """The document of an interval around a cost."""
        rest = 1 - interval.array / cost if cost else 0.0
        return cls(**vars(interval), not_validated=min(max(rest, 0.0), 1.0))


class CostSummary(Budgeted):
    """An architecture's cost on an accelerator by one cost model; each total is the sum of its components.

    ``architecture``: its text; for another network, the name of its file or class.
    ``intervals``: for latency and energy, by quantity; empty for a model whose arrays are not validated on silicon.
    ``other_model``: the totals by ``paper`` if ``cost_model`` is ``mapped``, otherwise by ``mapped``.
    """

    architecture: str
    hardware: str
    cost_model: str
    weight_bits: WeightBits
    timesteps: int
    memory_bits: int
    components: dict[str, dict[str, float]]
    assumptions: tuple[str, ...]
    intervals: dict[str, CostInterval] = Field(default_factory=dict)
    other_model: OtherModel


class LayerRow(Document):
    """One layer: its shape, the hardware it uses, and its cost.

    Sides are in pixels, [height, width] if they differ. ``utilisation``: share of the rows and columns of its crossbars
    that hold a weight, 0 to 1. ``weight_bits``: for layers with weights, only if layers have different precisions.
    """

    name: str
    kind: str
    in_channels: int
    out_channels: int
    kernel: Side
    stride: Side
    in_side: Side
    out_side: Side
    groups: int
    n_crossbars: int
    n_pes: int
    n_tiles: int
    utilisation: float
    area_mm2: float
    latency_ms: float
    energy_uj: float
    weight_bits: int | None = Field(default=None, exclude_if=lambda bits: bits is None)

    @classmethod
    def of(cls, row: "LayerCost", *, is_mixed: bool) -> Self:
        """The row of a layer's cost; ``is_mixed``: in a network whose layers have different weight bits."""
        bits = row.weight_bits if is_mixed and row.layer.has_weights else None
        values = {**vars(row.layer), **vars(row), "weight_bits": bits}
        return cls(**{name: values[name] for name in cls.model_fields})


class SweptCost(Budgeted):
    """The totals at one value of the swept constant."""

    value: float


class SweptConstant(Document):
    """One constant of the accelerator (``key``, with dots) at several values, everything else unchanged."""

    key: str
    points: tuple[SweptCost, ...]

    @classmethod
    def of(cls, sweep: "Sweep", points: "Sequence[SweepPoint]") -> Self:
        """The document of a sweep."""
        rows = ({name: getattr(point.cost, name) for name in BUDGETED} | {"value": point.value} for point in points)
        return cls(key=sweep.key, points=tuple(SweptCost(**row) for row in rows))


class RateForecast(Document):
    """Firing rates expected after training, spikes per neuron per time step; a forecast, not measured.

    ``layers``: firing rate of each LIF layer, by name.
    ``mean``: mean input rate of the layers with weights, including layers on dead edges.
    ``median_factor``: median error factor of the forecasts of ``mean``, on held-out networks of data set
    ``checked_on``; ``factor_of_9_in_10``: 90th percentile of the error factor.
    ``not_fitted``: properties of this network that none of the networks used for fitting had.
    """

    layers: dict[str, Share]
    mean: Share
    checked_on: str
    median_factor: float
    factor_of_9_in_10: float
    not_fitted: tuple[str, ...]

    @property
    def note(self) -> str:
        """Origin and accuracy of the forecast, in one line."""
        unknown = f"; not fitted for {', '.join(self.not_fitted)}" if self.not_fitted else ""
        return (
            f"firing rates are a forecast, mean {self.mean:.3f}: on trained networks of {self.checked_on} half of the "
            f"forecasts were off by less than a factor of {self.median_factor:.2f}, nine in ten by less than "
            f"{self.factor_of_9_in_10:.2f}{unknown}"
        )


class CostReport(CostSummary):
    """A cost summary with its layers and, if requested, a sweep and the forecast of firing rates."""

    layers: tuple[LayerRow, ...]
    sweep: SweptConstant | None = Field(default=None, exclude_if=lambda sweep: sweep is None)
    firing_rates: RateForecast | None = Field(default=None, exclude_if=lambda rates: rates is None)

    @classmethod
    def of(
        cls, cost: "Cost", model: str, other: OtherModel, architecture: str, hardware: str, network: NetworkConfig
    ) -> Self:
        """Assemble a report.

        Args:
            cost: cost of the network.
            model: name of the cost model.
            other: totals by the other cost model.
            architecture: its text, or the name of another network.
            hardware: the accelerator's name.
            network: settings with the precision and the number of time steps.
        """
        weighted = [row.layer.name for row in cost.layers if row.layer.has_weights]
        same = ("memory_bits", *BUDGETED, "components", "assumptions")
        return cls(
            **{name: getattr(cost, name) for name in same},
            architecture=architecture,
            hardware=hardware,
            cost_model=model,
            weight_bits=each_layer(network.weight_bits, weighted),
            timesteps=network.timesteps,
            intervals={name: CostInterval.of(one, getattr(cost, name)) for name, one in cost.intervals.items()},
            other_model=other,
            layers=tuple(LayerRow.of(row, is_mixed=cost.is_mixed) for row in cost.layers),
        )

    @property
    def summary(self) -> CostSummary:
        """The same without its layers."""
        return CostSummary(**{name: getattr(self, name) for name in CostSummary.model_fields})


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
    """A network on every accelerator, least energy first: ``estimate ARCH --hardware all``."""

    architecture: str
    cost_model: str
    weight_bits: WeightBits
    timesteps: int
    chips: tuple[ChipCost, ...]
    refused: tuple[RefusedHardware, ...]
