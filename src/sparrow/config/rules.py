"""What may be shown, and how lists are put together: sections of the settings that business also changes while it serves.

`Rules` is all of them as one document, `/admin/v1/rules`. `sparrow.toml` is its first version.
"""

from typing import Annotated, Self

from pydantic import AwareDatetime, ConfigDict, Field, field_serializer, model_validator

from sparrow.config.section import Positive, RawId, Section

Weight = Annotated[float, Field(ge=0, lt=1)]
Least = Annotated[int, Field(ge=0)]
Age = Annotated[int, Field(ge=0, le=99)]
Region = Annotated[str, Field(pattern=r"^[A-Z0-9]{2,3}(-[A-Z0-9]{1,3})?$")]
"""As ISO 3166 writes it, "DE" or "US-CA"; compared as a whole."""

MovieRef = RawId | Annotated[str, Field(min_length=1, max_length=200)]
"""A movie by its raw id, or by what the outside world calls it."""

MOST_MOVIES = 100_000
MOST_WINDOWS = 1000


class Group(Section):
    """Movies that a rule is about: those listed, or those with one of the genres."""

    movies: Annotated[tuple[MovieRef, ...], Field(max_length=MOST_MOVIES)] = ()
    genres: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> Self:
        if bool(self.movies) == bool(self.genres):
            raise ValueError("it is about `movies` or about `genres`; name one of the two")
        return self


class Window(Group):
    """When and where some movies may be shown."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)

    since: AwareDatetime | None = Field(default=None, alias="from", description="the first moment; none: always was")
    until: AwareDatetime | None = Field(default=None, description="the first moment after; none: for ever")
    regions: tuple[Region, ...] = Field(default=(), description="where; none: everywhere")

    @model_validator(mode="after")
    def _opens_before_it_closes(self) -> Self:
        if self.since and self.until and self.since >= self.until:
            raise ValueError(f"from {self.since} is not before until {self.until}; swap or mend them")
        return self


class AgeRating(Group):
    """From which age some movies are."""

    age: Age = Field(description="years; 0: for everybody")


class Candidates(Section):
    """What may be shown at all."""

    hidden: Annotated[frozenset[MovieRef], Field(max_length=MOST_MOVIES)] = Field(
        default=frozenset(), description="ids of movies never shown in a list"
    )
    min_ratings: Least = Field(default=0, description="ratings a movie needs to stand in any list")
    where: Annotated[str, Field(max_length=2000)] = Field(
        default="",
        description="what movies must meet, in SQL, e.g. `year >= 1950 AND NOT has(genres, 'Horror')`; see docs/serving.md",
    )
    windows: Annotated[tuple[Window, ...], Field(max_length=MOST_WINDOWS)] = Field(
        default=(),
        description='`{movies = [1] or genres = ["War"], from, until, regions}`: they are shown only then and there',
    )

    age_ratings: Annotated[tuple[AgeRating, ...], Field(max_length=MOST_WINDOWS)] = Field(
        default=(),
        description='`{age = 16, movies = [1] or genres = ["Horror"]}`: who asks with a lower `age=` does not see them',
    )
    unrated_age: Age = Field(default=18, description="what a movie counts as that no age rating names")

    @field_serializer("hidden")
    def _in_order(self, hidden: frozenset[int | str]) -> list[int | str]:
        return sorted(
            hidden, key=str
        )  # a set of texts has another order in each process, and digests are taken of this


class Lists(Section):
    """Rules of every kind of list, applied after ranking."""

    diversity: Weight = Field(
        default=0.0, description="0: by score alone; towards 1: ever less alike among themselves (MMR)"
    )
    freshness: Annotated[float, Field(ge=0, le=10)] = Field(
        default=0.0,
        description="what a movie of the newest year gains, where the best score is 1 and the worst 0; older ones gain less",
    )
    freshness_years: Annotated[float, Field(ge=0.1, le=1000)] = Field(
        default=5.0, description="years in which that gain halves"
    )
    genre_caps: dict[str, Positive] = Field(
        default_factory=dict, description='movies of a genre in a list at most, e.g. `{ "Horror" = 3 }`'
    )


class Similar(Lists):
    """Rules of the lists of similar movies, applied after ranking."""

    family: tuple[str, ...] = Field(default=("Children",), description="genres that make a movie one for the family")
    not_family: tuple[str, ...] = Field(
        default=("Horror", "Crime", "Thriller", "War", "Film-Noir"),
        description="genres kept out of a family movie's list, but for its own",
    )
    min_ratings: Least = Field(default=0, description="ratings a movie needs to be listed")
    of_a_series: Least = Field(
        default=0, description="movies of one series in a list at most, told from titles; 0: all"
    )
    apart: tuple[tuple[RawId, RawId], ...] = Field(
        default=(), description="pairs of movie ids that never stand in each other's lists"
    )


class People(Lists):
    """Rules of people's lists, applied after ranking."""

    calibration: Weight = Field(
        default=0.0, description="0: by score alone; towards 1: the mix of genres follows the history (Steck, 2018)"
    )
    fatigue: Least = Field(
        default=0, description="a movie shown so often and never clicked stands behind all others; 0: never"
    )
    fatigue_days: Annotated[int, Field(ge=1, le=365)] = Field(
        default=14, description="days whose impressions count for that"
    )
    explore: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.0,
        description="share of the lists of people with an id whose order is drawn (Plackett-Luce), with known chances; an arm's "
        "own `explore` comes before it",
    )


class ForYou(People):
    """People's lists: who ranks them, and the rules applied after ranking."""

    ranker: str = Field(default="", description="the ranker behind people's lists; empty: what the build chose")


class Rules(Section):
    """The document: all that may change without a deployment. What it leaves out is as where `sparrow.toml` leaves it out."""

    candidates: Candidates = Candidates()
    similar: Similar = Similar()
    for_you: People = People()
