"""`--posters DIR` in a build: whose picture is whose, what makes it stale, what is refused, and that it counts."""

import logging
import re
import shutil
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from sparrow.build.digests import fingerprints
from sparrow.build.lookup import find_release, release_fingerprint
from sparrow.build.posters import check_posters, find_posters, read_posters
from sparrow.build.publish import build, build_stage
from sparrow.build.run_log import StageReport
from sparrow.build.stages import STAGES
from sparrow.cli.data import data
from sparrow.config import Settings
from sparrow.datasets.identities import read_ids
from sparrow.datasets.pictures import hash_pictures
from sparrow.errors import InvalidInput
from sparrow.stores.embedding_table import EmbeddingTable
from sparrow.stores.outside_ids import surrogates
from tests.conftest import FARTHEST, Released, Silent
from tests.datasets.shop import HOSTILE, shop_world, sku, write_shop
from tests.embeddings.drawn import drawn, save, write_bomb

TWINS = (3, 8)
"""Two films of one picture: a horror film and a comedy, five years apart, liked by different people."""


@pytest.fixture
def posters(tmp_path: Path) -> Path:
    """A picture for each of forty films, the twins' the same."""
    folder, chance = tmp_path / "posters", np.random.default_rng(4)
    folder.mkdir()
    for movie in range(1, 41):
        ground, disc = (f"#{chance.integers(0, 1 << 24):06x}" for _ in range(2))
        save(drawn(ground, disc, size=(60, 90)), folder / f"{movie}.png")
    for movie in TWINS:
        save(drawn("lime", "purple", size=(60, 90)), folder / f"{movie}.png")
    return folder


def with_posters(settings: Settings, folder: Path | str, **more: object) -> Settings:
    embeddings = settings.embeddings.model_copy(update={"posters": str(folder), **more})
    return settings.model_copy(update={"embeddings": embeddings})


def embedded(home: Path, released: Released, settings: Settings) -> tuple[EmbeddingTable, StageReport]:
    report = build_stage(home, str(released.dataset), settings, Silent(), "embeddings")[-1]
    folder = home / "work" / f"embeddings-{report.fingerprint}" / "release"
    return EmbeddingTable.load(folder / "movies-fusion.npz"), report


def likeness(table: EmbeddingTable, one: int, other: int) -> float:
    at = np.searchsorted(table.ids, (one, other))
    return float(table.vectors[at[0]] @ table.vectors[at[1]])


def test_two_films_of_one_picture_come_nearer(
    released: Released, tmp_path: Path, posters: Path, caplog: pytest.LogCaptureFixture
) -> None:
    home = released.fresh(tmp_path / "home")
    plain, _ = embedded(home, released, released.settings)
    with caplog.at_level(logging.WARNING, "sparrow.build.posters"):
        seen, report = embedded(home, released, with_posters(released.settings, posters))
    assert caplog.messages == []
    assert report.counts["posters"] == {"read": 40, "unreadable": 0, "unknown": 0, "spare": 0, "other_files": 0}
    assert likeness(seen, *TWINS) > likeness(plain, *TWINS) + 0.05
    assert seen.ids.tolist() == plain.ids.tolist(), "films without a picture stay"


