"""``config.yaml`` of a run: all settings of the finished steps, and the given settings of later steps."""

import logging
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from neuronas.config import (
    SETTINGS,
    Before,
    ResolvedConfig,
    RunConfig,
    read_yaml_text,
    value_at,
    with_value,
    write_text,
    written,
)
from neuronas.errors import VerificationError

log = logging.getLogger("neuronas")
_OPEN = ("train", "chip", "design", "export")
"""Sections that stay unresolved until training, chip simulation or export, or if the run is not a design."""
_END = "..."
"""YAML's end-of-document marker in the last line; a truncated file lacks it."""


def write_config(path: Path, config: ResolvedConfig, given: RunConfig | None = None) -> None:
    """Write the settings of a run.

    Args:
        path: the file.
        config: the resolved settings.
        given: the given settings of a run that was not trained; its training sections contain only these.
    """
    values = config.model_dump()
    if given is not None:
        values |= {name: written(given).get(name, {}) for name in _OPEN}
    write_text(path, yaml.safe_dump(values, sort_keys=False, allow_unicode=True, explicit_end=True))


def read_config(path: Path) -> dict[str, Any]:
    """Read the settings of a run as nested values, which are not validated yet.

    A setting that did not exist when the run was made gets the value with the behaviour of that time
    (``Setting.before``), with a warning.

    Raises:
        ConfigurationError: no file, or no YAML mapping.
        VerificationError: the file is truncated, or lacks a setting for which no such value is known.
    """
    (values, text), before = read_yaml_text(path), {}
    if text.splitlines()[-1:] != [_END]:
        raise VerificationError(f"{path}: lacks '{_END}', its last line; the file was cut off")
    for setting in SETTINGS.values():
        section, _, name = setting.path.rpartition(".")
        inside = value_at(values, section) if section else values
        if section in _OPEN:
            continue
        if isinstance(inside, dict) and name in inside:
            is_damaged = inside[name] is None and not setting.allows_none  # null: a value that was deleted
        else:
            is_damaged = setting.before is Before.UNKNOWN
            before[setting.path] = setting.before
        if is_damaged:
            raise VerificationError(
                f"{path}: lacks '{setting.path}'; it was damaged, or its neuronas was too early to know what to take"
            )
    if before:
        _say_once(path, ", ".join(f"{name} {value}" for name, value in before.items()))
    for name, value in before.items():
        values = with_value(values, name, value)
    return values


@cache
def _say_once(path: Path, taken: str) -> None:
    log.warning("%s: was written before some settings existed; taken as before: %s", path, taken)
