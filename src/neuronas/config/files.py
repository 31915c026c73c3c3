"""YAML in and out: one line per mistake that names the field, what was given and what is wanted."""

import os
import re
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from neuronas.errors import ConfigurationError, suggestion

MAX_FILE_BYTES = 1_000_000
Model = TypeVar("Model", bound=BaseModel)


class _StrictLoader(yaml.SafeLoader):
    """Refuses duplicate keys, which YAML would silently drop, and aliases, which can grow without bound."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not accepted")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key) for key, _ in node.value]
        duplicates = {str(key) for key in keys if keys.count(key) > 1}
        if duplicates:
            raise yaml.YAMLError(f"key given twice: {', '.join(sorted(duplicates))}")
        return super().construct_mapping(node, deep)


# YAML 1.1 reads 10e6 and 1e3 as text; people mean numbers.
_StrictLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+"), list("-+.0123456789")
)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML mapping.

    Raises:
        ConfigurationError: if the file is missing, too large, no YAML, or no mapping.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ConfigurationError(f"{path}: larger than {MAX_FILE_BYTES:,} bytes; wanted a settings file")
        loader = _StrictLoader(path.read_text(encoding="utf-8"))
        try:
            content = loader.get_single_data()
        finally:
            loader.dispose()
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror}); wanted a YAML file") from error
    except (
        yaml.YAMLError,
        ValueError,
        TypeError,
        AttributeError,
        ArithmeticError,
        LookupError,
        RecursionError,
    ) as error:
        reason = " ".join(str(error).split()) or "nested too deeply"
        raise ConfigurationError(f"{path}: not valid YAML: {reason}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path}: holds a {type(content).__name__}; wanted 'key: value' lines")
    return {str(key): value for key, value in content.items()}


def write_text(path: Path, text: str) -> None:
    """Write a file that is either whole or absent: beside its place, flushed, then moved there."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """See ``write_text``."""
    beside = path.with_name(path.name + ".part")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def write_yaml(path: Path, model: BaseModel) -> None:
    """Write a settings value so that ``read_yaml`` and ``validate`` give it back unchanged."""
    write_text(path, yaml.safe_dump(model.model_dump(), sort_keys=False, allow_unicode=True))


def validate(model: type[Model], values: Mapping[str, Any], source: str) -> Model:
    """Turn plain values into a settings value.

    Args:
        model: the settings class.
        values: nested plain values, as YAML gives them.
        source: where they come from; stands first in the message.

    Raises:
        ConfigurationError: one line with the first mistake.
    """
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        raise ConfigurationError(f"{source}: {_first_line(error, model)}") from None


_WANTED = {"model_type": "wanted 'key: value' lines", "tuple_type": "wanted a list", "list_type": "wanted a list"}


def _first_line(error: ValidationError, model: type[BaseModel]) -> str:
    # An unknown key explains more than what it leaves missing, so it is reported first.
    first = min(error.errors(), key=lambda item: item["type"] != "extra_forbidden")
    field = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        known = _known_keys(model, first["loc"][:-1])
        near = suggestion(str(first["loc"][-1]), known)
        return f"unknown key '{field}'{near} (known here: {', '.join(known)})"
    if first["type"] == "missing":
        return f"key '{field}' is missing"
    wanted = _WANTED.get(first["type"], first["msg"].removeprefix("Value error, "))
    given = first["input"]
    shown = repr(given) if len(repr(given)) <= 80 else repr(given)[:77] + "..."
    return f"{field or 'value'}: given {shown}; {wanted[0].lower()}{wanted[1:]}"


def _known_keys(model: type[BaseModel], path: tuple[int | str, ...]) -> list[str]:
    current: Any = model
    for part in path:
        fields = getattr(current, "model_fields", {})
        if part not in fields:
            return []
        current = fields[str(part)].annotation
    return list(getattr(current, "model_fields", {}))
