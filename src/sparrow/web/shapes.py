"""JSON shapes: those that OpenAPI shows (never used to build an answer, see `wire`) and the bodies that are read."""

from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from sparrow.config import Rules
from sparrow.online.answers import ReasonKind
from sparrow.schema import MAX_ID, MAX_RATING, MIN_RATING
from sparrow.stores.bad_cases import Status
from sparrow.stores.marks import NOT_ALIKE, Verdict
from sparrow.web.ids import BodyId
from sparrow.web.parameters import REGION

LONGEST_HISTORY = 1000
LATEST_SECOND = 253_402_300_799
"""The last second of the year 9999, UTC."""


class Shape(BaseModel):
    """camelCase outside, snake_case inside; unknown names are refused."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid")


class ReasonShape(Shape):
    kind: ReasonKind
    movie_id: int | str | None = Field(None, description="the liked or viewed movie this one is near to")
    title: str | None = None
    genres: list[str] | None = Field(None, description="the genres shared")


class ItemShape(Shape):
    movie_id: int | str
    title: str
    release_year: int = Field(description="0 if unknown")
    genres: list[str]
    score: float = Field(description="orders the list, higher first, unless an experiment drew the order")
    reasons: list[ReasonShape]
    trace: dict[str, Any] | None = Field(None, description="with explain=true")


class ListingShape(Shape):
    release: str
    movie_id: int | str | None = None
    user_id: int | str | None = None
    recommendation_id: str = Field(description="names this list in events")
    pipeline: str
    arm: str
    items: list[ItemShape]
    degraded: list[str] = Field(description='what had to be replaced: "ranker", "store"')
    timings: dict[str, float] | None = Field(None, description="milliseconds, with explain=true")
    explained: dict[str, Any] | None = Field(None, description="what became of the movie of `explain_movie`")


class RatingShape(Shape):
    user_id: int | str
    movie_id: int | str
    score: float = Field(description="0.5-5.0 stars")
    timestamp: int = Field(description="seconds, UTC")


class BriefMovieShape(Shape):
    movie_id: int | str
    title: str
    release_year: int = Field(description="0 if unknown")
    genres: list[str]
    rating_count: int
    rating_mean: float


class MovieShape(BriefMovieShape):
    release: str
    imdb_id: str = Field(description='"" if unknown')
    tmdb_id: str = Field(description='"" if unknown')
    rating_spread: list[int] = Field(description="how many ratings of 0.5, 1.0 … 5.0 stars")
    top_ratings: list[RatingShape]


class MoviesShape(Shape):
    release: str
    total: int
    offset: int
    items: list[BriefMovieShape]


class FoundShape(Shape):
    release: str
    items: list[BriefMovieShape]


class GenreShape(Shape):
    genre: str
    count: int


class UserShape(Shape):
    release: str
    user_id: int | str
    rating_count: int
    rating_mean: float
    rating_highest: float
    rating_lowest: float
    favourite_genres: list[GenreShape]
    ratings: list[RatingShape] = Field(description="newest first")


class RejectedShape(Shape):
    index: int
    reason: str


class ReceiptShape(Shape):
    accepted: int
    duplicates: int
    rejected: list[RejectedShape]


class MarkShape(Shape):
    movie_id: int | str
    title: str
    neighbour_id: int | str
    neighbour_title: str
    embedding: str
    verdict: Verdict
    release: str = Field(description="the release it was made on")
    timestamp: int = Field(description="seconds, UTC")


class MarksShape(Shape):
    release: str
    total: int
    items: list[MarkShape] = Field(description="newest first")


class MarkedShape(Shape):
    release: str
    added: bool = Field(description="false: it was there already")


class UnmarkedShape(Shape):
    release: str
    removed: bool = Field(description="false: there was none")


class RulesShape(Shape):
    version: int = Field(description="0: nothing was ever put")
    timestamp: int = Field(description="seconds, UTC")
    author: str
    comment: str
    restores: int | None = Field(description="the version that an undo brought back")
    source: Literal["sparrow.toml", "store"]
    rules: dict[str, Any]
    obeyed: int | None = Field(
        None, description="the version that this worker obeys; null: it serves no release. Not in the history"
    )
    problem: str = Field("", description='why that is not the newest version; "" if it is. Not in the history')
    unknown_movies: list[int | str] = Field(
        default_factory=list, description="movies that the rules name and the release lacks"
    )


class RulesHistoryShape(Shape):
    items: list[RulesShape] = Field(description="newest first")


class ProblemShape(Shape):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str = Field(description="the thing, the value received and the cure")
    instance: str


class Liked(Shape):
    """One movie of a guest's history."""

    movie_id: BodyId
    rating: Annotated[float, Field(ge=MIN_RATING, le=MAX_RATING)] | None = None


