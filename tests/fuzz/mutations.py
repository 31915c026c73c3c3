"""Changes values of documents and keeps them valid; random changes of bytes mostly give invalid JSON or YAML."""

import copy
import json
from collections.abc import Callable
from random import Random
from typing import Any

import yaml

HOSTILE: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, -(2**63), 10**25, 0.5, -0.0, 5e-324, 1e-30, 1e30, 1.7e308, float("inf"),
    float("nan"), "", "0", "1e3", "null", "\0", "\x1b[2J", "\ud800", "é", "<b>&\"'", "../x", "/dev/zero", "A" * 3000,
    [], {}, [[]], {"": None}, [0] * 50,
)  # fmt: skip
Change = Callable[[bytes, Random], bytes | None]


def change_json(data: bytes, random: Random) -> bytes | None:
    """Change values of a JSON document; None if it is not one."""
    try:
        return json.dumps(_changed(json.loads(data), random)).encode()
    except (ValueError, ArithmeticError, RecursionError):
        return None


def change_lines(data: bytes, random: Random) -> bytes | None:
    """Change one line of a file of JSON documents."""
    lines = data.split(b"\n")
    place = random.randrange(len(lines))
    line = change_json(lines[place] or lines[0], random)
    return None if line is None else b"\n".join([*lines[:place], line, *lines[place + 1 :]])


def change_yaml(data: bytes, random: Random) -> bytes | None:
    """Change values of a YAML document; None if it is not one."""
    try:
        return yaml.safe_dump(_changed(yaml.safe_load(data), random)).encode("utf-8", "surrogatepass")
    except (yaml.YAMLError, ValueError, ArithmeticError, TypeError, RecursionError):
        return None


def _changed(document: Any, random: Random) -> Any:
    root = [document]
    for _ in range(random.randint(1, 3)):
        holder, key = random.choice(_places(root))
        change = random.choice((_replace, _replace, _scale, _copy, _remove, _rename))
        change(root, holder, key, random)
    return root[0] if root else None


def _places(root: list[Any]) -> list[tuple[Any, Any]]:
    """Every value as (container, key or index), the document itself first."""
    found: list[tuple[Any, Any]] = []
    waiting: list[Any] = [root]
    while waiting and len(found) < 5000:
        one = waiting.pop()
        keys = list(one) if isinstance(one, dict) else range(len(one))
        found += ((one, key) for key in keys)
        waiting += (one[key] for key in keys if isinstance(one[key], dict | list))
    return found or [(root, 0)]


def _replace(root: list[Any], holder: Any, key: Any, random: Random) -> None:
    holder[key] = copy.deepcopy(random.choice(HOSTILE))


def _scale(root: list[Any], holder: Any, key: Any, random: Random) -> None:
    value = holder[key]
    if isinstance(value, int | float):
        holder[key] = value * random.choice((-1, 0.5, 2, 10, 1000, 1e-9, 1e9)) + random.choice((0, 0, 1, -1))
    else:
        _replace(root, holder, key, random)


def _copy(root: list[Any], holder: Any, key: Any, random: Random) -> None:
    other, place = random.choice(_places(root))
    value = other[place]
    if len(json.dumps(value, default=str)) < 2000:
        holder[key] = copy.deepcopy(value)


def _remove(root: list[Any], holder: Any, key: Any, random: Random) -> None:
    if holder is not root:
        del holder[key]


def _rename(root: list[Any], holder: Any, key: Any, random: Random) -> None:
    if isinstance(holder, dict):
        value = holder.pop(key)
        holder[random.choice(("", "0", "../x", "x" * 300, f"{key}_", str(random.choice(HOSTILE))))] = value
