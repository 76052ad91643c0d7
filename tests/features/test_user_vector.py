"""A person's vector: newest likes weigh most, and halve after HALF_LIFE later ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparrow.features.user_vector import HALF_LIFE, user_vector


def test_one_like_is_its_own_vector() -> None:
    liked = np.array([[0.25, -3.0, 0.0]], dtype=np.float32)
    assert user_vector(liked).tolist() == [0.25, -3.0, 0.0]
    assert user_vector(liked).dtype == np.float32


def test_a_like_of_half_life_later_ones_weighs_half() -> None:
    later = int(HALF_LIFE)
    liked = np.zeros((later + 1, 2), dtype=np.float32)
    liked[0, 0] = liked[-1, 1] = 1.0
    old, new = user_vector(liked)
    assert old / new == pytest.approx(0.5)


@given(st.integers(min_value=1, max_value=300), st.integers(min_value=0, max_value=2**32 - 1))
def test_it_is_the_weighted_mean_written_in_its_docstring(count: int, seed: int) -> None:
    liked = np.random.default_rng(seed).normal(size=(count, 3)).astype(np.float32)
    weights = [2.0 ** (-age / HALF_LIFE) for age in reversed(range(count))]
    expected = sum(weight * row.astype(float) for weight, row in zip(weights, liked, strict=True)) / sum(weights)
    found = user_vector(liked)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    assert np.all(found <= liked.max(axis=0) + 1e-6)
    assert np.all(found >= liked.min(axis=0) - 1e-6)


def test_nobody_without_likes_has_a_vector() -> None:
    with pytest.raises(ValueError, match="at least one liked movie"):
        user_vector(np.empty((0, 4), dtype=np.float32))
