"""The identity of a run's result: a digest of everything that affects it, and differences between settings."""

import json
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from pydantic import BaseModel

from neuronas.config import SETTINGS, ResolvedConfig

_NOT_DECIDING = ("engine", "train", "chip", "design", "export")
_OF_READING = ("name", "data_dir", "class_names", "n_test")
_OF_CHOICE = (
    "prefer", "finalists", "finalist_epochs", "finalist_images", "finalist_eta", "finalist_validation",
)  # fmt: skip
"""Settings that choose the answer from the candidates; they may change when a search is resumed."""


def deciding(values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that can change a history: not those of speed, location of images, or final choice.

    Class names are excluded as well, since they are checked when images are read; so is the name of the data set,
    because image folders may move and its fingerprint is compared instead (``RunOrigin.code``).
    """
    kept = {name: value for name, value in values.items() if name not in _NOT_DECIDING}
    kept["data"] = {name: value for name, value in kept["data"].items() if name not in _OF_READING}
    kept["search"] = {name: value for name, value in kept["search"].items() if name not in _OF_CHOICE}
    return kept


def chosen_anew(config: ResolvedConfig, stored: Mapping[str, Any]) -> list[str]:
    """Settings of the choice that differ from the stored ones; runs of earlier versions may lack some."""
    now = config.search.model_dump(include=set(_OF_CHOICE))
    values = {name: stored["search"].get(name) for name in now}
    known = {name: SETTINGS[f"search.{name}"].default if one is None else one for name, one in values.items()}
    return differences({"search": now}, {"search": known})


def _told(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Settings without those at their ``before`` value, so that a new setting does not change a run's identity."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping) and path not in SETTINGS:
            found[key] = _told(value, f"{path}.")
        elif value != SETTINGS[path].before:
            found[key] = value
    return found


def identity(config: ResolvedConfig, *parts: BaseModel | Mapping[str, Any] | str) -> str:
    """Digest of everything that affects a result: settings, content of the files they refer to, other parts."""
    content = [
        _told(deciding(config.model_dump())),
        *(part.model_dump() if isinstance(part, BaseModel) else part for part in parts),
    ]
    return blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=16).hexdigest()


def differences(new: Mapping[str, Any], stored: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Differences from the stored settings, such as ``train.epochs was 1, now 3``."""
    found = []
    for key, value in new.items():
        old, name = stored.get(key), f"{prefix}{key}"
        if isinstance(value, Mapping) and name not in SETTINGS:
            found += differences(value, old or {}, f"{name}.")
        elif old != value:
            found.append(f"{name} was {old}, now {value}")
    return found
