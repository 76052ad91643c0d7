"""Frozen settings, one section per room: `sparrow.toml` < environment `SPARROW_SECTION__KEY` < command-line flags.

An unknown section or key is an error that names it. `load_settings` is the only way in; the file is `--config`, else
`{home}/sparrow.toml`, else `./sparrow.toml`, else none.

Example:
    >>> load_settings(environ={"SPARROW_WEB__PORT": "7000"}).web.port
    7000
"""

import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sparrow.errors import SettingsError
from sparrow.schema import MAX_ID

PREFIX = "SPARROW_"
HOME_VARIABLE = "SPARROW_HOME"
DEFAULT_HOME = Path("var")

Positive = Annotated[int, Field(ge=1)]
RawId = Annotated[int, Field(ge=0, le=MAX_ID)]
Share = Annotated[float, Field(gt=0, lt=1)]


class Section(BaseModel):
    """A group of settings: frozen, and strict about names."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Split(Section):
    """The global cuts in time: train | valid | test, as shares of the rows."""

    valid: Share = Field(default=0.1, description="validation rows, before the test rows")
    test: Share = Field(default=0.1, description="the newest rows")


class Features(Section):
    """What describes a movie and a person."""

    history_length: Positive = Field(default=50, description="recent likes in a history; no model reads it yet")
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


class NeuralCF(Section):
    """GMF and MLP towers joined (He et al., 2017)."""

    dim: Positive = Field(default=16, description="numbers in each of the four embeddings")
    hidden: tuple[Positive, ...] = Field(default=(32, 16), description="widths of the MLP tower")
    dropout: Annotated[float, Field(ge=0, lt=1)] = Field(default=0.2, description="after each MLP layer")
    embedding_dropout: Annotated[float, Field(ge=0, lt=1)] = Field(default=0.3, description="after each embedding")
    weight_decay: Annotated[float, Field(ge=0)] = Field(default=0.5, description="decoupled, as in AdamW")
    learning_rate: Annotated[float, Field(gt=0)] = Field(default=5e-3, description="of AdamW")
    batch: Positive = Field(default=8192, description="rows in a step")
    max_rows: Positive = Field(
        default=5_000_000, description="newest positives it learns from; older ones are left out"
    )
    epochs: Positive = Field(default=8, description="passes at most")
    patience: Positive = Field(default=3, description="passes without a better nDCG@10 before training stops")
    seed: int = Field(default=1, description="of all chance in it")


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


class Recall(Section):
    """What is brought before it is ranked. Quotas are candidates by route name; their sum is what one ranking scores."""

    quotas: dict[str, Positive] = Field(
        default_factory=lambda: {"embedding": 250, "genres": 100, "rated": 50, "recent": 50, "popular": 150}
    )
    embedding: str = Field(default="item2vec", description="the similarity behind people's lists")
    recent_likes: Positive = Field(default=20, description="liked movies whose neighbours are recalled")
    min_ratings: Positive = Field(default=10, description="ratings a movie needs to count as highly rated")


class Similar(Section):
    """Rules of the lists of similar movies, applied after ranking."""

    family: tuple[str, ...] = Field(default=("Children",), description="genres that make a movie one for the family")
    not_family: tuple[str, ...] = Field(
        default=("Horror", "Crime", "Thriller", "War", "Film-Noir"),
        description="genres kept out of a family movie's list, but for its own",
    )
    min_ratings: Annotated[int, Field(ge=0)] = Field(default=0, description="ratings a movie needs to be listed")
    of_a_series: Annotated[int, Field(ge=0)] = Field(
        default=0, description="movies of one series in a list at most, told from titles; 0: all"
    )
    diversity: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=0.0, description="0: by likeness alone; towards 1: ever less alike among themselves (MMR)"
    )
    apart: tuple[tuple[RawId, RawId], ...] = Field(
        default=(), description="pairs of movie ids that never stand in each other's lists"
    )


class Candidates(Section):
    """What may be shown at all."""

    hidden: frozenset[int] = Field(default=frozenset(), description="movie ids never shown in a list")


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


class Releases(Section):
    """What is kept on disk."""

    keep: Annotated[int, Field(ge=2)] = Field(
        default=3, description="releases that stay, the live one and its predecessor always"
    )


class Build(Section):
    """What a build may take of the machine; changes nothing in what it makes."""

    memory: str = Field(
        default="auto",
        pattern=r"^(auto|[1-9]\d*(MB|GB))$",
        description="what the batch engine may hold before it spills, e.g. 8GB; auto: half of what is available, 1 to 16 GB",
    )
    check_disk: bool = Field(default=True, description="refuse a build that the free disk space will not hold")


class Settings(Section):
    """All of it."""

    split: Split = Split()
    features: Features = Features()
    samples: Samples = Samples()
    embeddings: Embeddings = Embeddings()
    item2vec: Item2vec = Item2vec()
    deepwalk: DeepWalk = DeepWalk()
    node2vec: Node2vec = Node2vec()
    neural_cf: NeuralCF = NeuralCF()
    vector_search: VectorSearch = VectorSearch()
    recall: Recall = Recall()
    similar: Similar = Similar()
    candidates: Candidates = Candidates()
    online: Online = Online()
    web: Web = Web()
    releases: Releases = Releases()
    build: Build = Build()


def find_home(flag: Path | None = None, environ: Mapping[str, str] = os.environ) -> Path:
    """The folder that holds all state: `--home`, else `SPARROW_HOME`, else `./var`."""
    return flag or Path(environ.get(HOME_VARIABLE) or DEFAULT_HOME)


def load_settings(
    file: Path | None = None,
    home: Path | None = None,
    flags: Mapping[str, Mapping[str, Any]] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Settings:
    """Merge file, environment and flags into one frozen `Settings`.

    Args:
        file: the TOML file named by `--config`; must exist when given.
        home: the state folder, searched for `sparrow.toml` when `file` is None.
        flags: section → key → value from the command line; a value of None means "not given".
        environ: the environment to read.

    Raises:
        SettingsError: an unknown name or a bad value, naming it and where it came from.
    """
    path = _find_file(file, home)
    merged: dict[str, dict[str, Any]] = _read_toml(path) if path else {}
    for origin in (_read_environment(environ), flags or {}):
        for section, values in origin.items():
            given = {key: value for key, value in values.items() if value is not None}
            merged.setdefault(section, {}).update(given)
    try:
        return Settings.model_validate(merged)
    except ValidationError as error:
        raise SettingsError(_explain(error, path)) from None


def _find_file(file: Path | None, home: Path | None) -> Path | None:
    if file is not None and not file.is_file():
        raise SettingsError(f"The settings file {file} does not exist; name an existing one with --config.")
    candidates = [file] if file else [(home or DEFAULT_HOME) / "sparrow.toml", Path("sparrow.toml")]
    return next((path for path in candidates if path and path.is_file()), None)


def _read_toml(path: Path) -> dict[str, dict[str, Any]]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}. Mend that line or remove the file.") from None
    loose = [key for key, value in content.items() if not isinstance(value, dict)]
    if loose:
        raise SettingsError(
            f"{path}: the setting {loose[0]!r} stands outside a section; write it under one, e.g. [web]."
        )
    return content


def _read_environment(environ: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """`SPARROW_WEB__PORT=7000` → {"web": {"port": "7000"}}; lists and tables are written as JSON or TOML values."""
    found: dict[str, dict[str, Any]] = {}
    for name, value in environ.items():
        if not name.startswith(PREFIX) or name == HOME_VARIABLE:
            continue
        section, divider, key = name.removeprefix(PREFIX).lower().partition("__")
        if not divider:
            raise SettingsError(
                f"The environment variable {name} names no setting; write {PREFIX}SECTION__KEY, e.g. {PREFIX}WEB__PORT."
            )
        found.setdefault(section, {})[key] = _structured(value)
    return found


def _structured(text: str) -> Any:
    """A list or table when the text is one in JSON or TOML, else the text itself (pydantic parses numbers and truths)."""
    if text[:1] not in ("[", "{"):
        return text
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        pass
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _explain(error: ValidationError, path: Path | None) -> str:
    first: Mapping[str, Any] = dict(error.errors()[0])
    name = ".".join(str(part) for part in first["loc"])
    where = f"{path}, {PREFIX}… variables or flags" if path else f"{PREFIX}… variables or flags"
    if first["type"] == "extra_forbidden":
        return f"Unknown setting {name!r} (from {where}); the known ones are listed in docs/settings.md."
    return f"Setting {name!r} has the value {first['input']!r} (from {where}): {first['msg']}."
