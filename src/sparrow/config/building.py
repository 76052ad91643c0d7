"""Settings of the offline side: what a release is made from, and what its build may take."""

from typing import Annotated, Literal

from pydantic import Field

from sparrow.config.section import Positive, Section, Share


class Split(Section):
    """The global cuts in time: train | valid | test, as shares of the rows."""

    valid: Share = Field(default=0.1, description="validation rows, before the test rows")
    test: Share = Field(default=0.1, description="the newest rows")


class Features(Section):
    """What describes a movie and a person."""

    history_length: Positive = Field(
        default=30, description="newest movies in each list that a model reads of a person"
    )
    favourite_genres: Positive = Field(default=5, description="favourite genres kept per person")


class Samples(Section):
    """The `choice` samples: every interaction is a positive, unseen movies are its negatives."""

    negatives: Positive = Field(default=4, description="sampled unseen movies per positive")
    exponent: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.75, description="negatives ~ popularity ** exponent"
    )
    max_positives: Positive = Field(
        default=2_000_000, description="newest training ratings that become rows, each with its negatives"
    )
    seed: int = Field(default=1, description="of all chance in it")


EmbeddingName = Literal["item2vec", "deepwalk", "node2vec", "co_ratings", "content", "fusion"]


class Embeddings(Section):
    """Which vectors of movies a release holds."""

    movies: Annotated[tuple[EmbeddingName, ...], Field(min_length=1)] = Field(
        default=("item2vec", "fusion"), description="their names; `--profile all` trains every one"
    )
    posters: str = Field(
        default="",
        description="folder of pictures named by movie id, `1.jpg`: one more aspect of `content` and `fusion`; empty: none",
    )


class Word2vec(Section):
    """Skip-gram or CBOW with negative sampling, what every embedding of sequences is trained by (Mikolov et al., 2013)."""

    dim: Positive = Field(default=64, description="numbers in a vector")
    window: Positive = Field(default=10, description="places on each side that count as near")
    epochs: Positive = Field(default=15, description="passes over all sequences")
    mode: Literal["skip_gram", "cbow"] = Field(
        default="skip_gram", description="`skip_gram` tells the near from the one, `cbow` the one from all near"
    )
    negative: Positive = Field(default=5, description="negatives per pair")
    exponent: float = Field(default=0.5, description="negatives ~ likes ** exponent")
    subsample: Annotated[float, Field(ge=0)] = Field(
        default=0.0, description="share of likes above which a movie is thinned out; 0: none"
    )
    min_count: Positive = Field(default=5, description="likes a movie needs to get a vector")
    workers: Positive = Field(default=2, description="threads; only 1 is reproducible")
    seed: int = Field(default=1, description="of all chance in it")


class Item2vec(Word2vec):
    """Skip-gram with negative sampling over liked movies in time order (Barkan & Koenigstein, 2016)."""


class Walks(Word2vec):
    """Random walks over the graph of movies liked near one another, as sentences."""

    walks: Positive = Field(default=10, description="walks from each movie in each epoch")
    length: Annotated[int, Field(ge=2)] = Field(default=20, description="movies in a walk")
    reach: Positive = Field(
        default=5, description="places of a liked sequence that an edge spans at most; 1: transitions"
    )
    half_life_days: Annotated[float, Field(ge=0)] = Field(
        default=0.0, description="days between two likes that halve their edge; 0: no decay"
    )
    popularity: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.5, description="edge weight / (likes * likes) ** popularity"
    )
    weighted: bool = Field(default=True, description="walk by edge weight; else all edges are alike")
    window: Positive = Field(default=3, description="steps on each side that count as near")
    epochs: Positive = Field(default=5, description="passes, each over new walks")


class DeepWalk(Walks):
    """First-order walks (Perozzi et al., 2014)."""


class Node2vec(Walks):
    """Second-order walks (Grover & Leskovec, 2016)."""

    p: Annotated[float, Field(gt=0)] = Field(default=0.25, description="return parameter: small comes back often")
    q: Annotated[float, Field(gt=0)] = Field(
        default=2.0, description="in-out parameter: small wanders, large stays near"
    )


class Collaborative(Section):
    """iALS and EASE with dropout, both listening to stars, standardised per person and summed: the classic way to "for you"."""

    dim: Positive = Field(default=64, description="numbers in an iALS vector")
    alpha: Annotated[float, Field(gt=0)] = Field(default=0.25, description="iALS: weight of what was not met")
    reg: Annotated[float, Field(gt=0)] = Field(default=0.4, description="iALS: regularisation")
    nu: Annotated[float, Field(ge=0)] = Field(default=0.5, description="iALS: regularisation ~ frequency ** nu")
    epochs: Positive = Field(default=12, description="iALS: passes, each exact")
    als_stars: Annotated[float, Field(ge=0)] = Field(
        default=0.4, description="iALS: a rating counts exp(als_stars * stars above the movie's mean)"
    )
    als_weight: Annotated[float, Field(ge=0)] = Field(default=2.0, description="weight of iALS where EASE has 1")
    l2: Annotated[float, Field(gt=0)] = Field(default=300.0, description="EASE: regularisation, in co-counts")
    dropout: Annotated[float, Field(ge=0, lt=1)] = Field(default=0.5, description="EASE: rate at which inputs drop out")
    ease_stars: Annotated[float, Field(ge=0)] = Field(
        default=0.2, description="EASE: a rating counts 1 + ease_stars * stars above the movie's mean"
    )
    ease_movies: Positive = Field(
        default=12_000, description="EASE: most popular movies it covers; 12 thousand take 3 GB while it is solved"
    )
    ease_min_count: Positive = Field(default=3, description="EASE: people who must have met a movie that it covers")
    kept_weights: Positive = Field(default=300, description="EASE: weights kept per movie, those of the greatest size")
    max_rows: Positive = Field(default=10_000_000, description="newest ratings it learns from; older ones are left out")
    seed: int = Field(default=1, description="of all chance in it")


class NextItem(Section):
    """The linear next-movie model: which movie follows, told by the latest ones."""

    l2: Annotated[float, Field(gt=0)] = Field(default=10.0, description="regularisation, in co-counts")
    decay: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.8, description="a movie one place older counts so much"
    )
    window: Positive = Field(default=30, description="latest movies that count")
    largest: Positive = Field(default=6_000, description="most popular movies it covers; work goes with their cube")
    min_count: Positive = Field(default=5, description="people who must have met a movie that it covers")
    kept_weights: Positive = Field(default=300, description="weights kept per movie, those of the greatest size")
    max_rows: Positive = Field(default=2_000_000, description="newest ratings it learns from; older ones are left out")


class VectorSearch(Section):
    """The index behind nearest vectors: exact for catalogues that fit, approximate and measured beyond."""

    exact_up_to: Positive = Field(default=150_000, description="vectors that are searched exactly; more are indexed")
    recall_floor: Share = Field(
        default=0.95,
        description="share of the truly nearest an index must find; its search effort is raised until it does",
    )
    recall_at: Positive = Field(
        default=100, description="length of the lists by which that is measured; neighbours go by their own"
    )
    sample: Annotated[int, Field(ge=2)] = Field(default=256, description="vectors for which it is measured")


class Build(Section):
    """What a build may take of the machine; changes nothing in what it makes."""

    memory: str = Field(
        default="auto",
        pattern=r"^(auto|[1-9]\d*(MB|GB))$",
        description="what the batch engine may hold before it spills, e.g. 8GB; auto: half of what is available, 1 to 16 GB",
    )
    check_disk: bool = Field(default=True, description="refuse a build that the free disk space will not hold")
