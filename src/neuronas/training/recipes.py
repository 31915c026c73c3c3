"""Training recipes by name: every setting that a run leaves open."""

from neuronas.config import TrainConfig
from neuronas.data.dataset import DataSet
from neuronas.errors import ConfigurationError
from neuronas.snn.surrogates import surrogate_named

_COMMON = TrainConfig(
    device="auto",
    surrogate="atan",
    rate_weight=0.0,
    rate_target=0.0,
    sparsity=0.0,
    chip_noise=0.0,
    scale="power-of-two",
    quantise="aware",
    validation_share=0.1,
    precision="auto",
    checkpointing=False,
)

RECIPES: dict[str, TrainConfig] = {
    # SNASNet's recipe (arXiv 2201.10355), which NeuroNAS takes over, with NeuroNAS' number of epochs.
    "paper": _COMMON.model_copy(
        update={
            "recipe": "paper",
            "epochs": 200,
            "batch_size": 64,
            "optimiser": "sgd",
            "learning_rate": 0.2,
            "momentum": 0.9,
            "weight_decay": 5e-4,
            "schedule": "cosine",
            "warmup_epochs": 0.0,
            "clip_norm": 0.0,
            "loss": "mean",
            "label_smoothing": 0.0,
            "mixup": 0.0,
            "cutout": 0,
            "ema": 0.0,
        }
    ),
    "default": _COMMON.model_copy(
        update={
            "recipe": "default",
            "epochs": 60,
            "batch_size": 64,
            "optimiser": "adamw",
            "learning_rate": 3e-3,
            "momentum": 0.9,
            "weight_decay": 0.02,
            "schedule": "cosine",
            "warmup_epochs": 2.0,
            "clip_norm": 1.0,
            "loss": "mean",
            "label_smoothing": 0.1,
            "mixup": 0.0,
            "cutout": 0,
            "ema": 0.998,
        }
    ),
}


def resolve(given: TrainConfig, dataset: DataSet, seed: int, device: str) -> TrainConfig:
    """Fill in what the settings leave open: from the data set, the run and the recipe.

    Args:
        given: the settings.
        dataset: decides the augmentation.
        seed: the run's.
        device: the run's.

    Raises:
        ConfigurationError: an unknown surrogate, or settings that do not go together.
    """
    recipe = RECIPES[given.recipe].model_copy(update={"seed": seed, "device": device, "augment": dataset.augment})
    chosen = {name: value for name, value in given.model_dump().items() if value is not None}
    settings = recipe.model_copy(update=chosen)
    surrogate_named(settings.surrogate or "")
    _check_read(settings, recipe)
    if settings.ann and (settings.rate_weight or settings.loss == "tet"):
        raise ConfigurationError("--ann has no spikes and one step; it goes with neither rate_weight nor loss tet")
    return settings


def _check_read(settings: TrainConfig, recipe: TrainConfig) -> None:
    """Refuse what was chosen but would be read by nothing."""
    if settings.optimiser == "adamw" and settings.momentum != recipe.momentum:
        raise ConfigurationError(f"momentum {settings.momentum:g} given with optimiser adamw; only sgd has momentum")
    if settings.ann and settings.surrogate != recipe.surrogate:
        raise ConfigurationError(f"surrogate {settings.surrogate} given with ann; its ReLU has a derivative of its own")
    if settings.rate_target and not settings.rate_weight:
        raise ConfigurationError(f"rate_target {settings.rate_target:g} given without rate_weight")
    if settings.quantise == "after" and settings.scale != "power-of-two":
        raise ConfigurationError(
            f"scale {settings.scale} given with quantise after; steps learn from rounded weights: use quantise aware"
        )
