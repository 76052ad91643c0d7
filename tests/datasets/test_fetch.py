"""Fetching from a real server that truncates, resumes, lies about checksums and sends hostile zip files."""

import errno
import fcntl
import io
import lzma
import shutil
import socket
import zipfile
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from sparrow.datasets import fetch_http, import_dataset
from sparrow.datasets.fetch import MARKER, Fetched, fetch
from sparrow.datasets.releases_table import RELEASES, folder_of
from sparrow.datasets.sources import locate_dataset
from sparrow.errors import Busy, DataError, InvalidInput
from tests.datasets.file_server import Shelf, serve
from tests.datasets.folders import MOVIES, RATINGS

NAME = "ml-latest-small"
FILES = {f"{NAME}/ratings.csv": RATINGS, f"{NAME}/movies.csv": MOVIES}


def zipped(files: dict[str, str | bytes]) -> bytes:
    """A zip file, uncompressed, with bytes that do not repeat: every cut of it is another one."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as bundle:
        for name, content in {**files, f"{NAME}/README.txt": np.random.default_rng(1).bytes(200_000)}.items():
            bundle.writestr(name, content)
    return stream.getvalue()


ZIP = zipped(FILES)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(fetch_http, "PAUSE_S", 0)


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    with serve(Shelf(ZIP)) as shelf:
        yield shelf


class Fetcher:
    """`fetch` into a fresh home; remembers what it was told."""

    def __init__(self, home: Path, shelf: Shelf) -> None:
        self.home, self.shelf = home, shelf
        self.told: list[tuple[int, int]] = []
        self.licences: list[str] = []

    def __call__(self, name: str = NAME, out: Path | None = None, url: str | None = None) -> Fetched:
        def report(done: int, total: int) -> None:
            self.told.append((done, total))

        address = self.shelf.url if url is None else url
        return fetch(name, self.home, report, lambda about: self.licences.append(about.licence), out, address)

    @property
    def part(self) -> Path:
        return folder_of(f"{NAME}.zip.part", self.home)

    @property
    def ranges(self) -> list[str]:
        return [asked for path, asked in self.shelf.asked if not path.endswith(".md5")]


@pytest.fixture
def get(tmp_path, shelf) -> Fetcher:
    return Fetcher(tmp_path / "home", shelf)


def left(home: Path) -> set[str]:
    """What lies in the home's datasets, but for the locks."""
    return {path.name for path in (home / "datasets").iterdir() if path.suffix != ".lock"}


def test_a_release_is_fetched_checked_unpacked_and_found_again(get, tmp_path):
    fetched = get()
    assert fetched == Fetched(get.home / "datasets" / NAME, found=False, checked=True)
    assert {path.name for path in fetched.folder.iterdir()} == {"ratings.csv", "movies.csv", "README.txt", MARKER}
    assert left(get.home) == {NAME, "licence-shown"}
    assert get.told[-1] == (len(ZIP), len(ZIP))
    assert locate_dataset(NAME, get.home) == fetched.folder
    assert import_dataset(fetched.folder, tmp_path / "out").is_clean
    requests = len(get.shelf.asked)
    assert get() == Fetched(fetched.folder, found=True, checked=False)
    assert len(get.shelf.asked) == requests


def test_the_licence_is_shown_once_a_home_and_before_the_download(get, tmp_path):
    get.shelf.status = 500
    with pytest.raises(DataError):
        get()
    assert len(get.licences) == 1
    assert "commercial use only with" in get.licences[0]
    get.shelf.status = 200
    get()
    get(out=tmp_path / "elsewhere")
    assert len(get.licences) == 1


@pytest.mark.parametrize("breaks", [[1000], [1000, 2000, 1], [len(ZIP) - 1]])
def test_a_broken_download_goes_on_where_it_stopped(get, breaks):
    get.shelf.breaks = list(breaks)
    assert get().checked
    places = np.cumsum(breaks).tolist()
    assert get.ranges == ["", *(f"bytes={place}-" for place in places)]


def test_a_later_call_goes_on_too(get):
    get.shelf.breaks = [500] * fetch_http.ATTEMPTS
    with pytest.raises(DataError, match=r"broke off 8 times, last after 4,000 bytes .* kept in .*run the same command"):
        get()
    assert get.part.stat().st_size == 4000
    assert get().checked
    assert get.ranges[-1] == "bytes=4000-"
    assert left(get.home) == {NAME, "licence-shown"}


def test_a_file_that_changed_meanwhile_is_taken_from_the_start(get):
    get.shelf.breaks = [500] * fetch_http.ATTEMPTS
    with pytest.raises(DataError):
        get()
    get.shelf.content = zipped({**FILES, f"{NAME}/tags.csv": "userId,movieId,tag,timestamp\n"})
    get.shelf.etag = '"two"'
    assert (get().folder / "tags.csv").exists()


