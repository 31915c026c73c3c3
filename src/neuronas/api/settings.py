"""The settings of a run, from files, ``--set`` and options, and from the run's own directory."""

from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from neuronas.api.compose import COPIED, Copies, Plan, plan
from neuronas.config import (
    RunConfig,
    Section,
    given,
    is_there,
    read_yaml,
    validate,
    value_at,
    with_assignments,
    with_options,
    written,
)
from neuronas.runs.config_file import read_config
from neuronas.runs.directory import CONFIG, COPIES

Config = str | PathLike[str] | Mapping[str, Any] | Section | None
"""Settings in Python: a YAML file, nested values, or a ``RunConfig``."""


def planned(
    verb: str,
    options: Mapping[str, Any],
    *,
    config: Config = None,
    assignments: Iterable[str] = (),
    run: Path | None = None,
    resume: bool = False,
) -> Plan:
    """Put together what a person gave, and resolve it.

    Options stand over assignments, these over ``config`` or, without it, over the settings of ``run``.

    Args:
        verb: whose options they are.
        options: by keyword; None: not given.
        config: a YAML file, nested values, or a ``RunConfig``.
        assignments: ``section.key=value``.
        run: directory of a run, whose settings and copies of files hold where nothing else is given.
        resume: the run is continued: a file that it names counts as long as it is there, so that a change is noticed.

    Raises:
        ConfigurationError: names the file, setting or option, what was given and what is expected.
        VerificationError: the run's settings are damaged.
    """
    own = read_config(run / CONFIG) if run is not None else {}
    values = own if config is None else _values(config)
    source = str(config) if isinstance(config, str | PathLike) else str(run / CONFIG) if run else "config"
    given(values, source)  # a mistake in a file is the file's, not the command line's
    chosen = given(with_options(with_assignments(values, assignments), verb, options), "command line")
    return plan(chosen, _copies(run, own, chosen, resume=resume) if run is not None else None)


def _values(config: Config) -> Mapping[str, Any]:
    if isinstance(config, Section):
        return written(config)
    return config if isinstance(config, Mapping) else read_yaml(Path(str(config)))


def _copies(run: Path, own: Mapping[str, Any], chosen: RunConfig, *, resume: bool) -> Copies:
    """The run's copies of what its settings still name."""
    found: dict[str, Any] = {}
    for name, (file, path) in COPIES.items():
        value = value_at(written(chosen), path)
        is_own = value == value_at(own, path)
        is_needed = not resume or not (isinstance(value, str) and Path(value).is_file())
        if is_own and is_needed and is_there(run / file):
            found[name] = validate(COPIED[name], read_yaml(run / file), str(run / file))
    return Copies(**found)
