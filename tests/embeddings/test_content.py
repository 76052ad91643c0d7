"""Content vectors: what must be alike is, and what is not known says nothing."""

import numpy as np
import pytest

from sparrow.embeddings.content import RARE, attribute_block, genre_block, tag_block, year_block
from sparrow.embeddings.content_files import Films
from sparrow.features.attributes import Encoded


def films(tagged: list[tuple[int, str]], count: int = 6) -> Films:
    rows, tags = zip(*tagged, strict=True) if tagged else ((), ())
    return Films(
        ids=np.arange(count), titles=("",) * count, years=np.zeros(count, dtype=np.int64), genres=((),) * count,
        tagged=np.array(rows, dtype=np.int64), tags=tuple(tags),
    )  # fmt: skip


def test_a_shared_rare_genre_says_more_than_a_shared_common_one() -> None:
    block = genre_block(
        [("Drama", "War"), ("War", "Comedy"), ("Drama", "Comedy"), *[("Drama",)] * 20, *[("Comedy",)] * 20, ()]
    )
    assert block[0] @ block[1] > block[0] @ block[2] > 0
    assert not block[-1].any()
    np.testing.assert_allclose(np.linalg.norm(block[:-1], axis=1), 1, rtol=1e-6)


def test_a_screen_format_is_no_genre() -> None:
    block = genre_block([("Drama", "IMAX"), ("Drama",), ("Comedy", "IMAX"), ("IMAX",)])
    assert block[0] @ block[1] == pytest.approx(1)
    assert block[0] @ block[2] == 0
    assert not block[3].any()


def test_years_fall_off_as_a_gaussian_of_the_gap() -> None:
    years = np.array([1950, 1960, 1970, 1990, 0])
    block = year_block(years)
    expected = np.exp(-((years[:4] - 1950) ** 2) / (2 * 20.0**2))
    np.testing.assert_allclose(block[:4] @ block[0], expected, atol=0.03)
    assert not block[4].any()
    assert not year_block(np.zeros(3, dtype=np.int64)).any()


def test_films_of_the_same_tags_are_alike_and_lonely_tags_say_nothing() -> None:
    block = tag_block(
        films([(0, "space"), (1, "space"), (0, "aliens"), (1, "aliens"), (2, "pixar"), (3, "pixar"), (4, "mine")])
    )
    assert RARE == 2
    assert block[0] @ block[1] == pytest.approx(1, abs=1e-5)
    assert abs(block[0] @ block[2]) < 1e-5
    assert not block[4:].any()
    assert not tag_block(films([])).any()


def test_attributes_of_every_kind_count_and_a_film_without_any_has_none() -> None:
    encoded = Encoded(
        ids=np.array([2, 5, 9]),
        categories={"country": np.array([[2, 0], [2, 0], [3, 0]], dtype=np.int32)},
        sizes={"country": 4},
        numbers={"budget": np.array([0.5, 0.5, -1.0], dtype=np.float32)},
        vectors={"genome": np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)},
        present={},
    )
    block = attribute_block(encoded, np.array([1, 2, 5, 9]))
    assert block.shape == (4, 2 + 1 + 2)
    assert not block[0].any()
    assert block[1] @ block[2] == pytest.approx(1)
    assert block[1] @ block[3] < 0
