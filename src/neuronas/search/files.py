"""JSON files that are either whole or absent."""

import json
from math import isfinite
from pathlib import Path
from typing import Any

from neuronas.config import parse_json, read_text, write_text
from neuronas.errors import VerificationError

_MAX_BYTES = 100_000_000


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
    """Make a value that JSON can hold: it has no infinity, which becomes null."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return None if isinstance(value, float) and not isfinite(value) else value
