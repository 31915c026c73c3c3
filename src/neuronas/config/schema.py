"""Every setting of a run, declared once.

Command-line options, Python keywords, validation, shell completion, the reference in the documentation and the stub for
editors come from these declarations. The classes are the *resolved* settings, which are complete. The settings that a
user gives are a ``RunConfig`` (``neuronas.config.given``), in which all are optional; ``neuronas.api.setup.plan``
resolves them.
"""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from neuronas.config.design_schema import DesignConfig
from neuronas.config.event_schema import EventsConfig
from neuronas.config.export_schema import ExportConfig
from neuronas.config.hardware_schema import BudgetConfig, HardwareConfig
from neuronas.config.needs import Needs
from neuronas.config.registry import (
    DATASETS,
    FITNESS,
    PRESETS,
    SPACES,
)
from neuronas.config.search_schema import SearchConfig
from neuronas.config.setting import Before, Section, setting
from neuronas.config.training_schema import ChipConfig, TrainConfig
from neuronas.config.values import (
    BENCHMARK,
    BY_ALGORITHM,
    DATASET,
    DESIGN,
    DOCTOR,
    ESTIMATE,
    EVALUATE,
    EXPORT,
    FIT,
    PUBLISHED,
    ROUNDED,
    SEARCH,
    STUDY,
    TRAIN,
    ImageSize,
    PerChannel,
    Place,
)
from neuronas.config.weight_bits import WeightBits
from neuronas.errors import counted

_NETWORK = (ESTIMATE, SEARCH, TRAIN, BENCHMARK, DESIGN, FIT)
_OF_OWN = (*_NETWORK, EVALUATE)
"""Commands that take it; ``evaluate`` for the user's own networks only."""
_READS_IMAGES = (SEARCH, TRAIN, EVALUATE, BENCHMARK, DESIGN)
_EVERY = (ESTIMATE, SEARCH, TRAIN, EVALUATE, BENCHMARK, STUDY, DOCTOR, DESIGN, FIT, EXPORT)
_UNLESS_OWN = (SEARCH, BENCHMARK, DESIGN)
"""Commands that draw random numbers, without a random seed of their own."""
_LINEAR_HEAD = Needs("network.head", ("linear",))
_SCREENED = (BY_ALGORITHM, Needs("fitness.exact", (False,), expected="--no-exact"))


class DataConfig(Section):
    """Data: the images, and how they are read."""

    name: str = setting(
        "Data set", "digits", (ESTIMATE, SEARCH, TRAIN, EVALUATE, BENCHMARK, STUDY, DESIGN, FIT), name="dataset",
        choices=DATASETS,
    )  # fmt: skip
    data_dir: Place | None = setting(
        "Folder of downloaded data sets",
        None,
        (SEARCH, TRAIN, EVALUATE, BENCHMARK, STUDY, DOCTOR, DESIGN),
        metavar="DIR",
        unset="$NEURONAS_DATA, or data",
        needs=PUBLISHED,
    )
    image_side: ImageSize = setting(
        "Resize images to this side, or to HEIGHTxWIDTH", DATASET, _OF_OWN, unit="pixels", metavar="SIDE"
    )
    image_channels: int = setting(
        "Image channels; for image folders 1 (grey) or 3 (RGB), to which files are converted", DATASET, _OF_OWN,
        ge=1,
    )  # fmt: skip
    sequence: bool = setting(
        "Each time step has its own image, as in recordings of event cameras",
        DATASET,
        (),
        is_option=False,
        before=False,
    )
    n_classes: int = setting("Number of classes", DATASET, (ESTIMATE, FIT), is_option=False, ge=1)
    class_names: Annotated[tuple[str, ...], Field(strict=False)] | None = setting(
        "Names of the classes, in the order of the network's outputs", DATASET, (), is_option=False
    )
    mean: PerChannel = setting(
        "Mean of each channel, for pixels from 0 to 1, such as 0.49,0.48,0.45",
        DATASET,
        _READS_IMAGES,
        metavar="M,M,M",
    )
    std: PerChannel = setting(
        "Standard deviation of each channel, for pixels from 0 to 1, such as 0.2,0.2,0.2",
        DATASET,
        _READS_IMAGES,
        metavar="S,S,S",
    )
    skip_corrupt: bool = setting("Leave out images that cannot be read", False, _READS_IMAGES)
    n_test: int | None = setting(
        "Number of test images, the same share of each class and the same for all runs",
        None,
        (EVALUATE,),
        name="limit",
        metavar="IMAGES",
        unset="all",
        before=Before.DEFAULT,
        ge=1,
    )

    @property
    def shown_names(self) -> tuple[str, ...]:
        """Names of the classes, or their numbers if they have no names."""
        return self.class_names or tuple(map(str, range(self.n_classes)))

    @model_validator(mode="after")
    def _one_for_each_channel(self) -> Self:
        for key in ("mean", "std"):
            values = getattr(self, key)
            if None not in (values, self.image_channels) and len(values) != self.image_channels:
                raise ValueError(
                    f"expected {key} with {counted(self.image_channels, 'number')}, one for each of image_channels "
                    f"{self.image_channels}"
                )
        if not all(value > 0 for value in self.std or ()):
            raise ValueError("expected std with numbers above 0")
        return self


