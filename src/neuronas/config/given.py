"""Settings as given by a user in a file, by ``--set`` and options, or by Python keywords; all are optional."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from neuronas.config.files import parse_yaml_value, validate
from neuronas.config.schema import ResolvedConfig
from neuronas.config.setting import Section, Setting, partial, settings_of
from neuronas.config.weight_bits import LayerBits
from neuronas.errors import ConfigurationError, unknown_name

SETTINGS: dict[str, Setting] = settings_of(ResolvedConfig)
"""Every setting by its path."""
if TYPE_CHECKING:
    _AllOptional = Section
else:
    _AllOptional = partial(ResolvedConfig, "AllOptional")


class RunConfig(_AllOptional):
    """Settings as given, each of them validated: ``RunConfig(network={"channels": 8})``."""

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Value of a setting or section; None if it was not given."""


@cache
def settings_for(verb: str) -> dict[str, Setting]:
    """The settings of a command, by keyword."""
    return {one.name: one for one in SETTINGS.values() if verb in one.meaning.verbs}


def given(values: Mapping[str, Any], source: str) -> RunConfig:
    """Validate nested values as given by a user.

    Raises:
        ConfigurationError: one line with the first mistake.
    """
    return validate(RunConfig, values, source)


def written(config: Any) -> dict[str, Any]:
    """The given values of a ``RunConfig``, nested; objects are not converted."""
    found = {}
    for name in type(config).model_fields:
        value = getattr(config, name)
        if name in _SECTIONS:
            value = written(value) if value is not None else None
        if value is not None and value != {}:
            found[name] = value
    return found


def with_options(values: Mapping[str, Any], verb: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Override nested values by the options of a command, by keyword; ``None`` means that an option was not given.

    Raises:
        ConfigurationError: the command has no such option.
    """
    known = settings_for(verb)
    for name, value in options.items():
        if value is None:
            continue
        if name not in known:
            raise unknown_name("option", name, known)
        values = with_value(values, known[name].path, value)
    return dict(values)


def with_assignments(values: Mapping[str, Any], assignments: Iterable[str]) -> dict[str, Any]:
    """Override nested values by ``section.key=value`` texts, as ``--set`` takes them; values are parsed as YAML.

    Raises:
        ConfigurationError: no ``=``, an unknown key, or a value that cannot be read.
    """
    for text in assignments:
        path, equals, value = text.partition("=")
        if not equals:
            raise ConfigurationError(f"--set {text}: expected KEY=VALUE, such as network.tau=1.5")
        if path.strip() not in SETTINGS:
            raise unknown_name("setting", path.strip(), SETTINGS, _alike(path.strip()))
        values = with_value(values, path.strip(), parse_yaml_value(value, f"--set {text}"))
    return dict(values)


def _alike(path: str) -> list[str]:
    """The settings of the section of an unknown one; if the section is unknown too, the sections."""
    sections = {one: one.partition(".")[0] for one in SETTINGS}
    own = [one for one, section in sections.items() if section == path.partition(".")[0]]
    return own or list(dict.fromkeys(sections.values()))


def with_value(values: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of nested values with one of them changed."""
    head, _, rest = path.partition(".")
    return {**values, head: with_value(values.get(head) or {}, rest, value) if rest else value}


def as_options(config: RunConfig, verb: str) -> list[str]:
    """The given settings as command-line arguments; objects, which have no text form, are left out."""
    found = []
    for path, one in SETTINGS.items():
        value = value_at(written(config), path)
        if value is None or not isinstance(value, str | int | float | tuple | LayerBits):
            continue
        values: tuple[Any, ...] = value if path == "plugins" and isinstance(value, tuple) else (value,)
        is_side = path == "data.image_side"
        if verb not in one.meaning.verbs or not one.meaning.is_option:
            found += [part for each in values for part in ("--set", f"{path}={_typed(each, is_side=is_side)}")]
        elif isinstance(value, bool):
            found.append(one.flag if value else f"--no-{one.flag[2:]}")
        else:
            found += [part for each in values for part in (one.flag, _typed(each, is_side=is_side))]
    return found


def _typed(value: Any, *, is_side: bool = False) -> str:
    if isinstance(value, tuple):  # height and width of an image, or several values
        return ("x" if is_side else ",").join(map(str, dict.fromkeys(value) if len(set(value)) == 1 else value))
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def merged(*values: Mapping[str, Any]) -> dict[str, Any]:
    """Merge nested values; later ones override earlier ones."""
    found: dict[str, Any] = {}
    for one in values:
        for key, value in one.items():
            both = isinstance(value, Mapping) and isinstance(found.get(key), Mapping)
            found[key] = merged(found[key], value) if both else value
    return found


def value_at(values: Mapping[str, Any], path: str) -> Any:
    """One of several nested values; None if it is absent."""
    found: Any = values
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


_SECTIONS = {path.partition(".")[0] for path in SETTINGS if "." in path}
