"""A batch of CIFAR's version for Python, which is a pickle: its values are collected, and nothing in it is executed.

A pickle is a program for a stack machine. The opcodes that these files need are interpreted here; what would import or
call something only leaves a mark with its arguments.
"""

import pickletools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from neuronas.config import read_bytes
from neuronas.errors import DataError

_N_PIXELS = 3 * 32 * 32
_MAX_BYTES = 1_000_000_000
_MARK = object()
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_PUSH = {"BININT", "BININT1", "BININT2", "LONG1", "BINUNICODE", "SHORT_BINUNICODE", "SHORT_BINBYTES", "BINBYTES"}


@dataclass
class _Made:
    """Stands for what a call would make."""

    arguments: Any
    state: list[Any] = field(default_factory=list)


def read_python_batch(path: Path, labels_key: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Read labels [N] and pixels [N, 3072].

    Args:
        path: the file.
        labels_key: name of the labels in it.

    Raises:
        DataError: it cannot be read, or is no such batch.
    """
    try:
        found = {_text(key): value for key, value in _content(read_bytes(path, _MAX_BYTES)).items()}
        *_, raw = found["data"].state[0]
        if isinstance(raw, _Made):  # Python 3 writes bytes in protocol 2 as text that is to be encoded
            raw = raw.arguments[0].encode("latin-1")
        pixels = np.frombuffer(raw, np.uint8).reshape(-1, _N_PIXELS)
        labels = np.array(found[labels_key], dtype=np.uint8)
        if labels.shape != pixels.shape[:1]:
            raise ValueError(f"{len(labels):,} labels of {len(pixels):,} images")
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError, StopIteration, MemoryError) as error:
        reason = " ".join(str(error).split())[:100] or type(error).__name__
        raise DataError(f"{path}: is no batch of CIFAR's version for Python ({reason})") from error
    return labels, pixels


def _text(key: Any) -> str:
    return key.decode("latin-1") if isinstance(key, bytes) else str(key)


def _content(raw: bytes) -> dict[Any, Any]:
    stack: list[Any] = []
    memo: dict[int, Any] = {}

    def after_mark() -> list[Any]:
        at = len(stack) - 1
        while stack[at] is not _MARK:
            at -= 1
        taken = stack[at + 1 :]
        del stack[at:]
        return taken

    def build() -> None:
        state = stack.pop()
        stack[-1].state.append(state)

    def call() -> None:
        arguments = stack.pop()
        stack[-1] = _Made(arguments)

    def set_items() -> None:
        taken = after_mark()
        stack[-1].update(zip(taken[::2], taken[1::2], strict=True))

    def tuple_of(n: int) -> None:
        taken = tuple(stack[-n:])
        del stack[-n:]
        stack.append(taken)

    actions: dict[str, Callable[[], Any]] = {
        "MARK": lambda: stack.append(_MARK),
        "EMPTY_DICT": lambda: stack.append({}),
        "EMPTY_LIST": lambda: stack.append([]),
        "EMPTY_TUPLE": lambda: stack.append(()),
        "TUPLE": lambda: stack.append(tuple(after_mark())),
        "TUPLE1": lambda: tuple_of(1),
        "TUPLE2": lambda: tuple_of(2),
        "TUPLE3": lambda: tuple_of(3),
        "APPEND": lambda: stack[-2].append(stack.pop()),
        "APPENDS": lambda: _extend(stack, after_mark()),
        "SETITEMS": set_items,
        "REDUCE": call,
        "BUILD": build,
        "STACK_GLOBAL": lambda: stack.append(_Made((stack.pop(), stack.pop()))),
    }
    for opcode, found, _ in pickletools.genops(raw):
        name, argument = opcode.name, cast(Any, found)
        if name in actions:
            actions[name]()
        elif name in _PUSH:
            stack.append(argument)
        elif name in ("SHORT_BINSTRING", "BINSTRING"):  # Python 2's bytes
            stack.append(argument.encode("latin-1"))
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name == "GLOBAL":
            stack.append(_Made(argument))
        elif name in ("BINPUT", "LONG_BINPUT"):
            memo[argument] = stack[-1]
        elif name == "MEMOIZE":
            memo[len(memo)] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(memo[argument])
        elif name not in ("PROTO", "FRAME", "STOP"):
            raise ValueError(f"opcode {name}")
    (content,) = stack
    if not isinstance(content, dict):
        raise TypeError(f"a {type(content).__name__}")
    return content


def _extend(stack: list[Any], values: list[Any]) -> None:
    stack[-1].extend(values)
