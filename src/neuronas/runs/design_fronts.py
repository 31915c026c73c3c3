"""What a search of network and chip together leaves: ``front.json`` (schema: docs/schemas/design-front.schema.json)."""

from neuronas.runs.card import Card, Shown
from neuronas.runs.document import Document, Location
from neuronas.runs.network_setting import NetworkSetting

FRONT, FRONT_TABLE, FRONT_PAGE = "front.json", "front.csv", "front.html"
CHECKPOINT, SPACE, CHOSEN, SURVEY = "front.npz", "design-space.yaml", "chosen.yaml", "survey"


class DesignPoint(Document):
    """A design: cells, setting of the network, arrays of the chip, and what it costs by cost model ``mapped``.

    Attributes:
        error: expected, 0 to 1, by the error term that the front names.
        memory_bits: of the weights.
    """

    architecture: str
    channels: int
    timesteps: int
    weight_bits: int
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
        """Energy times delay times area, µJ ms mm²."""
        return self.energy_uj * self.latency_ms * self.area_mm2

    @property
    def setting(self) -> NetworkSetting:
        """Of the network."""
        return NetworkSetting(channels=self.channels, timesteps=self.timesteps, weight_bits=self.weight_bits)

    @property
    def chip(self) -> str:
        """The arrays, for people."""
        return (
            f"{self.crossbar_size}x{self.crossbar_size} crossbars, {self.rows_per_read} rows per read, "
            f"{self.bits_per_cell} bits per cell, {self.adcs_per_array} ADCs of {self.adc_bits} bits, "
            f"{self.sign_scheme}, replication {self.replication}, {self.schedule}"
        )

    @property
    def text(self) -> str:
        """Setting and chip, for people."""
        return f"{self.setting.text}; {self.chip}"


class Purchase(Document):
    """What more of one cost buys: the best of another objective, all other costs as they are or lower.

    Attributes:
        spent: ``energy_uj``, ``latency_ms`` or ``area_mm2``.
        more: by which share it may rise.
        objective: what gets better.
        saved: by which share.
        design: that has it.
    """

    spent: str
    more: float
    objective: str
    saved: float
    design: DesignPoint


class AxisEffect(Document):
    """What one value of an axis does, from all costed designs: factors on the mean of the axis.

    Of chip axes, a least-squares fit of the logarithms with all chip axes at once; of network axes, means.

    Attributes:
        axis: its name.
        value: one of its values.
        factors: of ``error``, ``energy_uj``, ``latency_ms`` and ``area_mm2``.
    """

    axis: str
    value: str
    factors: dict[str, float]


class DesignFront(Shown, Document):
    """The front of network and chip together, and the design that was chosen from it.

    Attributes:
        directory: of all files.
        hardware: the accelerator whose arrays are changed.
        axes: values of every axis, as text.
        n_candidates: cells whose fitness was surveyed.
        n_settings: of the network.
        n_covered: designs that are enumerated or bounded.
        n_costed: of these, costed one by one.
        n_feasible: of these, keep all limits.
        excluded: combinations of setting and chip that cannot be built, by rule.
        n_front: designs on the front, all in ``front.csv``.
        resolution: by which share the front may miss a design.
        max_error: designs with a larger expected error are left out.
        error_term: name of what accuracy is expected by.
        error_basis: what it rests on.
        prefer: how the design was chosen.
        chosen: the design.
        extremes: the best design of each objective, and of energy times delay times area.
        purchases: what more energy, time or area than the chosen design's would buy.
        effects: what each axis does.
        interactions: of two axes of the chip, the share of the variance of each cost that they have only together;
            the largest.
        explained: share of the variance of each objective, over chips, that the chip's axes explain one by one.
        seconds: of the enumeration.
        files: by name, paths in the directory.
    """

    directory: Location
    dataset: str
    hardware: str
    axes: dict[str, tuple[str, ...]]
    n_candidates: int
    n_settings: int
    n_covered: int
    n_costed: int
    n_feasible: int
    excluded: dict[str, int]
    n_front: int
    resolution: float
    max_error: float = 1.0
    error_term: str
    error_basis: str
    prefer: str
    chosen: DesignPoint
    extremes: dict[str, DesignPoint]
    purchases: tuple[Purchase, ...]
    effects: tuple[AxisEffect, ...]
    interactions: dict[str, dict[str, float]]
    explained: dict[str, float]
    seconds: float
    files: dict[str, str]

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
