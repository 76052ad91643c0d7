"""What a retrained network keeps of an earlier one, row by row."""

from pathlib import Path

import keras
import numpy as np
import pytest

from sparrow.config import Din
from sparrow.errors import BuildError
from sparrow.features.encoding import Buckets, EncodingSpec, Field, Names, Vocabulary
from sparrow.features.inputs import INPUTS
from sparrow.models.din import TAKES, build_din
from sparrow.schema import Columns
from sparrow.training.warm_start import _table_of, load_weights, places, save_weights, take_over

pytestmark = pytest.mark.slow

SETTINGS = Din(dim=4, hidden=(6,), attention=3)


def spec(movies: list[int], genres: tuple[str, ...], edges: list[float]) -> EncodingSpec:
    fields: dict[str, Field] = {}
    for name in TAKES:
        kind = INPUTS[name].kind
        ids = Vocabulary(np.array(movies, np.int64), 0 if kind == "id" else 5)
        fields[name] = {"names": Names(genres, 3), "number": Buckets(np.array(edges, np.float32))}.get(kind, ids)
    return EncodingSpec(fields)


EARLIER = spec([5, 9], ("Drama",), [1.0, 10.0])
NOW = spec([3, 5, 9, 12], ("Comedy", "Drama"), [1.0, 5.0, 10.0])


def network(of: EncodingSpec, seed: int) -> keras.Model:
    keras.utils.set_random_seed(seed)
    return build_din(of, SETTINGS).serving


def test_known_ids_keep_their_vectors_and_new_ones_start_as_strangers(tmp_path: Path) -> None:
    old, new = network(EARLIER, 1), network(NOW, 2)
    save_weights(old, tmp_path / "din.weights.npz")
    assert take_over(new, NOW, load_weights(tmp_path / "din.weights.npz"), EARLIER) == []
    before, after = ({w.path: w.numpy() for w in one.weights} for one in (old, new))
    movies, were = after["movieId_vector/embeddings"], before["movieId_vector/embeddings"]
    np.testing.assert_array_equal(movies, were[[0, 1, 1, 2, 3, 1]])
    np.testing.assert_array_equal(after["genres_vector/embeddings"], before["genres_vector/embeddings"][[0, 1, 1, 2]])
    count = "user_count_vector/embeddings"
    np.testing.assert_array_equal(after[count], before[count][[0, 1, 2, 2, 3]])
    np.testing.assert_array_equal(after["hidden_0/kernel"], before["hidden_0/kernel"])


def test_it_scores_known_movies_as_before(tmp_path: Path) -> None:
    old, new = network(EARLIER, 1), network(NOW, 2)
    save_weights(old, tmp_path / "w.npz")
    take_over(new, NOW, load_weights(tmp_path / "w.npz"), EARLIER)
    raw = {
        name: {
            "id": np.array([9]), "ids": np.array([[-1, -1, -1, 5, 9]]), "names": np.array([["Drama", "", ""]]),
            "number": np.array([0.5], np.float32),
        }[INPUTS[name].kind]
        for name in TAKES
    }  # fmt: skip
    first, second = (one.predict_on_batch(of.encode(raw))["choice"] for one, of in ((old, EARLIER), (new, NOW)))
    np.testing.assert_allclose(first, second, atol=1e-6)


def test_what_has_another_shape_starts_afresh_and_is_told(tmp_path: Path) -> None:
    old = network(EARLIER, 1)
    keras.utils.set_random_seed(2)
    wider = build_din(NOW, SETTINGS.model_copy(update={"hidden": (8,)})).serving
    save_weights(old, tmp_path / "w.npz")
    afresh = take_over(wider, NOW, load_weights(tmp_path / "w.npz"), EARLIER)
    assert "hidden_0/kernel" in afresh
    assert "movieId_vector/embeddings" not in afresh


def test_an_input_of_another_kind_is_refused() -> None:
    with pytest.raises(BuildError, match="was of kind names and is of kind ids now"):
        places(Names(("a",)), Vocabulary(np.array([1])))


def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"din\.weights\.npz is not there to start from"):
        load_weights(tmp_path / "din.weights.npz")


def test_a_table_belongs_to_the_input_whose_name_begins_its_own() -> None:
    """`user_mean` and `user_mean_year` both begin `user_mean_year_told`; the longer one owns it."""
    spec = EncodingSpec(
        {
            Columns.MOVIE: Vocabulary(np.array([5, 9])),
            "user_mean": Buckets(np.array([1.0], np.float32)),
            "user_mean_year": Buckets(np.array([1990.0], np.float32)),
        }
    )
    owned = {
        path: _table_of(path, spec)
        for path in ("movieId_liking_bias/embeddings", "user_mean_told/embeddings", "user_mean_year_told/embeddings",
                     "user_mean_told/kernel", "hidden_0/kernel")
    }  # fmt: skip
    assert list(owned.values()) == [Columns.MOVIE, "user_mean", "user_mean_year", "", ""]
