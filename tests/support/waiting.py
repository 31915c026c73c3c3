"""Waiting for conditions, with a limit that only a hang reaches."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

WAIT_S = 60.0


def until(is_so: Callable[[], Any], seconds: float = WAIT_S, pause_s: float = 0.02) -> None:
    """Poll until a condition is true."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, f"not so within {seconds:g} s"
        time.sleep(pause_s)


@contextmanager
def at_most(seconds: int, what: str, end: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Fail if a block takes longer.

    Args:
        seconds: limit, many times the duration on a busy machine.
        what: name for the message.
        end: called first, for example to kill a process.
    """

    def fail(signum: int, frame: object) -> None:
        end()
        pytest.fail(f"{what}: not done within {seconds} s")

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
