"""Entry point of the command ``neuronas``: commands, exit codes, one line per error."""

import io
import logging
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer

from neuronas import __version__
from neuronas.cli.verbs import Verbs
from neuronas.ending import INTERRUPTED, end
from neuronas.errors import NeuronasError

_NO_MEMORY = ("can't allocate memory", "not enough memory", "out of memory")  # torch has no error class for it on CPUs
# Typer raises the errors of the click that it was built on: the package, or in newer versions a copy of its own.
_UsageError: Any = typer.BadParameter.__base__
app = typer.Typer(
    name="neuronas",
    cls=Verbs,
    help="Find spiking neural networks that are accurate and fit a compute-in-memory chip.",
    context_settings={"help_option_names": ["-h", "--help"]},  # of every command
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


class Once(logging.Filter):
    """Lets a warning pass once: each stage of a command may read, and report, the same files again."""

    def __init__(self) -> None:
        super().__init__()
        self._passed: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the message is new."""
        is_new = (text := record.getMessage()) not in self._passed
        self._passed.add(text)
        return is_new


def _version(show: bool) -> None:
    if show:
        typer.echo(f"neuronas {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _common(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(2)


def main() -> None:
    """Run the command line and exit with the contract's code."""
    # Spinning threads slow down all others on a busy machine: 13 times, measured on two cores.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # Pydantic would read the entry points of all installed packages for its own plug-ins, which are not needed here.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    signal.signal(signal.SIGTERM, _interrupt)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # the stream was closed before the start, as by >&-
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - until the end
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot show µ prints ?
    warnings = logging.StreamHandler()
    warnings.setLevel(logging.WARNING)
    warnings.addFilter(Once())
    logging.getLogger("neuronas").addHandler(warnings)
    end(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code; every expected failure becomes one line on standard error."""
    try:
        code = app(arguments, prog_name="neuronas", standalone_mode=False)
        sys.stdout.flush()  # here, where a full disk or a closed pipe is handled, not at exit
        if code == INTERRUPTED:  # Typer turns Ctrl-C into this code by itself
            raise KeyboardInterrupt
        return code if isinstance(code, int) else 0
    except NeuronasError as error:
        return _fail(str(error), error.exit_code)
    except _UsageError as error:
        path = f" (see {error.ctx.command_path} --help)" if error.ctx else ""
        message = error.format_message().replace("Value error, ", "")  # pydantic's, by which newer Typer checks
        return _fail(message + path, 2)
    except (KeyboardInterrupt, typer.Abort):
        return _fail("interrupted", INTERRUPTED)
    except SystemExit as ending:  # rich and Typer exit with code 1 if the pipe was closed
        if not isinstance(ending.__context__, BrokenPipeError):
            raise
        _discard_output()
        return 0
    except BrokenPipeError:  # the reader closed the pipe, as in | head
        _discard_output()
        return 0
    except OSError as error:
        return _fail(f"{error.filename or 'system'}: {error.strerror or error}", 2)
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError) and not any(words in str(error) for words in _NO_MEMORY):
            raise
        return _fail("not enough memory; expected smaller --channels, --image-side, --timesteps or --batch-size", 2)


def _discard_output() -> None:
    """Discard buffered output, which Python would otherwise fail to flush at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # a stream without a descriptor, as in tests
            os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _fail(message: str, code: int) -> int:
    line = " ".join(message.split())
    # Names in untrusted files must not send control characters to the terminal.
    shown = "".join(one if one.isprintable() else repr(one)[1:-1] for one in line)
    print(f"neuronas: {shown}", file=sys.stderr)  # noqa: T201
    return code


def _interrupt(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
