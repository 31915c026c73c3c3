"""The command ``neuronas``, and ``python -m neuronas``."""

import sys

from neuronas.ending import INTERRUPTED, end


def main() -> None:
    """Run the command line; Ctrl-C while it is being loaded is one line as well."""
    try:
        from neuronas.cli.main import main as command  # noqa: PLC0415 - takes a moment
    except KeyboardInterrupt:
        print("neuronas: interrupted", file=sys.stderr)  # noqa: T201
        end(INTERRUPTED)
    command()


if __name__ == "__main__":
    main()
