"""CIFAR-10 and CIFAR-100 in every published form; other or malicious files are rejected in one line."""

import pickle
import struct
import tarfile
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import pytest

from cifar_files import WRITERS, Batch, images_of, of_python_2, pack, write_version
from conftest import Neuronas
from neuronas.config import DATASETS
from neuronas.data import inert_pickle
from neuronas.data.cifar import Cifar, Cifar10, Cifar100, Version
from neuronas.data.cifar_files import _ADMITTED
from neuronas.data.inert_pickle import values_of
from neuronas.errors import DataError

BINARY, PYTHON = 0, 1
VERSIONS = [(dataset, version) for dataset in (Cifar10, Cifar100) for version in dataset.versions]
EACH = pytest.mark.parametrize(("kind", "version"), VERSIONS, ids=[version.folder for _, version in VERSIONS])


def check_images(dataset: Cifar, version: Version) -> None:
    images, labels = images_of(dataset)
    for split, files in (("train", version.train_files), ("test", version.test_files)):
        source = dataset.load(split, 32)
        assert source.labels.tolist() == labels * len(files)
        assert (source.images[: len(images)].flatten(1).numpy() == images).all()
        assert source.images.shape == (len(images) * len(files), 3, 32, 32)


@EACH
def test_a_folder_and_its_archive_hold_the_same(kind: type[Cifar], version: Version, tmp_path: Path) -> None:
    place = write_version(kind(), version, tmp_path)
    for data_dir in (tmp_path, place):
        check_images(kind().within(data_dir), version)
    (tmp_path / "packed").mkdir()
    archive = pack(place, tmp_path / "packed" / version.archive)
    for data_dir in (archive.parent, archive):  # the folder of data sets, or the file itself
        check_images(kind().within(data_dir), version)
    assert [path.name for path in archive.parent.iterdir()] == [version.archive]  # nothing was unpacked


@pytest.mark.parametrize("kind", [Cifar10, Cifar100])
@pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS)
def test_pickles_of_either_python(kind: type[Cifar], writer: Callable[[Batch], bytes], tmp_path: Path) -> None:
    write_version(kind(), kind.versions[PYTHON], tmp_path, writer)
    check_images(kind().within(tmp_path), kind.versions[PYTHON])


def test_what_is_unpacked_is_read_first(tmp_path: Path) -> None:
    binary, python = Cifar10.versions
    pack(write_version(Cifar10(), python, tmp_path / "elsewhere"), tmp_path / python.archive)
    assert Cifar10().within(tmp_path).found() == tmp_path / python.archive
    folder = write_version(Cifar10(), binary, tmp_path)
    assert Cifar10().within(tmp_path).found() == folder


def global_call(module: str, name: str, argument: str) -> bytes:
    return f"c{module}\n{name}\n(S'{argument}'\ntR".encode()


def batch_with(extra: bytes) -> bytes:
    """A valid batch of CIFAR-10 with an additional entry that contains a malicious value."""
    images, labels = images_of(Cifar10())
    whole = of_python_2({"data": images, "labels": labels})
    return whole[:-2] + b"U\x04more" + extra + b"u."


def bomb(depth: int, opcode: bytes) -> bytes:
    """Nested tuples or lists, each holding the previous one twice: walking through it takes exponential time."""
    return b")" + b"".join(b"q" + bytes([n]) + b"h" + bytes([n]) + opcode for n in range(depth))


class Attack:
    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_pickles_that_attack_are_refused_and_not_run(name: str, tmp_path: Path, neuronas: Neuronas) -> None:
    kind = {"cifar10": Cifar10, "cifar100": Cifar100}[name]
    version = kind.versions[PYTHON]
    file = write_version(kind(), version, tmp_path) / version.train_files[0]
    ran = tmp_path / "ran"
    touch = f"touch {ran}"
    attacks = {
        "os.system": b"\x80\x02" + global_call("os", "system", touch) + b".",
        "builtins.eval": global_call("builtins", "eval", "1") + b".",
        "pathlib": pickle.dumps(Attack(ran)),
        "posix.system": batch_with(global_call("posix", "system", touch)),
        "numpy.save": batch_with(global_call("numpy", "save", str(ran))),
        "opcode INST": b"(S'" + touch.encode() + b"'\nios\nsystem\n.",
        "opcode OBJ": b"(cnumpy\ndtype\no.",
        "opcode NEWOBJ": b"cnumpy\nndarray\n)\x81.",
        "opcode PERSID": b"Pfile\n.",
        "opcode EXT1": b"\x82\x01.",
        "opcode LONG4": batch_with(b"\x8b" + struct.pack("<i", 3) + b"abc"),
        "calls an object that cannot be called": b"K\x01)R.",
        "keys that are not text": b"}(" + bomb(60, b"\x86") + b"K\x01u.",
    }
    for words, content in attacks.items():
        file.write_bytes(content)
        started = process_time()
        with pytest.raises(DataError, match="is not a batch of the Python version of CIFAR") as raised:
            kind().within(tmp_path).load("train", 32)
        assert process_time() - started < 2
        assert words in str(raised.value) or words.partition(".")[2] in str(raised.value), (words, raised.value)
        assert str(file) in str(raised.value) and "\n" not in str(raised.value)
    assert not ran.exists()
    code, out, err = neuronas("search", "--dataset", name, "--data-dir", tmp_path, "--quiet", "--channels", 4)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert f"{file}: is not a batch" in err


