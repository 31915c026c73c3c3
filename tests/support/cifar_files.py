"""CIFAR's files in the published formats, with other images."""

import pickle
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from neuronas.data.cifar import Cifar, Version

Batch = dict[str, Any]


def of_python_2(batch: Batch) -> bytes:
    """Byte for byte like the published files: protocol 2, text as bytes of Python 2."""
    images = batch["data"]
    fields = b"".join(
        _text(key) + (_listed(value) if isinstance(value, list) else _text(value))
        for key, value in batch.items()
        if key != "data"
    )
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00\x85q\x05U\x01bq\x06\x87q\x07Rq\x08"
        b"(K\x01K" + bytes([len(images)]) + b"M\x00\x0c\x86q\x09cnumpy\ndtype\nq\x0aU\x02u1q\x0bK\x00K\x01\x87q\x0c"
        b"Rq\x0d(K\x03U\x01|q\x0eNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tq\x0fb\x89T"
        + len(images.tobytes()).to_bytes(4, "little")
        + images.tobytes()
    )
    return b"\x80\x02}q\x01(" + _text("data") + array + b"q\x10tq\x11b" + fields + b"u."


def _text(text: str) -> bytes:
    return b"U" + bytes([len(text)]) + text.encode()


def _listed(values: list[Any]) -> bytes:
    return b"](" + b"".join(_text(one) if isinstance(one, str) else b"K" + bytes([one]) for one in values) + b"e"


WRITERS: dict[str, Callable[[Batch], bytes]] = {
    "as published": of_python_2,
    "protocol 2": lambda batch: pickle.dumps(batch, protocol=2),
    "protocol 4": lambda batch: pickle.dumps(batch, protocol=4),
    "columns first": lambda batch: pickle.dumps({**batch, "data": np.asfortranarray(batch["data"])}, protocol=2),
}


def images_of(dataset: Cifar, n: int = 6) -> tuple[np.ndarray, list[int]]:
    """Pixels [n, 3072] and classes, which include the last class."""
    rng = np.random.default_rng(0)
    labels = [*rng.integers(0, dataset.n_classes, n - 1).tolist(), dataset.n_classes - 1]
    return rng.integers(0, 256, (n, 3072), dtype=np.uint8), labels


def write_version(
    dataset: Cifar, version: Version, folder: Path, writer: Callable[[Batch], bytes] = of_python_2
) -> Path:
    """Write every file of a version, each with the same images, into its folder in ``folder``."""
    images, labels = images_of(dataset)
    place = folder / version.folder
    place.mkdir(parents=True)
    for name in (*version.train_files, *version.test_files):
        if isinstance(version.labels, str):
            coarse = {"coarse_labels": [0] * len(labels)} if version.labels == "fine_labels" else {}
            names = {"filenames": [f"{number}.png" for number in range(len(labels))]}
            batch = {"batch_label": "batch", "data": images, **coarse, version.labels: labels, **names}
            (place / name).write_bytes(writer(batch))
        else:
            head = bytes(version.labels - 1)
            records = [head + bytes([label]) + row.tobytes() for row, label in zip(images, labels, strict=True)]
            (place / name).write_bytes(b"".join(records))
    (place / "readme.html").write_text("not read")
    return place


def pack(place: Path, archive: Path) -> Path:
    """Pack a folder like the published archives."""
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(place, place.name)
    return archive
