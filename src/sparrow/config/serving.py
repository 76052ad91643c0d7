"""Settings of the online side: recall, the request path, the site, and what stays on disk. Rules: see `rules`."""

from typing import Annotated

from pydantic import Field

from sparrow.config.section import Positive, Section


class Recall(Section):
    """What is brought before it is ranked."""

    quotas: dict[str, Positive] = Field(
        default_factory=dict,
        description="candidates by route name, for every list; empty: for people's lists as the build learnt, else as they come",
    )
    candidates: Positive = Field(
        default=700, description="sum of the learnt quotas; routes overlap, so one ranking scores fewer"
    )
    embedding: str = Field(default="item2vec", description="the similarity behind people's lists")
    recent_likes: Positive = Field(default=20, description="liked movies whose neighbours are recalled")
    min_ratings: Positive = Field(default=10, description="ratings a movie needs to count as highly rated")


class Online(Section):
    """The request path."""

    ranker_url: str = Field(
        default="",
        pattern=r"^(|(https?|grpc)://[^/\s]+/?)$",
        description="TensorFlow Serving base URL; empty ranks in process",
    )
    ranker_timeout_ms: Positive = Field(default=300, description="deadline of one remote ranking")
    # Left out of every dump, and so of manifests: it may hold a password.
    store: str = Field(
        default="",
        exclude=True,
        repr=False,
        description="feature store: a redis:// address, see docs/serving.md; empty: LMDB",
    )
    store_timeout_ms: Positive = Field(default=250, description="deadline of what a request asks of Redis")
    # Left out of every dump, and so of manifests: it may hold a password.
    candidates_url: str = Field(
        default="",
        exclude=True,
        repr=False,
        pattern=r"^(|https?://\S+)$",
        description="gives the ids of what may be shown, as JSON, see docs/serving.md; empty: everything the rules allow",
    )
    candidates_seconds: Annotated[float, Field(gt=0)] = Field(default=60.0, description="how often that is asked")
    candidates_timeout_ms: Positive = Field(default=2000, description="deadline of its whole answer")
    embedding: str = Field(default="fusion", description="the similarity behind similar movies")
    poll_seconds: Annotated[float, Field(gt=0)] = Field(
        default=1.0, description="how often the live pointer is looked at"
    )


class Web(Section):
    """The site and the HTTP API."""

    host: str = Field(default="127.0.0.1", description="address to listen on")
    port: Annotated[int, Field(ge=0, le=65535)] = Field(default=6010, description="port of the site and the API")
    workers: Positive = Field(default=1, description="processes that serve")
    default_size: Positive = Field(default=24, description="items in a list that asks for no size")
    max_size: Positive = Field(default=500, description="items in a list at most")
    legacy_cors: bool = Field(default=False, description="let pages of other sites read the original routes")
    concurrency: Positive = Field(
        default=512, description="requests a worker answers at a time; more are refused at once (429)"
    )
    json_logs: bool = Field(default=False, description="logs as JSON lines with request ids, from level info on")
    posters: str = Field(
        default="",
        description="folder of real posters named by movie id, `1.jpg`; empty: that of `embeddings`, else every poster is drawn",
    )
    # Left out of every dump, and so of manifests, as every secret.
    tmdb_key: str = Field(
        default="",
        exclude=True,
        repr=False,
        description="TMDB's API Read Access Token: missing posters are fetched into `posters`; set it as SPARROW_WEB__TMDB_KEY",
    )
    # Left out of every dump, and so of manifests: whoever has it may change the rules.
    admin_token: str = Field(
        default="",
        exclude=True,
        repr=False,
        description="opens `/admin/v1`; set it as SPARROW_WEB__ADMIN_TOKEN; empty: closed to everybody",
    )
    # Likewise: whoever has it can speak for everybody.
    person_secret: str = Field(
        default="",
        exclude=True,
        repr=False,
        pattern=r"^(|.{32,})$",
        description="signs people's tokens, 32 characters or more, as SPARROW_WEB__PERSON_SECRET: what is about a person opens "
        "with their own token only, see docs/operations.md; empty: open",
    )


class Feedback(Section):
    """Where what people do is kept, and how long, in days; 0 is for ever. Counted from when it happened."""

    # Left out of every dump, and so of manifests: it may hold a password.
    events: str = Field(
        default="",
        exclude=True,
        repr=False,
        description="where events go: a redis:// or redis+sentinel:// address, see docs/feedback.md; empty: the home",
    )

    taste_days: Annotated[int, Field(ge=0)] = Field(
        default=0, description="ratings, watches, dislikes and undos; the next build no longer knows what is gone"
    )
    traffic_days: Annotated[int, Field(ge=0)] = Field(default=180, description="impressions and clicks")
    served_days: Annotated[int, Field(ge=0)] = Field(default=180, description="lists as they were shown")


class Releases(Section):
    """What is kept on disk."""

    keep: Annotated[int, Field(ge=2)] = Field(
        default=3, description="releases that stay, the live one and its predecessor always"
    )
