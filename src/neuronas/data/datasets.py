"""Opens data sets from settings or objects, and compares them with a run's. Does not need torch."""

import os
from pathlib import Path
from typing import NoReturn

from neuronas.config import DATASETS, DataConfig, is_there
from neuronas.data.dataset import IN_MEMORY, DataSet
from neuronas.data.formats import options_for
from neuronas.errors import ConfigurationError, DataError, NeuronasError, VerificationError, quoted, unknown_name
from neuronas.space.shape import Side

ENVIRONMENT = "NEURONAS_DATA"


def data_folder(data_dir: str | None) -> Path:
    """Return the folder that holds data sets: the option, else the environment variable, else ``./data``."""
    return Path(data_dir or os.environ.get(ENVIRONMENT) or "data").expanduser()


def open_dataset(given: str | DataSet, data_dir: str | None = None) -> DataSet:
    """Return a data set; no file is read yet.

    Args:
        given: a name of the registry ``DATASETS``, such as ``cifar10`` or ``imagefolder:DIR``; or a data set.
        data_dir: folder of downloaded data sets (default: ``$NEURONAS_DATA``, else ``./data``).

    Raises:
        ConfigurationError: no data set has this name.
        DataError: the name is that of a data set in memory, which can only be passed from Python.
    """
    if isinstance(given, DataSet):
        return given
    if given.startswith(IN_MEMORY):
        raise DataError(
            f"data set {given}: was in memory and is not stored in a file; in Python, pass the same "
            "images again: dataset=neuronas.InMemoryDataSet(...)"
        )
    kind, colon, what = given.partition(":")
    keys = [name for name in DATASETS if (what and name.startswith(kind + colon) if colon else name == given)]
    if not keys:
        raise _unknown(given)
    entry = DATASETS[keys[0]]
    made = entry if isinstance(entry, DataSet) else entry(what) if colon else entry()
    if not isinstance(made, DataSet):
        raise ConfigurationError(f"data set '{given}': its entry creates {type(made).__name__}; expected a DataSet")
    return made.within(data_folder(data_dir))


def open_if_there(given: str | DataSet, data_dir: str | None = None) -> DataSet:
    """As ``open_dataset``, but if there is no such data set, the error is raised on first use.

    A run stores everything needed to use it without its images.
    """
    try:
        return open_dataset(given, data_dir)
    except NeuronasError as error:
        return _MissingDataSet(str(given), error)


class _MissingDataSet(DataSet):
    """The data set of a run that is not available now."""

    def __init__(self, name: str, error: NeuronasError):
        self.name, self._error = name, error

    settings_read = None  # not known

    def load(self, split: str, size: Side) -> NoReturn:
        """See ``DataSet``."""
        raise self._error

    def __getattr__(self, name: str) -> NoReturn:
        """Raise the error, since only the missing data set knows this value."""
        raise self._error if name in DataSet.__annotations__ else AttributeError(name)


def check_described(data: DataConfig, dataset: DataSet) -> None:
    """Check that a data set matches the settings of a run.

    Raises:
        DataError: other numbers of classes or channels, still images instead of sequences or vice versa; or missing.
        VerificationError: a class has another name, so outputs would refer to other classes.
    """
    if dataset.sequence != data.sequence:
        kinds = {True: "sequences, one image per time step", False: "still images"}
        raise DataError(
            f"data set {dataset.name}: has {kinds[dataset.sequence]}; expected {kinds[data.sequence]}, which the "
            "network was made for (data.sequence)"
        )
    for what, here, expected, key in (
        ("classes", dataset.n_classes, data.n_classes, "data.n_classes"),
        ("channels", dataset.image_channels, data.image_channels, "data.image_channels"),
    ):
        if here != expected:
            raise DataError(
                f"data set {dataset.name}: has {here} {what}, but the network was made for {expected} ({key}); "
                "expected images and classes as in the run"
            )
    for was, now in zip(data.class_names or (), dataset.class_names or (), strict=False):
        if was != now:
            raise VerificationError(
                f"data set {dataset.name}: has class '{now}' where the run has class '{was}' (data.class_names); "
                "expected the same classes under the same names"
            )


def _unknown(name: str) -> ConfigurationError:
    error = unknown_name("data set", name, DATASETS)
    path = Path(name)
    if not is_there(path):
        return error
    options = options_for(path) or ([f"--dataset {quoted(f'imagefolder:{name}')}"] if path.is_dir() else [])
    return ConfigurationError(f"{error}; for the images in '{name}' give {' or '.join(options)}") if options else error
