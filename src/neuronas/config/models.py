"""The settings of a run. ``None`` means "decided by the data set's preset" (see ``neuronas.data.presets``)."""

from math import inf
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

_SMALLEST, _LARGEST = 1e-30, 1e15  # nothing sensible lies outside; what is computed from it stays finite
Bits = Annotated[int, Field(ge=4, le=32)]
Limit = Annotated[float, Field(ge=0, allow_inf_nan=True)]


class Section(BaseModel):
    """Base of every settings value: strict types, frozen, unknown keys refused, no NaN."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @field_validator("*")
    @classmethod
    def _can_be_computed_with(cls, value: Any) -> Any:
        if isinstance(value, str) and "\0" in value:
            raise ValueError("expected text without the character 0")
        if isinstance(value, int) and abs(value) >= 2**63:
            raise ValueError("expected a whole number below 2**63")
        if isinstance(value, float) and abs(value) != inf and value and not _SMALLEST <= abs(value) <= _LARGEST:
            raise ValueError(f"expected 0, or a number between {_SMALLEST:g} and {_LARGEST:g}")
        return value


class DataConfig(Section):
    """Which images, and how they are read.

    What the data set says is noted for those who read the run without it: ``image_channels``; ``n_classes`` with
    ``class_names``, in the order of the network's outputs; ``mean`` and ``std`` of each channel, of pixels in [0, 1].
    """

    name: str = "digits"
    data_dir: str | None = None
    image_side: Annotated[int, Field(ge=4, le=1024)] | None = None
    image_channels: Annotated[int, Field(ge=1)] | None = None
    n_classes: Annotated[int, Field(ge=1)] | None = None
    class_names: Annotated[tuple[str, ...], Field(strict=False)] | None = None
    mean: Annotated[tuple[float, ...], Field(strict=False)] | None = None
    std: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(strict=False)] | None = None
    skip_corrupt: bool = False


class NetworkConfig(Section):
    """The network around the cells, and its precision.

    ``weight_bits`` 4 to 16 is fixed point, 32 means that weights are not quantised. ``tau`` (dimensionless,
    in time steps), ``v_threshold`` and ``v_reset`` are the LIF neuron's. Head ``linear`` is the papers', of
    ``head_width``; ``gap`` averages over all pixels and has a few thousand weights.
    """

    channels: Annotated[int, Field(ge=1, le=4096)] | None = None
    timesteps: Annotated[int, Field(ge=1, le=256)] = 5
    tau: Annotated[float, Field(gt=1)] = 4 / 3
    v_threshold: Annotated[float, Field(gt=0)] = 1.0
    v_reset: float = 0.0
    weight_bits: Bits = 8
    rounding: Literal["nearest", "floor", "stochastic"] = "nearest"
    head_width: Annotated[int, Field(ge=1)] | None = None
    head: Literal["linear", "gap"] = "linear"

    @field_validator("weight_bits")
    @classmethod
    def _fixed_point_or_none(cls, bits: int) -> int:
        if 16 < bits < 32:
            raise ValueError("expected 4 to 16 (fixed point) or 32 (no quantisation)")
        return bits


class FitnessConfig(Section):
    """How a candidate is judged without training.

    ``batch_size`` in images, averaged over ``n_batches``. Unless ``exact``, a batch of ``screen_batch_size`` images
    first discards all but the best ``screen_keep`` of the candidates (see ``neuronas.search.screening``). With
    ``chips``, fitness is the mean over so many simulated chips that hold the weights (``neuronas.chip.weights``).
    """

    name: str = "path-information"
    batch_size: Annotated[int, Field(ge=2)] | None = None
    n_batches: Annotated[int, Field(ge=1)] = 1
    chips: Annotated[int, Field(ge=1, le=1000)] | None = None
    exact: bool = False
    screen_batch_size: Annotated[int, Field(ge=2)] = 32
    screen_keep: Annotated[float, Field(gt=0, le=1)] = 0.1

    @property
    def has_screen(self) -> bool:
        """Whether a small batch discards candidates; not where it would save next to nothing."""
        return not self.exact and self.screen_keep < 1 and (self.batch_size or 0) >= 4 * self.screen_batch_size


class HardwareConfig(Section):
    """The accelerator (a preset's name or a YAML file) and the cost model that judges it.

    The rest is read by cost model ``mapped``: when layers work, in how many copies, and how often their inputs spike:
    ``dense`` always, ``rate`` with one ``firing_rate`` (0 to 1), ``trace`` with a YAML file of one rate per layer.
    """

    accelerator: str = "spikeflow-rram"
    cost_model: str = "paper"
    schedule: Literal["layers-in-order", "pipelined-over-timesteps"] = "layers-in-order"
    replication: Annotated[int, Field(ge=1, le=4096)] = 1
    activity: Literal["dense", "rate", "trace"] = "dense"
    firing_rate: Annotated[float, Field(ge=0, le=1)] | None = None
    trace: str | None = None

    @model_validator(mode="after")
    def _activity_has_its_value(self) -> Self:
        for activity, key in (("rate", "firing_rate"), ("trace", "trace")):
            if (self.activity == activity) != (getattr(self, key) is not None):
                raise ValueError(f"expected activity '{activity}' together with {key}, or neither")
        return self


class BudgetConfig(Section):
    """Upper limits. ``None``: the algorithm's default; ``inf``: no limit."""

    max_parameters: Limit | None = None
    max_area_mm2: Limit | None = None
    max_latency_ms: Limit | None = None
    max_energy_uj: Limit | None = None

    @field_validator("*")
    @classmethod
    def _not_nan(cls, value: float | None) -> float | None:
        if value is not None and value != value:
            raise ValueError("expected a number >= 0 (or inf for no limit)")
        return value


class EngineConfig(Section):
    """How fitness is computed; nothing here shows in a result.

    ``memory_limit_gib`` is that of each machine (default: half of what is free), divided among its workers. Without
    ``workers`` and ``cluster`` (``ray`` or ``ray:ADDRESS``) the search computes in its own process. A worker counts as
    lost when it has said nothing for ``silence_limit_minutes`` and for 20 times the longest silence that was broken.
    """

    name: Literal["fast", "reference"] = "fast"
    memory_limit_gib: Annotated[float, Field(gt=0)] | None = None
    workers: Annotated[int, Field(ge=1, le=10_000)] | None = None
    cluster: str | None = None
    silence_limit_minutes: Annotated[float, Field(gt=0, le=100_000)] = 10.0

    @field_validator("cluster")
    @classmethod
    def _ray(cls, cluster: str | None) -> str | None:
        name, colon, address = (cluster or "ray").partition(":")
        if name != "ray" or (colon and not address):
            raise ValueError("expected ray or ray:ADDRESS")
        return cluster


class SearchConfig(Section):
    """The algorithm; ``n_draws`` counts the candidates that ``snasnet`` (its default is 5,000) and ``evolution`` draw.

    ``population`` survives each generation of ``evolution``. ``prefer`` chooses the answer from the Pareto front of
    ``evolution`` and ``exhaustive`` (see ``neuronas.search.front``).
    """

    algorithm: str = "neuronas"
    n_draws: Annotated[int, Field(ge=1)] = 5000
    population: Annotated[int, Field(ge=2)] = 100
    prefer: Literal["fitness", "parameters", "area_mm2", "latency_ms", "energy_uj", "knee"] = "fitness"


class TrainConfig(Section):
    """How the network learns. ``None`` means "decided by the recipe" (see ``neuronas.training.recipes``).

    ``learning_rate`` is the largest of the schedule; ``batch_size`` is that of all processes together. ``seed`` and
    ``device`` are the run's unless given. ``scale`` is that of quantised weights; with ``quantise`` ``after``, learning
    sees full precision. ``rate_weight`` times the squared excess of each layer's firing rate (spikes a neuron and
    step) over ``rate_target`` is added to the loss; ``sparsity`` is the share of weights pruned away in the end.
    ``chip_noise`` is the write variation of the accelerator's cells in each pass of training. ``start_from`` names a
    trained run whose best weights are the first ones (fine-tuning).
    """

    recipe: Literal["default", "paper"] = "default"
    seed: Annotated[int, Field(ge=0, lt=2**63)] | None = None
    device: Literal["auto", "cpu", "cuda"] | None = None
    epochs: Annotated[int, Field(ge=1)] | None = None
    batch_size: Annotated[int, Field(ge=2)] | None = None
    optimiser: Literal["sgd", "adamw"] | None = None
    learning_rate: Annotated[float, Field(gt=0)] | None = None
    momentum: Annotated[float, Field(ge=0, lt=1)] | None = None
    weight_decay: Annotated[float, Field(ge=0)] | None = None
    schedule: Literal["cosine", "step"] | None = None
    warmup_epochs: Annotated[float, Field(ge=0)] | None = None
    clip_norm: Annotated[float, Field(ge=0)] | None = None
    loss: Literal["mean", "tet"] | None = None
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] | None = None
    surrogate: str | None = None
    augment: Literal["none", "shift", "flip", "autoaugment", "randaugment"] | None = None
    mixup: Annotated[float, Field(ge=0)] | None = None
    cutout: Annotated[int, Field(ge=0, le=1024)] | None = None
    ema: Annotated[float, Field(ge=0, lt=1)] | None = None
    rate_weight: Annotated[float, Field(ge=0)] | None = None
    rate_target: Annotated[float, Field(ge=0, le=1)] | None = None
    sparsity: Annotated[float, Field(ge=0, lt=1)] | None = None
    chip_noise: Annotated[float, Field(ge=0, le=1)] | None = None
    scale: Literal["power-of-two", "lsq", "lsq-channel"] | None = None
    quantise: Literal["aware", "after"] | None = None
    start_from: str | None = None
    validation_share: Annotated[float, Field(ge=0, lt=1)] | None = None
    precision: Literal["auto", "float32", "bfloat16"] | None = None
    checkpointing: bool | None = None
    ann: bool = False
    tensorboard: bool = False


class RunConfig(Section):
    """Everything that decides a run's result."""

    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    device: Literal["auto", "cpu", "cuda"] = "auto"
    space: str = "neuronas"
    data: DataConfig = DataConfig()
    network: NetworkConfig = NetworkConfig()
    fitness: FitnessConfig = FitnessConfig()
    engine: EngineConfig = EngineConfig()
    hardware: HardwareConfig = HardwareConfig()
    budget: BudgetConfig = BudgetConfig()
    search: SearchConfig = SearchConfig()
    train: TrainConfig = TrainConfig()
