"""Published data sets: expected places, and how to get them. Nothing is downloaded unless requested."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from neuronas.data.dataset import DataSet, Progress
from neuronas.data.formats import other_format
from neuronas.errors import DataError


@dataclass(frozen=True)
class Archive:
    """A published archive and its MD5 checksum as stated by its authors."""

    url: str
    md5: str


class Placed(DataSet):
    """A published data set in one of its usual places in the folder of data sets.

    Attributes:
        places: possible folders, each with a file or folder by which the data set is recognised.
        archives: file names of published archives that are read without unpacking.
        advice: how to get the data set.
        data_dir: folder of data sets; or the data set's own folder or archive.
    """

    places: tuple[tuple[str, str], ...]
    archives: tuple[str, ...] = ()
    advice: str
    data_dir = Path("data")

    def within(self, data_dir: Path) -> Self:
        """See ``DataSet``."""
        return self._having(data_dir=data_dir)

    def seen_from(self, folder: Path) -> Self:
        """See ``DataSet``."""
        elsewhere = self.within(folder / self.data_dir)
        return self if self.found() is not None or elsewhere.found() is None else elsewhere

    def found(self) -> Path | None:
        """Return the folder of its files, or an archive that contains them; None if neither exists."""
        places = ((path, mark) for folder, mark in self.places for path in (self.data_dir / folder, self.data_dir))
        archives = (self.data_dir if self.data_dir.name == name else self.data_dir / name for name in self.archives)
        unpacked = next((path for path, mark in places if self.is_mark(path / mark)), None)
        return unpacked or next((path for path in archives if path.is_file()), None)

    def is_mark(self, path: Path) -> bool:
        """Whether the data set is recognised by the file or folder at this path."""
        return path.exists()

    def is_there(self) -> bool:
        """See ``DataSet``."""
        return self.found() is not None

    def root(self) -> Path:
        """Return the folder of its files, or an archive that contains them.

        Raises:
            DataError: neither exists; the message says where it was looked for and what to do.
        """
        if (path := self.found()) is not None:
            return path
        first = dict(reversed(self.places))
        files = [str(self.data_dir / folder / mark) for folder, mark in reversed(first.items())]
        looked = ", ".join([*files, *(str(self.data_dir / name) for name in self.archives)])
        other = other_format(self.data_dir, self.name)
        raise DataError(
            f"{self.name}: not found; looked for {looked}; {other}{self.advice}, or give its folder with --data-dir"
        )

    def check(self, *, n_threads: int, skip_corrupt: bool, progress: Progress | None = None) -> None:
        """See ``DataSet``."""
        self.root()


class Downloadable(Placed):
    """A data set published as an archive.

    Attributes:
        archive: the published archive.
    """

    archive: Archive

    @property
    def advice(self) -> str:  # type: ignore[override]
        """How to get it."""
        return f"add --download to fetch it, or unpack {self.archive.url} there"

    def fetch(self) -> None:
        """Download it if it is missing, see ``download``."""
        from neuronas.data.download import download

        if self.found() is None:
            download(self.name, self.archive, self.data_dir)
