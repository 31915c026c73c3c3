"""From a setting, or an object, to a data set; what a run notes of it. Nothing here needs torch."""

import os
from pathlib import Path
from typing import NoReturn

from neuronas.config import DataConfig, is_there
from neuronas.config.registry import DATASETS
from neuronas.data.dataset import IN_MEMORY, DataSet
from neuronas.errors import ConfigurationError, DataError, VerificationError, unknown_name
from neuronas.space.layers import Side, side_of

ENVIRONMENT = "NEURONAS_DATA"


def data_folder(data_dir: str | None) -> Path:
    """Return the folder that holds data sets: the option, else the environment variable, else ``./data``."""
    return Path(data_dir or os.environ.get(ENVIRONMENT) or "data").expanduser()


def open_dataset(given: str | DataSet, data_dir: str | None = None) -> DataSet:
    """Return a data set; no file is read yet.

    Args:
        given: a name of the registry ``DATASETS``, such as ``cifar10`` or ``imagefolder:DIR``; or a data set.
        data_dir: where downloaded data sets are (default: ``$NEURONAS_DATA``, else ``./data``).

    Raises:
        ConfigurationError: there is no data set of this name.
    """
    if isinstance(given, DataSet):
        return given
    if given.startswith(IN_MEMORY):
        return _Absent(given)
    kind, colon, what = given.partition(":")
    keys = [name for name in DATASETS if (what and name.startswith(kind + colon) if colon else name == given)]
    if not keys:
        raise _unknown(given)
    entry = DATASETS[keys[0]]
    made = entry if isinstance(entry, DataSet) else entry(what) if colon else entry()
    if not isinstance(made, DataSet):
        raise ConfigurationError(f"data set '{given}': its entry makes a {type(made).__name__}; expected a DataSet")
    return made.within(data_folder(data_dir))


def described(data: DataConfig, dataset: DataSet) -> DataConfig:
    """Note in the settings what they leave to the data set, so that a run can be read without it.

    Raises:
        ConfigurationError: mean or standard deviation are not one number for each channel.
        DataError: an image folder is missing or holds no class folder.
    """
    n_classes, class_names = data.n_classes, data.class_names
    if n_classes is None:
        n_classes, class_names = dataset.n_classes, dataset.class_names
    channels, mean, std = (
        data.image_channels or dataset.image_channels,
        data.mean or dataset.mean,
        data.std or dataset.std,
    )
    if not len(mean) == len(std) == channels:
        raise ConfigurationError(
            f"data.mean {list(mean)} and data.std {list(std)} given for images of {channels} channel(s); expected one "
            "number of each for every channel"
        )
    return data.model_copy(
        update={
            "image_channels": channels,
            "image_side": data.image_side or side_of(dataset.image_size),
            "n_classes": n_classes,
            "class_names": class_names,
            "mean": mean,
            "std": std,
        }
    )


def check_described(data: DataConfig, dataset: DataSet) -> None:
    """Find out whether a data set is as the settings of a run describe it.

    Raises:
        DataError: it has another number of classes or channels, or is missing.
        VerificationError: a class has another name, so that outputs would be judged by other classes.
    """
    if dataset.n_classes != data.n_classes:
        raise DataError(
            f"data set {dataset.name}: has {dataset.n_classes} classes, but the network was made for {data.n_classes} "
            "(data.n_classes); expected the same classes under the same names"
        )
    if dataset.image_channels != data.image_channels:
        raise DataError(
            f"data set {dataset.name}: images have {dataset.image_channels} channels, but the network was made for "
            f"{data.image_channels} (data.image_channels)"
        )
    for was, now in zip(data.class_names or (), dataset.class_names or (), strict=False):
        if was != now:
            raise VerificationError(
                f"data set {dataset.name}: has class '{now}' where the run has class '{was}' "
                "(data.class_names); expected the same classes under the same names"
            )


class _Absent(DataSet):
    """Images that were in memory when a run was made, and that were not passed this time."""

    def __init__(self, name: str):
        self.name = name

    def load(self, split: str, size: Side) -> NoReturn:
        """See ``DataSet``."""
        raise self._error()

    def __getattr__(self, name: str) -> NoReturn:
        """Refuse what only the images could tell."""
        raise self._error() if name in DataSet.__annotations__ else AttributeError(name)

    def _error(self) -> DataError:
        return DataError(
            f"data set {self.name}: was in memory when the run was made, and is in no file; in Python, pass the same "
            "images again: dataset=neuronas.InMemoryDataSet(...)"
        )


def _unknown(name: str) -> ConfigurationError:
    error = unknown_name("data set", name, DATASETS)
    if is_there(Path(name)) and Path(name).is_dir():
        return ConfigurationError(f"{error}; for the images in the folder '{name}' give imagefolder:{name}")
    return error
