"""Settings of training and of chip simulation; see ``neuronas.config.schema``."""

from typing import Any, Literal

from neuronas.config.durations import Times
from neuronas.config.needs import Needs
from neuronas.config.registry import DEVICE_MODELS, RECIPES, SURROGATES
from neuronas.config.setting import Section, setting
from neuronas.config.values import (
    DATASET,
    DESIGN,
    EVALUATE,
    EVENTS,
    RECIPE,
    ROUNDED,
    RUN,
    TRAIN,
    Names,
    Place,
)

_LEARNED = (TRAIN, DESIGN)


def _learning(
    help: str,  # noqa: A002
    default: Any = RECIPE,
    verbs: tuple[str, ...] = (TRAIN,),
    *,
    is_option: bool = False,
    **more: Any,
) -> Any:
    return setting(help, default, verbs, is_option=is_option, **more)


class TrainConfig(Section):
    """Training: how the network is trained. Defaults come from the recipe."""

    recipe: str = _learning(
        "Recipe for the training settings that are not given", "default", _LEARNED, choices=RECIPES, is_option=True
    )
    seed: int = _learning("Random seed of training", RUN, is_option=True, ge=0, lt=2**63)
    device: Literal["auto", "cpu", "cuda"] = _learning("Device for training", RUN, is_option=True)
    n_images: int | None = _learning(
        "Number of training images, drawn with the random seed, the same share of each class", None, _LEARNED,
        is_option=True, name="limit", metavar="IMAGES", unset="all", ge=1,
    )  # fmt: skip
    epochs: int = _learning("Training epochs", RECIPE, _LEARNED, is_option=True, ge=1)
    patience: int = _learning(
        "Stop after this many epochs without a higher validation accuracy; 0: never", 0, _LEARNED, is_option=True, ge=0
    )  # fmt: skip
    batch_size: int = _learning("Batch size of a training step, summed over all processes", is_option=True, ge=2)
    learning_rate: float = _learning("Peak learning rate", RECIPE, _LEARNED, is_option=True, gt=0)
    optimiser: Literal["sgd", "adamw", "muon"] = _learning(
        "Optimiser; muon: for kernels and matrices, with adamw for the rest"
    )
    momentum: float = _learning("Momentum of SGD and Muon", ge=0, lt=1)
    weight_decay: float = _learning("Weight decay", ge=0)
    schedule: Literal["cosine", "step"] = _learning("Learning-rate schedule")
    learning_rate_floor: float = _learning("Learning rate at the end of the cosine schedule", ge=0)
    warmup_epochs: float = _learning("Epochs of linear warm-up", ge=0)
    early_side: float = _learning(
        "Image side at the beginning, as a fraction of the full side; it grows until train.full_from", gt=0, le=1
    )
    full_from: float = _learning(
        "Fraction of the epochs after which images have their full side",
        needs=Needs("train.early_side", is_met=lambda share: share < 1, expected="less than 1"), ge=0, le=1,
    )  # fmt: skip
    early_timesteps: int = _learning("Time steps until train.timesteps_from; 0: all", ge=0)
    timesteps_from: float = _learning(
        "Fraction of the epochs after which all time steps are used",
        needs=Needs("train.early_timesteps", is_met=bool, expected="at least 1"), ge=0, le=1,
    )  # fmt: skip
    dropout: float = _learning(
        "Dropout rate of the inputs of the head's first linear layer; the mask is the same at every time step",
        ge=0,
        lt=1,
    )
    clip_norm: float = _learning("Gradient clipping: maximum norm; 0: none", ge=0)
    loss: Literal["mean", "tet"] = _learning("Loss: of the mean scores, or of each time step (TET)", is_option=True)
    class_weights: Literal["none", "balanced"] = _learning(
        "Weights of the classes in the loss (balanced: for classes of different size)",
        "none",
        _LEARNED,
        is_option=True,
    )
    label_smoothing: float = _learning("Label smoothing", ge=0, lt=1)
    surrogate: str = _learning("Surrogate gradient of the spike function", choices=SURROGATES, is_option=True)
    augment: Literal["none", "shift", "flip", "autoaugment", "randaugment"] = _learning(
        "Augmentation of the training images", DATASET, _LEARNED, is_option=True
    )
    border: Literal["zero", "reflect"] = _learning(
        "Padding of shifted training images",
        needs=Needs("train.augment", ("shift", "flip", "autoaugment", "randaugment")),
    )
    event_flip: bool = _learning("Mirror half of the recordings of event cameras", False, needs=EVENTS, is_option=True)
    event_shift: int = _learning(
        "Shift recordings of event cameras by up to this many sensor pixels in each direction",
        0,
        needs=EVENTS,
        is_option=True,
        ge=0,
        le=512,
    )
    event_rotate: float = _learning(
        "Rotate recordings of event cameras by up to this angle in each direction",
        0.0,
        unit="degrees",
        needs=EVENTS,
        is_option=True,
        ge=0,
        le=180,
    )
    event_zoom: float = _learning(
        "Scale recordings of event cameras up or down by a factor of up to 1 plus this",
        0.0,
        needs=EVENTS,
        is_option=True,
        ge=0,
        le=1,
    )
    event_elastic: float = _learning(
        "Elastically deform recordings of event cameras; standard deviation of the displacements", 0.0, unit="pixels",
        needs=EVENTS, is_option=True, ge=0, le=64,
    )  # fmt: skip
    event_drop: float = _learning(
        "Fraction of the events of each recording that is dropped at random",
        0.0,
        needs=EVENTS,
        is_option=True,
        ge=0,
        lt=1,
    )
    event_jitter_ms: float = _learning(
        "Standard deviation of the random shift of each event's time",
        0.0,
        unit="ms",
        needs=EVENTS,
        is_option=True,
        ge=0,
        le=1e6,
    )
    mixup: float = _learning("Alpha of mixup; 0: none", ge=0)
    cutout: int = _learning("Side of the square that cutout blanks; 0: none", unit="pixels", ge=0, le=1024)
    ema: float = _learning("Decay of the weights' exponential moving average; 0: none", ge=0, lt=1)
    rate_weight: float = _learning("Weight of the firing-rate penalty", RECIPE, _LEARNED, is_option=True, ge=0)
    rate_target: float = _learning("Firing rate above which the penalty applies", ge=0, le=1)
    sparsity: float = _learning("Final fraction of pruned weights", is_option=True, ge=0, lt=1)
    chip_noise: float = _learning(
        "Train with simulated write variation (relative standard deviation)",
        RECIPE,
        _LEARNED,
        is_option=True,
        ge=0,
        le=1,
    )
    scale: Literal["power-of-two", "lsq", "lsq-channel"] = _learning(
        "Scale of quantised weights", needs=ROUNDED, is_option=True
    )
    quantise: Literal["aware", "after"] = _learning(
        "Quantisation-aware training, or quantisation after training", is_option=True
    )
    start_from: Place | None = _learning(
        "Start with the best weights of a trained run (fine-tuning)", None, is_option=True, metavar="RUN"
    )
    teacher: Place | None = _learning(
        "Learn the class probabilities of a trained run besides the labels (knowledge distillation)", None,
        is_option=True, metavar="RUN",
    )  # fmt: skip
    teacher_share: float = _learning(
        "Weight of the teacher's class probabilities in the targets", 0.9,
        needs=Needs("train.teacher", is_met=bool, expected="--teacher RUN"), gt=0, le=1,
    )  # fmt: skip
    validation_share: float = _learning("Fraction of the training images that is held out for validation", ge=0, lt=1)
    precision: Literal["auto", "float32", "bfloat16"] = _learning(
        "Floating-point format of convolutions", is_option=True
    )
    checkpointing: bool = _learning("Recompute cells in the backward pass to save memory")
    ann: bool = _learning("Train the artificial twin: ReLU instead of LIF neurons", False, is_option=True)
    activation_bits: int | None = _learning(
        "Bits of the twin's ReLU, quantised with a learned range",
        None,
        is_option=True,
        unset="not quantised",
        ge=1,
        le=16,
    )
    tensorboard: bool = _learning("Write TensorBoard event files", False, is_option=True)


