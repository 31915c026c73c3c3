"""Training recipes by name: default values of the training settings."""

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
    "learning_rate_floor": 0.0,
    "dropout": 0.0,
    "early_side": 1.0,
    "full_from": 0.0,
    "early_timesteps": 0,
    "timesteps_from": 0.0,
    "border": "zero",
    "mixup": 0.0,
    "cutout": 0,
}

_BY_MUON: Mapping[str, Any] = {
    **_COMMON,
    "optimiser": "muon",
    "momentum": 0.95,
    "weight_decay": 0.02,
    "clip_norm": 1.0,
    "label_smoothing": 0.1,
    "ema": 0.998,
}

BUILTIN: dict[str, Mapping[str, Any]] = {
    # Optimiser, learning rate and number of epochs: benchmarks/NOTES.md, "Optimiser of recipe default".
    "default": {**_BY_MUON, "epochs": 30, "learning_rate": 4e-2, "warmup_epochs": 2.0},
    # For CPUs: most epochs with small images and one time step, larger batches.
    "fast": {
        **_BY_MUON,
        "epochs": 30,
        "batch_size": 128,
        "learning_rate": 2e-2,
        "warmup_epochs": 1.0,
        "early_side": 0.5,
        "full_from": 0.6,
        "early_timesteps": 1,
        "timesteps_from": 0.85,
        "border": "reflect",
        "validation_share": 0.05,
    },
    # The recipe of SNASNet (arXiv 2201.10355 and defaults of its code) with the number of epochs of NeuroNAS.
    "paper": {
        **_COMMON,
        "epochs": 200,
        "optimiser": "sgd",
        "learning_rate": 0.2,
        "learning_rate_floor": 0.01,
        "dropout": 0.5,
        "weight_decay": 5e-4,
        "warmup_epochs": 0.0,
        "clip_norm": 0.0,
        "label_smoothing": 0.0,
        "ema": 0.0,
    },
}


def check_training(settings: TrainConfig) -> None:
    """Reject incompatible settings of training, and settings that would have no effect.

    Raises:
        ConfigurationError: the message names the settings.
    """
    recipe = RECIPES[settings.recipe]
    if settings.surrogate not in SURROGATES:
        SURROGATES[settings.surrogate]
    for early, end in (("early_side", "full_from"), ("early_timesteps", "timesteps_from")):
        if getattr(settings, end) == 0 and getattr(settings, early) != _COMMON[early]:
            raise ConfigurationError(
                f"{early} {getattr(settings, early):g} given with {end} 0; expected more than 0, such as "
                f"--set train.{end}=0.8"
            )
    if settings.optimiser == "adamw" and settings.momentum != recipe["momentum"]:
        raise ConfigurationError(
            f"momentum {settings.momentum:g} given with optimiser adamw; expected optimiser sgd or muon"
        )
    if settings.learning_rate_floor > settings.learning_rate:
        raise ConfigurationError(
            f"learning_rate {settings.learning_rate:g} given with learning_rate_floor "
            f"{settings.learning_rate_floor:g}; expected a floor below it, such as --set train.learning_rate_floor=0"
        )
    if settings.schedule == "step" and settings.learning_rate_floor != recipe["learning_rate_floor"]:
        raise ConfigurationError(
            f"learning_rate_floor {settings.learning_rate_floor:g} given with schedule step; expected schedule cosine, "
            "which ends there"
        )
    if settings.ann and settings.surrogate != recipe["surrogate"]:
        raise ConfigurationError(
            f"surrogate {settings.surrogate} given with ann; expected none: ReLU needs no surrogate gradient"
        )
    if settings.activation_bits and not settings.ann:
        raise ConfigurationError(
            f"activation_bits {settings.activation_bits} given without ann; expected --ann as well: LIF neurons "
            "emit spikes of one bit"
        )
    if settings.patience and not settings.validation_share:
        raise ConfigurationError(f"patience {settings.patience} given with validation_share 0; expected more than 0")
    if settings.rate_target and not settings.rate_weight:
        raise ConfigurationError(f"rate_target {settings.rate_target:g} given without rate_weight; expected both")
    if settings.quantise == "after" and settings.scale != "power-of-two":
        raise ConfigurationError(
            f"scale {settings.scale} given with quantise after; expected quantise aware: steps are learned in training"
        )
    if settings.ann and (settings.rate_weight or settings.loss == "tet"):
        raise ConfigurationError(
            "--ann given with rate_weight or loss tet; expected neither: an artificial network has no spikes and one "
            "time step"
        )
