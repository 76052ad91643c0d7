"""What every vector index must do, exact or approximate; and how well the approximate one finds."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from sparrow.config import VectorSearch
from sparrow.errors import BuildError, ReleaseError
from sparrow.stores import index_choice, inverted_index, vector_index
from sparrow.stores.embedding_table import unit
from sparrow.stores.index_choice import build_index, load_index, measured, others
from sparrow.stores.inverted_index import Effort, InvertedIndex
from sparrow.stores.vector_index import ExactIndex, VectorIndex, best_of, load_facts

Vectors = np.ndarray
Build = Callable[[Vectors], VectorIndex]

EVERYWHERE: Final = Effort(probes=10_000, candidates=10_000)
"""Looks into every list and compares all it finds: then an inverted index must be exact."""

BUILDS: Final[dict[str, Build]] = {
    "exact": ExactIndex,
    "inverted": lambda vectors: InvertedIndex.build(vectors, EVERYWHERE),
    "inverted-narrow": lambda vectors: InvertedIndex.build(vectors, Effort(probes=1, candidates=1)),
}


@pytest.fixture(params=["exact", "inverted"])
def build(request: pytest.FixtureRequest) -> Build:
    return BUILDS[request.param]


@pytest.fixture(params=sorted(BUILDS))
def build_any(request: pytest.FixtureRequest) -> Build:
    return BUILDS[request.param]


def numbers(values: object) -> Vectors:
    return np.array(values, dtype=np.float32)


def lattice(side: int = 12) -> Vectors:
    """All points with two coordinates below `side`: inner products are whole numbers, exact in float32."""
    return numbers([[x, y] for x in range(side) for y in range(side)])


def low_rank(count: int, dim: int = 64, rank: int = 32, noise: float = 0.2) -> Vectors:
    chance = np.random.default_rng(7)
    signal = chance.normal(size=(count, rank)) @ chance.normal(size=(rank, dim))
    return unit(numbers(signal / signal.std() + noise * chance.normal(size=(count, dim))))


def test_the_best_of_a_lattice_are_known(build: Build) -> None:
    index = build(lattice())
    found = index.search(numbers([[100.0, 1.0], [-1.0, 0.0]]), 3)
    assert found.rows.tolist() == [[143, 142, 141], [0, 1, 2]]  # the last column from above; the first, equal, by row
    assert found.scores.tolist() == [[1111.0, 1110.0, 1109.0], [0.0, 0.0, 0.0]]
    assert (found.rows.dtype, found.scores.dtype) == (np.int64, np.float32)


@pytest.mark.parametrize(("queries", "rows"), [(1, 7), (5, 64), (64, 65_536)])
def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch, build: Build, queries: int, rows: int) -> None:
    monkeypatch.setattr(vector_index, "QUERIES", queries)
    monkeypatch.setattr(vector_index, "ROWS", rows)
    monkeypatch.setattr(inverted_index, "QUERIES", queries)
    points = lattice()
    asked = numbers(np.random.default_rng(1).integers(-5, 5, size=(9, 2)))
    found = build(points).search(asked, 20)
    every = points @ asked.T
    for query, (mine, scores) in enumerate(zip(*found, strict=True)):
        expected = np.lexsort((np.arange(len(points)), -every[:, query]))[:20]
        assert mine.tolist() == expected.tolist()
        assert scores.tolist() == every[expected, query].tolist()


def test_equal_vectors_stand_by_row(build: Build) -> None:
    found = build(numbers([[0.0, 1.0]] + [[1.0, 0.0]] * 40)).search(numbers([[1.0, 0.0]]), 5)
    assert found.rows.tolist() == [[1, 2, 3, 4, 5]]


@pytest.mark.parametrize(("count", "dim"), [(1, 1), (1, 64), (3, 5), (40, 7), (700, 2)])
@pytest.mark.parametrize("k", [1, 10, 1000])
def test_there_are_never_more_answers_than_vectors_and_none_twice(
    build_any: Build, count: int, dim: int, k: int
) -> None:
    vectors = numbers(np.random.default_rng(count).normal(size=(count, dim)))
    found = build_any(vectors).search(vectors[:2], k)
    assert found.rows.shape == found.scores.shape == (min(2, count), min(k, count))
    for query, rows, scores in zip(vectors, *found, strict=False):
        assert len(set(rows.tolist())) == len(rows)
        np.testing.assert_allclose(scores, vectors[rows] @ query, rtol=1e-5, atol=1e-6)
        assert np.all(np.diff(scores) <= 0)


def test_nothing_asked_is_nothing_found(build_any: Build) -> None:
    index = build_any(lattice(3))
    assert index.search(np.empty((0, 2), dtype=np.float32), 4).rows.shape == (0, 4)
    assert index.search(numbers([[1.0, 2.0]]), 0).rows.shape == (1, 0)


def test_zero_vectors_are_found_last_with_score_zero(build: Build) -> None:
    found = build(numbers([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])).search(numbers([[1.0, 1.0], [0.0, 0.0]]), 3)
    assert found.rows.tolist() == [[1, 2, 0], [0, 1, 2]]


def test_a_saved_index_answers_the_same(tmp_path: Path, build_any: Build) -> None:
    vectors = low_rank(2000)
    index = build_any(vectors)
    index.save(tmp_path / "release" / "item2vec.index")
    loaded = load_index(tmp_path / "release" / "item2vec.index")
    assert type(loaded) is type(index)
    assert loaded.facts == index.facts
    for mine, theirs in zip(index.search(vectors[:50], 10), loaded.search(vectors[:50], 10), strict=True):
        assert np.array_equal(mine, theirs)


def test_building_twice_is_building_the_same(tmp_path: Path) -> None:
    for name in ("one", "two"):
        InvertedIndex.build(low_rank(3000), Effort(3, 8)).save(tmp_path / name)
    assert (tmp_path / "one" / "lists.faiss").read_bytes() == (tmp_path / "two" / "lists.faiss").read_bytes()


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_vectors_that_are_not_finite_are_refused(build_any: Build, wrong: float) -> None:
    vectors = lattice()
    vectors[77, 1] = wrong
    with pytest.raises(BuildError, match=f"row 77 holds {wrong} at place 1; .*learning rate"):
        build_any(vectors)
    with pytest.raises(BuildError, match="row 77"):
        build_index(vectors)


@pytest.mark.parametrize("vectors", [np.ones(3, dtype=np.float32), np.ones((2, 3)), np.ones((2, 2, 2), np.float32)])
def test_what_is_no_table_of_vectors_is_refused(build_any: Build, vectors: Vectors) -> None:
    with pytest.raises(BuildError, match=r"takes \(n, dim\) float32; got float"):
        build_any(vectors)


def test_wrong_queries_are_refused(build_any: Build) -> None:
    index = build_any(lattice())
    for asked in (numbers([1.0, 2.0]), numbers([[1.0, 2.0, 3.0]])):
        with pytest.raises(ValueError, match=r"vectors of 2 numbers; got queries of shape"):
            index.search(asked, 3)
    with pytest.raises(ValueError, match="A query holds nan at place 1"):
        index.search(numbers([[1.0, 2.0], [0.0, np.nan]]), 3)


@pytest.mark.parametrize("broken", ["index.json", "vectors.npy", "lists.faiss"])
def test_a_broken_index_is_named(tmp_path: Path, broken: str) -> None:
    folder = tmp_path / "toy.index"
    InvertedIndex.build(lattice(), EVERYWHERE).save(folder)
    (folder / broken).write_bytes((folder / broken).read_bytes()[:40])
    with pytest.raises(ReleaseError, match=r"toy\.index.*[Bb]uild"):
        load_index(folder)
    (folder / broken).unlink()
    with pytest.raises(ReleaseError, match=r"toy\.index.*[Bb]uild"):
        load_index(folder)


def test_vectors_of_another_size_than_told_are_refused(tmp_path: Path) -> None:
    ExactIndex(lattice()).save(tmp_path / "toy")
    np.save(tmp_path / "toy" / "vectors.npy", lattice(3))
    with pytest.raises(ReleaseError, match=r"shape \(9, 2\) where index.json tells \(144, 2\)"):
        load_index(tmp_path / "toy")


def test_without_faiss_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "faiss", None)
    with pytest.raises(BuildError, match=r"pip install 'sparrow-recsys\[index\]'.*exact_up_to"):
        InvertedIndex.build(lattice(), EVERYWHERE)
    assert isinstance(build_index(lattice()), ExactIndex)


def test_size_chooses_the_index() -> None:
    vectors = low_rank(1200)
    assert isinstance(build_index(vectors, VectorSearch(exact_up_to=1200)), ExactIndex)
    index = build_index(vectors, VectorSearch(exact_up_to=1199, recall_at=20))
    assert index.facts.kind == "inverted"
    assert (index.facts.count, index.facts.dim, index.facts.recall_at, index.facts.sample) == (1200, 64, 20, 256)


def true_recall(index: VectorIndex, queries: Vectors, k: int) -> float:
    """Share of the truly best rows, for queries that the index does not hold."""
    exact = ExactIndex(np.asarray(index.vectors)).search(queries, k).rows  # type: ignore[attr-defined]
    pairs = zip(index.search(queries, k).rows, exact, strict=True)
    return float(np.mean([len(np.intersect1d(mine, best)) / k for mine, best in pairs]))


@pytest.mark.parametrize("floor", [0.8, 0.95, 0.99])
def test_an_index_finds_at_least_what_the_floor_asks(tmp_path: Path, floor: float) -> None:
    vectors = low_rank(20_200)
    index = build_index(vectors[200:], VectorSearch(exact_up_to=1000, recall_floor=floor))
    assert index.facts.kind == "inverted"
    assert floor <= index.facts.recall_least <= index.facts.recall <= 1
    assert index.facts.probes < index.facts.lists, "else it saves nothing"
    assert true_recall(index, vectors[:200], 100) >= floor - 0.01
    index.save(tmp_path / "told")
    assert load_facts(tmp_path / "told") == index.facts


def test_a_higher_floor_takes_more_effort() -> None:
    vectors = low_rank(5000)
    probes = [
        build_index(vectors, VectorSearch(exact_up_to=1000, recall_floor=floor)).facts.probes for floor in (0.5, 0.99)
    ]
    assert probes[0] < probes[1]


def test_a_floor_out_of_reach_is_said_and_searched_exactly(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(index_choice, "EFFORTS", ((0.02, 1),))
    index = build_index(low_rank(5000), VectorSearch(exact_up_to=1000, recall_at=10))
    assert isinstance(index, ExactIndex)
    assert "recall@10 is 0." in caplog.text and "searched exactly" in caplog.text


def test_measured_recall_is_the_share_that_is_found() -> None:
    vectors = low_rank(5000)
    rows = np.arange(300)
    nearest = others(ExactIndex(vectors), vectors, rows, 50)
    index = InvertedIndex.build(vectors, Effort(6, 8))
    mine = others(index, vectors, rows, 50)
    shares = [len(np.intersect1d(one, best)) / 50 for one, best in zip(mine.rows, nearest.rows, strict=True)]
    facts = measured(index, rows, nearest)
    assert 0.2 < facts.recall < 0.95
    assert facts.recall == pytest.approx(np.mean(shares), abs=1e-3)
    assert facts.recall_least == pytest.approx(np.mean(shares) - 2 * np.std(shares) / np.sqrt(300), abs=1e-3)


def test_nobody_is_among_the_others_even_where_all_are_equal() -> None:
    vectors = numbers([[1.0, 0.0]] * 30)
    found = others(ExactIndex(vectors), vectors, np.array([0, 29]), 3)
    assert found.rows.tolist() == [[1, 2, 3], [0, 1, 2]]


def test_best_of_cuts_ties_by_row() -> None:
    rows, scores = best_of(np.array([9, 4, 6, 2]), numbers([1.0, 2.0, 1.0, 1.0]), 2)
    assert (rows.tolist(), scores.tolist()) == ([4, 2], [2.0, 1.0])
