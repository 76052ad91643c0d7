"""Every embedding a build knows, on the small world: even movies beside even ones, odd beside odd."""

import asyncio
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from sparrow.build.publish import build, build_stage
from sparrow.config import EmbeddingName, Settings
from sparrow.online.live import open_folder
from sparrow.online.people import person_from_history
from sparrow.online.wanted import Wanted
from sparrow.stores.embedding_table import EmbeddingTable, Neighbours
from sparrow.stores.index_choice import load_index
from sparrow.stores.releases import read_manifest, releases_folder
from tests.conftest import BARE, Released, Silent

EVERY = get_args(EmbeddingName)
BEHAVIOUR = ("item2vec", "deepwalk", "node2vec", "co_ratings", "fusion")


def with_embeddings(settings: Settings, *names: str) -> Settings:
    words = {
        "deepwalk": {"dim": 8, "min_count": 3},
        "node2vec": {"dim": 8, "min_count": 3},
        "embeddings": {"movies": names},
    }
    told = settings.model_dump()
    return Settings.model_validate({name: value | words.get(name, {}) for name, value in told.items()})


@pytest.fixture(scope="module")
def work(released: Released, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = released.fresh(tmp_path_factory.mktemp("embed") / "home")
    build_stage(home, str(released.dataset), with_embeddings(released.settings, *EVERY), Silent(), "recall")
    return home / "work"


def neighbours(work: Path, name: str) -> Neighbours:
    [newest] = [folder for folder in work.glob("recall-*") if (folder / "release" / "neighbours-content.npz").is_file()]
    return Neighbours.load(newest / "release" / f"neighbours-{name}.npz")


@pytest.mark.parametrize("name", BEHAVIOUR)
def test_behaviour_puts_like_beside_like(work: Path, name: str) -> None:
    found = neighbours(work, name)
    rated = found.ids <= 40
    same = found.nearest[rated, :5] % 2 == found.ids[rated, None] % 2
    assert same.mean() > 0.9, "five of the other nineteen; by chance it were half"


def test_content_and_fusion_know_every_movie_and_the_others_those_that_were_liked(work: Path) -> None:
    known = {name: set(neighbours(work, name).ids.tolist()) for name in EVERY}
    assert known["content"] == known["fusion"] >= {BARE}
    assert BARE not in known["item2vec"] | known["deepwalk"] | known["node2vec"]


def test_each_stage_tells_how_many_vectors_it_made(work: Path, released: Released) -> None:
    home, settings = work.parent, with_embeddings(released.settings, *EVERY)
    report = build_stage(home, str(released.dataset), settings, Silent(), "embeddings")[-1]
    assert report.reused
    assert list(report.counts["release"]) == list(EVERY)
    [folder] = [one for one in work.glob("embeddings-*") if (one / "release" / "movies-content.npz").is_file()]
    for name, count in report.counts["release"].items():
        table = EmbeddingTable.load(folder / "release" / f"movies-{name}.npz")
        assert (len(table.ids), bool(np.isfinite(table.vectors).all())) == (count, True)


def test_a_catalogue_beyond_exact_search_brings_its_index_along(released: Released, tmp_path: Path) -> None:
    home = released.fresh(tmp_path / "home")
    few = released.settings.vector_search.model_copy(update={"exact_up_to": 20, "recall_at": 5})
    built = build(home, str(released.dataset), released.settings.model_copy(update={"vector_search": few}), Silent())
    folder = releases_folder(home) / built.manifest.release
    index = load_index(folder / "index-fusion")
    assert index.facts.count == built.manifest.counts["movies"]
    assert any(name.startswith("index-fusion/") for name in built.manifest.files), "sealed with a checksum"
    [recall] = [report for report in built.stages if report.stage == "recall"]
    assert recall.counts["release"]["fusion index"]["kind"] == index.facts.kind
    vectors = np.eye(1, index.facts.dim, dtype=np.float32)
    assert index.search(vectors, 3).rows.shape == (1, 3)


def test_a_release_without_item2vec_serves_people_by_what_it_has(released: Released, tmp_path: Path) -> None:
    home = released.fresh(tmp_path / "home")
    settings = with_embeddings(released.settings, "fusion")
    built = build(home, str(released.dataset), settings, Silent())
    assert built.manifest.embeddings == ["fusion"]
    folder = releases_folder(home) / built.manifest.release
    board = open_folder(folder, read_manifest(home, built.manifest.release), settings)
    listing = asyncio.run(board.for_history([(2, 5.0), (4, 5.0)], Wanted(5)))
    assert (listing.pipeline, {item.movie.movie_id % 2 for item in listing.items}) == ("for_you:collaborative", {0})
    near = asyncio.run(board.for_person(person_from_history(board.catalog, [(2, 5.0)]), Wanted(5), "history"))
    assert (near.pipeline, {item.movie.movie_id % 2 for item in near.items}) == ("for_you:history", {0})
