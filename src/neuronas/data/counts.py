"""Numbers of images of a data set, known without reading them. Does not need torch."""

from collections.abc import Sequence
from dataclasses import dataclass

from neuronas.config import DataConfig
from neuronas.data.dataset import DataSet
from neuronas.data.published import Placed
from neuronas.errors import DataError, counted


@dataclass(frozen=True)
class ImageCounts:
    """Numbers of images of each class.

    Attributes:
        classes: names of the classes, or their numbers.
        train: number of training images of each class.
        test: number of test images of each class; None: there is no test set.
    """

    classes: tuple[str, ...]
    train: tuple[int, ...]
    test: tuple[int, ...] | None

    def plain(self) -> dict[str, object]:
        """The counts as JSON values."""
        return {"classes": self.classes, "train": self.train, "test": self.test}

    @property
    def lines(self) -> list[str]:
        """The counts in words: all images, then classes without test images."""
        found = [
            f"images: {_words(self.train)} for training, {'none' if self.test is None else _words(self.test)} for "
            f"testing; {counted(len(self.classes), 'class')}"
        ]
        gaps = [name for name, n in zip(self.classes, self.test or (), strict=False) if not n]
        return [*found, f"without test images: {', '.join(gaps)}"] if gaps else found


def _words(by_class: tuple[int, ...]) -> str:
    low, high = min(by_class), max(by_class)
    return f"{sum(by_class):,} ({low:,}{f' to {high:,}' if low < high else ''} of each class)"


def count_images(dataset: DataSet, data: DataConfig) -> ImageCounts | None:
    """Count the images of a data set; None if they are only known after reading them.

    Raises:
        DataError: folders, classes or images are missing.
    """
    train = dataset.images_per_class("train")
    if train is None:
        return None
    return ImageCounts(data.shown_names, train, dataset.images_per_class("test"))


def why_not_counted(dataset: DataSet) -> str:
    """Why ``count_images`` counts none, in words."""
    if isinstance(dataset, Placed) and not dataset.is_there():
        try:
            dataset.root()
        except DataError as error:
            return str(error)
    return f"images of {dataset.name}: counted when they are read"


def n_held_out(n_images: int, share: float) -> int:
    """Number of images of a class that a stratified draw holds out; at least one of two or more in each part."""
    return min(max(1, round(share * n_images)), n_images - 1) if share and n_images else 0


def drawn_of(by_class: Sequence[int], n: int | None) -> tuple[int, ...]:
    """Number of images of each class in a stratified sample of about n images (``training.images.drawn``)."""
    there = sum(by_class)
    return tuple(by_class if n is None or n >= there else (n_held_out(one, n / there) for one in by_class))


def split_of(by_class: Sequence[int], share: float) -> tuple[int, int]:
    """Numbers of images for training and for validation (``training.images.stratified_split``).

    Args:
        by_class: number of images of each class.
        share: share of the images for validation.
    """
    n_validation = sum(n_held_out(n, share) for n in by_class)
    return sum(by_class) - n_validation, n_validation


def check_batch(n_training: int, batch_size: int) -> None:
    """Check that a training has at least one batch of images.

    Raises:
        DataError: there are fewer.
    """
    if n_training < batch_size:
        raise DataError(
            f"{n_training:,} training images given (without those for validation); expected at least one batch of "
            f"{batch_size}: use more images, or a smaller --batch-size (train.batch_size)"
        )


def check_enough(n_images: int, batch_size: int, n_batches: int) -> None:
    """Check that there are enough training images for the fitness (``data.batches.search_batches``).

    Raises:
        DataError: there are too few.
    """
    needed = batch_size * n_batches
    if n_images < needed:
        raise DataError(
            f"{n_images:,} training images given; expected at least {needed:,} that can be read (fitness.batch_size "
            f"{batch_size:,}, fitness.n_batches {n_batches}): use more images, or a smaller --batch-size"
        )
