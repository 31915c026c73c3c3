"""The data set that settings name, and the defaults that it determines."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neuronas.config import SETTINGS, EventsConfig, ResolvedConfig, validate, value_at
from neuronas.data.dataset import DataSet
from neuronas.data.datasets import open_if_there
from neuronas.errors import NeuronasError
from neuronas.hardware.budget import Budget
from neuronas.hardware.sensor import AT_ONCE, BYTE, Sensor

_EVENT = "train.event_"
"""Prefix of the settings that augment recordings of event cameras (``EventAugmentation``)."""
DATA_SET = "data set"
"""Name under which a run stores the fingerprint of its data set."""

_DECIDED = {
    "data.sequence": "sequence",
    "data.image_channels": "image_channels",
    "data.image_side": "image_size",
    "data.n_classes": "n_classes",
    "data.class_names": "class_names",
    "data.mean": "mean",
    "data.std": "std",
    "network.channels": "channels",
    "network.head_width": "head_width",
    "network.n_voters": "n_voters",
    "fitness.batch_size": "batch_size",
    "train.augment": "augment",
    "events.window_ms": "window_ms",
    "events.sensor": "sensor",
}
"""Settings that the data set determines, and its attributes."""


def chosen_dataset(chosen: str | DataSet, values: Mapping[str, Any], started_in: Path | None) -> DataSet:
    """The data set of a run, with the number of channels in the settings.

    Args:
        chosen: name of the data set, or the data set itself.
        values: given settings, nested.
        started_in: folder in which the run was started; data not found under a relative path is looked for there.

    Raises:
        ConfigurationError, DataError: the name is unknown, or the data set cannot convert its images.
    """
    dataset = open_if_there(chosen, value_at(values, "data.data_dir"))
    if started_in is not None:
        dataset = dataset.seen_from(started_in)
    if (n_channels := value_at(values, "data.image_channels")) is not None:
        dataset = dataset.with_channels(n_channels)
    timesteps = value_at(values, "network.timesteps") or SETTINGS["network.timesteps"].default
    augmentation = {
        path.removeprefix(_EVENT): value
        for path in SETTINGS
        if path.startswith(_EVENT) and (value := value_at(values, path)) is not None
    }
    return dataset.with_events(_events(values), timesteps, value_at(values, "data.image_side"), augmentation)


def _events(values: Mapping[str, Any]) -> EventsConfig:
    """How recordings are divided into time steps; the data set provides the default window and sensor."""
    given = {name: value for name, value in (value_at(values, "events") or {}).items() if value is not None}
    return validate(EventsConfig, {"window_ms": 0.0, "sensor": None, **given}, "settings: events")


def default_limits(budget: Budget, dataset: DataSet, values: Mapping[str, Any]) -> dict[str, float]:
    """Default budgets, by path: those of the algorithm; latency is counted from the end of a recording."""
    limits = {f"budget.max_{name}": float(limit) for name, limit in budget.limits.items()}
    if dataset.sequence and value_at(values, "budget.max_latency_ms") is None:
        given = value_at(values, "events.window_ms")
        limits["budget.max_latency_ms"] += dataset.window_ms if given is None else given
    return limits


def sensor_of(config: ResolvedConfig) -> Sensor:
    """The sensor of the images; still images are available at once.

    Pixels of binary frames take one bit if an event has the same value in all channels; otherwise crossbars read them
    like all other pixels.
    """
    data = config.data
    if not data.sequence:
        return AT_ONCE
    is_one_bit = config.events.values == "binary" and len(set(zip(data.mean, data.std, strict=True))) == 1
    return Sensor(config.events.window_ms, 1 if is_one_bit else BYTE)


def decided_by(dataset: DataSet, values: Mapping[str, Any]) -> dict[str, Any]:
    """Defaults that the data set determines. It is not queried for given settings, since its images may be missing.

    Args:
        dataset: data set of the run.
        values: given settings, nested.

    Returns:
        The default of each setting that was not given, None for the others.
    """
    known = {path for path in _DECIDED if value_at(values, path) is not None}
    if "data.n_classes" in known:
        known.add("data.class_names")
    return {path: None if path in known else getattr(dataset, name) for path, name in _DECIDED.items()}


def own_default(dataset: DataSet, path: str) -> Any:
    """The default of a setting that the data set determines; None: another setting, or its files are missing."""
    try:
        return getattr(dataset, _DECIDED[path]) if path in _DECIDED else None
    except NeuronasError:
        return None
