"""Parquet folders in the layout of Hugging Face; the files are written with pyarrow."""

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from conftest import Neuronas
from neuronas.data import parquet_files
from neuronas.data.datasets import open_dataset
from neuronas.data.parquet import ParquetFolder
from neuronas.errors import ConfigurationError, DataError

NAMES = ["cat", "dog"]


def picture(value: int, side: int = 9) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (side, side), (value, 255 - value, 7)).save(out, "PNG")
    return out.getvalue()


def write(
    path: Path,
    labels: Sequence[int | None],
    image: str = "image",
    label: str = "label",
    names: Sequence[str] | None = NAMES,
    contents: Sequence[bytes | None] | None = None,
) -> Path:
    """As ``datasets.Dataset.to_parquet``: the images, numbered by their red channel, in row groups of three."""
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    contents = contents or [picture(number) for number in range(len(labels))]
    table = pa.table(
        {
            label: pa.array(labels, pa.int64()),
            image: pa.array(
                [{"bytes": content, "path": f"{number}.png"} for number, content in enumerate(contents)],
                pa.struct([("bytes", pa.binary()), ("path", pa.string())]),
            ),
        }
    )
    if names is not None:
        features = {image: {"_type": "Image"}, label: {"names": names, "_type": "ClassLabel"}}
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, row_group_size=3)
    return path


def reds(source: Any) -> list[int]:
    return [int(source.read(index)[0, 0, 0]) for index in range(len(source.labels))]


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("train-00000-of-00001.parquet", "test-00000-of-00001.parquet"),
        ("data/train-00000-of-00001-abc.parquet", "data/validation-00000-of-00001-def.parquet"),
        ("default/train/0000.parquet", "default/test/0000.parquet"),
        ("train.parquet", "valid.parquet"),
    ],
)
@pytest.mark.parametrize(("image", "label"), [("image", "label"), ("img", "fine_label")])
def test_the_layouts_of_hugging_face(train: str, test: str, image: str, label: str, tmp_path: Path) -> None:
    write(tmp_path / train, [0, 1, 1, 0, 1], image, label)
    write(tmp_path / test, [1, 0], image, label)
    dataset = open_dataset(f"parquet:{tmp_path}")
    assert (dataset.class_names, dataset.n_classes) == (("cat", "dog"), 2)
    source = dataset.load("train", 4)
    assert source.labels.tolist() == [0, 1, 1, 0, 1]
    assert reds(source) == [0, 1, 2, 3, 4]
    assert source.read(0).shape == (3, 4, 4)
    assert dataset.load("test", 4).labels.tolist() == [1, 0]
    grey = dataset.with_channels(1).load("test", 4)
    assert grey.read(0).shape == (1, 4, 4)
    dataset.check(n_threads=2, skip_corrupt=False)


def test_shards_are_one_split_and_a_fifth_is_the_test_set_without_one(tmp_path: Path) -> None:
    write(tmp_path / "train-00000-of-00002.parquet", [0] * 10, names=None)
    write(tmp_path / "train-00001-of-00002.parquet", [1] * 10, names=None)
    dataset = ParquetFolder(str(tmp_path))
    assert (dataset.class_names, dataset.n_classes) == (None, 2)
    train, test = dataset.load("train", 9), dataset.load("test", 9)
    assert np.bincount(train.labels).tolist() == [8, 8]
    assert np.bincount(test.labels).tolist() == [2, 2]
    for number in (0, 1):  # each image of a class is in one split
        found = [reds(source)[index] for source in (train, test) for index in np.flatnonzero(source.labels == number)]
        assert sorted(found) == list(range(10))


def test_broken_images_and_files_are_named(tmp_path: Path) -> None:
    good, path = picture(1), tmp_path / "train.parquet"
    write(path, [0, 1, 0], contents=[good, b"no image", None])
    source = ParquetFolder(str(tmp_path)).load("train", 9)
    kept = [index for index in range(len(source.labels)) if source.rows[index] == 0]
    assert all(source.read(index).shape == (3, 9, 9) for index in kept)
    with pytest.raises(DataError, match=r"2 of 3 images cannot be read; the first: image [12] of .*train.parquet"):
        ParquetFolder(str(tmp_path)).check(n_threads=1, skip_corrupt=False)
    for labels, words in (([0, None, 1], "an integer for each image"), ([0, -1, 1], "label -1 given; expected 0 to 1")):
        write(path, labels)
        with pytest.raises(DataError, match=words):
            ParquetFolder(str(tmp_path)).load("train", 9)
    for arguments, words in (
        ({"label": "number", "names": None}, r"columns number, image given; expected one of labels, called label or"),
        ({"image": "one", "names": ["a", "a"]}, "names of classes: expected distinct texts"),
    ):
        write(path, [0, 1], **arguments)  # type: ignore[arg-type]
        with pytest.raises(DataError, match=words):
            ParquetFolder(str(tmp_path)).load("train", 9)
    whole = write(path, [0, 1, 0]).read_bytes()
    for content in (b"", b"PAR1", whole[:-20], whole[: len(whole) // 2] + bytes(50) + whole[len(whole) // 2 + 50 :]):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"train.parquet") as raised:
            dataset = ParquetFolder(str(tmp_path))
            dataset.check(n_threads=1, skip_corrupt=False)
        assert "\n" not in str(raised.value)


def test_too_many_bytes_are_refused_before_they_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "train.parquet", [0, 1])
    monkeypatch.setattr(parquet_files, "MAX_BYTES", 50)
    monkeypatch.setattr(parquet_files, "_content", None)
    with pytest.raises(DataError, match=r"2 images of [\d,]+ bytes; expected at most 10,000,000 of 50"):
        ParquetFolder(str(tmp_path)).load("train", 9)


def test_several_data_sets_none_and_a_search(tmp_path: Path, neuronas: Neuronas) -> None:
    labels = [number % 2 for number in range(40)]
    for subset in ("one", "two"):
        write(tmp_path / "all" / subset / "train.parquet", labels)
    with pytest.raises(DataError, match=r"holds several data sets \('.*one' and '.*two'\); give the folder of one"):
        ParquetFolder(str(tmp_path / "all")).load("train", 9)
    with pytest.raises(DataError, match=r"holds no training images; expected DIR/train-00000-of-00001.parquet"):
        ParquetFolder(str(tmp_path / "none")).load("train", 9)
    one = tmp_path / "all" / "one"
    options = ("search", "--quiet", "--channels", 2, "--batch-size", 8, "--timesteps", 2, "--image-side", 8)
    code, _, err = neuronas(*options, "--algorithm", "snasnet", "--n-draws", 3, "--dataset", f"parquet:{one}")
    assert code == 0, err
    for options in (
        ("--dataset", f"imagefolder:{one}"),
        ("--dataset", "cifar10", "--data-dir", one),
        ("--dataset", one),
    ):
        code, _, err = neuronas("search", "--quiet", *options)
        assert (code, err.count("\n")) == (2, 1)
        assert f"give --dataset parquet:{one}" in err


def test_pyarrow_is_asked_for_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "train.parquet").write_bytes(b"PAR1")
    monkeypatch.setattr(parquet_files, "find_spec", lambda _: None)
    with pytest.raises(ConfigurationError, match=r"needs pyarrow; run: pip install 'neuronas\[parquet\]'"):
        open_dataset(f"parquet:{tmp_path}").load("train", 9)
