"""Unpack a zip file that a stranger may have made: nothing outside its folder, no more than it may hold."""

import errno
import lzma
import shutil
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Final

from sparrow.errors import DataError

MAX_FILES: Final = 1000
MAX_RATIO: Final = 50
SMALL: Final = 64 << 20
"""A zip file may unpack to this many bytes, or to `MAX_RATIO` times its own if that is more."""

CHUNK: Final = 1 << 20

_DISK: Final = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO)
"""Not the zip file's fault."""


def unpack(archive: Path, folder: Path, what: str) -> None:
    """Unpack all files of a zip file below a new folder, each checked by its CRC.

    Args:
        what: the zip file's name, for messages.

    Raises:
        BadZipFile: it is no whole zip file, or holds what does not belong in one.
        DataError: it does not fit the disk, or cannot be written there.
    """
    try:
        with zipfile.ZipFile(archive) as bundle:
            members = _checked(bundle, archive.stat().st_size)
            check_room(folder.parent, sum(member.file_size for member in members), what)
            for member in members:
                _write(bundle, member, folder)
    except OSError as error:
        if error.errno in _DISK:
            raise DataError(
                f"{what} cannot be unpacked in {folder.parent} ({error.strerror}); mend that and run the same command "
                "again, or name another folder with --out."
            ) from None
        raise zipfile.BadZipFile(error.strerror or str(error)) from None
    # NotImplementedError is what zipfile raises at a compression it does not know.
    except (zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise zipfile.BadZipFile(str(error)) from None


def check_room(folder: Path, needed: int, what: str) -> None:
    """Pass in silence, or raise.

    Raises:
        DataError: the disk of `folder`, which exists, has fewer than `needed` bytes left.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DataError(
            f"{folder} has {free:,} bytes free and {what} needs {needed:,}; free some, or name a folder on another "
            "disk with --out."
        )


def _checked(bundle: zipfile.ZipFile, size: int) -> list[zipfile.ZipInfo]:
    """The files of a zip file of `size` bytes, none of them dangerous."""
    members = [member for member in bundle.infolist() if not member.is_dir()]
    for member in members:
        _check_name(member)
    total = sum(member.file_size for member in members)
    if len(members) > MAX_FILES or total > max(SMALL, MAX_RATIO * size):
        raise zipfile.BadZipFile(f"it would unpack to {len(members):,} files of {total:,} bytes")
    return members


def _check_name(member: zipfile.ZipInfo) -> None:
    path = PurePosixPath(member.filename)
    outside = path.is_absolute() or ".." in path.parts or "\\" in member.filename or ":" in member.filename
    if outside or stat.S_ISLNK(member.external_attr >> 16):
        raise zipfile.BadZipFile(f"{member.filename!r} in it would leave its folder")


def _write(bundle: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> None:
    path = folder / member.filename
    path.parent.mkdir(parents=True, exist_ok=True)
    # What a member really holds beyond its stated size is never read.
    with bundle.open(member) as source, path.open("wb") as target:
        shutil.copyfileobj(source, target, CHUNK)
