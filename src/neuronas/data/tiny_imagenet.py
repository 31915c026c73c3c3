"""TinyImageNet-200 as published, or with validation images sorted into class folders."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from neuronas.data.dataset import Progress
from neuronas.data.listing import check_readable, files_in, lines_of, source_of
from neuronas.data.published import Archive, Downloadable
from neuronas.errors import DataError
from neuronas.space.shape import Side

if TYPE_CHECKING:
    from neuronas.data.source import FileSource

_CLASSES = "wnids.txt"
_LAYOUTS = "val/images/*.JPEG with val/val_annotations.txt, or val/WNID/*.JPEG"


class TinyImageNet(Downloadable):
    """``wnids.txt``, ``train/WNID/images/*``, ``val/images/*`` with ``val_annotations.txt``, or ``val/WNID/*``.

    Its labelled validation images serve as the test set, as in the literature.
    """

    name, n_classes = "tiny-imagenet-200", 200
    image_channels, image_size = 3, (64, 64)
    mean, std = (0.4802, 0.4481, 0.3975), (0.2770, 0.2691, 0.2821)
    head_width, n_voters = 4096, 5  # as in SNASNet (arXiv 2201.10355)
    archive = Archive("http://cs231n.stanford.edu/tiny-imagenet-200.zip", "90528d7ca1a48142e341f4ef8d21d0de")
    places = (("tiny-imagenet-200", _CLASSES),)

    def load(self, split: str, size: Side) -> "FileSource":
        """See ``DataSet``."""
        return source_of(self._images(split), self.image_channels, size)

    def images_per_class(self, split: str) -> tuple[int, ...] | None:
        """See ``DataSet``."""
        return tuple(map(len, self._images(split))) if self.is_there() else None

    def check(self, *, n_threads: int, skip_corrupt: bool, progress: Progress | None = None) -> None:
        """See ``DataSet``."""
        sources = [self.load(split, self.image_size) for split in ("train", "test")]
        check_readable(sources, n_threads, skip_corrupt=skip_corrupt, progress=progress)

    def _images(self, split: str) -> list[list[Path]]:
        root = self.root()
        classes = lines_of(root / _CLASSES)
        if not classes or len(set(classes)) != len(classes) or not all(map(_is_name, classes)):
            raise DataError(f"{root / _CLASSES}: expected one WNID per line, without repetition")
        if split == "train":
            return [_of_class(root / "train" / name) for name in classes]
        if (root / "val" / "images").is_dir():
            return _annotated(root / "val", classes)
        if any((root / "val" / name).is_dir() for name in classes):
            return [_of_class(root / "val" / name) for name in classes]
        raise DataError(f"{root / 'val'}: holds neither 'images' nor class folders; expected {_LAYOUTS}")


def _of_class(folder: Path) -> list[Path]:
    """Images in ``WNID/images``, or directly in ``WNID``."""
    return files_in(folder / "images" if (folder / "images").is_dir() else folder, layouts=_LAYOUTS)


def _annotated(folder: Path, classes: Iterable[str]) -> list[list[Path]]:
    by_class: dict[str, list[Path]] = {name: [] for name in classes}
    annotations = folder / "val_annotations.txt"
    for number, line in enumerate(lines_of(annotations), start=1):
        fields = line.split("\t")
        if len(fields) < 2 or fields[1] not in by_class or not _is_name(fields[0]):
            raise DataError(f"{annotations}, line {number}: expected 'IMAGE<tab>WNID…' with a WNID of wnids.txt")
        by_class[fields[1]].append(folder / "images" / fields[0])
    return list(by_class.values())


def _is_name(text: str) -> bool:
    """Whether it is the name of a file in a folder, not a path to elsewhere."""
    return bool(text) and text not in (".", "..") and not {"/", "\0"} & set(text)
