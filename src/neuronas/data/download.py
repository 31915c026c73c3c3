"""Fetching a data set, only on request: torchvision downloads and checks, we unpack inside the folder."""

import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

from neuronas.errors import DataError


@dataclass(frozen=True)
class Archive:
    """A published archive and its MD5 checksum, as its authors state it."""

    url: str
    md5: str


ARCHIVES = {
    "cifar10": Archive("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530"),
    "cifar100": Archive("https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8"),
    "tiny-imagenet-200": Archive(
        "http://cs231n.stanford.edu/tiny-imagenet-200.zip", "90528d7ca1a48142e341f4ef8d21d0de"
    ),
}


def download(name: str, data_dir: Path) -> None:
    """Download and unpack a data set into ``data_dir``.

    Raises:
        DataError: torchvision is missing, the network is, the checksum differs, or the disk is full.
    """
    archive = ARCHIVES[name]
    try:
        from torchvision.datasets.utils import download_url  # noqa: PLC0415 - slow, and only needed here
    except (ImportError, RuntimeError) as error:
        # A torchvision that was built for another torch fails with a RuntimeError when it is imported.
        raise DataError(
            f"{name}: torchvision, which downloads it, cannot be imported ({str(error).splitlines()[0]}); install the "
            f"torchvision that matches your torch, or unpack {archive.url} in {data_dir} yourself"
        ) from error
    try:
        download_url(archive.url, str(data_dir), md5=archive.md5)
        _unpack(data_dir / archive.url.rsplit("/", 1)[1], data_dir)
    except (URLError, OSError, RuntimeError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{name}: download of {archive.url} to {data_dir} failed ({' '.join(str(error).split())}); unpack it there "
            "yourself"
        ) from error


def _unpack(path: Path, data_dir: Path) -> None:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as file:
            file.extractall(data_dir)  # noqa: S202 - zipfile keeps every member inside the folder
    else:
        with tarfile.open(path) as file:
            file.extractall(data_dir, filter="data")
