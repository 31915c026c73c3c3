"""What each data set decides before any image is read. Nothing here needs torch."""

from dataclasses import dataclass
from pathlib import Path

from neuronas.config import DataConfig, is_there
from neuronas.errors import ConfigurationError, DataError, VerificationError, unknown_name

IMAGEFOLDER = "imagefolder:"


@dataclass(frozen=True)
class DatasetPreset:
    """Defaults of a data set; settings of a run override them.

    Attributes:
        name: as a user writes it.
        image_channels: 1 (grey) or 3 (RGB).
        image_side: pixels.
        n_classes: number of classes; 0 for an image folder, whose folders are counted.
        channels: network channels before the first reduction.
        head_width: outputs of the head's first linear layer.
        batch_size: images in a batch that fitness reads.
        mean: per channel, of pixels in [0, 1]; over the training images.
        std: as ``mean``.
        augment: what training does to images (see ``neuronas.training.augmentation``).
    """

    name: str
    image_channels: int
    image_side: int
    n_classes: int
    channels: int
    head_width: int
    batch_size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    augment: str = "flip"


BUILTIN = PRESETS = {
    preset.name: preset
    for preset in (
        DatasetPreset("digits", 1, 8, 10, 16, 128, 64, (0.3058,), (0.3759,), augment="none"),
        DatasetPreset("cifar10", 3, 32, 10, 128, 1024, 256, (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
        DatasetPreset("cifar100", 3, 32, 100, 128, 1024, 256, (0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)),
        DatasetPreset(
            "tiny-imagenet-200",
            3,
            64,
            200,
            128,
            1024,
            256,
            (0.4802, 0.4481, 0.3975),
            (0.2770, 0.2691, 0.2821),
        ),
        # Pixels of photographs have about this mean and spread; batch normalisation takes care of the rest.
        DatasetPreset(IMAGEFOLDER + "DIR", 3, 32, 0, 128, 1024, 256, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)),
    )
}


def preset_for(name: str) -> DatasetPreset:
    """Return the preset of a data set's name; ``imagefolder:DIR`` names any folder.

    Raises:
        ConfigurationError: if there is no such data set.
    """
    if name.startswith(IMAGEFOLDER) and len(name) > len(IMAGEFOLDER):
        return PRESETS[IMAGEFOLDER + "DIR"]
    if name not in PRESETS or name == IMAGEFOLDER + "DIR":
        error = unknown_name("data set", name, PRESETS)
        if is_there(Path(name)) and Path(name).is_dir():
            raise ConfigurationError(f"{error}; for the images in the folder '{name}' give {IMAGEFOLDER}{name}")
        raise error
    return PRESETS[name]


def folder_of(name: str) -> Path:
    """Return DIR of ``imagefolder:DIR``."""
    return Path(name.removeprefix(IMAGEFOLDER)).expanduser()


def classes_of(name: str) -> tuple[int, tuple[str, ...] | None]:
    """Number of classes of a data set and, of an image folder, their names, without reading an image.

    Raises:
        DataError: if an image folder is missing or holds no class folder.
    """
    preset = preset_for(name)
    if preset.n_classes:
        return preset.n_classes, None
    names = tuple(path.name for path in class_folders(train_folder(folder_of(name))))
    return len(names), names


def check_classes(data: DataConfig) -> None:
    """Find out whether a data set still has the classes that the settings of a run name.

    Raises:
        DataError: it has more or fewer, or is missing.
        VerificationError: a class folder has another name, so that outputs would be judged by other classes.
    """
    n_classes, names = classes_of(data.name)
    if n_classes != data.n_classes:
        raise DataError(
            f"data set {data.name}: has {n_classes} classes, but the network was made for {data.n_classes} "
            "(data.n_classes); expected the same classes, in folders of the same names"
        )
    for was, now in zip(data.class_names or (), names or (), strict=False):
        if was != now:
            raise VerificationError(
                f"data set {data.name}: has a class folder '{now}' where the run has the class '{was}' "
                "(data.class_names); expected folders of the same names"
            )


def train_folder(folder: Path) -> Path:
    """Return ``DIR/train`` if it is there, else DIR itself (to be split)."""
    return folder / "train" if (folder / "train").is_dir() else folder


def class_folders(folder: Path) -> list[Path]:
    """Return the class folders in a folder, sorted by name.

    Raises:
        DataError: if the folder is missing or holds no folders.
    """
    try:
        entries = [path for path in folder.iterdir() if not path.name.startswith(".")]
        lost = min((path for path in entries if not path.exists()), default=None)
        if lost is not None:
            raise DataError(f"image folder {folder}: '{lost.name}' is a link that leads nowhere; mend or remove it")
        found = sorted(path for path in entries if path.is_dir())
    except OSError as error:
        raise DataError(
            f"image folder {folder}: {error.strerror}; expected DIR/train/CLASS/*.jpg, or DIR/CLASS/*.jpg to split"
        ) from None
    if not found:
        raise DataError(f"image folder {folder}: holds no class folders; expected {folder}/CLASS/*.jpg")
    return found
