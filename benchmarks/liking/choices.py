"""What people chose next, asked of any network: full ranking of the catalogue, what they have seen left out.

The questions are those of `sparrow evaluate`, without recall, rules or pipelines around the network: `next` (each person's last
tenth inside the training period, asked as of its first row), `seen` (rows after the cut of people known before it), `unseen`
(the later half of the rows of people who came after it; asked as of the first of them).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import keras
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks.liking.material import Prepared
from sparrow.evaluation.ranking import judge
from sparrow.features.encoding import FIRST_ROW, UNKNOWN_ROW
from sparrow.features.inputs import person_inputs
from sparrow.models.network import CHOICE
from sparrow.schema import Columns
from sparrow.training.feature_rows import encode_catalogue
from sparrow.training.feature_samples import FeatureSamples
from sparrow.training.id_samples import IdSamples
from sparrow.training.validation import Asked, Candidates, RankingValidation

Ids = NDArray[np.int64]

QUESTIONS: Final = ("next", "seen", "unseen")
K: Final = 10


@dataclass(frozen=True)
class Question:
    """Some people asked at one moment each.

    Attributes:
        first: their rows as of that moment, in order of `people`.
        seen, relevant: raw ids per person: not to be listed, to be found.
    """

    first: pa.Table
    seen: Sequence[Ids]
    relevant: Sequence[Ids]

    @property
    def people(self) -> Ids:
        return np.asarray(self.first[Columns.USER].to_numpy(), np.int64)


def ask_questions(rows: pa.Table) -> dict[str, Question]:
    """The three questions of `Prepared.rated` rows."""
    user, split, fold = (rows[name].to_numpy() for name in (Columns.USER, "split", "fold"))
    after = split != "train"
    known = np.isin(user, user[~after])
    # An unseen person's later half, in their own order; a second is not torn where it can be helped.
    rank = np.arange(len(user)) - np.searchsorted(user, user)
    later = rank >= np.bincount(np.unique(user, return_inverse=True)[1])[np.unique(user, return_inverse=True)[1]] // 2
    wanted = {"next": ~after & (fold == "last"), "seen": after & known, "unseen": after & ~known & later & (rank > 0)}
    return {name: _question(rows, own) for name, own in wanted.items()}


def _question(rows: pa.Table, wanted: NDArray[np.bool_]) -> Question:
    user, movie = (rows[name].to_numpy() for name in (Columns.USER, Columns.MOVIE))
    at = np.flatnonzero(wanted)
    people, first = np.unique(user[at], return_index=True)
    starts = np.searchsorted(user, people)
    bounds = zip(starts, at[first], strict=True)
    return Question(
        rows.take(at[first]),
        [movie[start:end] for start, end in bounds],
        [movie[at[user[at] == person]] for person in people],
    )


def choice_ndcg(
    network: keras.Model, source: IdSamples | FeatureSamples, questions: Mapping[str, Question], prepared: Prepared
) -> dict[str, float]:
    """Question → nDCG@10 of a network's lists; an id model is asked by the people it knows, and not by strangers."""
    told = {}
    for name, question in questions.items():
        ask = _by_id if isinstance(source, IdSamples) else _by_features
        people, candidates = ask(source, question, prepared)
        if people:
            told[name] = RankingValidation(people, candidates, CHOICE, _ndcg, K)(network)
    return told


def popularity_ndcg(questions: Mapping[str, Question], prepared: Prepared) -> dict[str, float]:
    """Question → nDCG@10 of the most rated movies."""
    movies = prepared.material.movies
    ids, counts = movies[Columns.MOVIE].to_numpy(), movies["movie_count"].to_numpy()
    order = ids[np.argsort(-counts, kind="stable")]
    return {
        name: _ndcg([order[~np.isin(order, seen)][:K] for seen in question.seen], question.relevant)
        for name, question in questions.items()
        if len(question.people)
    }


def _ndcg(lists: Sequence[Ids], relevant: Sequence[Ids]) -> float:
    return judge("", lists, relevant, K).mean(f"ndcg@{K}")


def _by_features(source: FeatureSamples, question: Question, prepared: Prepared) -> tuple[list[Asked], Candidates]:
    movies = prepared.material.movies
    ids, inputs = movies[Columns.MOVIE].to_numpy(), source.encode(question.first)
    own = person_inputs(tuple(inputs))
    people = [
        Asked({name: inputs[name][at : at + 1] for name in own}, np.searchsorted(ids, seen), relevant)
        for at, (seen, relevant) in enumerate(zip(question.seen, question.relevant, strict=True))
    ]
    return people, Candidates(ids, encode_catalogue(source.encode.spec, movies))


def _by_id(source: IdSamples, question: Question, _: Prepared) -> tuple[list[Asked], Candidates]:
    users, movies = (source.spec.vocabularies[name] for name in (Columns.USER, Columns.MOVIE))
    rows = users.encode(question.people)
    people = [
        Asked({Columns.USER: rows[at : at + 1]}, _places(movies.encode(question.seen[at])), question.relevant[at])
        for at in np.flatnonzero(rows != UNKNOWN_ROW)
    ]
    ids = movies.ids
    return people, Candidates(ids, {Columns.MOVIE: np.arange(FIRST_ROW, FIRST_ROW + len(ids), dtype=np.int32)})


def _places(rows: NDArray[Any]) -> NDArray[Any]:
    return rows[rows != UNKNOWN_ROW] - FIRST_ROW


Asking = Callable[..., tuple[list[Asked], Candidates]]
