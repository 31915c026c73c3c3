"""Reads files in a tar archive without unpacking it."""

import lzma
import tarfile
import zlib
from collections.abc import Collection
from pathlib import Path

from neuronas.data.download import MAX_BYTES, MAX_MEMBERS
from neuronas.errors import DataError


def tar_members(path: Path, names: Collection[str], max_bytes: int) -> dict[str, bytes]:
    """Contents of the members with these names; missing ones are omitted.

    Args:
        path: tar archive, compressed or not.
        names: names in the archive.
        max_bytes: maximum size of a member in bytes.

    Raises:
        DataError: the archive is damaged, holds too much, or one of the names is not a regular file.
    """
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(path) as archive:
            n_bytes = 0
            for number, member in enumerate(archive, start=1):
                n_bytes += max(0, member.size)
                if n_bytes > MAX_BYTES or number > MAX_MEMBERS:
                    raise DataError(f"archive {path}: holds more than {MAX_BYTES:,} bytes or {MAX_MEMBERS:,} files")
                name = member.name.removeprefix("./")
                if name in names:
                    found[name] = _content(archive, member, path, max_bytes)
                if len(found) == len(names):
                    break
    except (OSError, EOFError, ValueError, LookupError, tarfile.TarError, zlib.error, lzma.LZMAError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"archive {path}: cannot be read ({reason}); download it again") from error
    return found


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path, max_bytes: int) -> bytes:
    file = archive.extractfile(member) if member.isreg() and not member.issparse() else None
    if file is None or member.size > max_bytes:
        raise DataError(f"archive {path}: {member.name} is not a regular file of at most {max_bytes:,} bytes")
    content = file.read()
    if len(content) != member.size:
        raise EOFError(f"{member.name} ends too early")
    return content
