"""Features and samples the naive way: `python -m benchmarks.naive_way.samples MOVIELENS_FOLDER OUT`.

The original SparrowRecSys hands CSV text from job to job, with every number formatted as a string and parsed again. This does
the job of Sparrow's stages `features` and `samples` in that manner, in plain Python on one core, and gives the same rows and
columns (negatives are other draws from the same distribution): each fit's movies, people, `liking` and `choice`, told in time.
It is written as well as plain Python allows: one pass per stage, running sums, no repeated scans.
"""

import csv
import itertools
import json
import math
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

NEGATIVES: Final = 4
EXPONENT: Final = 0.75
TRIES: Final = 8
FAVOURITES: Final = 5
LIKED: Final = 7
NO_GENRES: Final = "(no genres listed)"

PERSON: Final = [
    *("user_count", "user_half_sum", "user_half_square_sum", "user_liked_count", "user_year_count", "user_year_sum"),
    *(f"favourite_genre_{place}" for place in range(1, FAVOURITES + 1)),
]
EVENT: Final = ["userId", "movieId", "timestamp", "half", "split", "fold", *PERSON]
SAMPLE: Final = [
    *(
        "userId",
        "movieId",
        "timestamp",
        "label",
        "split",
        "fold",
        "movie_count",
        "movie_half_sum",
        "movie_half_square_sum",
    ),
    *PERSON,
    *("movie_mean", "movie_deviation", "user_mean", "user_deviation", "user_mean_year"),
]

Row = list[Any]
FITS: Final = ("judging", "release")


def main(source: Path, out: Path) -> None:
    """Run the three jobs and print what they did as JSON."""
    began = time.perf_counter()
    out.mkdir(parents=True)
    cut = write_events(source, out / "events.csv")
    rows = {}
    for fit in FITS:
        (out / fit).mkdir()
        write_totals(out / "events.csv", out / fit, fit)
        rows[fit] = write_samples(out / "events.csv", out / fit, fit, cut)
    print(json.dumps({"seconds": time.perf_counter() - began, "rows": rows}))


def read(path: Path) -> Iterator[Row]:
    """The rows below the header."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        yield from rows


def write(path: Path, header: Sequence[str], rows: Iterable[Row]) -> int:
    """Write all rows as text; returns how many."""
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for row in rows:
            writer.writerow(row)
            count += 1
    return count


def write_events(source: Path, path: Path) -> int:
    """Job 1: each rating with its person as of just before; returns the second from which validation rows start."""
    years, genres = {}, {}
    for movie, title, listed in read(source / "movies.csv"):
        tail = title.strip()[-6:]
        years[movie] = int(tail[1:5]) if tail[:1] == "(" and tail[1:5].isdigit() else 0
        genres[movie] = [name for name in listed.split("|") if name != NO_GENRES]
    numbers = {name: at for at, name in enumerate(sorted({name for names in genres.values() for name in names}), 1)}
    ratings = [
        (int(user), int(when), int(movie), round(2 * float(stars)))
        for user, movie, stars, when in read(source / "ratings.csv")
    ]
    ratings.sort()
    times = sorted(when for _, when, _, _ in ratings)
    cuts = [times[max(0, math.ceil(share * len(times) - 1e-9) - 1)] for share in (0.8, 0.9)]
    people = (
        _describe(list(rows), years, genres, numbers, cuts) for _, rows in itertools.groupby(ratings, itemgetter(0))
    )
    write(path, EVENT, itertools.chain.from_iterable(people))
    return cuts[0]


def _describe(
    rows: list[tuple[int, int, int, int]], years: dict[str, int], genres: dict[str, list[str]],
    numbers: dict[str, int], cuts: list[int],
) -> Iterator[Row]:  # fmt: skip
    """One person's rows, oldest first, with running sums; rows of one second do not see each other."""
    count = total = squares = liked = dated = year_sum = 0
    likes: Counter[str] = Counter()
    training = sum(row[1] < cuts[0] for row in rows)
    for when, together in itertools.groupby(rows, itemgetter(1)):
        best = sorted(likes, key=lambda name: (-likes[name], name))[:FAVOURITES]
        favourites = [numbers[name] for name in best] + [0] * (FAVOURITES - len(best))
        split = "train" if when < cuts[0] else "valid" if when < cuts[1] else "test"
        fold = (
            "fit" if split != "train" or 10 * count < 8 * training else "stop" if 10 * count < 9 * training else "last"
        )
        known = [count, total, squares, liked, dated, year_sum, *favourites]
        for user, _, movie, half in together:
            yield [user, movie, when, half, split, fold, *known]
            count, total, squares = count + 1, total + half, squares + half * half
            if half >= LIKED:
                liked += 1
                dated, year_sum = dated + (years[str(movie)] > 0), year_sum + years[str(movie)]
                likes.update(genres[str(movie)])


