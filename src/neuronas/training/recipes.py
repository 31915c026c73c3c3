"""Training recipes by name: the value of every training setting that a person leaves open."""

from collections.abc import Mapping
from typing import Any

from neuronas.config import RECIPES, SURROGATES, TrainConfig
from neuronas.errors import ConfigurationError

_COMMON: Mapping[str, Any] = {
    "surrogate": "atan",
    "rate_weight": 0.0,
    "rate_target": 0.0,
    "sparsity": 0.0,
    "chip_noise": 0.0,
    "scale": "power-of-two",
    "quantise": "aware",
    "validation_share": 0.1,
    "precision": "auto",
    "checkpointing": False,
    "schedule": "cosine",
    "momentum": 0.9,
    "batch_size": 64,
    "loss": "mean",
    "mixup": 0.0,
    "cutout": 0,
}

BUILTIN: dict[str, Mapping[str, Any]] = {
    "default": {
        **_COMMON,
        "epochs": 60,
        "optimiser": "adamw",
        "learning_rate": 3e-3,
        "weight_decay": 0.02,
        "warmup_epochs": 2.0,
        "clip_norm": 1.0,
        "label_smoothing": 0.1,
        "ema": 0.998,
    },
    # SNASNet's recipe (arXiv 2201.10355), which NeuroNAS takes over, with NeuroNAS' number of epochs.
    "paper": {
        **_COMMON,
        "epochs": 200,
        "optimiser": "sgd",
        "learning_rate": 0.2,
        "weight_decay": 5e-4,
        "warmup_epochs": 0.0,
        "clip_norm": 0.0,
        "label_smoothing": 0.0,
        "ema": 0.0,
    },
}


def check_training(settings: TrainConfig) -> None:
    """Refuse settings of training that do not go together, or that nothing would read.

    Raises:
        ConfigurationError: names them.
    """
    recipe = RECIPES[settings.recipe]
    if settings.surrogate not in SURROGATES:
        SURROGATES[settings.surrogate]
    if settings.optimiser == "adamw" and settings.momentum != recipe["momentum"]:
        raise ConfigurationError(f"momentum {settings.momentum:g} given with optimiser adamw; only sgd has momentum")
    if settings.ann and settings.surrogate != recipe["surrogate"]:
        raise ConfigurationError(f"surrogate {settings.surrogate} given with ann; its ReLU has a derivative of its own")
    if settings.rate_target and not settings.rate_weight:
        raise ConfigurationError(f"rate_target {settings.rate_target:g} given without rate_weight")
    if settings.quantise == "after" and settings.scale != "power-of-two":
        raise ConfigurationError(
            f"scale {settings.scale} given with quantise after; steps learn from rounded weights: use quantise aware"
        )
    if settings.ann and (settings.rate_weight or settings.loss == "tet"):
        raise ConfigurationError("--ann has no spikes and one step; it goes with neither rate_weight nor loss tet")
