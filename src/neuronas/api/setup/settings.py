"""The settings of a run, from files, ``--set``, options and the run directory."""

from collections.abc import Callable, Iterable, Mapping
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
    settings_for,
    validate,
    value_at,
    with_assignments,
    with_options,
    with_value,
    written,
)
from neuronas.errors import ConfigurationError
from neuronas.runs.config_file import read_config
from neuronas.runs.directory import CONFIG, COPIES
from neuronas.runs.environment import ENVIRONMENT, Environment

if TYPE_CHECKING:
    from neuronas.api.setup.plan import Copies, Plan

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
    warns: bool = True,
) -> "Plan":
    """Merge the settings that the user gave, and resolve them; a warning names those that have no effect.

    Options override assignments, which override ``config`` or, without it, the settings of ``run``.

    Args:
        verb: command of the options.
        options: options by keyword; None: not given.
        config: YAML file, nested values, or a ``RunConfig``.
        assignments: settings as ``section.key=value`` texts.
        run: run directory, whose settings and copies of files are the defaults.
        resume: the run is continued: a file that it names is preferred to its copy, so that a change is noticed.
        warns: whether to warn; False if a command that has warned resolves its settings again.

    Raises:
        ConfigurationError: the message names the file, setting or option, what was given and what is expected.
        VerificationError: the run's settings are damaged.
    """
    from neuronas.api.setup.compose import plan  # not for commands that only collect settings
    from neuronas.api.setup.unread import warn_of_preset, warn_of_unread

    assignments = tuple(assignments)
    own = read_config(run / CONFIG) if run is not None else {}
    if run is not None and config is None:
        load_plugins(options.get("plugin") or ())
        require_loaded(own["plugins"], str(run))
    chosen = gathered(verb, options, config if config is not None else own, assignments, str(run and run / CONFIG))
    if run is None:
        found = plan(chosen)
    else:
        environment = Environment.read_if_there(run / ENVIRONMENT)
        started_in = Path(environment.working_directory) if environment and environment.working_directory else None
        copies = _copies(run, own, chosen, resume=resume)
        found = plan(chosen, copies, lenient=not resume, started_in=started_in)
    if warns:
        here = chosen if run is None or config is not None else gathered(verb, options, None, assignments)
        warn_of_unread(found, written(here), verb)
        if run is not None and config is None:
            warn_of_preset(written(here), own, run)
    return found


def gathered(
    verb: str, options: Mapping[str, Any], config: Config, assignments: Iterable[str] = (), source: str = "config"
) -> RunConfig:
    """Merge and validate the settings that the user gave, without looking up names; see ``planned``.

    Args:
        verb: command of the options.
        options: options by keyword.
        config: see ``planned``.
        assignments: see ``planned``.
        source: name of ``config`` in messages, unless it is a file.
    """
    values = _values(config)
    # Errors in a file are reported for the file, not for the command line.
    given(values, str(config) if isinstance(config, str | PathLike) else source)
    chosen = given(with_options(with_assignments(values, assignments), verb, options), "command line")
    load_plugins(written(chosen).get("plugins", ()))  # before reading anything that may name their entries
    return chosen


def without(
    path: str, verb: str, options: Mapping[str, Any], config: Config, assignments: Iterable[str]
) -> tuple[dict[str, Any], Config, tuple[str, ...]]:
    """The same options, ``config`` and assignments without one setting, wherever it is given; see ``planned``."""
    name = next(name for name, one in settings_for(verb).items() if one.path == path)
    kept = {key: value for key, value in options.items() if key != name}
    others = tuple(text for text in assignments if text.partition("=")[0].strip() != path)
    values = _values(config)
    return kept, config if value_at(values, path) is None else with_value(values, path, None), others


def _values(config: Config) -> Mapping[str, Any]:
    if isinstance(config, Section):
        return written(config)
    if config is None or isinstance(config, Mapping):
        return config or {}
    return read_yaml(as_path(config, "--config"))


def _copies(run: Path, own: Mapping[str, Any], chosen: RunConfig, *, resume: bool) -> "Copies":
    """The run's copies of the files and objects that its settings still name."""
    from neuronas.api.setup.plan import COPIED, Copies

    found: dict[str, Any] = {}
    for name, (file, path) in COPIES.items():
        value = value_at(written(chosen), path)
        is_own = value == value_at(own, path)
        is_needed = not resume or not (isinstance(value, str) and as_path(value).is_file())
        if is_own and is_needed and is_there(run / file):
            found[name] = validate(COPIED[name], read_yaml(run / file), str(run / file))
    return Copies(**found)


def is_resumed(resume: bool | str, is_begun: Callable[[], bool]) -> bool:
    """Whether to continue a run; ``"auto"``: if there is anything to continue, as ``is_begun`` says.

    Raises:
        ConfigurationError: another text.
    """
    if isinstance(resume, str) and resume != "auto":
        raise ConfigurationError(f"resume {resume!r} given; expected True, False or 'auto'")
    return is_begun() if isinstance(resume, str) else resume


def resumed_in(out: str | PathLike[str] | None, resume: bool | str, file: str | Path) -> tuple[Path | None, bool]:
    """The directory that a user gave, and whether to continue the run in it.

    Args:
        out: ``--out``; None: a new directory.
        resume: see ``is_resumed``.
        file: file of the directory that exists once the run is begun.

    Raises:
        ConfigurationError: there is no directory to continue in, or ``resume`` is another text.
    """
    directory = as_path(out, "--out") if out is not None else None
    going_on = is_resumed(resume, lambda: directory is not None and is_there(directory / file))
    if going_on and directory is None:
        raise ConfigurationError("--resume needs --out DIR, the run directory to resume")
    return directory, going_on