class NetworkConfig(Section):
    """Network: everything but the cells, and the weight precision."""

    channels: int = setting("Channels before the first reduction", DATASET, _NETWORK, ge=1, le=4096)
    timesteps: int = setting("Time steps T", 5, _OF_OWN, ge=1, le=256)
    weight_bits: WeightBits = setting(
        "Weight precision in bits: 2 to 16 (fixed point) or 32 (no quantisation); one number, or one for each layer or "
        "part of the network, such as stem=8,A=4,reduction=4,B=4,head=8", 8, _OF_OWN, metavar="BITS",
    )  # fmt: skip
    rounding: Literal["nearest", "floor", "stochastic"] = setting(
        "Rounding of weights", "nearest", (SEARCH, TRAIN, DESIGN), needs=ROUNDED
    )
    head: Literal["gap", "linear"] = setting(
        "Classifier head: global average pooling and one linear layer, or two linear layers as in the papers",
        "gap",
        _NETWORK,
    )
    head_width: int = setting(
        "Outputs of the linear head's first layer", DATASET, _NETWORK, is_option=False, needs=_LINEAR_HEAD, ge=1
    )
    n_voters: int = setting(
        "Outputs per class of the linear head, whose mean is the score",
        DATASET,
        _NETWORK,
        is_option=False,
        needs=_LINEAR_HEAD,
        ge=1,
        le=1000,
    )
    tau: float = setting(
        "Membrane time constant of the LIF neurons", 4 / 3, _NETWORK, unit="time steps", is_option=False, gt=1
    )
    v_threshold: float = setting("Firing threshold of the LIF neurons", 1.0, _NETWORK, is_option=False, gt=0)
    v_reset: float = setting("Potential of the LIF neurons after a spike", 0.0, _NETWORK, is_option=False)


