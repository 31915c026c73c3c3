"""Reads the values of a pickle without executing it, for published files that are pickles.

A pickle is a program for a stack machine. Only the opcodes needed by these files are interpreted. Opcodes that would
import or call something only create a placeholder (``Made``) with its name and arguments; other names are rejected.
"""

import pickletools
from collections.abc import Callable, Set
from dataclasses import dataclass, field
from typing import Any, cast

MAX_OPCODES = 2_000_000
"""A batch of 50,000 images has about 250,000: a few for each name and label."""
_MARK = object()
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_PUSH = {"BININT", "BININT1", "BININT2", "LONG1", "BINUNICODE", "SHORT_BINUNICODE", "SHORT_BINBYTES", "BINBYTES"}


@dataclass
class Made:
    """Placeholder for the result of a call.

    Attributes:
        name: name of the function or class, ``module name``.
        arguments: arguments of the call; empty before the call.
        state: state that would be set afterwards.
    """

    name: str
    arguments: tuple[Any, ...] = ()
    state: list[Any] = field(default_factory=list)


def values_of(raw: bytes, admitted: Set[str]) -> Any:
    """Return the value described by a pickle.

    Keys of dictionaries must be text or bytes, since hashing nested tuples can take exponential time.

    Args:
        raw: the pickle.
        admitted: names that it may refer to, as ``module name``.

    Raises:
        ValueError, TypeError, LookupError, AttributeError, OverflowError: not a pickle, longer than ``MAX_OPCODES``,
            or unsupported content; the message states the reason.
    """
    machine = _Machine(admitted)
    for number, (opcode, argument, _) in enumerate(pickletools.genops(raw)):
        if number >= MAX_OPCODES:
            raise ValueError(f"more than {MAX_OPCODES:,} opcodes")
        machine.do(opcode.name, argument)
    (value,) = machine.stack
    return value


class _Machine:
    def __init__(self, admitted: Set[str]):
        self.stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._admitted = admitted
        push = self.stack.append
        self._actions: dict[str, Callable[[], Any]] = {
            "MARK": lambda: push(_MARK),
            "EMPTY_DICT": lambda: push({}),
            "EMPTY_LIST": lambda: push([]),
            "EMPTY_TUPLE": lambda: push(()),
            "TUPLE": lambda: push(tuple(self._after_mark())),
            "TUPLE1": lambda: push(self._popped(1)),
            "TUPLE2": lambda: push(self._popped(2)),
            "TUPLE3": lambda: push(self._popped(3)),
            "APPEND": lambda: self._append([self.stack.pop()]),
            "APPENDS": lambda: self._append(self._after_mark()),
            "SETITEM": lambda: self._set(list(self._popped(2))),
            "SETITEMS": lambda: self._set(self._after_mark()),
            "REDUCE": self._call,
            "BUILD": self._build,
            "STACK_GLOBAL": lambda: push(self._named(" ".join(map(str, self._popped(2))))),
            "MEMOIZE": lambda: self._memo.update({len(self._memo): self.stack[-1]}),
        }

    def do(self, name: str, argument: Any) -> None:
        """Interpret one opcode."""
        if name in self._actions:
            self._actions[name]()
        elif name in _PUSH:
            self.stack.append(argument)
        elif name in ("SHORT_BINSTRING", "BINSTRING"):  # bytes of Python 2
            self.stack.append(argument.encode("latin-1"))
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name == "GLOBAL":
            self.stack.append(self._named(argument))
        elif name in ("BINPUT", "LONG_BINPUT"):
            self._memo[argument] = self.stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            self.stack.append(self._memo[argument])
        elif name not in ("PROTO", "FRAME", "STOP"):
            raise ValueError(f"opcode {name}")

    def _named(self, name: str) -> Made:
        if name not in self._admitted:
            raise ValueError(f"refers to {name.replace(' ', '.')[:60]!r}, which is not allowed and was not run")
        return Made(name)

    def _call(self) -> None:
        made, arguments = self._popped(2)
        if not isinstance(made, Made) or not isinstance(arguments, tuple):
            raise TypeError("calls an object that cannot be called")
        self.stack.append(Made(made.name, arguments))

    def _build(self) -> None:
        state = self.stack.pop()
        cast(Made, self.stack[-1]).state.append(state)

    def _append(self, values: list[Any]) -> None:
        if not isinstance(self.stack[-1], list):
            raise TypeError("appends to an object that is not a list")
        self.stack[-1].extend(values)

    def _set(self, values: list[Any]) -> None:
        keys = values[::2]
        if not isinstance(self.stack[-1], dict) or not all(isinstance(key, str | bytes) for key in keys):
            raise TypeError("has a dictionary with keys that are not text")
        self.stack[-1].update(zip(keys, values[1::2], strict=True))

    def _popped(self, n: int) -> tuple[Any, ...]:
        if len(self.stack) < n:
            raise IndexError("takes more values than are on the stack")
        taken = tuple(self.stack[-n:])
        del self.stack[-n:]
        return taken

    def _after_mark(self) -> list[Any]:
        at = len(self.stack) - 1
        while self.stack[at] is not _MARK:
            at -= 1
        taken = self.stack[at + 1 :]
        del self.stack[at:]
        return taken
