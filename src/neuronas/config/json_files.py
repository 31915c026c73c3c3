"""Reading and writing strict JSON (RFC 8259); files are written atomically."""

import json
from collections import Counter
from math import isfinite, isinf
from pathlib import Path
from typing import Any

from neuronas.config.files import read_text, write_text
from neuronas.errors import VerificationError

_MAX_BYTES = 100_000_000


def parse_json(text: str) -> Any:
    """Parse JSON; refuse NaN, infinity, numbers that overflow to it, and duplicate keys (Python keeps the last).

    Raises:
        ValueError: the text is not such JSON; the message is one line.
    """
    try:
        return json.loads(text, parse_constant=_refuse, parse_float=_finite, object_pairs_hook=_object)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not a number")


def _finite(digits: str) -> float:
    value = float(digits)
    if isinf(value):
        raise ValueError(f"{digits[:80]} is out of range")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        key = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise ValueError(f"key given twice: {key[:80]!r}")
    return found


def write_json(path: Path, document: Any) -> None:
    """Write a JSON file atomically; numbers that JSON cannot hold are refused."""
    write_text(path, json.dumps(document, indent=2, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        VerificationError: if it is missing or broken.
    """
    try:
        return parse_json(read_text(path, _MAX_BYTES))
    except OSError as error:
        raise VerificationError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise VerificationError(f"{path}: is not valid JSON ({error})") from error


def plain(value: Any) -> Any:
    """Convert a value to one that JSON can hold; infinity becomes null."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return None if isinstance(value, float) and not isfinite(value) else value