def _is_known(row: Row, fit: str, folds: Sequence[str]) -> bool:
    return fit == "release" or (row[4] == "train" and row[5] in folds)


def write_totals(events: Path, out: Path, fit: str) -> None:
    """Job 2: what the fit knows of movies and people, and its rows."""
    movies: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    people: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    spread: dict[str, Counter[int]] = defaultdict(Counter)
    best: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
    known = []
    for row in read(events):
        if not _is_known(row, fit, ("fit", "stop")):
            continue
        half = int(row[3])
        for sums in (movies[row[1]], people[row[0]]):
            sums[0], sums[1], sums[2] = sums[0] + 1, sums[1] + half, sums[2] + half * half
        spread[row[1]][half] += 1
        best[row[1]].append((-half, -int(row[2]), row[0]))
        known.append(row[:6])
    write(out / "known.csv", EVENT[:6], known)
    write(out / "users.csv", ["userId", "n", "s", "q"], ([user, *sums] for user, sums in people.items()))
    top = ([movie, *sums, _join(spread[movie][half] for half in range(1, 11)), _join(sorted(best[movie])[:10])]
           for movie, sums in movies.items())  # fmt: skip
    write(out / "movies.csv", ["movieId", "n", "s", "q", "spread", "top"], top)


def _join(values: Iterable[Any]) -> str:
    return "|".join(map(str, values))


def write_samples(events: Path, out: Path, fit: str, cut: int) -> dict[str, int]:
    """Job 3: `liking` and `choice`, each point with its movie's sums as of just before; returns rows by set."""
    rated = list(read(events))
    clock = cut if fit == "judging" else 2**62
    chosen = [row for row in rated if _is_known(row, fit, ("fit",))]
    write(out / "draws.csv", EVENT, _draw(chosen))
    points = [(row[1], int(row[2]), 1, row) for row in rated]
    points += [(row[1], int(row[2]), 0, row) for row in read(out / "draws.csv")]
    points.sort(key=itemgetter(0, 1))
    liking, choice = [], []
    positives = {(row[0], row[1]) for row in chosen}
    for _, of_movie in itertools.groupby(points, itemgetter(0)):
        sums = (0, 0, 0)
        for when, together in itertools.groupby(of_movie, itemgetter(1)):
            before = sums
            for _, _, is_rating, row in together:
                if not is_rating:
                    choice.append(_finished(row, 0, before))
                    continue
                half = int(row[3])
                liking.append(_finished(row, int(half >= LIKED), before))
                if (row[0], row[1]) in positives:
                    choice.append(_finished(row, 1, before))
                if when < clock:
                    sums = (sums[0] + 1, sums[1] + half, sums[2] + half * half)
    return {"liking": write(out / "liking.csv", SAMPLE, liking), "choice": write(out / "choice.csv", SAMPLE, choice)}


def _draw(rows: list[Row]) -> Iterator[Row]:
    """Unseen movies ~ popularity**0.75 for each row, with the row's person and moment."""
    chance = random.Random(1)
    popular = Counter(row[1] for row in rows)
    movies = list(popular)
    running = list(itertools.accumulate(count**EXPONENT for count in popular.values()))
    seen = {(row[0], row[1]) for row in rows}
    for row in rows:
        for drawn in chance.choices(movies, cum_weights=running, k=NEGATIVES):
            movie, tries = drawn, TRIES
            while (row[0], movie) in seen and tries:
                [movie], tries = chance.choices(movies, cum_weights=running), tries - 1
            if (row[0], movie) not in seen:
                yield [row[0], movie, *row[2:]]


def _finished(row: Row, label: int, movie: tuple[int, int, int]) -> Row:
    person = [int(text) for text in row[6:12]]
    means = [*_mean_and_deviation(*movie), *_mean_and_deviation(*person[:3])]
    return [*row[:3], label, *row[4:6], *movie, *row[6:], *means, person[5] / person[4] if person[4] else 0.0]


def _mean_and_deviation(n: int, total: int, squares: int) -> tuple[float, float]:
    deviation = math.sqrt((n * squares - total * total) / (n * (n - 1))) / 2 if n > 1 else 0.0
    return (total / n / 2 if n else 0.0), deviation


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
