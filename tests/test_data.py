import tarfile
from hashlib import md5
from importlib.util import spec_from_file_location
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from conftest import DATASETS
from neuronas.config.registry import DATASETS as REGISTRY
from neuronas.data.batches import search_batches
from neuronas.data.datasets import open_dataset
from neuronas.data.download import download
from neuronas.data.folders import ImageFolder
from neuronas.data.presets import Digits, scikit_learns_digits
from neuronas.data.published import Archive
from neuronas.data.source import ImageSource
from neuronas.errors import ConfigurationError, DataError
from neuronas.space.shape import Side


def load(name: str, split: str, data_dir: str | None, size: Side) -> ImageSource:
    return open_dataset(name, data_dir).load(split, size)


GREY = ((0.5,), (0.25,))
RGB = ((0.5,) * 3, (0.25,) * 3)


def write_image(path: Path, value: int = 100, size: tuple[int, int] = (8, 6), mode: str = "RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    colour = value if len(Image.new(mode, (1, 1)).getbands()) == 1 else (value,) * len(mode)
    Image.new(mode, size, colour).save(path)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    for name, value in (("cat", 50), ("dog", 200)):
        for number in range(10):
            write_image(folder / name / f"{number}.png", value + number)
    return folder


def test_digits_are_those_of_scikit_learn(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from sklearn.datasets import load_digits

    levels, labels = scikit_learns_digits()
    theirs = load_digits()
    assert np.array_equal(levels, theirs.images)
    assert np.array_equal(labels, theirs.target)
    (tmp_path / "sklearn").mkdir()
    (tmp_path / "sklearn" / "__init__.py").touch()
    spec = spec_from_file_location("sklearn", tmp_path / "sklearn" / "__init__.py")
    monkeypatch.setattr("neuronas.data.presets.find_spec", lambda _: spec)
    with pytest.raises(DataError, match=r"digits\.csv\.gz.* expected the digits included in scikit-learn"):
        load("digits", "train", None, 8)


def test_digits_are_real_split_and_normalised() -> None:
    train, test = load("digits", "train", None, 8), load("digits", "test", None, 8)
    assert (len(train.labels), len(test.labels)) == (1438, 359)
    assert set(train.labels) == set(test.labels) == set(range(10))
    digits = open_dataset("digits")
    batch = search_batches(train, 256, 2, 0, digits.mean, digits.std)
    assert batch.shape == (2, 256, 1, 8, 8)
    assert batch.mean().abs() < 0.1
    assert (batch.std() - 1).abs() < 0.1
    train_images = {train.read(i).numpy().tobytes() for i in range(len(train.labels))}
    shared = sum(test.read(i).numpy().tobytes() in train_images for i in range(len(test.labels)))
    assert shared == 0


def test_batches_follow_the_seed() -> None:
    source = load("digits", "train", None, 8)
    first, again, other = (search_batches(source, 16, 1, seed, *GREY) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_too_few_images() -> None:
    with pytest.raises(DataError, match="1,438 training images given; expected at least 2,000 that can be read"):
        search_batches(load("digits", "train", None, 8), 2000, 1, 0, *GREY)


def test_image_folder_is_split_by_class_and_resized(photos: Path) -> None:
    name = f"imagefolder:{photos}"
    train, test = (load(name, split, None, 16) for split in ("train", "test"))
    assert (len(train.labels), len(test.labels)) == (16, 4)
    assert not set(train.paths) & set(test.paths)
    assert open_dataset(name).class_names == ("cat", "dog")
    assert train.read(0).shape == (3, 16, 16)
    assert train.read(0).unique().tolist() == [int(train.paths[0].stem) + 50]


def test_image_folder_with_train_and_test(tmp_path: Path) -> None:
    write_image(tmp_path / "train" / "a" / "1.png")
    write_image(tmp_path / "train" / "b" / "1.jpg")
    write_image(tmp_path / "test" / "b" / "1.png")
    (tmp_path / "train" / "a" / "notes.txt").write_text("no image")
    name = f"imagefolder:{tmp_path}"
    assert load(name, "train", None, 8).labels.tolist() == [0, 1]
    assert load(name, "test", None, 8).labels.tolist() == [1]
    write_image(tmp_path / "test" / "zebra" / "1.png")
    with pytest.raises(DataError, match="class 'zebra' has no training images"):
        load(name, "test", None, 8)


@pytest.mark.parametrize("mode", ["L", "RGBA", "CMYK", "I;16"])
def test_every_pixel_format_becomes_rgb(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "a" / ("1.tif" if mode == "CMYK" else "1.png")
    write_image(path, 40_000 if mode == "I;16" else 100, mode=mode)
    write_image(tmp_path / "a" / "2.png")
    source = load(f"imagefolder:{tmp_path}", "train", None, 8)
    images = [source.read(index) for index in range(len(source.labels))]
    assert all(image.shape == (3, 8, 8) and image.dtype == torch.uint8 for image in images)
    if mode == "I;16":
        assert [int(image.float().mean()) for image in images] in ([155], [100])  # 40,000 of 65,535; 100 of 255


def test_a_corrupt_image_is_named_and_skipped_only_when_asked(photos: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = load(f"imagefolder:{photos}", "train", None, 8)
    bad = source.paths[3]
    bad.write_bytes(bad.read_bytes()[:40])
    with pytest.raises(DataError, match=bad.name) as raised:
        search_batches(source, 16, 1, 0, *RGB)
    assert "--skip-corrupt" in str(raised.value)
    assert search_batches(source, 15, 1, 0, *RGB, skip_corrupt=True).shape[1] == 15
    assert bad.name in caplog.text
    with pytest.raises(DataError, match="15 training images given; expected at least 16 that can be read"):
        search_batches(source, 16, 1, 0, *RGB, skip_corrupt=True)


def test_missing_and_empty_folders(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        load(f"imagefolder:{tmp_path / 'none'}", "train", None, 8)
    with pytest.raises(DataError, match="holds no class folders"):
        load(f"imagefolder:{tmp_path}", "train", None, 8)
    (tmp_path / "a").mkdir()
    with pytest.raises(DataError, match="holds no images"):
        load(f"imagefolder:{tmp_path}", "train", None, 8)
    write_image(tmp_path / "Train" / "cat" / "1.png")  # as named on other systems
    (tmp_path / "a").rmdir()
    with pytest.raises(DataError, match="Train: holds folders instead of images; expected DIR/train/CLASS"):
        load(f"imagefolder:{tmp_path}", "train", None, 8)
    (tmp_path / "Train").rename(tmp_path / "train")
    with pytest.raises(DataError, match="none of test, val, valid, validation; expected DIR/train/CLASS"):
        load(f"imagefolder:{tmp_path}", "test", None, 8)


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "tiny-imagenet-200"])
def test_a_missing_data_set_says_where_it_was_looked_for(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as raised:
        load(name, "train", str(tmp_path), 32)
    assert str(tmp_path) in str(raised.value)
    assert "--download" in str(raised.value)
    assert "https://" in str(raised.value) or "http://" in str(raised.value)


def test_download_is_checked_and_unpacked(tmp_path: Path) -> None:
    published, data_dir = tmp_path / "published.tar.gz", tmp_path / "data"
    (tmp_path / "batch.bin").write_bytes(b"pixels")
    with tarfile.open(published, "w:gz") as archive:
        archive.add(tmp_path / "batch.bin", "folder/batch.bin")
    whole = Archive(published.as_uri(), md5(published.read_bytes()).hexdigest())
    with pytest.raises(DataError, match=f"its MD5 checksum is {whole.md5}; expected 0"):
        download("mine", Archive(whole.url, "0"), data_dir)
    assert not list(data_dir.iterdir())
    download("mine", whole, data_dir)
    assert (data_dir / "folder" / "batch.bin").read_bytes() == b"pixels"
    published.unlink()
    download("mine", whole, data_dir)  # from the existing archive
    with pytest.raises(DataError, match=r"download of file://.* failed .*; download it and unpack it there yourself"):
        download("mine", Archive(whole.url, "1"), data_dir)


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    folder = tmp_path / "tiny-imagenet-200"
    (folder / "val").mkdir(parents=True)
    (folder / "wnids.txt").write_text("n2\nn1\n")
    for wnid in ("n1", "n2"):
        write_image(folder / "train" / wnid / "images" / f"{wnid}_0.JPEG", size=(64, 64))
    write_image(folder / "val" / "images" / "val_0.JPEG", 7, (64, 64))
    (folder / "val" / "val_annotations.txt").write_text("val_0.JPEG\tn1\t0\t0\t62\t62\n")
    return folder


def test_tiny_imagenet_format(tiny: Path) -> None:
    train = load("tiny-imagenet-200", "train", str(tiny.parent), 64)
    assert [path.name for path in train.paths] == ["n2_0.JPEG", "n1_0.JPEG"]
    test = load("tiny-imagenet-200", "test", str(tiny), 32)
    assert test.labels.tolist() == [1]
    assert test.read(0).shape == (3, 32, 32)
    (tiny / "val" / "val_annotations.txt").write_text("val_0.JPEG\tn9\n")
    with pytest.raises(DataError, match=r"val_annotations.txt, line 1"):
        load("tiny-imagenet-200", "test", str(tiny), 64)


def test_unknown_data_set(photos: Path) -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'cifar10'"):
        open_dataset("cifar11")
    for name in ("imagefolder:", "imagefolders:x"):
        with pytest.raises(ConfigurationError, match=f"unknown data set '{name}'"):
            open_dataset(name)
    with pytest.raises(ConfigurationError, match=f"give --dataset imagefolder:{photos}"):
        open_dataset(str(photos))


def test_data_sets_that_are_added(monkeypatch: pytest.MonkeyPatch) -> None:
    """An object, a factory, and a factory that gets the text after a colon."""
    digits = Digits()
    for name, entry in {"object": digits, "class": Digits, "folder:DIR": ImageFolder, "wrong": dict}.items():
        monkeypatch.setitem(REGISTRY._added, name, entry)
    assert open_dataset("object") is digits
    assert isinstance(open_dataset("class"), Digits)
    assert open_dataset("folder:here").name == "imagefolder:here"
    with pytest.raises(ConfigurationError, match="data set 'wrong': its entry creates dict; expected a DataSet"):
        open_dataset("wrong")


def test_a_data_set_has_one_mean_for_each_channel() -> None:
    for name in REGISTRY:
        dataset = open_dataset(name)
        assert len(dataset.mean) == dataset.image_channels
        if not dataset.sequence:  # for sequences it is measured; see test_event_data
            assert len(dataset.std) == dataset.image_channels


@pytest.mark.skipif(not DATASETS.is_dir(), reason="the shared data sets are not here")
@pytest.mark.parametrize("name", ["cifar10-images", "tiny-imagenet-200-subset"])
def test_real_archives(name: str, tmp_path: Path) -> None:
    """A few members of the real archives, read by the real readers."""
    with tarfile.open(DATASETS / f"{name}.tar.xz") as archive:
        for count, member in enumerate(archive):
            if count > 300 and "wnids" not in member.name:
                break
            archive.extract(member, tmp_path, filter="data")
    images = [path for path in tmp_path.rglob("*") if path.suffix.lower() in {".jpg", ".jpeg"}]
    assert len(images) > 100
    folder = tmp_path / "few"
    for path in images[:20]:
        (folder / "a").mkdir(parents=True, exist_ok=True)
        path.rename(folder / "a" / path.name)
    side = 64 if "tiny" in name else 32
    batch = search_batches(load(f"imagefolder:{folder}", "train", None, side), 16, 1, 0, *RGB)
    assert batch.shape == (1, 16, 3, side, side)
