"""Downloads published archives, checks them, and unpacks them inside the folder of data sets."""

import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterable
from hashlib import file_digest, md5
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from urllib.request import Request, urlopen

from neuronas.data.published import Archive
from neuronas.errors import ADVICE_IF_FULL, DataError, is_full
from neuronas.version import __version__

_PATIENCE_S = 60.0
MAX_BYTES, MAX_MEMBERS = 2_000_000_000, 200_000
"""Limits of an archive, checked before anything is written; TinyImageNet has 120,000 files."""

_DAMAGED = (
    OSError, EOFError, ValueError, LookupError, RuntimeError, tarfile.TarError, zipfile.BadZipFile, zlib.error,
    lzma.LZMAError,
)  # fmt: skip


def download(name: str, archive: Archive, data_dir: Path) -> None:
    """Download and unpack a data set into ``data_dir``; an existing archive is not downloaded again.

    Raises:
        DataError: no network connection, wrong checksum, or disk full.
    """
    path = data_dir / PurePosixPath(archive.url).name
    try:
        if not (path.is_file() and _md5(path) == archive.md5):
            data_dir.mkdir(parents=True, exist_ok=True)
            _fetch(archive, path)
        unpack(path, data_dir)
    except (OSError, HTTPException) as error:
        raise DataError(
            f"{name}: download of {archive.url} to {data_dir} failed ({' '.join(str(error).split())}); download it "
            "and unpack it there yourself"
        ) from error


def _fetch(archive: Archive, path: Path) -> None:
    """Download to a temporary file beside the target and move it when complete; links are not followed."""
    beside = path.with_name(path.name + ".part")
    beside.unlink(missing_ok=True)
    request = Request(archive.url, headers={"User-Agent": f"neuronas/{__version__}"})  # noqa: S310 - published addresses
    with urlopen(request, timeout=_PATIENCE_S) as answer, beside.open("xb") as file:  # noqa: S310
        shutil.copyfileobj(answer, file)
    if (found := _md5(beside)) != archive.md5:
        beside.unlink()
        raise OSError(f"its MD5 checksum is {found}; expected {archive.md5}")
    beside.replace(path)


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, lambda: md5(usedforsecurity=False)).hexdigest()


def unpack(path: Path, folder: Path) -> None:
    """Unpack regular files and folders into a folder.

    Raises:
        DataError: the archive is damaged, too large, or contains links, devices or names outside the folder. In that
            case nothing is written, except the files before a damaged part.
    """
    try:
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as zipped:
                _check(path, ((one.filename, one.file_size, not _is_zipped_link(one)) for one in zipped.infolist()))
                _check_places(path, folder, zipped.namelist())
                zipped.extractall(folder)  # noqa: S202 - checked
        else:
            with tarfile.open(path) as tarred:
                _check(path, ((one.name, one.size, one.isreg() or one.isdir()) for one in tarred))
                _check_places(path, folder, tarred.getnames())
                tarred.extractall(folder, filter="data")
    except _DAMAGED as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        is_space = isinstance(error, OSError) and is_full(error)
        advice = ADVICE_IF_FULL if is_space else "download it again"
        raise DataError(f"archive {path}: cannot be unpacked ({reason}); {advice}") from error


def _check_places(path: Path, folder: Path, names: Iterable[str]) -> None:
    """Reject target paths that contain a link, since its target would be overwritten."""
    places = {place for name in names for place in (PurePosixPath(name), *PurePosixPath(name).parents)}
    for place in sorted(places - {PurePosixPath()}):
        if (folder / place).is_symlink():
            raise DataError(f"archive {path}: {folder / place} is a link; expected a folder; remove it")


def _is_zipped_link(member: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(member.external_attr >> 16)


def _check(path: Path, members: Iterable[tuple[str, int, bool]]) -> None:
    """Check names, sizes in bytes, and that each member is a file or a folder."""
    n_bytes = 0
    for number, (name, size, is_plain) in enumerate(members, start=1):
        n_bytes += max(0, size)
        if n_bytes > MAX_BYTES or number > MAX_MEMBERS:
            raise DataError(f"archive {path}: holds more than {MAX_BYTES:,} bytes or {MAX_MEMBERS:,} files")
        if not is_plain or not name or name.startswith("/") or ".." in PurePosixPath(name.replace("\\", "/")).parts:
            raise DataError(f"archive {path}: '{name}' is a link or is outside its folder; nothing was unpacked")