class GuestRequest(Shape):
    """Someone who has no account sends their history, oldest first."""

    history: Annotated[list[Liked], Field(max_length=LONGEST_HISTORY)]
    size: int | None = Field(None, description="as in the query parameter of that name")
    exclude: list[BodyId] = Field(default_factory=list)
    explain: bool = False
    explain_movie: BodyId | None = Field(None, description="a movie to be told about: what became of it")
    region: Annotated[str, Field(pattern=REGION)] = ""
    age: Annotated[int, Field(ge=0, le=150)] | None = None


class MarkRequest(Shape):
    """A bad case: `neighbourId` stands in the list of `movieId`, and is not alike."""

    movie_id: BodyId
    neighbour_id: BodyId
    embedding: Annotated[str, Field(max_length=100)]
    verdict: Verdict = NOT_ALIKE


class CaseShape(Shape):
    """Something that should not have stood in a list. `movieId` stood in the list of `userId`, or of `aboutId`."""

    id: int
    kind: Literal["not_for_me", "not_alike"]
    status: Status
    movie_id: int | str
    movie_title: str
    about_id: int | str | None
    about_title: str
    user_id: int | None = Field(description="the number that stands for the person")
    embedding: str
    release: str
    pipeline: str
    recommendation_id: str | None
    timestamp: int = Field(description="seconds, UTC")
    history: list[dict[str, Any]] = Field(description="changes of status, oldest first")
    trace: dict[str, Any] | None = Field(None, description="why it stood there; not in lists of cases")


class CasesShape(Shape):
    counts: dict[str, int] = Field(description="status → cases")
    items: list[CaseShape] = Field(description="newest first")


class CaseChange(Shape):
    """What became of a bad case, who says so, and why."""

    status: Status
    author: Annotated[str, Field(max_length=100)] = ""
    note: Annotated[str, Field(max_length=1000)] = ""


class UndoRequest(Shape):
    """A change of the rules: who makes it, why, and from which version."""

    version: Annotated[int, Field(ge=0, le=MAX_ID)] | None = None
    author: Annotated[str, Field(max_length=100)] = ""
    comment: Annotated[str, Field(max_length=1000)] = ""


class RulesRequest(UndoRequest):
    """The same with all rules; what they leave out is as where `sparrow.toml` leaves it out."""

    rules: Rules


class Event(Shape):
    """Something that happened. `value`: stars of a rating, seconds of a watch. With an `eventId` a replay counts once."""

    event_id: UUID | None = None
    type: Literal["impression", "click", "rating", "watch", "dislike", "undo"]
    user_id: BodyId
    movie_id: BodyId
    value: Annotated[float, Field(allow_inf_nan=False, ge=0)] | None = None
    position: Annotated[int, Field(ge=0, le=100_000)] | None = None
    recommendation_id: Annotated[str, Field(max_length=100)] | None = None
    timestamp: Annotated[int, Field(ge=0, le=LATEST_SECOND, description="seconds, UTC")] | None = None

    @model_validator(mode="after")
    def _check_value(self) -> Self:
        if self.type == "rating" and not (self.value is not None and MIN_RATING <= self.value <= MAX_RATING):
            raise ValueError(f"a rating needs a value from {MIN_RATING} to {MAX_RATING} stars")
        if self.type == "watch" and self.value is None:
            raise ValueError("a watch needs a value, the seconds watched")
        return self