def test_the_date_serves_where_there_is_no_strong_etag(get):
    get.shelf.etag, get.shelf.modified = 'W/"weak"', "Sat, 01 Jan 2022 00:00:00 GMT"
    get.shelf.breaks = [1000]
    get()
    assert get.ranges == ["", "bytes=1000-"]


@pytest.mark.parametrize("change", [{"ranges": False}, {"etag": ""}])
def test_a_server_that_cannot_resume_sends_all_of_it_again(get, change):
    for name, value in change.items():
        setattr(get.shelf, name, value)
    get.shelf.breaks = [1000]
    assert get().checked


def test_a_part_that_is_longer_than_the_file_is_thrown_away(get):
    get.part.parent.mkdir(parents=True)
    get.part.write_bytes(ZIP + b"more")
    fetch_http.Mark(get.shelf.url, get.shelf.etag, 0).save(get.part)
    assert get().checked
    assert len(get.ranges) == 2


def test_a_part_of_another_address_or_with_a_spoilt_mark_is_not_gone_on_with(get):
    get.part.parent.mkdir(parents=True)
    for spoil in (b'{"url": "http://127.0.0.1/other", "version": "x", "total": 9}', b"{", b"[]", b'{"a": 1}'):
        get.part.write_bytes(b"junk")
        fetch_http.Mark.file(get.part).write_bytes(spoil)
        assert get().checked
        assert get.ranges[-1] == ""
        shutil.rmtree(get.home / "datasets" / NAME)


def test_a_wrong_checksum_is_named_and_nothing_stays(get):
    get.shelf.md5 = "0" * 32
    with pytest.raises(
        DataError, match=rf"has the MD5 [0-9a-f]{{32}}, not {'0' * 32}\. It was removed; fetch it again"
    ):
        get()
    assert left(get.home) == {"licence-shown"}


def test_a_fixed_checksum_is_not_asked_for(get):
    with pytest.raises(DataError, match=RELEASES["ml-25m"].md5):
        get("ml-25m")
    assert [path for path, _ in get.shelf.asked] == ["/file.zip"]


def test_a_checksum_file_without_a_checksum_is_refused_and_a_missing_one_told(get):
    get.shelf.md5 = "<html>log in</html>"
    with pytest.raises(DataError, match=r"should hold an MD5 checksum and begins with 'MD5 \(file"):
        get()
    get.shelf.md5 = None
    assert get() == Fetched(get.home / "datasets" / NAME, found=False, checked=False)


def test_a_truncated_file_of_unknown_length_without_a_checksum_is_no_whole_zip(get):
    get.shelf.announces, get.shelf.md5, get.shelf.breaks = False, None, [len(ZIP) - 20]
    with pytest.raises(DataError, match=r"is damaged, or not the published release: .*It was removed"):
        get()
    assert left(get.home) == {"licence-shown"}


def test_without_a_network_one_sentence_tells_what_to_do(get):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for name in (NAME, "ml-25m"):
        with pytest.raises(DataError, match=r"127\.0\.0\.1 cannot be reached .*unzip it.*--dataset DIR\.$"):
            get(name, url=f"http://127.0.0.1:{port}/x.zip")


@pytest.mark.parametrize("status", [403, 404, 503])
def test_a_refusal_of_the_server_is_told(get, status):
    get.shelf.status = status
    with pytest.raises(DataError, match=rf"answers {status} "):
        get()


@pytest.mark.parametrize(
    "url", ["http://example.org/a.zip", "ftp://127.0.0.1/a", "file:///etc/passwd", "ml-25m.zip", "http://a b/"]
)
def test_only_https_or_this_machine(get, url):
    with pytest.raises(InvalidInput, match="name an https:// address"):
        get(url=url)


def test_a_redirect_away_from_https_is_not_followed(get):
    get.shelf.redirect = "http://example.org/file.zip"
    with pytest.raises(InvalidInput, match=r"http://example\.org/file\.zip' is not HTTPS"):
        get()


def test_a_redirect_in_circles_ends(get):
    get.shelf.redirect = get.shelf.url
    with pytest.raises(DataError, match="redirects in circles"):
        get()


Usage = namedtuple("Usage", "total used free")


def test_a_full_disk_is_told_before_a_byte_is_written(get, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 10**9, 1000))
    with pytest.raises(DataError, match=rf"has 1,000 bytes free and {NAME} needs {6 * len(ZIP):,}; .*--out"):
        get()
    assert left(get.home) == {"licence-shown"}


def test_a_disk_too_full_to_unpack_keeps_the_download(get, monkeypatch):
    sizes = iter([10**9, 1000])
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 0, next(sizes)))
    with pytest.raises(DataError, match=r"has 1,000 bytes free"):
        get()
    assert get.part.stat().st_size == len(ZIP)
    monkeypatch.undo()
    assert get().checked
    assert get.ranges == [""]