class FitnessConfig(Section):
    """Fitness: how candidates are ranked without training."""

    name: str = setting(
        "Fitness measure (with --preset paper and in the papers' experiments: sahd)",
        "path-and-size",
        (SEARCH, BENCHMARK, STUDY, DESIGN),
        name="fitness",
        choices=FITNESS,
    )
    channels: int | None = setting(
        "Channels of the network whose spikes the fitness reads; with fewer, a search is faster",
        None,
        (SEARCH, BENCHMARK),
        name="fitness_channels",
        unset="network.channels, but at most 16 for path-and-size and path-information",
        before=Before.DEFAULT,
        ge=1,
        le=4096,
    )
    batch_size: int = setting("Batch size for the fitness", DATASET, (SEARCH, BENCHMARK, DESIGN), ge=2)
    n_batches: int = setting(
        "Number of batches over which fitness is averaged", 1, (SEARCH, BENCHMARK), is_option=False, ge=1
    )
    exact: bool = setting(
        "Evaluate every candidate on the full batch, without screening on a small one", False, (SEARCH, DESIGN)
    )
    screen_batch_size: int = setting(
        "Batch size for screening candidates", 32, (SEARCH,), is_option=False, needs=_SCREENED, ge=2
    )
    screen_keep: float = setting(
        "Fraction of the candidates that pass the screening", 0.1, (SEARCH,), is_option=False, needs=_SCREENED, gt=0,
        le=1,
    )  # fmt: skip
    chip_fitness: bool = setting(
        "Evaluate candidates with their weights as simulated chips hold them", False, (SEARCH,)
    )
    chips: int = setting("Number of simulated chips over which --chip-fitness averages", 1, (SEARCH,), ge=1, le=1000)

    @property
    def has_screen(self) -> bool:
        """Whether candidates are screened on a small batch; False if that would save almost nothing."""
        return not self.exact and self.screen_keep < 1 and self.batch_size >= 4 * self.screen_batch_size

    @model_validator(mode="after")
    def _chips_are_simulated(self) -> Self:
        if self.chips not in (None, 1) and not self.chip_fitness:
            raise ValueError(f"chips {self.chips} given without chip_fitness; add --chip-fitness")
        return self


def _ray(cluster: str) -> str:
    name, colon, address = cluster.partition(":")
    if name != "ray" or (colon and not address):
        raise ValueError("expected ray or ray:ADDRESS")
    return cluster


class EngineConfig(Section):
    """Engine: how fitness is computed; these settings do not affect results."""

    name: Literal["fast", "reference"] = setting(
        "Engine that computes fitness; the reference is slow and gives the same numbers",
        "fast",
        (SEARCH, BENCHMARK, DESIGN),
        name="engine",
    )
    memory_limit_gib: float | None = setting(
        "Memory limit of the engine on each machine", None, (SEARCH, BENCHMARK, DESIGN), name="memory_limit",
        unit="GiB", unset="its process stays below half of the free memory", needs=Needs("engine.name", ("fast",)),
        gt=0,
    )  # fmt: skip
    workers: int | None = setting(
        "Number of worker processes that evaluate candidates", None, (SEARCH, DESIGN), ge=1, le=10_000
    )
    cluster: Annotated[str, AfterValidator(_ray)] | None = setting(
        "Evaluate on a Ray cluster: ray or ray:ADDRESS", None, (SEARCH, DESIGN), metavar="ray[:ADDRESS]"
    )
    silence_limit_minutes: float = setting(
        "A worker is considered lost after this time without a message (and 20 times its longest silence)", 10.0,
        (SEARCH,), unit="minutes", is_option=False, gt=0, le=100_000,
    )  # fmt: skip


class ResolvedConfig(Section):
    """Run: random seed, device, preset, plug-ins and search space."""

    seed: int = setting("Random seed", 0, _UNLESS_OWN, ge=0, lt=2**63)
    device: Literal["auto", "cpu", "cuda"] = setting(
        "Device for all computations",
        "auto",
        (SEARCH, EVALUATE, BENCHMARK, STUDY, DOCTOR, DESIGN),
    )
    preset: str = setting(
        "Settings to start from (paper: those of NeuroNAS's experiments)", "default", _NETWORK, choices=PRESETS
    )  # fmt: skip
    plugins: Annotated[tuple[str, ...], Field(strict=False)] = setting(
        "Plug-in: a module, or FILE.py; may be repeated", (),
        _EVERY, name="plugin", metavar="MODULE",
    )  # fmt: skip
    space: str = setting(
        "Search space, or FILE.yaml", "neuronas", (ESTIMATE, SEARCH, TRAIN, DESIGN, FIT), choices=SPACES
    )
    train: TrainConfig
    chip: ChipConfig
    data: DataConfig
    events: EventsConfig
    network: NetworkConfig
    fitness: FitnessConfig
    engine: EngineConfig
    hardware: HardwareConfig
    budget: BudgetConfig
    search: SearchConfig
    design: DesignConfig
    export: ExportConfig
