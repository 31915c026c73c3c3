"""Result of a joint search of network and chip: ``front.json`` (schema: docs/schemas/design-front.schema.json)."""

from pydantic import Field

from neuronas.config import WeightBits
from neuronas.runs.card import Card, Shown
from neuronas.runs.document import Document, Location
from neuronas.runs.network_setting import NetworkSetting

FRONT, FRONT_TABLE, FRONT_PAGE = "front.json", "front.csv", "front.html"
CHECKPOINT, SPACE, CHOSEN, SURVEY = "front.npz", "design-space.yaml", "chosen.yaml", "survey"


class DesignPoint(Document):
    """A design: cells, setting of the network, arrays of the chip, and its cost by cost model ``mapped``.

    Attributes:
        weight_bits: bits per weight, of all layers or by part of the network.
        error: expected error, 0 to 1, by the front's ``error_term``.
        memory_bits: memory of the weights.
    """

    architecture: str
    channels: int
    timesteps: int
    weight_bits: WeightBits
    crossbar_size: int
    rows_per_read: int
    bits_per_cell: int
    adc_bits: int
    adcs_per_array: int
    sign_scheme: str
    replication: int
    schedule: str
    error: float
    energy_uj: float
    latency_ms: float
    area_mm2: float
    memory_bits: int

    @property
    def edap(self) -> float:
        """Energy-delay-area product, µJ ms mm²."""
        return self.energy_uj * self.latency_ms * self.area_mm2

    @property
    def setting(self) -> NetworkSetting:
        """Setting of the network."""
        return NetworkSetting(channels=self.channels, timesteps=self.timesteps, weight_bits=self.weight_bits)

    @property
    def chip(self) -> str:
        """The arrays in words."""
        return (
            f"{self.crossbar_size}x{self.crossbar_size} crossbars, {self.rows_per_read} rows per read, "
            f"{self.bits_per_cell} bit{'s' if self.bits_per_cell > 1 else ''} per cell, "
            f"{self.adcs_per_array} ADCs of {self.adc_bits} bits, {self.sign_scheme}, "
            f"replication {self.replication}, {self.schedule}"
        )

    @property
    def text(self) -> str:
        """Setting and chip in words."""
        return f"{self.setting.text}; {self.chip}"


class Purchase(Document):
    """Trade-off: the best value of one objective if one cost may rise and no other cost does.

    Attributes:
        spent: the cost that may rise: ``energy_uj``, ``latency_ms`` or ``area_mm2``.
        more: relative increase that is allowed.
        objective: the objective that improves.
        saved: its relative improvement.
        design: the design with this improvement.
    """

    spent: str
    more: float
    objective: str
    saved: float
    design: DesignPoint


class AxisEffect(Document):
    """Main effect of one value of an axis over all costed designs, as factors relative to the mean of the axis.

    Chip axes: least-squares fit of the logarithms with all chip axes at once. Network axes: means.

    Attributes:
        axis: name of the axis.
        value: one of its values.
        factors: factors of ``error``, ``energy_uj``, ``latency_ms`` and ``area_mm2``.
    """

    axis: str
    value: str
    factors: dict[str, float]


class FrontChoice(Document):
    """The design chosen from a Pareto front.

    Attributes:
        n_covered: number of designs that were enumerated or excluded by bounds.
        n_front: number of designs on the front.
        prefer: how the design was chosen.
        chosen: the chosen design.
        purchases: trade-offs: the gain if energy, time or area may be larger than the chosen design's.
    """

    n_covered: int
    n_front: int
    prefer: str
    chosen: DesignPoint
    purchases: tuple[Purchase, ...]


class DesignFront(Shown, FrontChoice):
    """The Pareto front of network and chip together, and the design chosen from it; ``front.csv`` lists all designs.

    Attributes:
        directory: folder of all files.
        hardware: the accelerator whose arrays are changed.
        axes: values of every axis, as text.
        n_candidates: number of candidates whose fitness was computed.
        n_settings: number of settings of the network.
        n_costed: number of designs that were costed individually.
        n_feasible: number of costed designs within all limits.
        excluded: number of combinations of setting and chip that cannot be built, by rule.
        resolution: relative tolerance within which the front is complete.
        limits: the given limits by quantity, such as ``area_mm2``.
        max_error: limit of the expected error; designs with a larger one are excluded.
        error_term: name of the estimate of the expected error.
        error_basis: data that this estimate is based on.
        error_half_width: half-width of the 90 % interval around an expected error; null: unknown for this data set.
        extremes: the best design of each objective, and of the energy-delay-area product.
        effects: main effects of each axis.
        interactions: the largest pairwise interactions of chip axes, as shares of the variance of each cost.
        explained: share of the variance of each objective over chips that the main effects of the chip's axes explain.
        seconds: wall-clock time of the enumeration.
        files: paths in the directory, by name.
    """

    directory: Location
    dataset: str
    hardware: str
    axes: dict[str, tuple[str, ...]]
    n_candidates: int
    n_settings: int
    n_costed: int
    n_feasible: int
    excluded: dict[str, int]
    resolution: float
    limits: dict[str, float] = Field(default_factory=dict)
    max_error: float = 1.0
    error_term: str
    error_basis: str
    error_half_width: float | None
    extremes: dict[str, DesignPoint]
    effects: tuple[AxisEffect, ...]
    interactions: dict[str, dict[str, float]]
    explained: dict[str, float]
    seconds: float
    files: dict[str, str]

    def error_interval(self, design: DesignPoint) -> tuple[float, float] | None:
        """Limits of the 90 % interval around the expected error of a design; None if unknown for this data set."""
        if self.error_half_width is None:
            return None
        return max(design.error - self.error_half_width, 0.0), min(design.error + self.error_half_width, 1.0)

    def card(self) -> Card:
        """See ``Shown``."""
        facts = {
            "network": self.chosen.setting.text,
            "chip": self.chosen.chip,
            "energy": f"{self.chosen.energy_uj:.4g} µJ",
            "latency": f"{self.chosen.latency_ms:.4g} ms",
            "area": f"{self.chosen.area_mm2:.4g} mm²",
            "front": f"{self.n_front:,} of {self.n_covered:,} designs",
            "page": str(self.directory / self.files["page"]),
        }
        return Card("design front", facts)