def _on_chip(help: str, default: Any, verbs: tuple[str, ...] = (EVALUATE,), **more: Any) -> Any:  # noqa: A002
    return setting(help, default, verbs, **more)


MEASURING = frozenset({"n_chips", "seed", "ablation", "diagnosis", "retrain_epochs"})
"""Settings of ``ChipConfig`` that determine how a chip is measured. All others determine the chip itself."""


class ChipConfig(Section):
    """Chip simulation: the number of chips and their properties."""

    n_chips: int = _on_chip("Number of simulated chips", 20, (EVALUATE, DESIGN), name="chips", ge=1, le=100_000)
    seed: int = _on_chip("Random seed of the chips", 0, ge=0, lt=2**63)
    without: Names = _on_chip(
        "Non-idealities to switch off: adc, read_noise, write_variation, drift, wire_resistance, stuck_cells or "
        "off_conductance",
        (), metavar="NAME,NAME",
    )  # fmt: skip
    sign_scheme: Literal["differential", "offset-binary", "twos-complement"] | None = _on_chip(
        "Representation of signed weights", None, unset="the accelerator's"
    )
    variation: Literal["normal", "lognormal"] = _on_chip("Distribution of the write variation", "normal")
    device_model: str | None = _on_chip(
        "Measured statistics of the memory device, instead of the write variation; also FILE.yaml, or FILE.csv of "
        "measurements", None, (EVALUATE, DESIGN), choices=DEVICE_MODELS, metavar="NAME", unset="the accelerator's",
    )  # fmt: skip
    after: Times = _on_chip(
        "Times after programming at which the chips are measured, such as 1h,1d,1month", (), (EVALUATE, DESIGN),
        metavar="TIME,TIME", unset="directly after programming",
    )  # fmt: skip
    drift_compensation: bool = _on_chip(
        "Drift compensation: scale the currents of each crossbar block by the loss of their sum since programming",
        False,
    )
    activation_bits: int = _on_chip(
        "Bits of inputs that are neither pixels nor spikes, such as after ReLU in your own network", 8, ge=2, le=16
    )
    gain_calibration: bool = _on_chip("Calibrate the gain of each column", True)
    ablation: bool = _on_chip("Measure the accuracy loss of each non-ideality", False)
    diagnosis: bool = _on_chip(
        "Find the causes of an accuracy loss and test changes to the chip, on validation images", True
    )
    retrain_epochs: int = _on_chip(
        "Epochs of noise-aware training that the diagnosis tests as well, in RUN-noise; 0: none",
        0,
        needs=Needs("chip.diagnosis", (True,), expected="--diagnosis"),
        ge=0,
    )
