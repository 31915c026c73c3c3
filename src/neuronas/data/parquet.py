"""Image data sets in Parquet files in the layout of Hugging Face: ``parquet:DIR``."""

from collections import defaultdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from neuronas.data.dataset import Progress, per_class
from neuronas.data.formats import other_format_named
from neuronas.data.listing import check_readable
from neuronas.data.own_folder import TEST_NAMES, OwnFolder, share_of
from neuronas.errors import DataError
from neuronas.space.shape import Side

if TYPE_CHECKING:
    from neuronas.data.parquet_files import EncodedSource

_TRAIN = "train"
_DEPTHS = ("*.parquet", "*/*.parquet", "*/*/*.parquet")
LAYOUT = "DIR/train-00000-of-00001.parquet and DIR/test-00000-of-00001.parquet"


class ParquetFolder(OwnFolder):
    """``DIR/train-*.parquet`` and ``DIR/test-*.parquet``, also in a folder inside DIR; or ``DIR/train/*.parquet``.

    Columns: images as {bytes, path} and labels as integers; names of the classes in the metadata of the schema. The
    test split may also be called ``val``, ``valid`` or ``validation``. Without one, a fifth of each class is the test
    set, drawn with a fixed seed. Needs pyarrow.

    Args:
        folder: DIR.
    """

    kind = "parquet"

    @cached_property
    def class_names(self) -> tuple[str, ...] | None:  # type: ignore[override]  # read on first use
        """Names of the classes in the metadata; None: not stated."""
        from neuronas.data.parquet_files import class_names_of

        return class_names_of(self._split_files[_TRAIN][0])

    @cached_property
    def n_classes(self) -> int:  # type: ignore[override]
        """Number of class names or, without names, the highest label plus one."""
        from neuronas.data.parquet_files import read_labels

        if self.class_names is not None:
            return len(self.class_names)
        return 1 + int(read_labels(self._split_files[_TRAIN]).max(initial=0))

    @cached_property
    def fingerprint(self) -> str:
        """See ``DataSet``: depends on names and sizes of all files, not on the location of the folder."""
        return f"parquet files {self.digest_of(path for paths in self._split_files.values() for path in paths)}"

    def is_there(self) -> bool:
        """See ``DataSet``."""
        return any(name == _TRAIN for depth in _DEPTHS for path in self._folder.glob(depth) if (name := _split(path)))

    def images_per_class(self, split: str) -> tuple[int, ...]:
        """See ``DataSet``."""
        from neuronas.data.parquet_files import read_labels

        name = self._test_name if split == "test" and self._test_name else _TRAIN
        counts = per_class(read_labels(self._split_files[name]), self.n_classes)
        return counts if self._test_name else tuple(len(share_of(range(n), split)) for n in counts)

    def load(self, split: str, size: Side) -> "EncodedSource":
        """See ``DataSet``."""
        import numpy as np

        from neuronas.data.parquet_files import read_source

        files, test = self._split_files, self._test_name
        name = test if split == "test" and test else _TRAIN
        source = read_source(files[name], self.n_classes, self.image_channels, size)
        if test:
            return source
        by_class = (np.flatnonzero(source.labels == number).tolist() for number in range(self.n_classes))
        return source.taken([index for indices in by_class for index in share_of(indices, split)])

    def check(self, *, n_threads: int, skip_corrupt: bool, progress: Progress | None = None) -> None:
        """See ``DataSet``."""
        sources = [self.load(split, self.image_size) for split in (_TRAIN, "test")]
        check_readable(sources, n_threads, skip_corrupt=skip_corrupt, progress=progress)

    @property
    def _test_name(self) -> str | None:
        return next((name for name in TEST_NAMES if name in self._split_files), None)

    @cached_property
    def _split_files(self) -> dict[str, list[Path]]:
        """Files of each split, including ``train``."""
        subsets: defaultdict[Path, dict[str, list[Path]]] = defaultdict(dict)
        for path in sorted(path for depth in _DEPTHS for path in self._folder.glob(depth)):
            if name := _split(path):
                place = path.parent.parent if path.parent.name == name else path.parent
                subsets[place].setdefault(name, []).append(path)
        found = {place: files for place, files in subsets.items() if _TRAIN in files}
        if len(found) > 1:
            names = " and ".join(f"'{place}'" for place in found)
            raise DataError(f"parquet folder {self._folder}: holds several data sets ({names}); give the folder of one")
        if not found:
            with other_format_named(self._folder, self.name):
                raise DataError(f"parquet folder {self._folder}: holds no training images; expected {LAYOUT}")
        return next(iter(found.values()))


def _split(path: Path) -> str | None:
    """Split that a file belongs to: ``train`` for ``train-00000-of-00001.parquet`` and ``train/0000.parquet``."""
    names = (path.stem.partition("-")[0], path.parent.name)
    return next((name for name in names if name in (_TRAIN, *TEST_NAMES)), None)
