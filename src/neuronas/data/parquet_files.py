"""Reads the columns of Hugging Face's Parquet files with pyarrow."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuronas.config import parse_json
from neuronas.data.source import PictureSource
from neuronas.errors import ConfigurationError, DataError
from neuronas.space.shape import Side

MAX_BYTES, MAX_IMAGES = 8_000_000_000, 10_000_000
"""Limits of a split, checked before it is read, since all its encoded images are held in memory."""
_IMAGES, _LABELS = ("image", "img"), ("label", "labels", "fine_label")
_METADATA, _CLASSES = b"huggingface", "ClassLabel"


@dataclass(frozen=True)
class EncodedSource(PictureSource):
    """Encoded pictures in memory.

    Attributes:
        content: array of bytes (pyarrow).
        rows: index of each image in ``content``.
        place: name of the files in messages.
    """

    content: Any
    rows: NDArray[np.int64]
    labels: NDArray[np.int64]
    channels: int
    size: Side
    place: str

    def encoded(self, index: int) -> tuple[str, Callable[[], bytes]]:
        """See ``PictureSource``."""
        row = int(self.rows[index])

        def content() -> bytes:
            raw = self.content[row].as_py()
            if raw is None:
                raise ValueError("holds no bytes, only a path or nothing")
            found: bytes = raw
            return found

        return f"{row} of {self.place}", content

    def taken(self, indices: Sequence[int]) -> "EncodedSource":
        """Some of the images."""
        return replace(self, rows=self.rows[list(indices)], labels=self.labels[list(indices)])


def class_names_of(path: Path) -> tuple[str, ...] | None:
    """Names of the classes in the metadata of a file; None if it has none.

    Raises:
        DataError: see ``read_source``.
    """
    with _reading(path):
        import pyarrow.parquet as pq

        schema = pq.read_schema(path)
        names = _features(schema).get(_label_column(schema), {}).get("names")
        if names is None:
            return None
        if not names or len(set(names)) < len(names) or not all(isinstance(name, str) for name in names):
            raise ValueError("names of classes: expected distinct texts")
        return tuple(names)


def read_labels(paths: Sequence[Path]) -> NDArray[np.int64]:
    """Labels of a split. Raises ``DataError`` like ``read_source``."""
    return np.concatenate([_labels(path) for path in paths])


def read_source(paths: Sequence[Path], n_classes: int, channels: int, size: Side) -> EncodedSource:
    """Read the images of a split; they stay encoded.

    Args:
        paths: files of the split.
        n_classes: labels are 0 to ``n_classes`` - 1.
        channels: number of channels to which images are converted: 1 (grey) or 3 (RGB).
        size: height and width to which images are resized.

    Raises:
        ConfigurationError: pyarrow is not installed.
        DataError: a file cannot be read, is too large, or lacks such columns.
    """
    _check_size(paths)
    labels = read_labels(paths)
    wrong = labels[(labels < 0) | (labels >= n_classes)]
    if len(wrong):
        raise DataError(f"{paths[0]}: label {wrong[0]} given; expected 0 to {n_classes - 1}")
    chunks = [_content(path) for path in paths]
    import pyarrow as pa

    content = pa.chunked_array(chunks).combine_chunks()
    place = str(paths[0]) if len(paths) == 1 else f"{paths[0].parent}/{paths[0].stem.partition('-')[0]}"
    return EncodedSource(content, np.arange(len(labels)), labels, channels, size, place)


def _check_size(paths: Sequence[Path]) -> None:
    n_bytes = n_images = 0
    for path in paths:
        with _reading(path):
            import pyarrow.parquet as pq

            found = pq.read_metadata(path)
            n_images += found.num_rows
            n_bytes += sum(found.row_group(index).total_byte_size for index in range(found.num_row_groups))
    if n_bytes > MAX_BYTES or n_images > MAX_IMAGES:
        raise DataError(
            f"{paths[0]}: {n_images:,} images of {n_bytes:,} bytes; expected at most {MAX_IMAGES:,} of {MAX_BYTES:,}; "
            "save them as files in class folders and use imagefolder:DIR"
        )


def _labels(path: Path) -> NDArray[np.int64]:
    with _reading(path):
        import pyarrow as pa
        import pyarrow.parquet as pq

        name = _label_column(pq.read_schema(path))
        column = pq.ParquetFile(path).read(columns=[name])[name]
        if not pa.types.is_integer(column.type) or column.null_count:
            raise ValueError(f"column {name}: expected an integer for each image")
        return np.asarray(column.to_numpy(), np.int64)


def _content(path: Path) -> Any:
    with _reading(path):
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        schema = pq.read_schema(path)
        found = [field.name for field in schema if pa.types.is_struct(field.type) and _bytes_in(field.type)]
        name = _chosen(found, _IMAGES, "images ({bytes, path})", schema.names)
        column = pq.ParquetFile(path).read(columns=[f"{name}.bytes"])[name]
        return pc.struct_field(column, "bytes").cast(pa.large_binary()).combine_chunks()


def _bytes_in(struct: Any) -> bool:
    return bool(struct.get_field_index("bytes") >= 0)


def _label_column(schema: Any) -> str:
    """Name of the column of labels: as stated in the metadata, otherwise by its usual name."""
    features = _features(schema)
    classes = [name for name, feature in features.items() if feature.get("_type") == _CLASSES and name in schema.names]
    return _chosen(classes or [name for name in _LABELS if name in schema.names], _LABELS, "labels", schema.names)


def _chosen(found: Sequence[str], usual: Sequence[str], what: str, columns: Sequence[str]) -> str:
    name = found[0] if len(found) == 1 else next((name for name in usual if name in found), None)
    if name is None:
        raise ValueError(f"columns {', '.join(columns)} given; expected one of {what}, called {' or '.join(usual)}")
    return name


def _features(schema: Any) -> dict[str, dict[str, Any]]:
    raw = (schema.metadata or {}).get(_METADATA)
    if raw is None:
        return {}
    found = parse_json(raw.decode())["info"]["features"]
    return {str(name): feature for name, feature in found.items() if isinstance(feature, dict)}


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn errors in reading a file into a one-line message that names it."""
    if find_spec("pyarrow") is None:
        raise ConfigurationError(f"{path}: reading Parquet files needs pyarrow; run: pip install 'neuronas[parquet]'")
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, ValueError, TypeError, LookupError, AttributeError, MemoryError) as error:
        reason = " ".join(str(getattr(error, "strerror", None) or error).split())[:200] or type(error).__name__
        raise DataError(f"{path}: cannot be read as a Parquet file of images ({reason})") from error
