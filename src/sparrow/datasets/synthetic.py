"""A MovieLens-shaped world of any size with planted taste: ratings.csv, movies.csv, links.csv, tags.csv, and truth/.

It is made for measuring: how long things take at 25 million ratings, and whether a model finds what was hidden. Equal seed,
sizes and NumPy version give equal bytes. Nothing is held for all ratings: people come in blocks of some 200,000 ratings, each
from its own source of chance. The files follow ml-25m: ordered by (userId, movieId), ids of movies with gaps.

**Movies.** Movie i has genres G_i (a main one and up to three companions), one hidden *strand* s of its main genre g, and
the *topic* c(i) = (g, s). Topics have hidden directions v_c, uniform on the unit sphere of R^8; a movie's own is
y_i = unit(v_c(i) + 0.6 e_i). Its factors are f_i = [1(g in G_i) / |G_i|, y_i], its quality is
q_i = 0.33 N(0, 1) + 0.12 x (standardised popularity). Popularity follows a stretched exponential in the rank r_i,

    w_i = exp(-k (r_i / M)^(1/3)),     k such that  N w_1 / sum(w) = P / 2:  the most popular movie reaches half of the people;

it rises and fades with the age a (years) since release:  w_i(t) = w_i (1 - exp(-a / 0.5)) (1/4 + 3/4 exp(-a / 4)), and is 0
before the half-year after the release. Half the movies are older than the first rating. Movies of like popularity in one topic
form *series* (half of them go on after each part), told in the order of release.

**People.** Person u has a genre taste theta_u ~ Dirichlet(6 pi) (pi: the genres' shares), a hidden taste z_u ~ N(0, I_8), a
bias b_u ~ 0.4 N(0, 1), and prefers topics by  phi_u(g, s) = theta_u(g) exp(1.2 z_u . v_gs) / sum_s' exp(1.2 z_u . v_gs'). So
genres alone do not tell which strand a person likes; other people do. They give min_ratings + log-normal (sigma 1.4) many
ratings. Half come once; the others in about log-normal(1.5, 1) later sessions. Within a session the gaps are 0 s (20 %) or
log-normal(2.4, 1.2) seconds.

**Choices.** The next candidate is (20 %) the next part of the last one's series, (30 %) another movie of the last one's
topic, or else one of a fresh topic ~ phi_u; a session opens with a fresh one. Within a topic a movie is drawn ~ w_i(t). What the
person has rated already, or is not out yet, is passed over. Who runs short twice gets the rest by popularity.

**Stars.** x = 3.35 + b_u + q_i + p_u . f_i + 0.68 N(0, 1)  with  p_u = [0.35 clip(h_u, -2, 2), 0.4 z_u], h_u being theta_u
standardised by the Dirichlet's mean and deviation; rounded to half stars, by 30 % of the people to whole ones, 0.5 to 5.0.

**Tags.** A tenth of the people tag 40 % of what they rate: six in ten tags name the hidden strand ("dark comedy"), the
others praise or blame as the stars do, or say nothing.

**truth/** holds movie_{ids,factors,quality,topics,weights,series,part,released,successor}.npy by movie in the order of
movies.csv, person_{factors,genres,bias,step}.npy by userId - 1, and world.json. `Truth` reads it.
"""

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from sparrow.datasets.synthetic_catalogue import make_catalogue
from sparrow.datasets.synthetic_choices import FOLLOW, MEAN_STARS, NOISE, STAY, draw_ratings
from sparrow.datasets.synthetic_files import TRUTH, save_movie_truth, world_writers, write_movies
from sparrow.datasets.synthetic_people import blocks_of, draw_activity, draw_people
from sparrow.datasets.synthetic_plan import Plan, check_place, make_plan
from sparrow.datasets.synthetic_words import GENRES

Progress = Callable[[int, int], None]
"""Called with (ratings written, ratings in all)."""


@dataclass(frozen=True, slots=True)
class World:
    """What was made."""

    folder: Path
    ratings: int
    movies: int
    people: int
    tags: int
    seed: int
    seconds: float


@dataclass(frozen=True, eq=False, slots=True)
class Truth:
    """What only the maker of a world knows; big arrays are mapped from disk, not read."""

    movie_ids: NDArray[np.int64]
    movie_factors: NDArray[np.float32]
    movie_quality: NDArray[np.float32]
    person_factors: NDArray[np.float32]
    person_genres: NDArray[np.float32]
    person_bias: NDArray[np.float32]

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `synthesize` hid in `folder`/truth."""
        return cls(
            **{name: np.load(folder / TRUTH / f"{name}.npy", mmap_mode="r") for name in cls.__dataclass_fields__}
        )

    def expected_stars(self, user_ids: NDArray[np.int64], movie_ids: NDArray[np.int64]) -> NDArray[np.float64]:
        """(pairs,) the stars each person would give each movie on average, before rounding to 0.5-5.0."""
        people, movies = user_ids - 1, np.searchsorted(self.movie_ids, movie_ids)
        taste = np.einsum("nd,nd->n", self.person_factors[people], self.movie_factors[movies])
        return np.asarray(MEAN_STARS + self.person_bias[people] + self.movie_quality[movies] + taste, dtype=np.float64)


def synthesize(
    out: Path,
    ratings: int,
    movies: int | None = None,
    people: int | None = None,
    seed: int = 1,
    progress: Progress = lambda _done, _total: None,
    min_ratings: int = 1,
) -> World:
    """Make a world; it appears in `out` when it is whole.

    Needs some 30 bytes of disk per rating, and memory of about 300 MB + 1 kB per movie, whatever the number of ratings.

    Args:
        out: a folder that is missing or empty.
        ratings: how many; exactly so many are written.
        movies: how many; by default in MovieLens' proportion (62,423 at 25 million ratings, 9,066 at 100,000).
        people: likewise (162,541 at 25 million, 671 at 100,000).
        seed: of all chance in it.
        progress: told after each block.
        min_ratings: the fewest of a person; MovieLens lists people from 20 on.

    Raises:
        InvalidInput: the sizes cannot be, or `out` holds something.
        DataError: the disk is too full.
    """
    began = time.perf_counter()
    plan = make_plan(ratings, movies, people, seed, min_ratings)
    check_place(out, plan)
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / TRUTH).mkdir(parents=True)
    try:
        tags = _write(partial, plan, progress)
        partial.replace(out)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return World(out, plan.ratings, plan.movies, plan.people, tags, seed, round(time.perf_counter() - began, 3))


def _write(folder: Path, plan: Plan, progress: Progress) -> int:
    """Fill the folder; returns how many tags there are."""
    catalogue = make_catalogue(plan)
    write_movies(folder, plan, catalogue)
    save_movie_truth(folder / TRUTH, catalogue)
    counts, done = draw_activity(plan), 0
    with world_writers(folder, plan, catalogue) as (ratings, tags, truth):
        for place in blocks_of(counts):
            people = draw_people(plan, catalogue, place, counts[place])
            rated = draw_ratings(plan, catalogue, people)
            truth.write(people)
            ratings.write(people, rated)
            tags.write(people, rated)
            progress(done := done + len(rated.time), plan.ratings)
    told = {
        "genres": GENRES,
        "strands": catalogue.strands,
        "mean": MEAN_STARS,
        "noise": NOISE,
        "follow": FOLLOW,
        "stay": STAY,
    }
    (folder / TRUTH / "world.json").write_text(json.dumps(asdict(plan) | told, indent=2), encoding="utf-8")
    return tags.rows