def test_pickles_with_other_content_are_refused(tmp_path: Path) -> None:
    images, labels = images_of(Cifar10())
    file = write_version(Cifar10(), Cifar10.versions[PYTHON], tmp_path) / "data_batch_1"
    wrong: list[tuple[object, str]] = [
        ([1], "a list"),
        ({"data": images}, "without labels"),
        ({"labels": labels}, "without data"),
        ({"data": images, "labels": labels[:-1]}, "one label for each of 6 images"),
        ({"data": images, "labels": [-1] * 6}, "whole numbers from 0 to 255"),
        ({"data": images, "labels": [True] * 6}, "whole numbers from 0 to 255"),
        ({"data": images, "labels": ["cat"] * 6}, "whole numbers from 0 to 255"),
        ({"data": images.astype(np.int16), "labels": labels}, "unsigned bytes"),
        ({"data": images[:, :-1].copy(), "labels": labels}, r"\[images, 3072\]"),
        ({"data": images.tolist(), "labels": labels}, "expected an array"),
        ({"data": images, "labels": [10] * 6}, "holds a class above 9"),
    ]
    for content, words in wrong:
        file.write_bytes(pickle.dumps(content, protocol=2))
        with pytest.raises(DataError, match=words):
            Cifar10().within(tmp_path).load("train", 32)
    for raw in (b"", b"no pickle", pickle.dumps({"data": images, "labels": labels})[:-100]):
        file.write_bytes(raw)
        with pytest.raises(DataError, match="not a batch of the Python version of CIFAR"):
            Cifar10().within(tmp_path).load("train", 32)


def test_a_pickle_has_a_bounded_length(monkeypatch: pytest.MonkeyPatch) -> None:
    images, labels = images_of(Cifar10())
    whole = of_python_2({"data": images, "labels": labels})
    monkeypatch.setattr(inert_pickle, "MAX_OPCODES", 20)
    with pytest.raises(ValueError, match="more than 20 opcodes"):
        values_of(whole, _ADMITTED)


def test_a_damaged_binary_file_is_named(tmp_path: Path) -> None:
    place = write_version(Cifar100(), Cifar100.versions[BINARY], tmp_path)
    (place / "test.bin").write_bytes(b"123")
    with pytest.raises(DataError, match=r"test.bin: 3 bytes; expected a multiple of 3,074"):
        Cifar100().within(tmp_path).load("test", 32)
    (place / "test.bin").write_bytes(bytes([0, 100]) + bytes(3072))
    with pytest.raises(DataError, match=r"test.bin: holds a class above 99; expected 100 classes"):
        Cifar100().within(tmp_path).load("test", 32)
    (place / "test.bin").unlink()
    with pytest.raises(DataError, match=r"test.bin: cannot be read \(No such file"):
        Cifar100().within(tmp_path).load("test", 32)


def test_archives_that_are_damaged_or_hold_something_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version = Cifar100.versions[PYTHON]
    archive = pack(write_version(Cifar100(), version, tmp_path / "made"), tmp_path / version.archive)
    whole, dataset = archive.read_bytes(), Cifar100().within(tmp_path)
    for content, words in (
        (whole[: len(whole) // 2], "cannot be read|holds no"),
        (b"", "cannot be read"),
        (b"no archive", "cannot be read"),
    ):
        archive.write_bytes(content)
        with pytest.raises(DataError, match=words) as raised:
            dataset.load("test", 32)
        assert str(archive) in str(raised.value) and "\n" not in str(raised.value)
    link = tarfile.TarInfo("cifar-100-python/train")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    with tarfile.open(archive, "w:gz") as packed:
        packed.addfile(link)
    with pytest.raises(DataError, match="cifar-100-python/train is not a regular file"):
        dataset.load("train", 32)
    archive.write_bytes(whole)
    monkeypatch.setattr("neuronas.data.tar_members.MAX_BYTES", 1000)
    with pytest.raises(DataError, match="holds more than 1,000 bytes"):
        dataset.load("train", 32)


def test_a_folder_in_another_format_is_named_as_that(tmp_path: Path, neuronas: Neuronas) -> None:
    """A data set that is not found states what the folder contains and which option reads it."""
    ten = write_version(Cifar10(), Cifar10.versions[PYTHON], tmp_path / "ten")
    hundred = write_version(Cifar100(), Cifar100.versions[BINARY], tmp_path / "hundred")
    packed = pack(hundred, tmp_path / Cifar100.versions[BINARY].archive)
    given: list[tuple[tuple[object, ...], str]] = [
        (("--dataset", "cifar100", "--data-dir", ten), f"give --dataset cifar10 --data-dir {ten}"),
        (("--dataset", "cifar10", "--data-dir", hundred.parent), f"--dataset cifar100 --data-dir {hundred.parent}"),
        (("--dataset", "cifar10", "--data-dir", packed), f"--dataset cifar100 --data-dir {packed}"),
        (("--dataset", f"imagefolder:{ten}"), f"give --dataset cifar10 --data-dir {ten}"),
        (("--dataset", f"imagefolder:{ten.parent}"), f"give --dataset cifar10 --data-dir {ten.parent}"),
        (("--dataset", f"imagefolder:{packed}"), f"give --dataset cifar100 --data-dir {packed}"),
        (("--dataset", ten), f"give --dataset cifar10 --data-dir {ten}"),
    ]
    for options, words in given:
        code, out, err = neuronas("search", *options, "--quiet")
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert words in err, (options, err)
    code, _, err = neuronas("search", "--dataset", "cifar10", "--data-dir", tmp_path / "nothing", "--quiet")
    assert code == 2
    assert "another format" not in err
    assert "cifar-10-python.tar.gz" in err


def test_a_folder_named_train_is_not_cifar_100(tmp_path: Path) -> None:
    (tmp_path / "train" / "cats").mkdir(parents=True)
    given = DATASETS["cifar100"]().within(tmp_path)
    assert not given.is_there()
    (tmp_path / "cifar-100-python.tar.gz").touch()
    assert given.found() == tmp_path / "cifar-100-python.tar.gz"
