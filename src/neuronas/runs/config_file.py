"""``config.yaml`` of a run: every setting of what was done, and of what was not done yet what a person gave for it."""

from pathlib import Path
from typing import Any

import yaml

from neuronas.config import (
    SETTINGS,
    ResolvedConfig,
    RunConfig,
    read_yaml_text,
    value_at,
    write_text,
    written,
)
from neuronas.errors import VerificationError

_OPEN = ("train", "chip", "design")
"""Sections that a run leaves open until it is trained or put on simulated chips, or where it is no design."""
_END = "..."
"""YAML's end of a document, the last line: a file that was cut off lacks it."""


def write_config(path: Path, config: ResolvedConfig, given: RunConfig | None = None) -> None:
    """Write the settings of a run.

    Args:
        path: the file.
        config: complete.
        given: of a run that was not trained: its sections of training hold what was given and no more.
    """
    values = config.model_dump()
    if given is not None:
        values |= {name: written(given).get(name, {}) for name in _OPEN}
    write_text(path, yaml.safe_dump(values, sort_keys=False, allow_unicode=True, explicit_end=True))


def read_config(path: Path) -> dict[str, Any]:
    """Read the settings of a run as nested values, which are not validated yet.

    Raises:
        ConfigurationError: no file, or no YAML mapping.
        VerificationError: a setting that every run has is missing, or the end of the file.
    """
    values, text = read_yaml_text(path)
    for setting in SETTINGS.values():
        section, _, name = setting.path.rpartition(".")
        inside = value_at(values, section) if section else values
        if section in _OPEN:
            continue
        is_there = isinstance(inside, dict) and name in inside
        if not is_there or (inside[name] is None and not setting.allows_none):  # null: cut off behind the colon
            raise VerificationError(f"{path}: lacks '{setting.path}', which the settings of every run have")
    if text.splitlines()[-1] != _END:
        raise VerificationError(f"{path}: lacks '{_END}', its last line; the file was cut off")
    return values
