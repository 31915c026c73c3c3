"""The choices that a setting needs to have an effect, as its declaration states them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Needs:
    """Another setting, and the values of it with which a setting has an effect.

    Attributes:
        path: the other setting.
        values: its values with which the setting is read; empty: see ``is_met``.
        is_met: whether the setting is read with a value; None: the chosen entry of the registry declares what it reads
            (``settings_read``).
        expected: what is expected of the other setting, in words; empty: ``values``, or the entries that read it.
        verbs: commands for which this holds; empty: all.
    """

    path: str
    values: tuple[Any, ...] = ()
    is_met: Callable[[Any], bool] | None = None
    expected: str = ""
    verbs: tuple[str, ...] = ()
