"""Classification of images by a trained run; images are prepared like its training images."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuronas.api.setup.trained import TrainedRun, read_trained
from neuronas.config import as_path
from neuronas.data.listing import IMAGES, unreadable
from neuronas.errors import ConfigurationError, DataError, counted
from neuronas.machine import n_cores
from neuronas.runs.observer import Observer
from neuronas.runs.predictions import ClassScore, Prediction, Predictions
from neuronas.runs.work import Work

if TYPE_CHECKING:
    from torch import Tensor

_AT_A_TIME = 256


def predict(
    run: str | PathLike[str],
    images: Any,
    *,
    top_k: int = 1,
    skip_corrupt: bool = False,
    device: str = "auto",
    observer: Observer | None = None,
) -> Predictions:
    """Classify images with a trained run.

    Args:
        run: run directory.
        images: a file, a folder (searched recursively), a Pillow image, a uint8 array or tensor [N, H, W],
            [N, C, H, W] or [N, H, W, C]; or several files, folders and Pillow images. For a network that reads
            sequences, an array [N, T, C, H, W] or [N, T, H, W, C]; for recordings in files, see ``neuronas.run``.
        top_k: number of classes per image.
        skip_corrupt: leave out files that cannot be read; they are listed in ``unreadable``.
        device: ``auto``, ``cpu`` or ``cuda``.
        observer: observer of the progress.

    Raises:
        RunDirectoryError: the directory holds no run, or the run was not trained.
        ConfigurationError: ``top_k`` is below 1.
        DataError: there is no image, or images cannot be read; the message says how many.
        VerificationError: a file is damaged.
    """
    if top_k < 1:
        raise ConfigurationError(f"--top-k {top_k} given; expected at least 1")
    given = read_trained(as_path(run, "RUN"), {"device": device})
    entries = list(_entries(images))
    if not entries:
        raise DataError("no image given; expected files, folders of images, pictures or an array")
    work = Work("predict", given.directory, "images", observer)
    work.start(len(entries))
    answers: list[Prediction] = []
    bad: dict[str, DataError] = {}
    with ThreadPoolExecutor(n_cores(), thread_name_prefix="images") as readers:
        for first in range(0, len(entries), _AT_A_TIME):
            part = entries[first : first + _AT_A_TIME]
            read = list(readers.map(lambda entry: _pixels(given, *entry), part))
            good: list[tuple[str, Tensor]] = []
            for (name, _), found in zip(part, read, strict=True):
                if isinstance(found, DataError):
                    bad[name] = found
                else:
                    good.append((name, found))
            answers += _answers(given, good, top_k)
            work.advance(len(part), "classifying")
    if bad and not (skip_corrupt and answers):
        raise unreadable(list(bad.values()), len(entries))
    predictions = Predictions(
        run=str(given.directory),
        images=tuple(answers),
        unreadable={name: error.fact for name, error in bad.items()},
    )
    work.finish(predictions)
    return predictions


def _entries(images: Any) -> Iterator[tuple[str, Any]]:
    """Name and content of each image: a path, or an object in memory."""
    from PIL import Image

    if isinstance(images, str | PathLike):
        yield from _files(as_path(images, "IMAGE"))
    elif isinstance(images, Image.Image):
        yield "image 0", images
    elif hasattr(images, "shape"):
        from neuronas.data.arrays import labelled

        source = labelled((images, [0] * len(images)), "image").source
        yield from ((f"image {number}", pixels) for number, pixels in enumerate(source.images))
    elif isinstance(images, Iterable):
        for number, one in enumerate(images):
            found = list(_entries(one))
            yield from found if isinstance(one, str | PathLike) else ((f"image {number}", one) for _, one in found)
    else:
        raise ConfigurationError(f"{type(images).__name__} given; expected files, folders, pictures or an array")


def _files(path: Path) -> Iterator[tuple[str, Path]]:
    if not path.is_dir():
        yield str(path), path
        return
    found = sorted(one for one in path.rglob("*") if IMAGES.has(one) and one.is_file())
    if not found:
        raise DataError(f"folder {path}: holds no images (looked for {', '.join(sorted(IMAGES.suffixes))})")
    yield from ((str(one), one) for one in found)


def _pixels(given: TrainedRun, name: str, content: Any) -> "Tensor | DataError":
    """One image as the network's data set would read it: uint8 [C, H, W] or, for a sequence, [T, C, H, W]."""
    import numpy as np
    from PIL import Image

    from neuronas.data.pixels import as_tensor, resized, resized_picture, to_mode
    from neuronas.data.source import FileSource, upright

    data = given.plan.config.data
    channels, size = data.image_channels, data.image_side
    try:
        if data.sequence:
            _check_sequence(name, content, given.plan.config.network.timesteps)
        elif getattr(content, "ndim", 3) == 4:
            raise DataError(f"{name}: a sequence of {len(content)} images given; expected one image")
        if isinstance(content, Path):
            return FileSource([content], np.zeros(1, np.int64), channels, size).read(0)
        if isinstance(content, Image.Image):
            picture = to_mode(upright(content), "L" if channels == 1 else "RGB")
            return as_tensor(resized_picture(picture, size))
        if content.shape[-3] != channels:
            raise DataError(f"{name}: {counted(content.shape[-3], 'channel')} given; expected {channels}")
        return resized(content[None], size)[0]
    except DataError as error:
        return error
    except (ValueError, OSError) as error:
        return DataError(f"{name}: cannot be read ({error})")


def _check_sequence(name: str, content: Any, timesteps: int) -> None:
    if getattr(content, "ndim", 0) != 4:
        raise DataError(
            f"{name}: a still image given; expected a sequence, since the network reads an image at each time step: an "
            "array [N, T, C, H, W] (a recording in a file: neuronas run RUN --events FILE)"
        )
    if len(content) != timesteps:
        raise DataError(f"{name}: {len(content)} time steps given; expected {timesteps}")


def _answers(given: TrainedRun, images: Sequence[tuple[str, "Tensor"]], top_k: int) -> Iterator[Prediction]:
    import numpy as np
    import torch

    from neuronas.data.source import ArraySource
    from neuronas.snn.decision import ranked
    from neuronas.training.images import Images
    from neuronas.training.passes import class_scores

    if not images:
        return
    data = given.plan.config.data
    source = ArraySource(torch.stack([pixels for _, pixels in images]), np.zeros(len(images), np.int64))
    shown = Images(source, data.mean, data.std)
    scores = class_scores(given.trained.network, shown, np.arange(len(images)), given.device)
    names = data.shown_names
    for (image, _), own, best in zip(images, scores.tolist(), ranked(scores, top_k).tolist(), strict=True):
        classes = tuple(ClassScore(index=index, name=names[index], score=own[index]) for index in best)
        yield Prediction(image=image, classes=classes)
