"""Images in practice: pixel formats, transparency, resizing, layouts of folders, and errors in them."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import neuronas
from conftest import Neuronas, chain
from neuronas.data import listing
from neuronas.data.batches import search_batches
from neuronas.data.datasets import open_dataset
from neuronas.data.pixels import resized
from neuronas.data.source import FileSource, ImageSource
from neuronas.errors import ConfigurationError, DataError
from neuronas.runs.observer import Advanced, Finished, Started

SEARCH = ("search", "--algorithm", "snasnet", "--n-draws", 1, "--channels", 4, "--timesteps", 1, "--batch-size", 4,
          "--head", "gap", "--image-side", 8, "--quiet")  # fmt: skip
TRAIN = ("--epochs", 1, "--batch-size", 4, "--quiet")


def read(path: Path, channels: int = 3, side: int = 4) -> torch.Tensor:
    return FileSource([path], np.zeros(1, np.int64), channels, side).read(0)


def load(name: str, split: str, folder: Path) -> ImageSource:
    dataset = open_dataset(name, str(folder))
    return dataset.load(split, dataset.image_size)


def photo(path: Path, value: int = 100) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), (value, value, value)).save(path)


def photos(folder: Path, *splits: str, n: int = 10) -> Path:
    for split in splits:
        for name in ("cat", "dog"):
            for number in range(n):
                photo(folder / split / name / f"{number}.png", 20 * number)
    return folder


@pytest.mark.parametrize(
    ("pixels", "kind", "expected"),
    [
        # the range of the type, not that of the image
        (np.full((4, 4), 128, np.uint16), "png", 0),
        (np.full((4, 4), 300, np.uint16), "png", 1),
        (np.full((4, 4), 65_535, np.uint16), "png", 255),
        (np.full((4, 4), 200, np.uint16), "tif", 1),
        (np.full((4, 4), 30_000, np.uint16), "pgm", 117),
        (np.full((4, 4), 0.5, np.float32), "tif", 128),
    ],
)
def test_pixels_are_scaled_by_the_range_of_their_type(pixels: Any, kind: str, expected: int, tmp_path: Path) -> None:
    path = tmp_path / f"one.{kind}"
    Image.fromarray(pixels).save(path)
    assert set(read(path).flatten().tolist()) == {expected}


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.full((4, 4), 30, np.int32), "signed pixels"),
        (np.full((4, 4), 128, np.float32), "expected 0 .black. to 1"),
        (np.full((4, 4), np.nan, np.float32), "not finite"),
    ],
)
def test_pixels_whose_range_is_not_known_are_refused(pixels: Any, message: str, tmp_path: Path) -> None:
    path = tmp_path / "one.tif"
    Image.fromarray(pixels).save(path)
    with pytest.raises(DataError, match=message):
        read(path)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I;16", "RGBX"])
def test_every_mode_that_pillow_writes_is_read(mode: str, tmp_path: Path) -> None:
    path = tmp_path / "one"
    for kind in ("PNG", "JPEG", "TIFF"):
        try:
            Image.new(mode, (8, 8)).save(path, kind)
        except (OSError, ValueError, KeyError):
            continue
        break
    for channels in (1, 3):
        assert read(path, channels).shape == (channels, 4, 4)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_lies_on_white(mode: str, tmp_path: Path) -> None:
    path = tmp_path / "one.png"
    if mode == "P":
        Image.new("P", (8, 8), 0).save(path, transparency=0)
    else:
        Image.new(mode, (8, 8), (0,) * len(mode)).save(path)
    assert set(read(path).flatten().tolist()) == {255}
    half = tmp_path / "half.png"
    Image.new("RGBA", (8, 8), (0, 0, 0, 128)).save(half)
    assert set(read(half).flatten().tolist()) == {127}


def test_images_have_the_same_bits_as_pillows_bilinear(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for number in range(100):
        height, width = (int(one) for one in rng.integers(5, 60, 2))
        pixels = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "one.png")
        wanted = np.asarray(Image.fromarray(pixels).resize((20, 16), Image.Resampling.BILINEAR))
        assert (read(tmp_path / "one.png", side=(16, 20)).permute(1, 2, 0).numpy() == wanted).all(), number
        assert (resized(torch.from_numpy(pixels).permute(2, 0, 1)[None], (16, 20))[0].permute(1, 2, 0).numpy()
                == wanted).all()  # fmt: skip


def test_grey_folders_stay_grey_when_asked(neuronas: Neuronas, tmp_path: Path) -> None:
    photos(tmp_path / "data", "train", "test")
    grey = (*SEARCH, "--dataset", "imagefolder:data", "--image-channels", 1, "--out", "run")
    code, _, err = neuronas(*grey)
    assert code == 0, err
    assert neuronas("train", "run", *TRAIN)[0] == 0
    assert neuronas("evaluate", "run", "--quiet")[0] == 0
    assert "image_channels: 1" in (tmp_path / "run" / "config.yaml").read_text()
    code, _, err = neuronas(*grey[:-3], 2, "--out", "two")
    assert (code, "expected 1 (grey) or 3 (RGB)" in err) == (2, True)
    dataset = open_dataset("imagefolder:data").with_channels(1)
    assert dataset.load("train", 8).read(0).shape == (1, 8, 8) and dataset.mean == (0.5,)


def test_the_first_image_of_a_split_is_skipped_as_any_other(neuronas: Neuronas, tmp_path: Path) -> None:
    photos(tmp_path / "data", "train", "test", n=12)
    for split in ("train", "test"):
        (tmp_path / "data" / split / "cat" / "0.png").write_bytes(b"broken")
    (tmp_path / "data" / "train" / "dog" / "5.png").write_bytes(b"broken")
    small = ("--dataset", "imagefolder:data", "--channels", 4, "--timesteps", 1, "--image-side", 8, "--head", "gap")
    code, _, err = neuronas("train", chain(1), *small, *TRAIN, "--out", "all")
    assert (code, "3 of 48 images cannot be read; the first: " in err) == (2, True)
    code, _, err = neuronas("train", chain(1), *small, *TRAIN, "--out", "t", "--skip-corrupt")
    assert code == 0, err
    assert neuronas("evaluate", "t", "--quiet")[0] == 0


@pytest.mark.parametrize("name", ["test", "val", "valid", "validation"])
def test_test_images_have_their_usual_names(name: str, tmp_path: Path) -> None:
    photos(tmp_path, "train", name)
    assert len(load(f"imagefolder:{tmp_path}", "test", tmp_path).labels) == 20


def _without_test_images(folder: Path) -> None:
    (folder / "test").rename(folder / "holdout")


def _with_an_empty_class(folder: Path) -> None:
    for path in (folder / "test" / "dog").iterdir():
        path.unlink()


def _with_another_class(folder: Path) -> None:
    (folder / "test" / "dog").rename(folder / "test" / "wolf")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_without_test_images, "none of test, val, valid, validation"),
        (_with_an_empty_class, "holds no images"),
        (_with_another_class, "class 'wolf' has no training images"),
    ],
)
@pytest.mark.parametrize("verb", ["search", "train"])
def test_what_is_wrong_with_test_images_is_found_before_anything_is_computed(
    verb: str, change: Callable[[Path], None], message: str, neuronas: Neuronas, tmp_path: Path
) -> None:
    change(photos(tmp_path / "data", "train", "test"))
    begin = SEARCH if verb == "search" else ("train", chain(1), *SEARCH[5:-1], "--epochs", 1)
    code, _, err = neuronas(*begin, "--dataset", "imagefolder:data", "--out", "run")
    assert (code, message in err) == (2, True), err
    assert not (tmp_path / "run" / "checkpoints").exists() and not (tmp_path / "run" / "history.sqlite").exists()


def test_what_is_left_out_is_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    photos(tmp_path, "train", "test", "val")
    (tmp_path / "train" / "cat" / "photo.heic").write_bytes(b"")
    (tmp_path / "train" / "cat" / "notes.txt").write_text("")
    open_dataset(f"imagefolder:{tmp_path}").check(n_threads=2, skip_corrupt=False)
    assert "skipped 2 files, whose suffix is not that of images: 1 .heic, 1 .txt" in caplog.text
    assert f"val: is not read (20 files); the images are in {tmp_path}/train and {tmp_path}/test" in caplog.text


def test_class_folders_beside_train_and_test_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    photos(tmp_path, "train", "test")
    photos(tmp_path, "fox")
    open_dataset(f"imagefolder:{tmp_path}").check(n_threads=2, skip_corrupt=False)
    assert f"{tmp_path}/fox: is not read (20 files)" in caplog.text


def test_what_was_skipped_is_told_without_the_advice_to_skip_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    photos(tmp_path, "train", "test")
    broken = sorted((tmp_path / "train" / "cat").iterdir())[0]
    broken.write_bytes(broken.read_bytes()[:40])
    source = open_dataset(f"imagefolder:{tmp_path}").load("train", 8)
    search_batches(source, 4, 4, 0, (0.5,) * 3, (0.25,) * 3, skip_corrupt=True)
    assert f"skipped: image {broken}" in caplog.text and "--skip-corrupt" not in caplog.text
    with pytest.raises(DataError, match="or skip such images with --skip-corrupt"):
        search_batches(source, 4, 4, 0, (0.5,) * 3, (0.25,) * 3, skip_corrupt=False)


def test_a_scan_is_shown_like_other_work(tmp_path: Path) -> None:
    photos(tmp_path, "train", "test")

    class Seen:
        def __init__(self) -> None:
            self.events: list[tuple[str, int | None]] = []

        def started(self, event: Started) -> None:
            self.events.append((f"{event.verb} {event.unit} of", event.total))

        def progress(self, event: Advanced) -> None:
            if event.verb == "scan":
                self.events.append((event.part, event.done))

        def finished(self, event: Finished) -> None:
            self.events.append((f"{event.verb} done", None))

    seen = Seen()
    settings: dict[str, Any] = {"channels": 4, "timesteps": 2, "epochs": 1, "batch_size": 4, "image_side": 8}
    data = f"imagefolder:{tmp_path}"
    neuronas.train(chain(1), **settings, dataset=data, out=tmp_path / "run", observer=seen)
    n = len(list(tmp_path.rglob("*.png")))
    assert seen.events[:3] == [("scan images of", n), ("checking images", n), ("scan done", None)]
    assert seen.events[-1] == ("train done", None)


def test_a_scan_ends_after_a_time(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    photos(tmp_path, "train")
    paths = sorted(tmp_path.rglob("*.png"))
    times = iter([0.0, 0.0, 100.0, 100.0])
    source = FileSource(paths * 20, np.zeros(20 * len(paths), np.int64), 3, 8)
    listing.check_readable([source], 2, skip_corrupt=False, now=lambda: next(times))
    assert "checked 256 of 400 images" in caplog.text


def test_tiny_imagenet_with_sorted_validation_images(tmp_path: Path) -> None:
    folder = tmp_path / "tiny-imagenet-200"
    for number in range(3):
        photo(folder / "train" / f"n{number}" / "images" / "0.JPEG")
        photo(folder / "val" / f"n{number}" / "0.JPEG", number)
    (folder / "wnids.txt").write_text("n0\nn1\nn2\n")
    assert load("tiny-imagenet-200", "test", tmp_path).labels.tolist() == [0, 1, 2]
    for number in range(3):
        (folder / "val" / f"n{number}").rename(folder / f"n{number}")
    with pytest.raises(DataError, match="holds neither 'images' nor class folders"):
        open_dataset("tiny-imagenet-200", str(tmp_path)).check(n_threads=1, skip_corrupt=False)


@pytest.mark.parametrize("place", ["MNIST/raw", "mnist", ""])
@pytest.mark.parametrize("is_compressed", [False, True])
def test_mnist_in_its_idx_files(place: str, is_compressed: bool, tmp_path: Path) -> None:
    folder = tmp_path / place
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (5, 28, 28), dtype=np.uint8), rng.integers(0, 10, 5, dtype=np.uint8)
    for stem in ("train", "t10k"):
        for what, values in (("images-idx3", images), ("labels-idx1", labels)):
            header = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">u4").tobytes()
            content = header + values.tobytes()
            ending = ".gz" if is_compressed else ""
            (folder / f"{stem}-{what}-ubyte{ending}").write_bytes(gzip.compress(content) if is_compressed else content)
    source = load("mnist", "test", tmp_path)
    assert source.labels.tolist() == labels.tolist()
    assert (source.read(3)[0].numpy() == images[3]).all()
    (folder / f"train-images-idx3-ubyte{ending}").write_bytes(content[:-1])
    with pytest.raises(DataError, match=r"cannot be read|not a complete IDX file"):
        load("mnist", "train", tmp_path)
    if not place:  # files in the folder itself may belong to either
        return
    with pytest.raises(DataError, match=r"not found; looked for .*FashionMNIST/raw/train-images-idx3-ubyte"):
        load("fashion-mnist", "train", tmp_path)


def test_mean_and_standard_deviation_of_ones_own(neuronas: Neuronas, tmp_path: Path) -> None:
    photos(tmp_path / "data", "train", "test")
    options = (*SEARCH, "--dataset", "imagefolder:data")
    assert neuronas(*options, "--mean", "0.4,0.5,0.6", "--std", "0.2,0.2,0.3", "--out", "run")[0] == 0
    assert "mean:\n  - 0.4\n  - 0.5\n  - 0.6\n" in (tmp_path / "run" / "config.yaml").read_text()
    for wrong, words in (("0.4,0.5", "expected mean with 3 number"), ("a", "numbers with commas")):
        code, _, err = neuronas(*options, "--mean", wrong, "--out", "wrong")
        assert (code, words in err) == (2, True), err
    with pytest.raises(ConfigurationError):
        open_dataset("imagefolder:data").with_channels(4)


def test_a_run_is_evaluated_from_any_folder_and_resumed_after_its_images_moved(
    neuronas: Neuronas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos(tmp_path / "data", "train", "test")
    assert neuronas(*SEARCH, "--dataset", "imagefolder:data", "--out", "run")[0] == 0
    assert neuronas("train", "run", *TRAIN)[0] == 0
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert neuronas("evaluate", tmp_path / "run", "--quiet")[0] == 0
    (tmp_path / "data").rename(tmp_path / "moved")
    code, _, err = neuronas("evaluate", tmp_path / "run")
    assert (code, f"image folder data: No such file or directory in the current folder, {elsewhere}" in err) == (
        2,
        True,
    )
    monkeypatch.chdir(tmp_path)
    moved = ("--dataset", "imagefolder:moved")
    assert neuronas("evaluate", "run", *moved, "--quiet")[0] == 0
    assert neuronas("search", "--out", "run", "--resume", *moved, "--quiet")[0] == 0
    code, _, err = neuronas("train", "run", *TRAIN, "--resume", *moved)
    assert code == 0, err
    assert neuronas("evaluate", "run", "--quiet")[0] == 0  # the run stores the new path
    photo(tmp_path / "moved" / "train" / "cat" / "one-more.png")
    for verb in (("search", "--out", "run"), ("train", "run", *TRAIN)):
        code, _, err = neuronas(*verb, "--resume")
        assert (code, "data set" in err or "differs from the run's own" in err) == (2, True), err
