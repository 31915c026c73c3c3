"""Waiting for what happens in its own time, with a limit that only a hang reaches."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

WAIT_S = 60.0


def until(is_so: Callable[[], Any], seconds: float = WAIT_S, pause_s: float = 0.02) -> None:
    """Ask again and again until something is so."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, f"not so within {seconds:g} s"
        time.sleep(pause_s)


@contextmanager
def at_most(seconds: int, what: str, end: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Fail where something takes longer.

    Args:
        seconds: many times what it takes on a busy machine.
        what: names it.
        end: makes an end of it first, such as killing a process.
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