def test_files_that_are_of_no_use_are_counted_and_named(
    released: Released, tmp_path: Path, posters: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (posters / "5.png").write_bytes(b"no picture")
    (posters / "6.png").write_bytes((posters / "7.png").read_bytes()[:-60])
    write_bomb(posters / "9.png")
    for name in ("777777.jpg", "cover.webp", "03.png"):
        save(drawn("red", "blue", size=(30, 45)), posters / name)
    (posters / "8.png").rename(posters / "8.PNG")
    save(drawn("red", "blue", size=(30, 45)), posters / "8.webp")
    (posters / "notes.txt").write_text("mine")
    (posters / ".hidden").write_text("")
    (posters / "10.png").unlink()
    (posters / "10.png").mkdir()
    with caplog.at_level(logging.WARNING, "sparrow.build.posters"):
        _, report = embedded(released.fresh(tmp_path / "home"), released, with_posters(released.settings, posters))
    assert report.counts["posters"] == {"read": 36, "unreadable": 3, "unknown": 3, "spare": 1, "other_files": 1}
    unreadable, unknown, spare, others = caplog.messages
    assert "left out 3 that cannot be read ('5.png', '6.png', '9.png')" in unreadable
    assert str(posters / "5.png") in unreadable, "and why the first cannot"
    assert "left out 3 of no known movie ('03.png', '777777.jpg', 'cover.webp')" in unknown
    assert "left out 1 of a movie that has a picture already ('8.webp')" in spare
    assert "left out 1 of other kinds" in others and "('notes.txt')" in others


def test_the_same_pictures_elsewhere_are_no_news_and_other_pictures_are(
    released: Released, tmp_path: Path, posters: Path
) -> None:
    moved = shutil.copytree(posters, tmp_path / "elsewhere", copy_function=shutil.copyfile)
    (moved / "readme.txt").write_text("not a picture")
    told = hash_pictures(posters)
    assert hash_pictures(moved) == told
    save(drawn("white", "black"), moved / "40.png")
    other = hash_pictures(moved)
    assert other != told
    (moved / "40.png").rename(moved / "39.png")
    assert len({hash_pictures(moved), other, told}) == 3


def stale(before: Settings, after: Settings) -> list[str]:
    one, other = fingerprints(STAGES, "d", before), fingerprints(STAGES, "d", after)
    assert (one == other) == (release_fingerprint("d", before) == release_fingerprint("d", after))
    return [name for name in one if one[name] != other[name]]


def test_pictures_make_the_embeddings_stale_and_their_place_does_not(tmp_path: Path, posters: Path) -> None:
    moved = shutil.copytree(posters, tmp_path / "elsewhere")
    with_them, elsewhere = with_posters(Settings(), posters), with_posters(Settings(), moved)
    expected = ["embeddings", "recall", "assemble", "evaluate"]
    assert stale(Settings(), with_them) == expected
    assert stale(with_them, elsewhere) == []
    (moved / "1.png").unlink()
    assert stale(with_them, elsewhere) == expected


def test_a_changed_picture_is_seen_in_the_same_process(posters: Path) -> None:
    before = release_fingerprint("d", with_posters(Settings(), posters))
    save(drawn("white", "black", size=(61, 90)), posters / "1.png")
    assert release_fingerprint("d", with_posters(Settings(), posters)) != before


@pytest.mark.slow
def test_a_release_knows_its_pictures(released: Released, tmp_path: Path, posters: Path) -> None:
    home, settings = released.fresh(tmp_path / "home"), with_posters(released.settings, posters)
    source, reporter = str(released.dataset), Silent()
    assert find_release(home, source, settings) is None
    built = build(home, source, settings, reporter)
    assert reporter.ran == ["embeddings", "recall", "assemble", "evaluate"]
    moved = posters.rename(tmp_path / "moved")
    again = build(home, source, with_posters(released.settings, moved), Silent())
    assert (again.reused, again.manifest.release) == (True, built.manifest.release)
    assert find_release(home, source, with_posters(released.settings, moved)) == built.manifest


def test_pictures_are_called_as_their_movies_are(tmp_path: Path) -> None:
    first = {text: next(surrogates(text)) for text in ("tt0111161", "a/b", "50%25")}
    names = {raw: text for text, raw in first.items()}
    files = ("tt0111161.JPG", "a%2Fb.webp", "50%25.png", "7.jpeg", f"{FARTHEST}.jpg", "nobody.png")
    for name in files:
        (tmp_path / name).write_bytes(b"")
    found = find_posters(tmp_path, [*names, 7, FARTHEST], names)
    by_name = {path.name: raw for raw, path in found.paths.items()}
    assert by_name == dict(zip(files, (*first.values(), 7, FARTHEST), strict=False))
    assert found.unknown == ("nobody.png",)


def test_a_number_that_stands_for_a_text_is_no_id(tmp_path: Path) -> None:
    raw = next(surrogates("tt0111161"))
    (tmp_path / f"{raw}.png").write_bytes(b"")
    assert find_posters(tmp_path, [raw], {raw: "tt0111161"}).unknown == (f"{raw}.png",)
    assert find_posters(tmp_path, [raw], {}).unknown == (), "where no table holds it, it is itself"


def refusal(released: Released, home: Path, settings: Settings) -> str:
    """Why a build is refused, by both doors, with nothing begun."""
    reporter = Silent()
    with pytest.raises(InvalidInput) as refused:
        build(home, str(released.dataset), settings, reporter)
    with pytest.raises(InvalidInput, match=re.escape(str(refused.value))):
        build_stage(home, str(released.dataset), settings, reporter, "embeddings")
    assert (reporter.ran, reporter.reused, list(home.glob("work/*"))) == ([], [], [])
    return str(refused.value)


def test_a_folder_that_does_not_exist_is_refused(released: Released, tmp_path: Path) -> None:
    told = refusal(released, tmp_path / "home", with_posters(released.settings, tmp_path / "nowhere"))
    assert str(tmp_path / "nowhere") in told and "does not exist" in told and "--posters" in told
    with pytest.raises(InvalidInput, match="does not exist"):
        find_release(tmp_path / "home", str(released.dataset), with_posters(Settings(), tmp_path / "nowhere"))


def test_a_folder_without_a_known_movie_is_refused(released: Released, tmp_path: Path) -> None:
    folder = tmp_path / "covers"
    folder.mkdir()
    assert "0 pictures, 0 of them" in refusal(released, tmp_path / "home", with_posters(released.settings, folder))
    save(drawn("red", "blue"), folder / "toy-story.jpg")
    (folder / "1.jpg").write_bytes(b"")
    told = refusal(released, tmp_path / "home", with_posters(released.settings, folder))
    for words in (str(folder), str(released.dataset), "2 pictures ('1.jpg', 'toy-story.jpg'), 1 of them", "1.jpg"):
        assert words in told
    Image.new("RGB", (2, 3)).save(folder / "2.png")
    check_posters(str(released.dataset), with_posters(released.settings, folder))


def test_posters_that_nothing_would_use_are_refused(released: Released, tmp_path: Path, posters: Path) -> None:
    told = refusal(released, tmp_path / "home", with_posters(released.settings, posters, movies=("item2vec",)))
    assert "content and fusion" in told and "item2vec" in told


def test_a_stage_before_the_embeddings_does_not_look_into_pictures(released: Released, tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    reports = build_stage(
        tmp_path / "home", str(released.dataset), with_posters(released.settings, folder), Silent(), "data"
    )
    assert [report.stage for report in reports] == ["data"]


def test_pictures_of_a_catalogue_whose_ids_are_text(tmp_path: Path) -> None:
    items, clicks = write_shop(tmp_path, shop_world())
    arguments = ["import", "--items", items, "--interactions", clicks, "--out", tmp_path / "data"]
    ran = CliRunner().invoke(data, [*map(str, arguments), "--home", str(tmp_path / "home")], catch_exceptions=False)
    assert ran.exit_code == 0, ran.output
    folder = tmp_path / "covers"
    folder.mkdir()
    texts = (*HOSTILE, sku(13))
    for text in texts:
        save(drawn("navy", "gold", size=(30, 45)), folder / f"{quote(text, safe='').replace('.', '%2E')}.png")
    check_posters(str(tmp_path / "data"), with_posters(Settings(), folder))
    names = dict(read_ids(tmp_path / "data", "movies"))
    ids = np.array(sorted(names))
    vectors, counts = read_posters(folder, tmp_path / "data", ids, lambda *_: None)
    assert (counts["read"], counts["unknown"]) == (len(texts), 0)
    assert {names[raw] for raw in ids[vectors.any(axis=1)].tolist()} == set(texts)