HOSTILE = [
    ({"../outside.csv": "x"}, r"'\.\./outside\.csv' in it would leave its folder"),
    ({"/etc/outside.csv": "x"}, "would leave its folder"),
    ({"a\\..\\..\\b": "x"}, "would leave its folder"),
    ({"C:/b": "x"}, "would leave its folder"),
    ({"ml/zeros.csv": bytes(65 << 20)}, r"would unpack to 4 files of 6[0-9],"),
    ({f"ml/{at}": "x" for at in range(1001)}, "would unpack to 1,004 files"),
]


@pytest.mark.parametrize(("files", "reason"), HOSTILE)
def test_a_hostile_zip_file_is_refused_and_leaves_nothing(get, tmp_path, files, reason):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, content in {**FILES, f"{NAME}/README.txt": "", **files}.items():
            bundle.writestr(name, content)
    get.shelf.content = stream.getvalue()
    with pytest.raises(DataError, match=reason):
        get()
    assert left(get.home) == {"licence-shown"}
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_a_symbolic_link_in_a_zip_file_is_refused(get):
    stream = io.BytesIO(ZIP)
    with zipfile.ZipFile(stream, "a") as bundle:
        link = zipfile.ZipInfo(f"{NAME}/tags.csv")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        bundle.writestr(link, "/etc/passwd")
    get.shelf.content = stream.getvalue()
    with pytest.raises(DataError, match="would leave its folder"):
        get()


@pytest.mark.parametrize(
    "content", [b"", b"<html>", ZIP[:-30], zipped({"notes.txt": "x"}), ZIP.replace(b"Toy Story", b"Boy Story")]
)
def test_what_is_no_whole_release_is_removed(get, content):
    get.shelf.content = content
    with pytest.raises(DataError, match=r"not the published release: .*It was removed"):
        get()
    assert left(get.home) == {"licence-shown"}


def test_files_wrapped_in_another_folder_or_in_none_are_found(get):
    for wrapped in ("ml-10M100K/", ""):
        get.shelf.content = zipped({f"{wrapped}ratings.csv": RATINGS, f"{wrapped}movies.csv": MOVIES})
        folder = get().folder
        assert (folder / "ratings.csv").exists()
        shutil.rmtree(folder)


def test_out_is_the_folder_itself_an_empty_one_will_do_another_is_left_alone(get, tmp_path):
    out = tmp_path / "mine"
    out.mkdir()
    assert get(out=out).folder == out
    assert (out / "ratings.csv").exists()
    assert get(out=out).found
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("dear")
    with pytest.raises(DataError, match="full is there already and holds no MovieLens files; remove it"):
        get(out=tmp_path / "full")
    assert (tmp_path / "full" / "letter.txt").read_text() == "dear"


def test_a_folder_that_was_not_fetched_as_this_release_is_not_found(get, tmp_path):
    out = tmp_path / "mine"
    get(out=out)
    with pytest.raises(DataError, match=r"mine is there already and holds something that was not fetched as ml-25m"):
        get("ml-25m", out=out)
    for spoilt in (b'{"name": "ml-25m", "md5": "0"}', b"[]", b"{"):
        (out / MARKER).write_bytes(spoilt)
        with pytest.raises(DataError, match="not fetched as ml-25m; remove it, name another folder with --out"):
            get("ml-25m", out=out)
    (out / MARKER).unlink()
    with pytest.raises(DataError, match=f"not fetched as {NAME}"):
        get(out=out)
    assert (out / "ratings.csv").read_text() == RATINGS


@pytest.mark.parametrize("names", [("a", "a/b"), ("x" * 300,)])
def test_names_that_no_disk_can_hold_are_refused(get, names):
    get.shelf.content = zipped({**FILES, **dict.fromkeys(names, "x")})
    with pytest.raises(DataError, match=r"not the published release: .*It was removed"):
        get()
    assert left(get.home) == {"licence-shown"}


def test_spoilt_lzma_is_refused_and_a_failing_disk_keeps_the_download(get, monkeypatch):
    def failing(error: Exception) -> None:
        def fail(*_: object) -> None:
            raise error

        monkeypatch.setattr(shutil, "copyfileobj", fail)

    failing(lzma.LZMAError("corrupt"))
    with pytest.raises(DataError, match=r"not the published release: corrupt\. It was removed"):
        get()
    assert left(get.home) == {"licence-shown"}
    failing(OSError(errno.ENOSPC, "No space left on device"))
    with pytest.raises(DataError, match=r"cannot be unpacked in .*No space left.*run the same command again"):
        get()
    assert get.part.stat().st_size == len(ZIP)


def test_two_at_once_do_not_disturb_each_other(get):
    (get.home / "datasets").mkdir(parents=True)
    with (get.home / "datasets" / f".{NAME}.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(Busy, match="is at work"):
            get()
    assert get().checked


def test_an_unknown_name_lists_the_known_ones(get):
    with pytest.raises(InvalidInput, match=r"'ml-900t' is no release.*ml-100k, ml-1m, ml-10m, ml-20m, ml-25m, ml-32m"):
        get("ml-900t")
