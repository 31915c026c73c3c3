"""Program that reads one HDF5 file and writes its content to standard output; run by ``hdf5.reading``.

Arguments: the file, the group to read, limits of memory in bytes and of processor time in seconds, then the folders
to import from. Output: one line of JSON, then the bytes of all numbers. In the JSON, a group is an object, a text a
string, an array of texts ``[nested list]``, and numbers are ``[dtype, shape]``, whose bytes follow in the same order.
"""

import json
import resource
import sys
from contextlib import suppress
from typing import Any, BinaryIO


def read(path: str, group: str, output: BinaryIO) -> None:
    """Read a complete group, then write it.

    Args:
        path: path of the file.
        group: name of the group.
        output: stream that the content is written to.
    """
    import h5py  # noqa: PLC0415 - after limits and sys.path are set

    with suppress(ImportError):  # filters such as Blosc; for files that need them, h5py names a missing one
        import hdf5plugin  # noqa: F401, PLC0415

    import numpy as np  # noqa: PLC0415

    numbers: list[Any] = []

    def describe(item: Any) -> Any:
        if isinstance(item, h5py.Group):
            for name in item:
                if isinstance(item.get(name, getlink=True), h5py.ExternalLink):
                    raise ValueError(f"{item.name}/{name} is in another file; expected a single file")
            return {name: describe(one) for name, one in item.items()}
        if item.is_virtual or item.external:
            raise ValueError(f"{item.name} is in another file; expected a single file")
        value = item[()]
        if isinstance(value, bytes):
            return value.decode()
        array = np.asarray(value, order="C")
        if array.dtype.kind == "O":
            return [np.vectorize(bytes.decode, otypes=[object])(array).tolist()]
        if array.dtype.kind not in "biuf":
            raise TypeError(f"{item.name} holds values of type {array.dtype}; expected numbers or texts")
        numbers.append(array)
        return [array.dtype.str, array.shape]

    with h5py.File(path, "r") as file:
        found = describe(file[group])
    output.write(json.dumps(found).encode() + b"\n")
    for array in numbers:
        output.write(array.tobytes())
    output.flush()


def _limit(kind: int, value: int) -> None:
    highest = resource.getrlimit(kind)[1]
    resource.setrlimit(kind, (value if highest == resource.RLIM_INFINITY else min(value, highest), highest))


def main(arguments: list[str]) -> None:
    """Read within limits; if a file is rejected, the reason is the last line on standard error, with exit code 1."""
    path, group, memory_bytes, time_s, *sys.path[:] = arguments
    if sys.platform == "linux":  # on other systems the limit includes reserved memory, or fails
        _limit(resource.RLIMIT_AS, int(memory_bytes))
    _limit(resource.RLIMIT_CPU, int(time_s))
    _limit(resource.RLIMIT_CORE, 0)
    try:
        read(path, group, sys.stdout.buffer)
    except MemoryError:
        sys.exit(f"more than {int(memory_bytes) / 2**30:.1f} GiB of memory needed")
    except Exception as error:  # noqa: BLE001 - h5py raises many kinds; the reader names the file
        sys.exit(str(error).partition("\n")[0] or type(error).__name__)


if __name__ == "__main__":
    main(sys.argv[1:])
