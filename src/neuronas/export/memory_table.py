"""Memory of a generated program in bytes, by layer, and its limits."""

from collections.abc import Sequence
from dataclasses import dataclass

from neuronas.errors import ConfigurationError

KIB = 1024


@dataclass(frozen=True)
class MemoryRow:
    """Memory of one layer.

    Attributes:
        name: name of the layer, or of the shared memory.
        flash_bytes: bytes of its constants.
        ram_bytes: bytes of its state, or of the shared memory.
        value_bytes: bytes of its values, which are part of the shared memory.
        is_layer: False for memory that layers share.
    """

    name: str
    flash_bytes: int
    ram_bytes: int
    value_bytes: int
    is_layer: bool = True


def check_limits(rows: Sequence[MemoryRow], max_flash_kib: float | None, max_ram_kib: float | None) -> None:
    """Check the memory of a program against its limits in KiB; None: no limit.

    Raises:
        ConfigurationError: a limit is exceeded; names the largest layer and its bytes.
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
    """The rows as a text table with totals."""
    lines = [f"{'layer':<28}{'flash, bytes':>14}{'RAM, bytes':>14}{'values, bytes':>16}"]
    cells = [(row.name, row.flash_bytes, row.ram_bytes, row.value_bytes or "") for row in rows]
    cells.append(("total", sum(row.flash_bytes for row in rows), sum(row.ram_bytes for row in rows), ""))
    lines += [f"{name:<28}{flash:>14}{ram:>14}{values:>16}" for name, flash, ram, values in cells]
    lines.append("Flash is that of constants; code comes on top (make size). Values lie in places that layers share.")
    return "\n".join(lines) + "\n"
