"""Whom a validation asks: a sample of people with what describes them, what they have seen, and what they did next."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sparrow.features.encoding import FIRST_ROW
from sparrow.features.inputs import person_inputs
from sparrow.schema import Columns
from sparrow.training.feature_rows import FeatureRows, encode_catalogue
from sparrow.training.id_samples import IdSamples
from sparrow.training.sample_files import SampleFiles
from sparrow.training.validation import Asked, Candidates, Ids, sample_people


def ask_by_id(samples: IdSamples, held_out: tuple[Ids, Ids], seed: int = 1) -> tuple[list[Asked], Candidates]:
    """For a model of ids: those of the held-out people it knows, over the movies it knows.

    Args:
        samples: what the network learns from.
        held_out: (rows,) raw user and movie ids of what people did next.
        seed: of the choice of people.
    """
    users, movies = (samples.spec.vocabularies[name].ids for name in (Columns.USER, Columns.MOVIE))
    known = np.intersect1d(users, held_out[0])
    chosen = sample_people(known, samples.rows, len(movies), seed)
    rows = samples.spec.vocabularies[Columns.USER].encode(chosen)
    people = [
        Asked({Columns.USER: row[None]}, samples.sampler.seen.movies_of(int(row)) - FIRST_ROW, relevant)
        for row, relevant in zip(rows, _of_each(chosen, *held_out), strict=True)
    ]
    return people, Candidates(movies, {Columns.MOVIE: np.arange(FIRST_ROW, FIRST_ROW + len(movies), dtype=np.int32)})


def ask_by_features(
    encode: FeatureRows, held_out: SampleFiles, seen: SampleFiles, movies: pa.Table, trained_rows: int, seed: int = 1
) -> tuple[list[Asked], Candidates]:
    """For a model of features: held-out people as of their first held-out row, over the whole catalogue as it stands.

    Args:
        encode: sample rows → inputs.
        held_out: rows of what people did next, with `feature_rows.row_columns`.
        seen: (person, movie) pairs that are not to be listed.
        movies: the catalogue, by ascending id, with sums.
        trained_rows: of an epoch.
        seed: of the choice of people.
    """
    rows = pa.concat_tables(held_out.tables()).sort_by([(Columns.USER, "ascending"), (Columns.TIMESTAMP, "ascending")])
    users, later = (rows[name].to_numpy() for name in (Columns.USER, Columns.MOVIE))
    people, first = np.unique(users, return_index=True)
    chosen = sample_people(people, trained_rows, len(movies), seed)
    at = first[np.searchsorted(people, chosen)]
    inputs = encode(rows.take(at))
    ids = movies[Columns.MOVIE].to_numpy()
    pairs = pa.concat_tables(seen.filtered(pc.field(Columns.USER).isin(chosen.tolist())).tables())
    known = _of_each(chosen, *(pairs[name].to_numpy() for name in (Columns.USER, Columns.MOVIE)))
    asked = [
        Asked(
            {name: inputs[name][place : place + 1] for name in person_inputs(tuple(inputs))},
            np.searchsorted(ids, own),
            relevant,
        )
        for place, (own, relevant) in enumerate(zip(known, _of_each(chosen, users, later), strict=True))
    ]
    return asked, Candidates(ids, encode_catalogue(encode.spec, movies))


def _of_each(people: Ids, users: Ids, movies: Ids) -> Iterator[Ids]:
    """The movies of each of some people, in their order."""
    order = np.argsort(users, kind="stable")
    users, movies = users[order], movies[order]
    starts, ends = np.searchsorted(users, people), np.searchsorted(users, people, side="right")
    return (movies[start:end] for start, end in zip(starts, ends, strict=True))
