"""Raw ids to dense rows and back through JSON."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparrow.errors import ReleaseError
from sparrow.features.encoding import FIRST_ROW, PAD_ROW, UNKNOWN_ROW, EncodingSpec, Vocabulary

INT64 = st.integers(min_value=-(2**63), max_value=2**63 - 1)
EXTREMES = [-(2**63), -1, 0, 1, 2**31, 2**53 + 1, 2**63 - 1]


def array(values: list[int]) -> np.ndarray:
    return np.array(values, dtype=np.int64)


@given(st.sets(INT64, max_size=30), st.lists(st.one_of(INT64, st.sampled_from(EXTREMES)), max_size=30))
def test_known_ids_get_ascending_rows_and_all_others_the_unknown_row(known: set[int], asked: list[int]) -> None:
    expected = {raw: FIRST_ROW + place for place, raw in enumerate(sorted(known))}
    vocabulary = Vocabulary(array(sorted(known)))
    rows = vocabulary.encode(array([*known, *asked]))
    assert rows.dtype == np.int32
    assert rows.tolist() == [expected.get(raw, UNKNOWN_ROW) for raw in (*known, *asked)]
    assert vocabulary.rows == len(known) + FIRST_ROW
    assert PAD_ROW not in rows


@given(st.sets(INT64, max_size=30))
def test_a_saved_spec_comes_back(tmp_path_factory: pytest.TempPathFactory, known: set[int]) -> None:
    path = tmp_path_factory.mktemp("spec") / "encoding.json"
    spec = EncodingSpec({"userId": Vocabulary(array(sorted(known))), "movieId": Vocabulary(array(EXTREMES))})
    spec.save(path)
    loaded = EncodingSpec.load(path)
    assert list(loaded.vocabularies) == ["userId", "movieId"]
    for name, vocabulary in spec.vocabularies.items():
        assert loaded.vocabularies[name].ids.dtype == np.int64
        assert loaded.vocabularies[name].ids.tolist() == vocabulary.ids.tolist()


def test_every_input_is_encoded_by_its_own_vocabulary() -> None:
    spec = EncodingSpec({"userId": Vocabulary(array([5])), "movieId": Vocabulary(array([4, 5]))})
    raw = {"userId": array([5, 4]), "movieId": array([5, 4]), "more": array([1])}
    assert {name: rows.tolist() for name, rows in spec.encode(raw).items()} == {"userId": [2, 1], "movieId": [3, 2]}
    with pytest.raises(KeyError, match="movieId"):
        spec.encode({"userId": array([5])})


def test_is_known_tells_trained_ids_from_others() -> None:
    vocabulary = Vocabulary(array([0, 2**63 - 1]))
    assert [vocabulary.is_known(raw) for raw in (0, 1, 2**63 - 1)] == [True, False, True]
    assert not Vocabulary(array([])).is_known(0)


@pytest.mark.parametrize(
    "ids",
    [array([2, 1]), array([1, 1]), array([2**63 - 1, -(2**63)]), np.array([1, 2], dtype=np.int32), np.array([1.5])],
)
def test_a_vocabulary_refuses_what_is_not_ascending_int64(ids: np.ndarray) -> None:
    with pytest.raises(ValueError, match="ascending unique int64"):
        Vocabulary(ids)


IDS = b'{"fields": {"userId": {"kind": "ids", "length": 0, "ids": %s}}}'


@pytest.mark.parametrize(
    "content",
    [b"", b"not json", b"[]", b"{}", b'{"fields": []}', IDS % b'["a"]', IDS % b"[2, 1]", IDS % b"[18446744073709551615]",
     IDS % b"null", b'{"fields": {"userId": {"kind": "other"}}}', b'{"fields": {"userId": null}}'],
)  # fmt: skip
def test_a_broken_spec_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "recmodel.encoding.json"
    path.write_bytes(content)
    with pytest.raises(ReleaseError, match=r"recmodel\.encoding\.json is not an encoding spec"):
        EncodingSpec.load(path)


def test_a_missing_spec_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match=r"absent\.json is not an encoding spec"):
        EncodingSpec.load(tmp_path / "absent.json")
