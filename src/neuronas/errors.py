"""Exceptions of neuronas: one base class; each subclass has the exit code that the command line returns for it."""

import errno
import shlex
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from os import PathLike
from typing import Any, TypeVar

Entry = TypeVar("Entry")
_BEGINNING, _END = 900, 500
_FULL = (errno.ENOSPC, errno.EDQUOT)
ADVICE_IF_FULL = "free some space, or have the disk quota raised, and give the command again, a run's with --resume"


class NeuronasError(Exception):
    """Base class of all errors that neuronas raises on purpose. The message is one line that says what to do.

    A very long message, which may quote a damaged file, is shortened in the middle.
    """

    exit_code = 2

    def __str__(self) -> str:
        whole = super().__str__()
        return whole if len(whole) <= _BEGINNING + _END else f"{whole[:_BEGINNING]} … {whole[-_END:]}"


class ConfigurationError(NeuronasError):
    """A setting, option or settings file is invalid."""


class ArchitectureError(ConfigurationError):
    """An architecture is not valid in the notation or in its search space."""


class DataError(NeuronasError):
    """A data set is missing, empty, too small or unreadable.

    Attributes:
        fact: the message without the advice, which may have been followed already.

    Args:
        fact: what is wrong.
        advice: what to do; appended after a semicolon.
    """

    def __init__(self, fact: str, advice: str = ""):
        super().__init__(f"{fact}; {advice}" if advice else fact)
        self.fact = fact


class RunDirectoryError(NeuronasError):
    """A run directory is in use, exists already, or belongs to another configuration."""


class WorkerError(NeuronasError):
    """Workers cannot be started, or fail on every job."""


class InfeasibleError(NeuronasError):
    """No candidate fits the budget.

    Attributes:
        advice: a ``neuronas.runs.infeasible.Infeasible``: the limits that cannot be kept, the cause, and the
            settings that would fit; None if no candidate was costed.
    """

    exit_code = 3

    def __init__(self, message: str, advice: Any = None):
        super().__init__(message)
        self.advice = advice


class VerificationError(NeuronasError):
    """A stored file is corrupt, or a round trip changed the content."""

    exit_code = 4


class DivergedError(NeuronasError):
    """The training loss is not finite."""

    exit_code = 4


def is_full(error: OSError) -> bool:
    """Whether a file cannot be written because the disk is full or the disk quota is used up."""
    return error.errno in _FULL


def unwritable(what: object, error: OSError) -> RunDirectoryError:
    """Build the error for a file that cannot be written: the reason and, if space is missing, what to do."""
    advice = f"; {ADVICE_IF_FULL}" if is_full(error) else ""
    return RunDirectoryError(f"{what}: cannot be written ({error.strerror}){advice}")


@contextmanager
def writing(what: object) -> Iterator[None]:
    """Turn an ``OSError`` of a file that cannot be written into a one-line message.

    Raises:
        RunDirectoryError: instead of an ``OSError``; see ``unwritable``.
    """
    try:
        yield
    except OSError as error:
        raise unwritable(what, error) from error


@contextmanager
def reading_as(kind: str, path: str | PathLike[str], *errors: type[Exception]) -> Iterator[None]:
    """Turn the exceptions of a package that cannot read a file into a one-line message.

    Args:
        kind: kind of file, with its article: ``a NIR graph``.
        path: path of the file.
        errors: exceptions of the package, besides ``OSError`` and ``ValueError``.

    Raises:
        VerificationError: instead of these exceptions.
    """
    known: tuple[type[Exception], ...] = (OSError, ValueError, *errors)
    try:
        yield
    except known as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise VerificationError(f"{path}: cannot be read as {kind} ({reason})") from error


def suggestion(given: str, known: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` for the most similar known name, or an empty string if none is similar."""
    near = get_close_matches(given, list(known), n=1, cutoff=0.5)
    return f"; did you mean '{near[0]}'?" if near else ""


def unknown_name(what: str, given: str, known: Iterable[str], shown: Iterable[str] | None = None) -> ConfigurationError:
    """Build the error for an unknown name: the name, the known names, and the most similar one.

    Args:
        what: kind of the name.
        given: the unknown name.
        known: all names of this kind.
        shown: known names to list, if there are too many; default: all.
    """
    names = list(known)
    listed = ", ".join(names if shown is None else shown)
    return ConfigurationError(f"unknown {what} '{given}'{suggestion(given, names)} (known: {listed})")


def named(what: str, name: str, table: Mapping[str, Entry]) -> Entry:
    """Return the entry of a table.

    Raises:
        ConfigurationError: if there is no such name.
    """
    if name not in table:
        raise unknown_name(what, name, table)
    return table[name]


def counted(n: int, noun: str) -> str:
    """A number with a noun, whose plural ends in ``s``: ``1 epoch``, ``2,000 epochs``, ``3 classes``."""
    plural = "es" if noun.endswith("s") else "s"
    return f"{n:,} {noun}{'' if n == 1 else plural}"


def an(noun: str) -> str:
    """A noun with its indefinite article: ``a search space``, ``an accelerator``."""
    return f"{'an' if noun[0].lower() in 'aeiou' else 'a'} {noun}"


def quoted(value: object) -> str:
    """A path or name, quoted for the shell, for commands in messages."""
    return shlex.quote(str(value))
