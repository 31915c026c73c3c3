"""A store of results with a memory limit. If it is full, the result whose next use is latest is dropped (Belady)."""

from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from neuronas.errors import ConfigurationError

_NEVER = 2**62


@dataclass
class _Entry:
    item: Any
    n_bytes: int
    uses: list[int]
    pins: int = 0


class Store:
    """Keeps items within a limit in bytes.

    Args:
        limit_bytes: limit for all items together.
        uses: for each key, the steps that need its item, ascending. An item without uses is dropped at the next step.
    """

    def __init__(self, limit_bytes: int, uses: Mapping[Hashable, list[int]]):
        self.limit_bytes, self._uses = limit_bytes, uses
        self._entries: dict[Hashable, _Entry] = {}
        self._step = 0
        self.used_bytes = 0

    def get(self, key: Hashable) -> Any:
        """Return an item, or None if it is not in the store."""
        entry = self._entries.get(key)
        return None if entry is None else entry.item

    def reserve(self, n_bytes: int) -> None:
        """Make room for an item; items whose next use is latest are dropped first.

        Raises:
            ConfigurationError: the pinned items and the new item together exceed the limit.
        """
        while self.used_bytes + n_bytes > self.limit_bytes:
            loose = [key for key, entry in self._entries.items() if not entry.pins]
            if not loose:
                required = (self.used_bytes + n_bytes) / 2**30
                raise ConfigurationError(
                    f"--memory-limit {self.limit_bytes / 2**30:.3g} GiB is too small for one candidate; "
                    f"expected at least {required:.3g} GiB, or a smaller --batch-size or --channels"
                )
            self._drop(max(loose, key=self._next_use))

    def put(self, key: Hashable, item: Any, n_bytes: int) -> None:
        """Store an item; call ``reserve`` before computing it."""
        if key in self._entries:
            self._drop(key)
        self._entries[key] = _Entry(item, n_bytes, self._uses.get(key, []))
        self.used_bytes += n_bytes

    def advance(self, step: int) -> None:
        """Set the current step and drop all items that no later step needs."""
        self._step = step
        for key in [key for key in self._entries if self._next_use(key) == _NEVER]:
            self._drop(key)

    @contextmanager
    def pinned(self, key: Hashable) -> Iterator[None]:
        """Prevent an item from being dropped within this context."""
        entry = self._entries[key]
        entry.pins += 1
        try:
            yield
        finally:
            entry.pins -= 1

    def _next_use(self, key: Hashable) -> int:
        uses = self._entries[key].uses
        while uses and uses[0] < self._step:
            uses.pop(0)
        return uses[0] if uses else _NEVER

    def _drop(self, key: Hashable) -> None:
        self.used_bytes -= self._entries.pop(key).n_bytes
