"""JSON as its standard has it: one reader for all."""

import json
from collections import Counter
from math import isinf
from typing import Any


def parse_json(text: str) -> Any:
    """Read JSON without NaN, infinity, a number that would become it, or a key given twice (Python keeps the last).

    Raises:
        ValueError: it is none; the message is one line.
    """
    try:
        return json.loads(text, parse_constant=_refuse, parse_float=_finite, object_pairs_hook=_object)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no number")


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
