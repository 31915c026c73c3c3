"""Bytes that a program needs, layer by layer, and limits on them."""

from collections.abc import Sequence
from dataclasses import dataclass

from neuronas.errors import ConfigurationError

KIB = 1024


@dataclass(frozen=True)
class MemoryRow:
    """One layer.

    Attributes:
        name: of the layer, or of what layers share.
        flash_bytes: of its constants.
        ram_bytes: of what stays from one time step to the next, or is shared.
        value_bytes: of its values, which lie in what is shared.
        is_layer: false for what layers share.
    """

    name: str
    flash_bytes: int
    ram_bytes: int
    value_bytes: int
    is_layer: bool = True


def check_limits(rows: Sequence[MemoryRow], max_flash_kib: float | None, max_ram_kib: float | None) -> None:
    """Refuse a program that needs more memory than it may.

    Raises:
        ConfigurationError: names the largest layer and its bytes.
    """
    needs = {
        "--max-flash": (max_flash_kib, "constants", [row.flash_bytes for row in rows]),
        "--max-ram": (max_ram_kib, "values and state", [row.ram_bytes for row in rows]),
    }
    for flag, (limit, what, sizes) in needs.items():
        if limit is not None and sum(sizes) > limit * KIB:
            own = [
                size + (row.value_bytes if flag == "--max-ram" else 0) for row, size in zip(rows, sizes, strict=True)
            ]
            layers = [(size, row.name) for size, row in zip(own, rows, strict=True) if row.is_layer]
            largest, name = max(layers)
            raise ConfigurationError(
                f"{flag} {limit:g} KiB given; the {what} need {sum(sizes) / KIB:.1f} KiB, most of them in layer "
                f"{name}: {largest:,} bytes"
            )


def table(rows: Sequence[MemoryRow]) -> str:
    """The rows as text."""
    lines = [f"{'layer':<28}{'flash, bytes':>14}{'RAM, bytes':>14}{'values, bytes':>16}"]
    cells = [(row.name, row.flash_bytes, row.ram_bytes, row.value_bytes or "") for row in rows]
    cells.append(("total", sum(row.flash_bytes for row in rows), sum(row.ram_bytes for row in rows), ""))
    lines += [f"{name:<28}{flash:>14}{ram:>14}{values:>16}" for name, flash, ram, values in cells]
    lines.append("Flash is that of constants; code comes on top (make size). Values lie in places that layers share.")
    return "\n".join(lines) + "\n"
