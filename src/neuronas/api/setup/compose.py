"""From given settings to the plan of a run, as far as neither images nor torch are needed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuronas.api.setup.dataset_settings import chosen_dataset, decided_by, default_limits
from neuronas.api.setup.plan import Copies, Plan
from neuronas.config import (
    ALGORITHMS,
    FITNESS,
    PRESETS,
    RECIPES,
    SETTINGS,
    Registry,
    ResolvedConfig,
    RunConfig,
    label,
    merged,
    validate,
    value_at,
    with_value,
    written,
)
from neuronas.errors import ConfigurationError
from neuronas.hardware.accelerator import load_accelerator
from neuronas.hardware.mapped.activity import load_activity
from neuronas.search.algorithms.table import as_algorithm
from neuronas.space.shape import NetworkShape
from neuronas.space.spaces import load_space


def plan(
    given: RunConfig, copies: Copies | None = None, *, lenient: bool = False, started_in: Path | None = None
) -> Plan:
    """Fill in defaults, and look up all names.

    Args:
        given: settings as the user gave them.
        copies: copies of the files and objects that they name, if a run holds them.
        lenient: a finished run is read: its code need not be available until it is used.
        started_in: folder in which the run was started; data not found under a relative path is looked for there.

    Raises:
        ConfigurationError, DataError: a name is unknown, or values cannot be combined.
    """
    copies = copies or Copies()
    values = written(given)
    values = merged(PRESETS[values.get("preset") or SETTINGS["preset"].default], values)
    named = {path: one.default for path, one in SETTINGS.items() if one.meaning.choices is not None}
    chosen = {path: default if (value := value_at(values, path)) is None else value for path, default in named.items()}
    dataset = chosen_dataset(chosen["data.name"], values, started_in)
    space = copies.space or load_space(chosen["space"])
    algorithm = as_algorithm(_looked_up(ALGORITHMS, chosen["search.algorithm"], lenient=lenient))
    recipe = value_at(values, "train.recipe") or SETTINGS["train.recipe"].default
    defaults = {
        **{path: one.default for path, one in SETTINGS.items() if one.meaning.default is None},
        **decided_by(dataset, values),
        **({"network.channels": space.channels} if space.channels else {}),
        **default_limits(algorithm.budget, dataset, values),
        **{f"train.{name}": value for name, value in RECIPES[recipe].items()},
        "train.seed": value_at(values, "seed") or 0,
        "train.device": value_at(values, "device") or "auto",
    }
    config = _resolved(values, defaults)
    network = config.network
    shape = NetworkShape(
        image_channels=config.data.image_channels,
        image_side=config.data.image_side,
        n_classes=config.data.n_classes,
        channels=network.channels,
        n_cells=space.cells,
        head_width=network.head_width,
        head=network.head,
        n_voters=network.n_voters,
        sequence=config.data.sequence,
    )
    if space.backward and network.timesteps == 1:
        raise ConfigurationError(
            f"timesteps 1 given with space {config.space}, whose backward edges carry values of the previous step; "
            "expected at least 2"
        )
    return Plan(
        config=config,
        given=given,
        dataset=dataset.with_timesteps(network.timesteps) if config.data.sequence else dataset,
        space=space,
        shape=shape,
        accelerator=copies.accelerator or load_accelerator(chosen["hardware.accelerator"]),
        activity=copies.activity or load_activity(config.hardware),
        algorithm=algorithm,
        measure=_looked_up(FITNESS, chosen["fitness.name"], lenient=lenient),
        defaults=defaults,
    )


def _resolved(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> ResolvedConfig:
    nested: dict[str, Any] = {}
    for path, one in SETTINGS.items():
        value = value_at(values, path)
        if value is None:
            value = defaults[path]
        if one.meaning.choices is not None and value is not None and not isinstance(value, str):
            value = label(value)
        nested = with_value(nested, path, value)
    return validate(ResolvedConfig, nested, "settings")


def _looked_up(registry: Registry, chosen: Any, *, lenient: bool) -> Any:
    """Look up the object that a setting names, which may be missing for a finished run; an object is kept as it is.

    Args:
        registry: registry of the names.
        chosen: name or object.
        lenient: refuse an unknown name only when its object is used.

    Raises:
        ConfigurationError: the name is unknown.
    """
    if not isinstance(chosen, str):
        return chosen
    return _Absent(registry, chosen) if lenient and chosen not in registry else registry[chosen]


@dataclass(frozen=True)
class _Absent:
    """Placeholder for an object or plug-in entry of a run that is not available here; using it raises an error."""

    registry: Registry
    name: str

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self.registry[self.name], attribute)

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        return self.registry[self.name](*arguments, **keywords)
