"""Output for runs that end without an answer: what would fit, or how to continue."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from neuronas.cli import console
from neuronas.errors import InfeasibleError, quoted


@contextmanager
def explained(
    verb: str, directory: Path, begun: Path, *, as_json: bool, quiet: bool, keeps_settings: bool = True
) -> Iterator[None]:
    """Explain why a run ended without an answer: nothing fits, or it was interrupted. The exception goes on.

    Args:
        verb: command that resumes the run.
        directory: run directory.
        begun: file that exists once the run can be resumed.
        as_json: print what would fit as one JSON object.
        quiet: print nothing else.
        keeps_settings: the directory holds all settings, so that the command to resume needs no other option.
    """
    try:
        yield
    except InfeasibleError as error:
        if as_json and error.advice is not None:
            console.print_json(error.advice)
        elif error.advice is not None and not quiet:
            for line in error.advice.lines():
                console.notes.print(line)
        raise
    except KeyboardInterrupt:
        if not quiet and begun.is_file():
            to_resume = f"--resume --out {quoted(directory)}"
            how = f"resume with: neuronas {verb}" if keeps_settings else "to resume, repeat the command with"
            console.notes.print(f"everything so far is kept; {how} {to_resume}")
        raise
