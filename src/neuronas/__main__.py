"""The command ``neuronas``, and ``python -m neuronas``."""

import gc
import sys

from neuronas.ending import INTERRUPTED, end

_ALLOCATIONS_PER_COLLECTION = 10_000
"""Modules make 60,000 objects, with torch 170,000, and drop none: by default Python looks through them 200 times."""


def main() -> None:
    """Run the command line; Ctrl-C while it is being loaded is one line as well."""
    gc.set_threshold(_ALLOCATIONS_PER_COLLECTION, *gc.get_threshold()[1:])
    try:
        from neuronas.cli.main import main as command  # noqa: PLC0415 - takes a moment
    except KeyboardInterrupt:
        print("neuronas: interrupted", file=sys.stderr)  # noqa: T201
        end(INTERRUPTED)
    command()


if __name__ == "__main__":
    main()
