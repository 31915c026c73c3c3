"""Objects that settings name: entries of a registry, YAML files of the package, or YAML files of the user."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from neuronas.config.files import Model, as_path, read_yaml, validate
from neuronas.config.given import SETTINGS
from neuronas.config.registry import REGISTRIES, Registry
from neuronas.errors import ConfigurationError, an


def load_named(model: type[Model], registry: Registry, given: Model | str, *, has_name: bool = False) -> Model:
    """Load an object by name or from a YAML file; an object is returned unchanged.

    Args:
        model: class of the object.
        registry: registry of the names; its entries are objects or YAML files.
        given: a name, a file that ends in ``.yaml`` or ``.yml``, or the object.
        has_name: the object has a field ``name``; its default is the name in the registry or the file's name.

    Raises:
        ConfigurationError: the name is unknown, the file cannot be read, a key is missing, or a value is out of range.
    """
    if not isinstance(given, str):
        return given
    is_file = given.endswith((".yaml", ".yml"))
    if not is_file and given not in registry:
        _refuse_other(registry, given, (other for other in _others(registry) if given in other))
    found: Model | Path = as_path(given) if is_file else registry[given]
    if not isinstance(found, Path):
        return found
    name = {"name": found.name if is_file else given} if has_name else {}
    content = read_yaml(found)
    if is_file and not _describes(model, content):
        others = (other for other in _others(registry) if _describes(other.object_class, content))
        _refuse_other(registry, given, others)
    return validate(model, {**name, **content}, given)


def _others(registry: Registry) -> list[Registry]:
    """The other registries whose entries are files."""
    found = [one for one in REGISTRIES.values() if one.object_type and all(isinstance(one[name], Path) for name in one)]
    return [one for one in found if one is not registry]


def _describes(model: type[Any] | None, keys: Iterable[str]) -> bool:
    return model is not None and set(keys) <= set(model.model_fields)


def _refuse_other(registry: Registry, given: str, others: Iterable[Registry]) -> None:
    """Raise if what was given is of another kind."""
    for other in others:
        flag = next((one.flag for one in SETTINGS.values() if one.meaning.choices is other), "")
        taken = f", which {flag} takes" if flag else ""
        raise ConfigurationError(f"{given}: is {an(other.kind)}{taken}; expected {an(registry.kind)}")
