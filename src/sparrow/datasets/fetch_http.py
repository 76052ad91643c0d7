"""Download a file over HTTPS, and go on where an earlier attempt broke off.

The bytes land in a `.part` file; beside it a small JSON file remembers from where they came and by which mark (ETag or
date) the server knows this version. A resumed download asks for the rest under that mark (`Range` with `If-Range`,
RFC 9110): should the file have changed meanwhile, the server sends all of it, and it is taken from the start.
"""

import re
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from io import FileIO
from pathlib import Path
from typing import Final

import httpx
import orjson

from sparrow.errors import DataError, InvalidInput

Report = Callable[[int, int], None]
"""Told of the bytes that are there and of all bytes (0: unknown)."""

Room = Callable[[int, int], None]
"""Told of the bytes to come and of all bytes; raises when they do not fit."""

ATTEMPTS: Final = 8
PAUSE_S: Final = 1.0
"""Before the second attempt; each later pause is longer by as much."""

TIMEOUT_S: Final = 30.0
MAX_BYTES: Final = 16 << 30
LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")

_MD5: Final = re.compile(r"\b[0-9a-fA-F]{32}\b")
_RANGE: Final = re.compile(r"bytes ([0-9]+)-[0-9]+/([0-9]+|\*)")


@dataclass(frozen=True, slots=True)
class Mark:
    """Which version of which file a `.part` file begins; `total` is 0 when the server does not tell."""

    url: str
    version: str
    total: int

    @staticmethod
    def file(part: Path) -> Path:
        """Where it is kept."""
        return part.with_name(f"{part.name}.json")

    @classmethod
    def read(cls, part: Path) -> "Mark | None":
        """The mark of a `.part` file; None when there is none that can be read."""
        try:
            return cls(**orjson.loads(cls.file(part).read_bytes()))
        except (OSError, ValueError, TypeError):
            return None

    def save(self, part: Path) -> None:
        """Keep it beside the `.part` file."""
        self.file(part).write_bytes(orjson.dumps(asdict(self)))


def check_url(url: str) -> None:
    """Pass in silence, or raise.

    Raises:
        InvalidInput: it is no URL, or neither HTTPS nor on this machine.
    """
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise InvalidInput(f"{url!r} is no web address ({error}); name an https:// address.") from None
    if parsed.scheme != "https" and not (parsed.scheme == "http" and parsed.host in LOOPBACK):
        raise InvalidInput(f"{url!r} is not HTTPS; name an https:// address (http:// only on this machine).")


def discard(part: Path) -> None:
    """Remove a download and its mark."""
    part.unlink(missing_ok=True)
    Mark.file(part).unlink(missing_ok=True)


