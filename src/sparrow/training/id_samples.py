"""What an id model such as NeuralCF learns from, as a stream of blocks out of the `choice` and `liking` sample sets.

Positives keep, negatives are drawn anew each epoch, as He et al. (2017) publish it; liked and disliked ratings train the
second head in the same pass. A small share of ids becomes "unknown" in each epoch, so that the unknown rows learn what a
typical stranger chooses instead of staying noise.

Memory: 8 bytes a positive for their dense rows, 4 for their order in an epoch, up to 4 for the sampler's filter, and 16 more
while they are read; liking rows stream from disk.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sparrow.config import Samples
from sparrow.errors import BuildError
from sparrow.features.encoding import UNKNOWN_ROW, EncodingSpec, Vocabulary
from sparrow.models.network import CHOICE, LIKING
from sparrow.schema import Columns
from sparrow.training.batches import Batch, batched, for_head, forget
from sparrow.training.negatives import NegativeSampler, Rows
from sparrow.training.sample_files import SampleFiles, newest_rows

UNKNOWN_SHARE: Final = 0.02
"""Ids per epoch and input that are shown to the network as unknown."""

BLOCK: Final = 2**15
"""Positives that are shuffled together with their negatives and their share of liking rows."""

LABEL: Final = "label"
COLUMNS: Final = (Columns.USER, Columns.MOVIE, Columns.TIMESTAMP, LABEL)

Ids = NDArray[np.int64]


class IdSamples:
    """A `Source` of blocks: fixed positives, fresh negatives, and the liking rows.

    Attributes:
        spec: the people and movies of the positives.
        users, movies: (positives,) their dense rows, in order of (user, movie) whatever the order on disk.
        sampler: draws what a person has not chosen.
        left_out: older positives beyond `max_rows`.
    """

    def __init__(
        self,
        choice: SampleFiles,
        liking: SampleFiles,
        settings: Samples,
        max_rows: int | None = None,
        older: SampleFiles | None = None,
    ) -> None:
        """Read the positives.

        Args:
            choice: a sample set with `COLUMNS`; its rows of label 1 are the positives.
            liking: rated rows, label 1 where liked.
            settings: how negatives are drawn.
            max_rows: only so many positives, the newest; more where several share the oldest second. None takes all.
            older: (person, movie) pairs from before the sample sets begin: never drawn as negatives.

        Raises:
            BuildError: there is no positive.
        """
        every = positives = choice.filtered(pc.field(LABEL) == 1)
        if not positives.rows:
            raise BuildError(f"{choice.path} holds no row of label 1 to learn from; build the stage 'samples' again.")
        newest = newest_rows(positives, max_rows)
        self._settings, self.left_out = settings, positives.rows
        if newest is not None:
            positives, liking = positives.filtered(newest), liking.filtered(newest)
        self.left_out -= positives.rows
        self._liking = liking
        self.spec = vocabularies(positives)
        self.users, self.movies = _sorted_pairs(positives, self.spec)
        more = [files for files in (older, every if newest is not None else None) if files is not None]
        seen = _seen_pairs([positives, *more], self.spec) if more else None
        self.sampler = NegativeSampler(self.users, self.movies, settings.exponent, seen)

    @property
    def positives(self) -> int:
        """Rows whose movies are told from drawn ones."""
        return len(self.users)

    @property
    def rows(self) -> int:
        """Rows of an epoch, before the few negatives that cannot be drawn are left out."""
        return len(self.users) * (1 + self._settings.negatives) + self._liking.rows

    def __call__(self, number: int) -> Iterator[Batch]:
        """Epoch `number`: every positive and every liking row once, in blocks shuffled inside."""
        rng = np.random.default_rng((self._settings.seed, number))
        order = np.arange(len(self.users), dtype=np.int32)
        rng.shuffle(order)
        blocks = -(-len(order) // BLOCK)
        rated = self._rated(number, -(-self._liking.rows // blocks))
        for chosen in np.array_split(order, blocks):
            parts = [self._choice(chosen, rng), *_next(rated)]
            block = Batch.join(parts)
            yield forget(block.take(rng.permutation(block.rows)), block.inputs, UNKNOWN_SHARE, rng)

    def _choice(self, chosen: NDArray[np.int32], rng: np.random.Generator) -> Batch:
        """Some positives, then their negatives."""
        users, movies = self.users[chosen], self.movies[chosen]
        again = np.repeat(users, self._settings.negatives)
        drawn, unseen = self.sampler.draw(again, rng)
        labels = np.repeat(np.array([1, 0], np.float32), [len(users), int(unseen.sum())])
        return _batch(np.concatenate([users, again[unseen]]), np.concatenate([movies, drawn[unseen]]), labels, CHOICE)

    def _rated(self, number: int, size: int) -> Iterator[Batch]:
        """The liking rows of one epoch, `size` at a time."""
        tables = self._liking.shuffled((self._settings.seed, number))
        return batched(map(partial(_liking_batch, spec=self.spec), tables), max(1, size), keep_rest=True)


def _next(batches: Iterator[Batch]) -> list[Batch]:
    batch = next(batches, None)
    return [] if batch is None else [batch]


def _liking_batch(table: pa.Table, spec: EncodingSpec) -> Batch:
    rows = spec.encode(read_ids(table))
    return _batch(rows[Columns.USER], rows[Columns.MOVIE], table[LABEL].to_numpy().astype(np.float32), LIKING)


def _batch(users: Rows, movies: Rows, labels: NDArray[np.float32], head: str) -> Batch:
    """Rows that teach one head; the other one meets them with weight 0."""
    return for_head({Columns.USER: users, Columns.MOVIE: movies}, labels, head)


def read_ids(table: pa.Table) -> dict[str, Ids]:
    """The raw user and movie ids of some rows, by column name."""
    return {name: table[name].to_numpy().astype(np.int64, copy=False) for name in (Columns.USER, Columns.MOVIE)}


def vocabularies(files: SampleFiles) -> EncodingSpec:
    """The people and movies of some rows."""
    found: dict[str, Ids] = {name: np.empty(0, np.int64) for name in (Columns.USER, Columns.MOVIE)}
    for table in files.tables():
        found = {name: np.union1d(ids, table[name].unique().to_numpy()) for name, ids in found.items()}
    return EncodingSpec({name: Vocabulary(ids) for name, ids in found.items()})


def _seen_pairs(parts: Sequence[SampleFiles], spec: EncodingSpec) -> tuple[Rows, Rows]:
    """(pairs,) dense users and movies that stand together in one of the files, in order, each pair once."""
    movies, keys = spec.vocabularies[Columns.MOVIE].rows, np.empty(0, np.int64)
    for table in (table for files in parts for table in files.tables()):
        rows = spec.encode(read_ids(table))
        known = (rows[Columns.USER] != UNKNOWN_ROW) & (rows[Columns.MOVIE] != UNKNOWN_ROW)
        keys = np.union1d(keys, rows[Columns.USER][known].astype(np.int64) * movies + rows[Columns.MOVIE][known])
    return (keys // movies).astype(np.int32), (keys % movies).astype(np.int32)


def _sorted_pairs(files: SampleFiles, spec: EncodingSpec) -> tuple[Rows, Rows]:
    """(rows,) dense users and movies, in order of (user, movie). Holds 16 bytes a row for the moment."""
    keys = np.empty(files.rows, np.int64)
    movies, start = spec.vocabularies[Columns.MOVIE].rows, 0
    for table in files.tables():
        rows = spec.encode(read_ids(table))
        keys[start : start + len(table)] = rows[Columns.USER].astype(np.int64) * movies + rows[Columns.MOVIE]
        start += len(table)
    keys.sort()
    return (keys // movies).astype(np.int32), (keys % movies).astype(np.int32)
