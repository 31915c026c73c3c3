"""The settings of a run, from files, ``--set`` and options, and from the run's own directory."""

from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuronas.config import (
    RunConfig,
    Section,
    as_path,
    given,
    is_there,
    load_plugins,
    read_yaml,
    require_loaded,
    validate,
    value_at,
    with_assignments,
    with_options,
    written,
)
from neuronas.errors import ConfigurationError
from neuronas.runs.config_file import read_config
from neuronas.runs.directory import CONFIG, COPIES
from neuronas.runs.environment import ENVIRONMENT, Environment

if TYPE_CHECKING:
    from neuronas.api.compose import Copies, Plan

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
) -> "Plan":
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
    from neuronas.api.compose import plan  # not for verbs that only gather settings

    own = read_config(run / CONFIG) if run is not None else {}
    if run is not None and config is None:
        load_plugins(options.get("plugin") or ())
        require_loaded(own["plugins"], str(run))
    chosen = gathered(verb, options, config if config is not None else own, assignments, str(run and run / CONFIG))
    if run is None:
        return plan(chosen)
    environment = Environment.read_if_there(run / ENVIRONMENT)
    started_in = Path(environment.working_directory) if environment and environment.working_directory else None
    return plan(chosen, _copies(run, own, chosen, resume=resume), lenient=not resume, started_in=started_in)


def gathered(
    verb: str, options: Mapping[str, Any], config: Config, assignments: Iterable[str] = (), source: str = "config"
) -> RunConfig:
    """What a person gave, put together and checked, without looking anything up; see ``planned``.

    Args:
        verb: whose options they are.
        options: by keyword.
        config: see ``planned``.
        assignments: see ``planned``.
        source: name of ``config`` in messages, unless it is a file.
    """
    values = _values(config)
    # A mistake in a file is the file's, not the command line's.
    given(values, str(config) if isinstance(config, str | PathLike) else source)
    chosen = given(with_options(with_assignments(values, assignments), verb, options), "command line")
    load_plugins(written(chosen).get("plugins", ()))  # before anything is read that may name what they add
    return chosen


def _values(config: Config) -> Mapping[str, Any]:
    if isinstance(config, Section):
        return written(config)
    if config is None or isinstance(config, Mapping):
        return config or {}
    return read_yaml(as_path(config, "--config"))


def _copies(run: Path, own: Mapping[str, Any], chosen: RunConfig, *, resume: bool) -> "Copies":
    """The run's copies of what its settings still name."""
    from neuronas.api.compose import COPIED, Copies

    found: dict[str, Any] = {}
    for name, (file, path) in COPIES.items():
        value = value_at(written(chosen), path)
        is_own = value == value_at(own, path)
        is_needed = not resume or not (isinstance(value, str) and as_path(value).is_file())
        if is_own and is_needed and is_there(run / file):
            found[name] = validate(COPIED[name], read_yaml(run / file), str(run / file))
    return Copies(**found)


def is_resumed(resume: bool | str, *, is_begun: bool) -> bool:
    """Whether to continue a run; ``"auto"``: where there is something to continue from.

    Raises:
        ConfigurationError: another text.
    """
    if isinstance(resume, str) and resume != "auto":
        raise ConfigurationError(f"resume {resume!r} given; expected True, False or 'auto'")
    return is_begun if isinstance(resume, str) else resume
