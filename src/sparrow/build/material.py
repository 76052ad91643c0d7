"""What all ranking models of one fit learn from and are validated on; read once, shared by them."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sparrow.config import SasRec, Settings, Trained
from sparrow.errors import BuildError
from sparrow.evaluation import metrics
from sparrow.evaluation.ranking import judge
from sparrow.features.encoding import EncodingSpec
from sparrow.features.genres import Genres
from sparrow.features.histories import COLUMNS as EVENT_COLUMNS
from sparrow.features.inputs import INPUTS
from sparrow.features.jobs import Cuts, Fit
from sparrow.models import Architecture
from sparrow.models.network import CHOICE, LIKING
from sparrow.schema import Columns
from sparrow.training import id_samples
from sparrow.training.asked import ask_by_features, ask_by_id
from sparrow.training.feature_rows import FeatureRows, make_spec, row_columns
from sparrow.training.feature_samples import FeatureSamples
from sparrow.training.fit import Validate
from sparrow.training.id_samples import LABEL, IdSamples, read_ids
from sparrow.training.in_batch_samples import InBatchSamples
from sparrow.training.sample_files import SampleFiles
from sparrow.training.sequence_samples import EVENTS, EventWindows
from sparrow.training.validation import BothHeads, RankingValidation

Samples = IdSamples | FeatureSamples | EventWindows

FIT_ROWS: Final = (pc.field("split") == "train") & (pc.field("fold") == "fit")
STOP_ROWS: Final = (pc.field("split") == "train") & (pc.field("fold") == "stop")

NO_ROWS: Final = pc.scalar(False)

PAIR: Final = (Columns.USER, Columns.MOVIE)
K: Final = 10

MOST_RATED: Final = 50_000
"""Rated rows by which a validation asks about liking; AUC's error is below .003."""


class Material:
    """One fit's samples as sources and validations.

    Attributes:
        fit: which; the release fit learns from all rows.
    """

    def __init__(self, features: Path, samples: Path, fit: Fit, settings: Settings) -> None:
        """Args: features, samples: the folders of these stages."""
        self._features, self._samples, self.fit, self._settings = features, samples / fit, fit, settings

    def source(self, architecture: Architecture, trained: Trained) -> Samples:
        """What a model learns from."""
        if architecture.learns == "ids":
            return self._id_samples(trained)
        if isinstance(trained, SasRec):
            encode = self.encode.only(architecture.takes, trained.length)
            return EventWindows(
                encode, self._events, self._settings.ranking.unknown_share, trained.seed, trained.max_rows
            )
        samples = InBatchSamples if architecture.learns == "positives" else FeatureSamples
        return samples(
            self.encode.only(architecture.takes),
            self._rows("choice"),
            self._liking(self.row_columns),
            self._settings.ranking.unknown_share,
            trained.seed,
            trained.max_rows,
        )

    def validation(self, source: Samples) -> Validate:
        """What stops training early, by the rows that follow a person's training rows: nDCG@10 of choice; of models that learn
        rows with features, whose use is liking as much as choice, the AUC of liking is added."""
        ranking = self._ranking_validation(source)
        if type(source) is not FeatureSamples or not self.tells_liking:  # towers only read liking
            return ranking
        rows = pa.concat_tables(self._rows("liking", STOP_ROWS).tables())
        rows = rows.take(np.random.default_rng(1).permutation(len(rows))[:MOST_RATED])
        labels = rows[LABEL].to_numpy()
        if len(np.unique(labels)) < 2:
            return ranking
        return BothHeads(ranking, LIKING, source.encode(rows), labels, metrics.auc)

    def _ranking_validation(self, source: Samples) -> RankingValidation:
        if isinstance(source, IdSamples):
            found = [
                read_ids(table) for table in SampleFiles(self._samples / "liking.parquet", PAIR, STOP_ROWS).tables()
            ]
            users, movies = (np.concatenate([ids[name] for ids in found]) for name in PAIR)
            people, candidates = ask_by_id(source, (users, movies))
        else:
            held_out = self._rows("liking", STOP_ROWS)
            people, candidates = ask_by_features(source.encode, held_out, self._events, self.movies, source.rows)
        if not people:
            raise BuildError(
                "Nobody has enough ratings to hold some back and stop training early; bring people with 10 or more."
            )
        return RankingValidation(
            people, candidates, CHOICE, lambda lists, relevant: judge("", lists, relevant, K).mean(f"ndcg@{K}"), K
        )

    @property
    def ratings(self) -> int:
        """Rows that models of sequences could learn from."""
        return self._events.rows

    @cached_property
    def tells_liking(self) -> bool:
        """Whether this fit's ratings lie on both sides of 3.5 stars; if not, a head could only learn to say always the same."""
        rated = SampleFiles(self._samples / "liking.parquet", [LABEL], self._rated_rows)
        return rated.filtered(pc.field(LABEL) == 0).rows > 0 and rated.filtered(pc.field(LABEL) == 1).rows > 0

    @property
    def _events(self) -> SampleFiles:
        """The ratings that models of this fit learn from."""
        path = self._features / "events.parquet"
        if self.fit == "release":
            return SampleFiles(path, EVENTS)
        cut = Cuts.load(self._features / "cuts.json").valid_from
        return SampleFiles(path, EVENTS, (pc.field(Columns.TIMESTAMP) < cut) & (pc.field("fold") == "fit"))

    @property
    def row_columns(self) -> list[str]:
        """What is read of a sample row."""
        return row_columns(self._settings.features.favourite_genres)

    @cached_property
    def encode(self) -> FeatureRows:
        """Every input there is; a model takes some of them."""
        events = SampleFiles(self._features / "events.parquet", EVENT_COLUMNS)
        return FeatureRows(self._spec, events.tables(), self.movies, self._genres)

    @cached_property
    def movies(self) -> pa.Table:
        """The catalogue as this fit knows it, by ascending id."""
        return pq.read_table(self._features / self.fit / "movies.parquet").sort_by(Columns.MOVIE)

    @cached_property
    def _genres(self) -> tuple[str, ...]:
        return Genres.load(self._features / "genres.json").names

    @cached_property
    def _spec(self) -> EncodingSpec:
        choice = self._rows("choice")
        positives = SampleFiles(self._samples / "choice.parquet", PAIR, pc.field(LABEL) == 1)
        known = {name: vocabulary.ids for name, vocabulary in id_samples.vocabularies(positives).vocabularies.items()}
        some = next(choice.shuffled((self._settings.samples.seed,)))
        ranking, features = self._settings.ranking, self._settings.features
        return make_spec(tuple(INPUTS), known, some, self.movies, self._genres, features, ranking.buckets)

    @property
    def _rated_rows(self) -> Any:
        """Which rated rows this fit learns from; None is all."""
        return FIT_ROWS if self.fit == "judging" else None

    def _liking(self, columns: Sequence[str]) -> SampleFiles:
        """What teaches liking; no row where nothing tells it."""
        where = self._rated_rows if self.tells_liking else NO_ROWS
        return SampleFiles(self._samples / "liking.parquet", columns, where)

    def _rows(self, which: str, where: Any = None) -> SampleFiles:
        return SampleFiles(self._samples / f"{which}.parquet", self.row_columns, where)

    def _id_samples(self, trained: Trained) -> IdSamples:
        older = self._samples / "seen.parquet"
        return IdSamples(
            SampleFiles(self._samples / "choice.parquet", id_samples.COLUMNS),
            self._liking(id_samples.COLUMNS),
            self._settings.samples,
            trained.max_rows,
            SampleFiles(older, PAIR) if older.exists() else None,
        )
