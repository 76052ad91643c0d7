"""A small world in memory behind the web room: it answers like the online room, from plain lists."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sparrow.config import Rules
from sparrow.errors import InvalidInput, NotFound, ReleaseError
from sparrow.online.answers import Census, ListedMovie, Listing, MovieFacts, Reason, Sort, UserFacts
from sparrow.online.wanted import Wanted
from sparrow.schema import LIKED_RATING, MAX_ID, MovieId, Rating, UserId
from sparrow.stores.outside_ids import OutsideIds
from sparrow.web.ports import Receipt

RELEASE = "20161016-abc123"
HUGE_ID = MAX_ID

TITLES: list[tuple[int, str, int, tuple[str, ...]]] = [
    (1, "Toy Story", 1995, ("Adventure", "Animation", "Children", "Comedy", "Fantasy")),
    (50, "Usual Suspects, The", 1995, ("Crime", "Mystery", "Thriller")),
    (589, "Terminator 2: Judgment Day", 1991, ("Action", "Sci-Fi")),
    (600, "<script>alert('x')</script>", 2001, ("Horror",)),
    (601, '"Quotes" & \'apostrophes\' "><img src=x onerror=alert(1)>', 2002, ("Comedy",)),
    (602, "Émoji 🎬🍿 Night", 2003, ("Comedy", "Musical")),
    (603, "وداعًا يا صديقي", 1986, ("Drama",)),
    (604, "千と千尋の神隠し", 2001, ("Animation", "Fantasy")),
    (605, "A" * 300, 0, ()),
    (606, "]]></svg>\x00\x0b{{ 7 * 7 }}", 1999, ("Documentary",)),
    (607, "Nobody Rated Me", 2016, ("Western & <b>",)),
    (HUGE_ID, "Farthest Id, The", 2010, ("Drama", "Romance", "War")),
]


def make_movie(movie_id: int, title: str, year: int, genres: tuple[str, ...], scores: Sequence[float]) -> MovieFacts:
    """Facts of one movie from the scores it got."""
    spread = tuple(sum(score == half / 2 for score in scores) for half in range(1, 11))
    mean = sum(scores) / len(scores) if scores else 0.0
    top = tuple(Rating(UserId(1), MovieId(movie_id), score, 1_000_000_000) for score in sorted(scores)[-1:])
    return MovieFacts(MovieId(movie_id), title, year, genres, "0114709", "", len(scores), mean, spread, top)


def make_movies() -> list[MovieFacts]:
    """The dozen above; the last but one has no rating."""
    scores = {place: [((place + n) % 9 + 2) / 2 for n in range(20 - place)] for place in range(len(TITLES))}
    return [
        make_movie(*row, scores=[] if row[0] == 607 else scores[place])  # type: ignore[misc]
        for place, row in enumerate(TITLES)
    ]


def make_ratings() -> list[Rating]:
    """Person 1 rated three movies, and one that is no longer in the catalogue; person 7 rated one."""
    rows = [(1, 1, 5.0, 900), (1, 589, 4.5, 1_000), (1, 600, 0.5, 1_100), (1, 999_999, 3.0, 800), (7, 50, 4.0, 500)]
    return [Rating(UserId(user), MovieId(movie), score, when) for user, movie, score, when in rows]


@dataclass
class FakeRecommender:
    """Answers in catalogue order; remembers the last call of each kind in `asked`."""

    catalogue: list[MovieFacts] = field(default_factory=make_movies)
    ratings: list[Rating] = field(default_factory=make_ratings)
    release: str = RELEASE
    ids: OutsideIds | None = None
    models: tuple[str, ...] = ("neural_cf", "din")
    embeddings: tuple[str, ...] = ("item2vec", "deepwalk")
    degraded: tuple[str, ...] = ()
    asked: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.by_id = {movie.movie_id: movie for movie in self.catalogue}
        names = sorted({genre for movie in self.catalogue for genre in movie.genres})
        counts = [(name, sum(name in movie.genres for movie in self.catalogue)) for name in names]
        self.genres = tuple(sorted(counts, key=lambda pair: -pair[1]))

    def movie(self, movie_id: int) -> MovieFacts:
        if movie_id not in self.by_id:
            raise NotFound(f"There is no movie {movie_id} in release {self.release}.")
        return self.by_id[MovieId(movie_id)]

    def movies(
        self,
        genre: str | None,
        sort: Sort,
        size: int,
        offset: int,
        year: int | None = None,
        region: str = "",
        age: int | None = None,
    ) -> tuple[list[MovieFacts], int]:
        self.asked["age"], self.asked["region"] = age, region
        if genre and genre not in dict(self.genres):
            raise NotFound(f"There is no genre {genre!r} in release {self.release}.")
        keys = {
            "rating": lambda m: m.rating_mean if m.rating_count > 9 else 0.0,
            "year": lambda m: m.release_year,
            "popularity": lambda m: m.rating_count,
        }
        found = [
            m for m in self.catalogue if (not genre or genre in m.genres) and (year is None or m.release_year == year)
        ]
        found.sort(key=keys[sort], reverse=True)
        return found[offset : offset + size], len(found)

    def census(self) -> Census:
        people = len({rating.user_id for rating in self.ratings})
        return Census(len(self.catalogue), people, sum(movie.rating_count for movie in self.catalogue))

    def search(self, text: str, size: int, region: str = "", age: int | None = None) -> list[MovieFacts]:
        self.asked["age"], self.asked["region"] = age, region
        found = [movie for movie in self.catalogue if text.lower() in movie.title.lower()]
        return sorted(found, key=lambda movie: -movie.rating_count)[:size]

    def user(self, user_id: int) -> UserFacts:
        mine = sorted((r for r in self.ratings if r.user_id == user_id), key=lambda r: -r.timestamp)
        if not mine:
            raise NotFound(f"There is no user {user_id} in release {self.release}.")
        scores = [rating.score for rating in mine]
        liked = [self.by_id[r.movie_id] for r in mine if r.score >= LIKED_RATING and r.movie_id in self.by_id]
        counts = {g: sum(g in movie.genres for movie in liked) for movie in liked for g in movie.genres}
        favourites = tuple(sorted(counts.items(), key=lambda pair: -pair[1])[:5])
        mean = sum(scores) / len(scores)
        return UserFacts(UserId(user_id), len(mine), mean, max(scores), min(scores), favourites, tuple(mine))

    def user_ids(self, size: int) -> list[int]:
        return sorted({rating.user_id for rating in self.ratings})[:size]

    async def similar(self, movie_id: int, wanted: Wanted, embedding: str | None = None) -> Listing:
        self.asked["similar"] = {"wanted": wanted, "embedding": embedding}
        if embedding and embedding not in self.embeddings:
            raise NotFound(f"There is no embedding {embedding!r}; the release holds {', '.join(self.embeddings)}.")
        seed = self.movie(movie_id)
        others = [m for m in self.catalogue if m.movie_id != movie_id and m.movie_id not in wanted.exclude]
        others.sort(key=lambda m: (-len(set(m.genres) & set(seed.genres)), -m.rating_count))
        if embedding == "deepwalk":
            others.reverse()
        reasons = (Reason("similar", seed.movie_id, seed.title), Reason("shared_genres", genres=seed.genres[:2]))
        return self._listing(f"similar:{embedding or 'item2vec'}", others, reasons, wanted)

    async def for_user(self, user_id: int, wanted: Wanted, model: str | None = None, arm: str | None = None) -> Listing:
        self.asked["for_user"] = {"wanted": wanted, "model": model, "arm": arm}
        if model and model not in {*self.models, "emb", "neuralcf", "nerualcf"}:
            raise NotFound(f"There is no model {model!r}; the release holds {', '.join(self.models)}.")
        mine = {rating.movie_id: rating for rating in self.ratings if rating.user_id == user_id}
        unseen = [m for m in self.catalogue if m.movie_id not in mine and m.movie_id not in wanted.exclude]
        liked = [self.by_id[i] for i, rating in mine.items() if rating.score >= LIKED_RATING and i in self.by_id]
        reason = Reason("because_liked", liked[0].movie_id, liked[0].title) if liked else Reason("popular")
        pipeline = "for_you:neural_cf" if mine else "for_you:popular"
        return self._listing(pipeline, unseen, (reason,), wanted)

    async def for_history(self, history: Sequence[tuple[int, float | None]], wanted: Wanted) -> Listing:
        self.asked["for_history"] = {"history": history, "wanted": wanted}
        seen = {movie_id for movie_id, _ in history} | wanted.exclude
        unseen = [movie for movie in self.catalogue if movie.movie_id not in seen]
        reasons = (Reason("highly_rated"), Reason("recent"))
        return self._listing("for_you:history", unseen, reasons, wanted)

    def check_rules(self, rules: Rules) -> list[int | str]:
        if "Western" in rules.for_you.genre_caps:
            raise InvalidInput("for_you.genre_caps names the genre 'Western', which no movie has.")
        return sorted((one for one in rules.candidates.hidden if one not in self.by_id), key=str)

    def _listing(self, pipeline: str, movies: list[MovieFacts], reasons: tuple[Reason, ...], wanted: Wanted) -> Listing:
        shown = movies[: wanted.size]
        items = tuple(
            ListedMovie(m, 1.0 / (place + 1), reasons, _trace(m, place) if wanted.explain else None)
            for place, m in enumerate(shown)
        )
        timings = {"recall": 0.5} if wanted.explain else {}
        listing = Listing(self.release, "rec-1", pipeline, "", items, self.degraded, timings)
        if (about := wanted.explain_movie) is None:
            return listing
        return replace(listing, asked_about=self.movie(about), told=_told(shown, about))


def _trace(movie: MovieFacts, place: int) -> dict[str, Any]:
    """As the online room traces a movie that a network ranked at this place (from 0)."""
    return {
        "routes": {"embedding": {"place": place + 1, "score": 0.9}, "popular": {"place": 3, "score": 12.0}},
        "ranker": "din",
        "score": 1.0 / (place + 1),
        "ranked": place + 1,
        "position": place + 1,
        "parts": {"din": 2.0, "next_item": -1.0},
        "inputs": {"movieId": int(movie.movie_id), "history": [1, 589], "genres": ["Comedy", "War"], "user_mean": None},
        "attention": [
            {"movieId": 1, "weight": 0.25},
            {"movieId": 589, "weight": 0.75},
            {"movieId": 999, "weight": 0.0},
        ],
    }


def _told(movies: list[MovieFacts], about: int) -> dict[str, Any]:
    """As the online room tells what became of a movie: listed, or no candidate."""
    place = next((place for place, movie in enumerate(movies, 1) if movie.movie_id == about), None)
    if place is None:
        return {"verdict": "no_candidate", "because": ["seen"], "detail": "It is no candidate."}
    moves = [{"rule": "varied", "from": place + 2, "to": place}]
    return {"verdict": "listed", "because": [], "position": place, "moves": moves, "detail": "It stands in the list."}


@dataclass
class FakeLive:
    """One release, or none; remembers whether the application started and stopped it."""

    current: FakeRecommender | None = field(default_factory=FakeRecommender)
    calls: list[str] = field(default_factory=list)
    rules: dict[str, Any] = field(default_factory=dict)

    @property
    def recommender(self) -> FakeRecommender:
        if self.current is None:
            raise ReleaseError("No release is published.")
        return self.current

    @property
    def models(self) -> dict[str, int]:
        return {"recmodel": 3} if self.current else {}

    async def start(self) -> None:
        self.calls.append("start")

    async def stop(self) -> None:
        self.calls.append("stop")

    async def refresh(self) -> None:
        self.calls.append("refresh")

    def ready(self) -> tuple[bool, dict[str, Any]]:
        if self.current is None:
            return False, {"release": None, "reason": "nothing is published"}
        return True, {"release": self.current.release, **self.rules}


@dataclass
class FakeLog:
    """Keeps events in a list; an eventId counts once; position 13 is refused as the real log may refuse."""

    kept: list[dict[str, Any]] = field(default_factory=list)

    def accept(self, events: list[dict[str, Any]]) -> Receipt:
        rejected = [(place, "the log is full") for place, event in enumerate(events) if event.get("position") == 13]
        duplicates = 0
        for event in (event for event in events if event.get("position") != 13):
            if event.get("eventId") in {kept.get("eventId") for kept in self.kept} - {None}:
                duplicates += 1
            else:
                self.kept.append(event)
        return Receipt(len(events) - duplicates - len(rejected), duplicates, rejected)
