"""Objects that settings name: entries of a registry, YAML files of the package, or YAML files of the user."""

from pathlib import Path

from neuronas.config.files import Model, as_path, read_yaml, validate
from neuronas.config.registry import Registry


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
    found: Model | Path = as_path(given) if is_file else registry[given]
    if not isinstance(found, Path):
        return found
    name = {"name": found.name if is_file else given} if has_name else {}
    return validate(model, {**name, **read_yaml(found)}, given)
