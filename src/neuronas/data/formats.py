"""Recognises data in a folder that was given to the wrong option."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from neuronas.config import DATASETS
from neuronas.data.dataset import DataSet
from neuronas.errors import DataError, quoted


def options_for(path: Path, but: str = "") -> list[str]:
    """Options that read the data in a folder or an archive.

    Args:
        path: folder or archive; only a few names in it are checked.
        but: name of the data set to exclude, since it was tried already.
    """
    found = []
    for name in filter(DATASETS.is_builtin, DATASETS):
        kind, colon, _ = name.partition(":")
        entry = DATASETS[name]
        dataset: DataSet = entry(str(path)) if colon else entry().within(path)
        if dataset.name != but and dataset.is_there():
            found.append(
                f"--dataset {quoted(f'{kind}:{path}')}" if colon else f"--dataset {name} --data-dir {quoted(str(path))}"
            )
    return found


@contextmanager
def other_format_named(path: Path, but: str) -> Iterator[None]:
    """Add to a ``DataError`` the options that can read the folder, if any.

    Raises:
        DataError: the error raised inside, with the options added.
    """
    try:
        yield
    except DataError as error:
        other = other_format(path, but).removesuffix("; ")
        if not other:
            raise
        raise DataError(f"{error}; {other}") from error


def other_format(path: Path, but: str) -> str:
    """A clause for a message, such as ``data holds another data set: give --dataset cifar100 --data-dir data; ``.

    Empty if nothing is recognised.
    """
    options = options_for(path, but)
    return f"{path} holds files of another format: give {' or '.join(options)}; " if options else ""