def download(url: str, part: Path, report: Report, by_hand: str, room: Room) -> None:
    """Bring the file at `url` to `part`, whole; a connection that breaks is taken up again a few times.

    Args:
        by_hand: what to do when there is no network, as the end of a sentence.
        room: asked before any byte is written.

    Raises:
        InvalidInput: the URL, or one it redirects to, is neither HTTPS nor on this machine.
        DataError: the file cannot be had; what came of it stays in `part` for the next call.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with _client(url) as client:
                _attempt(client, url, part, report, room)
            return
        except httpx.TransportError as error:
            if attempt == 1 and isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
                raise DataError(_unreachable(url, error, by_hand)) from None
            if attempt == ATTEMPTS:
                raise DataError(
                    f"The download of {url} broke off {ATTEMPTS} times, last after {_size(part):,} bytes "
                    f"({_told(error)}); they are kept in {part}: run the same command again to go on from there."
                ) from None
        except httpx.TooManyRedirects:
            raise DataError(f"{url} redirects in circles; fetch from another place with --url.") from None
        time.sleep(PAUSE_S * attempt)


def read_checksum(url: str, by_hand: str) -> str:
    """The MD5 in a published checksum file; "" when the server has no such file.

    Raises:
        DataError: no network, or the file holds no MD5.
    """
    try:
        with _client(url) as client, client.stream("GET", url) as answer:
            if answer.status_code in (404, 410):
                return ""
            _check_status(answer, url)
            text = next(answer.iter_bytes(4096), b"").decode("ascii", errors="replace")
    except httpx.HTTPError as error:
        raise DataError(_unreachable(url, error, by_hand)) from None
    found = _MD5.search(text)
    if not found:
        raise DataError(
            f"{url} should hold an MD5 checksum and begins with {text[:40]!r}; fetch from elsewhere with --url."
        )
    return found[0].lower()


def _attempt(client: httpx.Client, url: str, part: Path, report: Report, room: Room) -> None:
    """One request: the whole file, or the rest of it."""
    mark, have = Mark.read(part), _size(part)
    resumable = mark is not None and mark.url == url and mark.version and have > 0
    if resumable and mark and have == mark.total:
        return
    headers = {"Accept-Encoding": "identity"}
    if resumable and mark:
        headers |= {"Range": f"bytes={have}-", "If-Range": mark.version}
    with client.stream("GET", url, headers=headers) as answer:
        if answer.status_code == 416:
            discard(part)
            raise httpx.RemoteProtocolError(f"the server has fewer than {have:,} bytes now")
        _check_status(answer, url)
        begin, total = _extent(answer, have)
        if total > MAX_BYTES:
            raise DataError(f"{url} would be {total:,} bytes, more than any release of MovieLens; check the address.")
        room(total - begin, total)
        Mark(url, _version(answer), total).save(part)
        _write(answer, part, begin, total, report)


def _write(answer: httpx.Response, part: Path, begin: int, total: int, report: Report) -> None:
    done = begin
    with part.open("ab" if begin else "wb", buffering=0) as file:
        for chunk in answer.iter_raw():
            _append(file, chunk, total - done)
            done += len(chunk)
            if done > MAX_BYTES:
                raise DataError(
                    f"{answer.url} sends more than {MAX_BYTES:,} bytes and does not end; check the address."
                )
            report(done, total)
    if total and done != total:
        raise httpx.RemoteProtocolError(f"{done:,} of {total:,} bytes came")


def _append(file: FileIO, chunk: bytes, rest: int) -> None:
    try:
        file.write(chunk)
    except OSError as error:
        raise DataError(
            f"{file.name} cannot be written ({error.strerror}); {max(rest, len(chunk)):,} more bytes are needed. "
            "Free some and run the same command again to go on."
        ) from None


def _extent(answer: httpx.Response, have: int) -> tuple[int, int]:
    """Where the answer's bytes begin in the file, and how many the file has (0: unknown)."""
    if answer.status_code != 206:
        return 0, int(answer.headers.get("content-length", 0))
    match = _RANGE.fullmatch(answer.headers.get("content-range", ""))
    if not match or int(match[1]) != have:
        raise DataError(
            f"{answer.url} was asked for the bytes from {have} on and answered {answer.headers.get('content-range')!r}; "
            "remove the .part file and fetch again."
        )
    return have, 0 if match[2] == "*" else int(match[2])


def _version(answer: httpx.Response) -> str:
    """What `If-Range` may be asked with: a strong ETag, else the date of the last change."""
    etag = str(answer.headers.get("etag", ""))
    return etag if etag.startswith('"') else str(answer.headers.get("last-modified", ""))


def _check_status(answer: httpx.Response, url: str) -> None:
    if answer.status_code not in (200, 206):
        raise DataError(
            f"{url} answers {answer.status_code} {answer.reason_phrase}; "
            "try again later, or fetch from another place with --url."
        )


def _client(url: str) -> httpx.Client:
    """Every request, redirected ones too, goes over HTTPS or stays on this machine; proxies are for other machines."""
    hooks = {"request": [lambda request: check_url(str(request.url))]}
    near = httpx.URL(url).host in LOOPBACK
    return httpx.Client(follow_redirects=True, timeout=TIMEOUT_S, trust_env=not near, event_hooks=hooks)


def _unreachable(url: str, error: Exception, by_hand: str) -> str:
    return f"{httpx.URL(url).host} cannot be reached ({_told(error)}): fetching {url} needs a network; {by_hand}."


def _told(error: Exception) -> str:
    return str(error) or type(error).__name__


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
