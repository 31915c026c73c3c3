"""Reading and writing YAML; errors are one line with the field, the given value and what is expected."""

import errno
import os
import re
import stat
from collections.abc import Mapping
from contextlib import suppress
from math import inf
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from neuronas.config.strict_yaml import YAML_ERRORS, parse_yaml
from neuronas.errors import ConfigurationError, suggestion, unwritable

MAX_FILE_BYTES = 1_000_000
Model = TypeVar("Model", bound=BaseModel)


def _reason(error: Exception) -> str:
    return _short(" ".join(str(error).split()) or "nested too deeply", 300)


def as_path(given: str | os.PathLike[str], what: str = "path") -> Path:
    """A path as given by a user; ``~`` is the home folder.

    Args:
        given: path.
        what: name of the path in messages, such as ``--out``.

    Raises:
        ConfigurationError: an empty text, which would mean the current folder, or not a path.
    """
    if not isinstance(given, str | os.PathLike):
        raise ConfigurationError(f"{what} {_short(repr(given))} given; expected text or a pathlib.Path")
    if given == "":
        raise ConfigurationError(f"{what} '' given; expected a path (a variable of the shell may not be set)")
    try:
        return Path(given).expanduser()
    except RuntimeError:  # no such user
        return Path(given)


def is_there(path: Path) -> bool:
    """Whether a file exists under this name. Broken links count: they must not be taken for a missing file."""
    return os.path.lexists(path)


def read_text(path: Path, max_bytes: int) -> str:
    """Read an untrusted text file.

    Raises:
        OSError: it cannot be read, is larger, or is not a regular file (a pipe or a device may never end).
        ValueError: it is not UTF-8.
    """
    return read_bytes(path, max_bytes).decode()


def read_bytes(path: Path, max_bytes: int) -> bytes:
    """See ``read_text``."""
    if _size(path) > max_bytes:
        raise OSError(errno.EFBIG, f"is larger than {max_bytes:,} bytes", str(path))
    return _read(path)


def read_beginning(path: Path, n_bytes: int) -> tuple[bytes, int]:
    """Read up to ``n_bytes`` of an untrusted file; also returns its size.

    Raises:
        OSError: it cannot be read, or is not a regular file.
    """
    size = _size(path)
    return _read(path, n_bytes), size


def _size(path: Path) -> int:
    found = path.stat()
    if stat.S_ISDIR(found.st_mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "is a pipe or a device, not a regular file", str(path))
    return found.st_size


