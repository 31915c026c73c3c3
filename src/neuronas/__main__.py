"""The command ``neuronas``, and ``python -m neuronas``."""

import gc
import sys

from neuronas.ending import INTERRUPTED, end

_ALLOCATIONS_PER_COLLECTION = 10_000
"""Allocations between garbage collections. Imports create 60,000 objects (170,000 with torch) and free none; by
default Python would scan them 200 times."""


def main() -> None:
    """Run the command line. Ctrl-C during the imports also ends with a one-line message."""
    gc.set_threshold(_ALLOCATIONS_PER_COLLECTION, *gc.get_threshold()[1:])
    try:
        from neuronas.cli.main import main as command  # noqa: PLC0415 - takes a moment
    except KeyboardInterrupt:
        print("neuronas: interrupted", file=sys.stderr)  # noqa: T201
        end(INTERRUPTED)
    command()


if __name__ == "__main__":
    main()
