"""Origin of an object, by which a run notices that the code behind a name has changed."""

import inspect
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

from neuronas.version import __version__


def label(entry: Any) -> str:
    """Name of an object that was given instead of a name."""
    name = getattr(entry, "name", None) or getattr(entry, "__name__", None)
    return name if isinstance(name, str) else type(entry).__name__


def origin(entry: Any) -> str:
    """Qualified name of an object's code with the version of neuronas or, for third-party code, its digest.

    The state of an object is part of it: a measure with other coefficients is another measure.
    """
    code = entry if inspect.isroutine(entry) or inspect.isclass(entry) else type(entry)
    name = f"{code.__module__}.{code.__qualname__}"
    state = "" if code is entry else _state(entry)
    if code.__module__.partition(".")[0] == "neuronas":
        return f"{name} of neuronas {__version__}{state}"
    return f"{name} ({blake2b(_source(code), digest_size=8).hexdigest()}){state}"


def _state(entry: Any) -> str:
    """Digest of an object's attributes; empty if it has none."""
    values = getattr(entry, "__dict__", None) or {
        name: getattr(entry, name, None) for one in type(entry).__mro__ for name in getattr(one, "__slots__", ())
    }
    return f" {{{blake2b(repr(_plain(values)).encode(), digest_size=4).hexdigest()}}}" if values else ""


def _plain(value: Any) -> Any:
    """A value whose ``repr`` is the same in every process."""
    if value is None or isinstance(value, bool | int | float | str | bytes):
        return value
    if isinstance(value, Mapping):
        return [(str(key), _plain(one)) for key, one in value.items()]
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return bytes(value) if hasattr(value, "tobytes") else origin(value)


def _source(code: Any) -> bytes:
    """Source of the object's module or, for code typed into an interpreter, of the object itself."""
    try:
        file = inspect.getsourcefile(code)
    except TypeError:
        file = None
    if file and Path(file).is_file():
        return Path(file).read_bytes()
    try:
        return inspect.getsource(code).encode()
    except (OSError, TypeError):
        compiled = getattr(code, "__code__", None)
        code_text: bytes = compiled.co_code + repr(compiled.co_consts).encode() if compiled else repr(code).encode()
        return code_text
