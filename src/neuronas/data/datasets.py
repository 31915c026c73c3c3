"""Data sets by name, and where they are looked for."""

import os
from pathlib import Path

from neuronas.data.cifar import CIFAR, cifar
from neuronas.data.digits import digits
from neuronas.data.download import ARCHIVES
from neuronas.data.folders import image_folder, tiny_imagenet
from neuronas.data.presets import IMAGEFOLDER, folder_of, preset_for
from neuronas.data.source import ImageSource
from neuronas.errors import DataError

ENVIRONMENT = "NEURONAS_DATA"


def data_folder(data_dir: str | None) -> Path:
    """Return the folder that holds data sets: the option, else the environment variable, else ``./data``."""
    return Path(data_dir or os.environ.get(ENVIRONMENT) or "data").expanduser()


def find(name: str, data_dir: str | None) -> Path | None:
    """Return the folder of a downloadable data set, or None if it is not there."""
    base = data_folder(data_dir)
    folder, mark = _layout(name)
    return next((path for path in (base / folder, base) if (path / mark).is_file()), None)


def load(name: str, split: str, data_dir: str | None, side: int) -> ImageSource:
    """Open a data set.

    Args:
        name: ``digits``, ``cifar10``, ``cifar100``, ``tiny-imagenet-200`` or ``imagefolder:DIR``.
        split: ``train`` or ``test``.
        data_dir: where downloaded data sets lie (default: ``$NEURONAS_DATA``, else ``./data``).
        side: image side in pixels, after resizing.

    Raises:
        DataError: the data set is missing (the message says what was looked for and what to do) or broken.
    """
    channels = preset_for(name).image_channels
    if name == "digits":
        return digits(split, side)
    if name.startswith(IMAGEFOLDER):
        return image_folder(folder_of(name), split, channels, side)
    folder = find(name, data_dir)
    if folder is None:
        expected, mark = _layout(name)
        raise DataError(
            f"{name}: not found; looked for {data_folder(data_dir) / expected / mark}; add --download to fetch it, or "
            f"unpack {ARCHIVES[name].url} there, or name its folder with --data-dir"
        )
    return cifar(name, folder, split, side) if name in CIFAR else tiny_imagenet(folder, split, side)


def _layout(name: str) -> tuple[str, str]:
    """The folder inside an archive, and a file by which it is known."""
    return (CIFAR[name].folder, CIFAR[name].train[0]) if name in CIFAR else ("tiny-imagenet-200", "wnids.txt")
