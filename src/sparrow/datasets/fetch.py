"""Bring a MovieLens release into the home: download, checksum, unpack, and only then a folder under its name.

{home}/datasets/ml-25m/             the release, whole or not there at all
{home}/datasets/ml-25m.zip.part     a download that broke off; the next fetch goes on with it
{home}/datasets/licence-shown       the licence is shown once a home
"""

import fcntl
import hashlib
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

import orjson

from sparrow.datasets.about import About
from sparrow.datasets.fetch_http import Report, check_url, discard, download, read_checksum
from sparrow.datasets.fetch_zip import check_room, unpack
from sparrow.datasets.releases_table import RELEASES, Release, folder_of
from sparrow.datasets.sources import find_layout
from sparrow.errors import Busy, DataError, InvalidInput

LICENCE_SHOWN: Final = "licence-shown"
MARKER: Final = ".sparrow-fetched"
"""In a fetched folder: which release it is, and the MD5 of its zip file."""

UNPACKED_RATIO: Final = 5
"""The zip files of MovieLens unpack to at most this many times their size."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A release that is there: where, whether it was there before, and whether a published checksum was met."""

    folder: Path
    found: bool
    checked: bool


def fetch(
    name: str, home: Path, report: Report, show_licence: Callable[[About], None], out: Path | None = None, url: str = ""
) -> Fetched:
    """Bring a release, or find it.

    Args:
        name: one of `RELEASES`.
        home: the state folder.
        report: told of bytes done and of all bytes (0: unknown).
        show_licence: called before the first download into a home, with the terms of the data.
        out: the folder that shall hold the files, instead of the home's own.
        url: another place of the same zip file; HTTPS, or HTTP on this machine.

    Raises:
        InvalidInput: the name or the URL cannot be used.
        Busy: another process fetches the same.
        DataError: no network, no room, a broken download or a wrong file; the message names the cure.
    """
    release = _release(name)
    folder = out or folder_of(name, home)
    url = url or release.url
    check_url(url)
    part = folder.with_name(f"{name}.zip.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    with _held(home, name):
        if _is_there(folder, release):
            return Fetched(folder, found=True, checked=False)
        _show_once(release.about, home, show_licence)
        expected = release.md5 or read_checksum(f"{url}.md5", _by_hand(url))
        download(url, part, report, _by_hand(url), lambda rest, whole: _check_room(folder, rest, whole))
        md5 = _check_sum(part, url, expected)
        _unpack(part, folder, url, {"name": name, "md5": md5})
    return Fetched(folder, found=False, checked=bool(expected))


def _release(name: str) -> Release:
    if name not in RELEASES:
        raise InvalidInput(f"{name!r} is no release that can be fetched; there are: {', '.join(RELEASES)}.")
    return RELEASES[name]


def _by_hand(url: str) -> str:
    """What to do without a network."""
    return (
        f"without one, download {url} on another machine, unzip it, bring the folder here "
        "and name it wherever a dataset is asked for: --dataset DIR"
    )


@contextmanager
def _held(home: Path, name: str) -> Iterator[None]:
    """Keep other processes from fetching the same; the system lets go even of a killed holder's lock."""
    lock = home / "datasets" / f".{name}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(f"Another `sparrow data fetch {name}` is at work in {home}; wait for it to end.") from None
        yield


def _is_there(folder: Path, release: Release) -> bool:
    """True when the folder holds this release, False when there is none or it is empty.

    Raises:
        DataError: something else is in the way.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return False
    try:
        find_layout(folder)
    except DataError:
        raise DataError(
            f"{folder} is there already and holds no MovieLens files; remove it, or name another folder with --out."
        ) from None
    mark = _read_mark(folder)
    if mark.get("name") != release.name or (release.md5 and mark.get("md5") != release.md5):
        raise DataError(
            f"{folder} is there already and holds something that was not fetched as {release.name}; remove it, name "
            f"another folder with --out, or use it as it is: --dataset {folder}."
        )
    return True


def _read_mark(folder: Path) -> dict[str, object]:
    with suppress(OSError, ValueError):
        mark = orjson.loads((folder / MARKER).read_bytes())
        return mark if isinstance(mark, dict) else {}
    return {}


def _show_once(about: About, home: Path, show: Callable[[About], None]) -> None:
    marker = home / "datasets" / LICENCE_SHOWN
    if not marker.exists():
        show(about)
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.write_text(f"{about.licence}\n", encoding="utf-8")


def _check_room(folder: Path, rest: int, whole: int) -> None:
    """Room for what is still to come and for the files that will be unpacked from it."""
    check_room(folder.parent, rest + UNPACKED_RATIO * whole, folder.name)


def _check_sum(part: Path, url: str, expected: str) -> str:
    """The MD5, which is the expected one where there is one."""
    with part.open("rb") as file:
        found = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    if expected and found != expected:
        _refuse(part, url, f"it has the MD5 {found}, not {expected}")
    return found


def _unpack(part: Path, folder: Path, url: str, mark: dict[str, str]) -> None:
    """Unpack beside the folder and rename, so that half a release is never there."""
    hidden = folder.with_name(f".{folder.name}.unpacking")
    shutil.rmtree(hidden, ignore_errors=True)
    try:
        unpack(part, hidden, part.name)
        inside = _release_inside(hidden)
        (inside / MARKER).write_bytes(orjson.dumps(mark))
        inside.rename(folder)
    except zipfile.BadZipFile as error:
        _refuse(part, url, str(error))
    finally:
        shutil.rmtree(hidden, ignore_errors=True)
    discard(part)


def _release_inside(folder: Path) -> Path:
    """The unpacked folder that holds the files: zip files of MovieLens wrap them in one (ml-10m in "ml-10M100K")."""
    for candidate in (folder, *sorted(path for path in folder.iterdir() if path.is_dir())):
        with suppress(DataError):
            find_layout(candidate)
            return candidate
    raise zipfile.BadZipFile("it holds no MovieLens files in a known layout")


def _refuse(part: Path, url: str, reason: str) -> NoReturn:
    discard(part)
    raise DataError(
        f"The file at {url} is damaged, or not the published release: {reason}. It was removed; fetch it again, "
        "or from another place with --url."
    )
