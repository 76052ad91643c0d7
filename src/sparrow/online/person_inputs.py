"""Raw model inputs at serving time: a person as of now, and every movie as the release knows it.

The same sums, finished by the same formulas and padded by the same functions as in training; a test holds what is served
equal, bit for bit, to what the batch job says of the same moment.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sparrow.features.definitions import LIKED_HALF_STARS, favourites
from sparrow.features.encoding import EncodingSpec, Names
from sparrow.features.inputs import DISLIKES, HISTORY, RATED, first_names, newest, numbers
from sparrow.online.catalog import Catalog, Rows
from sparrow.online.people import Person
from sparrow.schema import Columns

FAVOURITES: Final = "favourite_genres"
NOBODY: Final = -1
"""The user id of a guest; no vocabulary has it."""


def describe_person(catalog: Catalog, person: Person, spec: EncodingSpec) -> dict[str, NDArray[Any]]:
    """The person's inputs of a spec, (1,) or (1, length) each."""
    told: dict[str, Any] = {
        Columns.USER: np.array([NOBODY if person.user_id is None else person.user_id], np.int64),
        **{name: np.array([value]) for name, value in _numbers(catalog, person).items()},
    }
    lists = {HISTORY: person.liked, DISLIKES: person.rated[person.halves < LIKED_HALF_STARS], RATED: person.rated}
    found: dict[str, NDArray[Any]] = {}
    for name, field in spec.fields.items():
        if name in lists:
            found[name] = newest(catalog.ids[lists[name]], field.length)[None]
        elif name == FAVOURITES and isinstance(field, Names):
            found[name] = first_names(
                [favourite_genres(catalog, person.liked, field.names, field.length)], field.length
            )
        elif name in told:
            found[name] = told[name]
    return found


def describe_movies(catalog: Catalog, spec: EncodingSpec) -> dict[str, NDArray[Any]]:
    """The movie inputs of a spec for the whole catalogue, (n,) or (n, length) each."""
    told: dict[str, NDArray[Any]] = {Columns.MOVIE: catalog.ids}
    told |= numbers({**catalog.sums, Columns.YEAR: catalog.years})
    if (field := spec.fields.get(Columns.GENRES)) is not None:
        told[Columns.GENRES] = first_names([facts.genres for facts in catalog.facts], field.length)
    return {name: told[name] for name in spec.fields}


def favourite_genres(catalog: Catalog, liked: Rows, names: tuple[str, ...], top: int) -> list[str]:
    """The genres most often liked, ties by name, of those that count."""
    counted = dict(zip(catalog.genre_names, catalog.genres[liked].sum(axis=0).astype(np.int64), strict=True))
    counts = np.array([[counted.get(name, 0)] for name in names], dtype=np.int64).reshape(-1, 1)
    return [names[code - 1] for code in favourites(counts, top)[:, 0] if code]


def _numbers(catalog: Catalog, person: Person) -> Mapping[str, np.float32]:
    halves, liked = person.halves, person.liked
    years = catalog.years[liked].astype(np.int64)
    sums = {
        "user_count": len(halves),
        "user_half_sum": int(halves.sum()),
        "user_half_square_sum": int((halves * halves).sum()),
        "user_liked_count": len(liked),
        "user_year_count": int((years > 0).sum()),
        "user_year_sum": int(years[years > 0].sum()),
    }
    return {name: values[0] for name, values in numbers({name: np.array([n]) for name, n in sums.items()}).items()}