def _read(path: Path, n_bytes: int = -1) -> bytes:
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0) as file:
        content: bytes | None = file.read(n_bytes)
    if content is None:  # the kernel's log pretends to be a file
        raise OSError(errno.EINVAL, "is not a regular file: it has no end", str(path))
    return content


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML mapping.

    Raises:
        ConfigurationError: the file is missing, too large, not YAML, or not a mapping.
    """
    return read_yaml_text(path)[0]


def read_yaml_text(path: Path) -> tuple[dict[str, Any], str]:
    """Read a YAML mapping; also returns the text. See ``read_yaml``."""
    try:
        text = read_text(path, MAX_FILE_BYTES)
        content = parse_yaml(text)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror}); expected a YAML file") from error
    except YAML_ERRORS as error:
        raise ConfigurationError(f"{path}: not valid YAML: {_reason(error)}") from error
    if content is not None and not isinstance(content, dict):
        raise ConfigurationError(f"{path}: holds a {type(content).__name__}; expected 'key: value' lines")
    return {str(key): value for key, value in (content or {}).items()}, text


def parse_yaml_value(text: str, source: str) -> Any:
    """Parse one YAML value: ``1.5``, ``true``, ``[1, 2]``, ``inf``, text.

    Raises:
        ConfigurationError: it is not valid YAML.
    """
    try:
        value = parse_yaml(text)
    except YAML_ERRORS as error:
        raise ConfigurationError(f"{source}: not valid YAML: {_reason(error)}") from error
    return inf if value in ("inf", "+inf") else value


def write_text(path: Path, text: str) -> None:
    """Write a file atomically: to a temporary file in the same folder, flushed, then renamed.

    Raises:
        RunDirectoryError: it cannot be written (full disk, no permission).
    """
    write_bytes(path, text.encode(errors="backslashreplace"))  # file names may hold any bytes


def write_bytes(path: Path, content: bytes) -> None:
    """See ``write_text``."""
    beside = path.with_name(path.name + ".part")
    try:
        beside.unlink(missing_ok=True)  # left by a writer that was killed; or a link, which must not be followed
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        with suppress(OSError):  # keep the original error if removing the incomplete file fails as well
            beside.unlink()
        raise unwritable(path, error) from error


def write_yaml(path: Path, model: BaseModel) -> None:
    """Write a settings value so that ``read_yaml`` and ``validate`` give it back unchanged."""
    write_text(path, yaml.safe_dump(model.model_dump(), sort_keys=False, allow_unicode=True))


def validate(model: type[Model], values: Mapping[str, Any], source: str) -> Model:
    """Turn plain values into a settings value.

    Args:
        model: settings class.
        values: nested plain values, as YAML gives them.
        source: origin of the values, with which the message begins.

    Raises:
        ConfigurationError: one line with the first mistake.
    """
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        raise ConfigurationError(f"{source}: {first_mistake(error, model)}") from None


_EXPECTED = {
    "model_type": "expected 'key: value' lines",
    "tuple_type": "expected a list",
    "list_type": "expected a list",
    "int_type": "expected a whole number",
    "int_from_float": "expected a whole number",
    "float_type": "expected a number",
    "finite_number": "expected a finite number",
    "bool_type": "expected true or false",
    "string_type": "expected text",
    "greater_than": "expected more than {gt:,}",
    "greater_than_equal": "expected at least {ge:,}",
    "less_than": "expected less than {lt:,}",
    "less_than_equal": "expected at most {le:,}",
    "literal_error": "expected {expected}",
}
"""Messages by pydantic's error types; names in braces are filled from the error's context."""


def first_mistake(error: ValidationError, model: type[BaseModel]) -> str:
    """The most informative of pydantic's errors, in one line: field, given, expected."""
    # An unknown key explains more than what it leaves missing, so it is reported first.
    first = min(error.errors(), key=lambda item: item["type"] != "extra_forbidden")
    field = ".".join(_short(str(part)) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        known = _known_keys(model, first["loc"][:-1])
        near = suggestion(str(first["loc"][-1]), known)
        return f"unknown key '{field}'{near} (known here: {', '.join(known)})"
    if first["type"] == "missing":
        return f"key '{field}' is missing"
    message = first["msg"].removeprefix("Value error, ")
    expected = _EXPECTED[first["type"]].format(**first.get("ctx", {})) if first["type"] in _EXPECTED else message
    given = first["input"]
    if isinstance(given, Mapping):  # a quantity with its source, or a section whose values do not agree
        given = given.get("value", given)
    choices = re.findall("'([^']*)'", first["ctx"]["expected"]) if first["type"] == "literal_error" else ()
    near = suggestion(_short(str(given)), choices)
    is_section = isinstance(given, Mapping) and first["type"] == "value_error" and _known_keys(model, first["loc"])
    said = "" if is_section else f"given {_short(repr(given))}; "
    return f"{field or 'value'}: {said}{expected[0].lower()}{expected[1:]}{near}"


def _short(text: str, longest: int = 80) -> str:
    """An untrusted text, shortened for a one-line message."""
    text = " ".join(text.split())
    return text if len(text) <= longest else text[: longest - 3] + "..."


def _known_keys(model: type[BaseModel], path: tuple[int | str, ...]) -> list[str]:
    current: Any = model
    for part in path:
        field = getattr(current, "model_fields", {}).get(part)
        if field is None:
            return []
        kinds = (field.annotation, *get_args(field.annotation))  # a section, or one that may be absent
        current = next((kind for kind in kinds if hasattr(kind, "model_fields")), None)
    return list(getattr(current, "model_fields", {}))
