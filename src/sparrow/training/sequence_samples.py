"""What a model of sequences learns from: everything each person rated, in order, cut into windows.

A window of length L tells L places at once: the input at a place is the movie just before, its target the movie there. A
person with n movies has ceil(n / L) windows, counted from the newest, so that every movie is a target once an epoch; the
first input of an older window is the movie before it, and padding at a person's very beginning.

Memory: 5 bytes a rating for movies and likes, and 24 a window.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sparrow.errors import BuildError
from sparrow.features.encoding import PAD_ROW, UNKNOWN_ROW, EncodingSpec, Vocabulary
from sparrow.features.grouped import column
from sparrow.features.histories import COLUMNS, Ordered
from sparrow.features.inputs import RATED
from sparrow.models.network import CHOICE, LIKING
from sparrow.models.sasrec import NEXT
from sparrow.models.softmax import SHOWN
from sparrow.schema import Columns
from sparrow.training.batches import Batch, forget
from sparrow.training.feature_rows import FeatureRows
from sparrow.training.sample_files import SampleFiles, newest_rows

BLOCK: Final = 2**12
"""Windows that are made at a time."""

EVENTS: Final = (*COLUMNS, Columns.TIMESTAMP)
"""What is read of a rating."""

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Sequences:
    """What everyone rated, oldest first.

    Attributes:
        movies: dense rows.
        liked: in step with them; None where ratings say nothing.
    """

    movies: Ordered
    liked: Ordered | None

    @classmethod
    def of(cls, starts: Ints, movies: NDArray[np.integer], liked: NDArray[np.bool_] | None) -> "Sequences":
        """Args: starts: (people + 1,); movies, liked: (n,)."""
        return cls(
            Ordered(starts, movies.astype(np.int32)), None if liked is None else Ordered(starts, liked.astype(np.int8))
        )

    @classmethod
    def read(cls, events: Iterable[pa.Table], movies: Vocabulary) -> "Sequences":
        """Args: events: tables with `histories.COLUMNS`; each person's rows stand in one piece, in order."""
        tables = [
            (column(table, Columns.USER), movies.encode(column(table, Columns.MOVIE)), table["liked"].to_numpy())
            for table in events
        ]
        users, rows, liked = (np.concatenate(parts) for parts in zip(*tables, strict=True))
        order = np.argsort(users, kind="stable")
        starts = np.append(np.flatnonzero(np.diff(users[order], prepend=np.int64(-1))), len(users))
        return cls.of(starts, rows[order], liked[order])

    @property
    def counts(self) -> Ints:
        """(people,) how many movies each has."""
        return np.diff(self.movies.starts)


class SequenceSamples:
    """A `Source` of windows, shuffled, each once an epoch.

    A share of the inputs is shown as unknown. Of the targets one in as many as there are movies is: "unknown" then is chosen
    as often as a movie is on average, and so stands in the middle of a ranking.

    Attributes:
        spec: of the model.
        positives: movies that are targets.
        rows: the same: places of an epoch.
    """

    def __init__(self, spec: EncodingSpec, sequences: Sequences, unknown_share: float, seed: int) -> None:
        """
        Args:
            spec: of `sasrec.TAKES`; the length of `rated` is that of a window.
            sequences: everyone's.
            unknown_share: known movies of the inputs that are shown as unknown.
            seed: of order and forgetting.

        Raises:
            BuildError: nobody has rated anything.
        """
        self.spec, self._sequences, self._share, self._seed = spec, sequences, unknown_share, seed
        self._length = spec.fields[RATED].length
        self.rows = self.positives = len(sequences.movies.values)
        if not self.positives:
            raise BuildError("There is no sequence to learn from; bring people with ratings.")
        self._people, self._ends = windows(sequences.counts, self._length)

    def __call__(self, number: int) -> Iterator[Batch]:
        """Epoch `number`, in blocks of windows."""
        rng = np.random.default_rng((self._seed, number))
        order = rng.permutation(len(self._people))
        for start in range(0, len(order), BLOCK):
            chosen = order[start : start + BLOCK]
            yield self._block(self._people[chosen], self._ends[chosen], rng)

    def _block(self, people: Ints, ends: Ints, rng: np.random.Generator) -> Batch:
        movies, liked = self._sequences.movies, self._sequences.liked
        before = movies.before(people, ends - 1, self._length, PAD_ROW)
        targets = movies.before(people, ends, self._length, PAD_ROW)
        there = (targets != PAD_ROW).astype(np.float32)
        hidden = rng.random(targets.shape, np.float32) * len(self.spec.vocabularies[RATED].ids) < there
        labels = there * 0 if liked is None else liked.before(people, ends, self._length, 0).astype(np.float32)
        shown = np.where(hidden, np.int32(UNKNOWN_ROW), targets)
        block = Batch(
            {RATED: before, NEXT: shown},
            {LIKING: labels, SHOWN: shown},
            {CHOICE: there, LIKING: there * np.float32(liked is not None)},
        )
        return forget(block, (RATED,), self._share, rng)


class EventWindows(SequenceSamples):
    """The windows of a build's events.

    Attributes:
        encode: sample rows → inputs, for asking what was learnt.
        left_out: older rows beyond `max_rows`.
    """

    def __init__(
        self, encode: FeatureRows, events: SampleFiles, unknown_share: float, seed: int, max_rows: int | None = None
    ) -> None:
        """
        Args:
            encode: over `sasrec.TAKES`.
            events: with `EVENTS`, each person's rows in one piece and in order.
            unknown_share, seed: as above.
            max_rows: only so many rows, the newest.
        """
        newest = newest_rows(events, max_rows)
        chosen = events if newest is None else events.filtered(newest)
        self.encode, self.left_out = encode, events.rows - chosen.rows
        sequences = Sequences.read(chosen.tables(), encode.spec.vocabularies[Columns.MOVIE])
        super().__init__(encode.spec, sequences, unknown_share, seed)


def windows(counts: Ints, length: int) -> tuple[Ints, Ints]:
    """People, and behind which of their movies each of their windows ends, the newest first; (windows,) each.

    Example:
        >>> [one.tolist() for one in windows(np.array([5, 1, 0]), 2)]
        [[0, 0, 0, 1], [5, 3, 1, 1]]
    """
    own = -(-counts // length)
    people = np.repeat(np.arange(len(counts)), own)
    place = np.arange(len(people)) - np.repeat(np.cumsum(own) - own, own)
    return people, counts[people] - place * length
