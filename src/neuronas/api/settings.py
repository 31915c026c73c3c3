"""The settings of a run from a file and from options, which override it."""

from pathlib import Path
from typing import Any

from neuronas.config import RunConfig, read_config, validate
from neuronas.errors import named

KEYS = {
    "seed": "seed",
    "device": "device",
    "space": "space",
    "dataset": "data.name",
    "data_dir": "data.data_dir",
    "image_side": "data.image_side",
    "skip_corrupt": "data.skip_corrupt",
    "channels": "network.channels",
    "timesteps": "network.timesteps",
    "weight_bits": "network.weight_bits",
    "rounding": "network.rounding",
    "head": "network.head",
    "train_seed": "train.seed",
    "train_device": "train.device",
    "train_batch_size": "train.batch_size",
    **{
        name: f"train.{name}"
        for name in (
            "recipe",
            "epochs",
            "learning_rate",
            "loss",
            "surrogate",
            "augment",
            "scale",
            "quantise",
            "sparsity",
            "chip_noise",
            "start_from",
            "rate_weight",
            "precision",
            "ann",
            "tensorboard",
        )
    },
    "fitness": "fitness.name",
    "batch_size": "fitness.batch_size",
    "exact": "fitness.exact",
    "chips": "fitness.chips",
    "engine": "engine.name",
    "memory_limit": "engine.memory_limit_gib",
    "workers": "engine.workers",
    "cluster": "engine.cluster",
    "hardware": "hardware.accelerator",
    "cost_model": "hardware.cost_model",
    "schedule": "hardware.schedule",
    "replication": "hardware.replication",
    "activity": "hardware.activity",
    "firing_rate": "hardware.firing_rate",
    "trace": "hardware.trace",
    "algorithm": "search.algorithm",
    "n_draws": "search.n_draws",
    "population": "search.population",
    "prefer": "search.prefer",
    "max_parameters": "budget.max_parameters",
    "max_area_mm2": "budget.max_area_mm2",
    "max_latency_ms": "budget.max_latency_ms",
    "max_energy_uj": "budget.max_energy_uj",
}
"""Where each option stands in the settings."""


def read_settings(config: Path | None, own: Path | None = None, **options: Any) -> RunConfig:
    """Read the settings file, if any, and put the options that were given over it.

    Args:
        config: the file that a person names.
        own: that of a run, which counts where no other is named.
        **options: by the names in ``KEYS``.

    Raises:
        ConfigurationError: names the file or option, what was given and what is expected.
        VerificationError: the file was cut off.
    """
    values: dict[str, Any] = {}
    if file := config or own:
        values = read_config(file, own=config is None)
        validate(RunConfig, values, str(file))
    for option, value in options.items():
        if value is not None:
            *sections, key = named("option", option, KEYS).split(".")
            section = values
            for name in sections:
                section[name] = dict(section.get(name) or {})
                section = section[name]
            section[key] = value
    return validate(RunConfig, values, "command line")
