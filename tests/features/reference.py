"""The features once more, slowly, in plain Python: sums by loops, deviations by `statistics`, no windows, no SQL."""

import math
import statistics
from collections import Counter
from collections.abc import Sequence
from typing import Any

from sparrow.schema import LIKED_RATING, Movie, Rating

HISTORY, FAVOURITES = 4, 2
"""Lengths small enough that small worlds overflow them."""


def movie_features(ratings: Sequence[Rating], movie_id: int, before: float) -> dict[str, Any]:
    """What was known of a movie strictly before a second."""
    halves = [round(2 * row.score) for row in ratings if row.movie_id == movie_id and row.timestamp < before]
    return _sums("movie", halves)


def user_features(
    ratings: Sequence[Rating], movies: Sequence[Movie], genres: Sequence[str], user_id: int, before: float = math.inf
) -> dict[str, Any]:
    """What was known of a person strictly before a second; `genres` are those that count as favourites."""
    known = {movie.movie_id: movie for movie in movies}
    rows = [row for row in ratings if row.user_id == user_id and row.timestamp < before]
    liked = [row for row in rows if row.score >= LIKED_RATING]
    years = [known[row.movie_id].release_year for row in liked if known[row.movie_id].release_year]
    counts = Counter(genre for row in liked for genre in set(known[row.movie_id].genres) & set(genres))
    by_liking = sorted(counts, key=lambda genre: (-counts[genre], genre))
    return {
        **_sums("user", [round(2 * row.score) for row in rows]),
        "user_liked_count": len(liked),
        "user_year_count": len(years),
        "user_year_sum": sum(years),
        "user_mean_year": sum(years) / len(years) if years else 0.0,
        "history": [movie for _, movie in sorted((row.timestamp, row.movie_id) for row in liked)][-HISTORY:],
        "favourite_genres": by_liking[:FAVOURITES],
    }


def genres_of(movies: Sequence[Movie]) -> list[str]:
    """Every genre name of a small catalogue."""
    return sorted({genre for movie in movies for genre in movie.genres})


def _sums(who: str, halves: list[int]) -> dict[str, Any]:
    stars = [half / 2 for half in halves]
    return {
        f"{who}_count": len(halves),
        f"{who}_half_sum": sum(halves),
        f"{who}_half_square_sum": sum(half * half for half in halves),
        f"{who}_mean": statistics.fmean(stars) if stars else 0.0,
        f"{who}_deviation": statistics.stdev(stars) if len(stars) > 1 else 0.0,
    }
