"""What a two-tower model learns from: positives alone, told how likely each of their movies is to stand in a batch."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from sparrow.features.encoding import PAD_ROW, UNKNOWN_ROW, EncodingSpec, Vocabulary
from sparrow.features.inputs import RATED
from sparrow.models.network import CHOICE, LIKING
from sparrow.models.softmax import LOG_Q, SHOWN
from sparrow.schema import Columns
from sparrow.training.batches import Batch, forget
from sparrow.training.feature_rows import FeatureRows
from sparrow.training.feature_samples import LABEL, FeatureSamples
from sparrow.training.sample_files import SampleFiles
from sparrow.training.sequence_samples import Sequences

Ints = NDArray[np.int64]

BLOCK: Final = 2**14
"""Places of sequences that are made at a time."""


def log_shares(rows: NDArray[np.integer], field: Vocabulary) -> NDArray[np.float32]:
    """(table rows,) log q of each movie: its share of the rows.

    Unknown stands for any one movie, whatever share of the rows is shown as unknown: corrected by the share of an average movie,
    it is scored like one.

    Example:
        >>> [f"{share:.3f}" for share in log_shares(np.array([2, 2, 2, 3]), Vocabulary(np.array([7, 9])))]
        ['0.000', '-0.693', '-0.288', '-1.386']
    """
    counts = np.bincount(rows, minlength=field.rows).astype(np.float64)
    shares = np.maximum(counts, 1) / max(len(rows), 1)
    shares[PAD_ROW], shares[UNKNOWN_ROW] = 1.0, 1 / max(len(field.ids), 1)
    return np.log(shares).astype(np.float32)


def with_shares(batch: Batch, log_q: NDArray[np.float32]) -> Batch:
    """The batch with `SHOWN` and `LOG_Q` of its movies among the labels."""
    shown = batch.inputs[Columns.MOVIE]
    return replace(batch, labels={**batch.labels, SHOWN: shown, LOG_Q: log_q[shown]})


class InBatchSamples(FeatureSamples):
    """Feature rows whose choice rows are all positives."""

    def __init__(
        self,
        encode: FeatureRows,
        choice: SampleFiles,
        liking: SampleFiles,
        unknown_share: float,
        seed: int,
        max_rows: int | None = None,
    ) -> None:
        """Args: as those of `FeatureSamples`; the negatives of `choice` are left out."""
        super().__init__(encode, choice.filtered(pc.field(LABEL) == 1), liking, unknown_share, seed, max_rows)
        field = self.spec.vocabularies[Columns.MOVIE]
        rows = [field.encode(table[Columns.MOVIE].to_numpy()) for table in self._choice.tables()]
        self._log_q = log_shares(np.concatenate(rows), field)

    def __call__(self, number: int) -> Iterator[Batch]:
        """Epoch `number`, in blocks shuffled inside."""
        return (with_shares(batch, self._log_q) for batch in super().__call__(number))


class PrefixSamples:
    """A `Source` of places of sequences: what somebody had rated before, and the movie that followed.

    Attributes:
        spec: `rated` and `movieId`.
        rows: places, each once an epoch.
    """

    def __init__(self, spec: EncodingSpec, sequences: Sequences, unknown_share: float, seed: int) -> None:
        """
        Args:
            spec: of the model.
            sequences: everyone's.
            unknown_share: known movies that are shown as unknown.
            seed: of order and forgetting.
        """
        self.spec, self._sequences, self._share, self._seed = spec, sequences, unknown_share, seed
        self._people = np.repeat(np.arange(len(sequences.counts)), sequences.counts)
        self._log_q = log_shares(sequences.movies.values, spec.vocabularies[Columns.MOVIE])
        self.rows = len(self._people)

    def __call__(self, number: int) -> Iterator[Batch]:
        """Epoch `number`, in shuffled blocks."""
        rng = np.random.default_rng((self._seed, number))
        order = rng.permutation(self.rows)
        for start in range(0, self.rows, BLOCK):
            block = self._block(order[start : start + BLOCK])
            yield with_shares(forget(block, block.inputs, self._share, rng), self._log_q)

    def _block(self, places: Ints) -> Batch:
        movies, liked = self._sequences.movies, self._sequences.liked
        people = self._people[places]
        before = movies.before(people, places - movies.starts[people], self.spec.fields[RATED].length, PAD_ROW)
        ones = np.ones(len(places), np.float32)
        labels = ones * 0 if liked is None else liked.values[places].astype(np.float32)
        weights = {CHOICE: ones, LIKING: ones * np.float32(liked is not None)}
        return Batch({RATED: before, Columns.MOVIE: movies.values[places]}, {LIKING: labels[:, None]}, weights)
