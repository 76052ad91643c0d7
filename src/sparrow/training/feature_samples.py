"""What a model with features learns from: the `choice` and `liking` sample sets, streamed and encoded a block at a time.

Both sets lie in parts that are random samples of the whole; an epoch mixes as many as make a block. A small share of ids
becomes "unknown", as strangers and new movies will be.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sparrow.errors import BuildError
from sparrow.features.inputs import INPUTS
from sparrow.models.network import CHOICE, LIKING
from sparrow.training.batches import Batch, batched, for_head, forget
from sparrow.training.feature_rows import FeatureRows
from sparrow.training.sample_files import SampleFiles, newest_rows

BLOCK: Final = 2**15
"""Choice rows that are encoded and shuffled together with their share of liking rows."""

LABEL: Final = "label"


class FeatureSamples:
    """A `Source` of blocks: every choice row and every liking row once an epoch.

    Attributes:
        encode: sample rows → inputs; `spec` is its encoding.
        positives: rows whose movies are told from drawn ones.
        left_out: older positives beyond `max_rows`.
    """

    def __init__(
        self,
        encode: FeatureRows,
        choice: SampleFiles,
        liking: SampleFiles,
        unknown_share: float,
        seed: int,
        max_rows: int | None = None,
    ) -> None:
        """
        Args:
            encode: sample rows → inputs.
            choice, liking: the rows to learn from, with `feature_rows.row_columns`.
            unknown_share: known ids that are shown as unknown.
            seed: of order and forgetting.
            max_rows: only so many positives, the newest, with what is as new; None takes all.

        Raises:
            BuildError: there is no positive.
        """
        positives = choice.filtered(pc.field(LABEL) == 1)
        if not positives.rows:
            raise BuildError(f"{choice.path} holds no row of label 1 to learn from; build the stage 'samples' again.")
        newest = newest_rows(positives, max_rows)
        self.left_out = 0
        if newest is not None:
            choice, liking = choice.filtered(newest), liking.filtered(newest)
            self.left_out = positives.rows - positives.filtered(newest).rows
        self.positives = positives.rows - self.left_out
        self.spec, self.encode, self._choice, self._liking = encode.spec, encode, choice, liking
        self._share, self._seed = unknown_share, seed
        # What a person is made of is always known; ids alone can be strange.
        self._forgettable = [name for name in encode.spec.fields if INPUTS[name].kind in ("id", "ids")]

    @property
    def rows(self) -> int:
        """Rows of an epoch."""
        return self._choice.rows + self._liking.rows

    def __call__(self, number: int) -> Iterator[Batch]:
        """Epoch `number`, in blocks shuffled inside."""
        rng = np.random.default_rng((self._seed, number))
        blocks = max(1, -(-self._choice.rows // BLOCK))
        rated = self._batches(self._liking, LIKING, number, -(-self._liking.rows // blocks))
        for chosen in self._batches(self._choice, CHOICE, number, BLOCK):
            block = Batch.join([chosen, *([more] if (more := next(rated, None)) else [])])
            yield forget(block.take(rng.permutation(block.rows)), self._forgettable, self._share, rng)

    def _batches(self, files: SampleFiles, head: str, number: int, size: int) -> Iterator[Batch]:
        tables = files.shuffled((self._seed, number))
        slices = (table.slice(start, BLOCK) for table in tables for start in range(0, len(table), BLOCK))
        return batched((self._batch(rows, head) for rows in slices), max(1, size), keep_rest=True)

    def _batch(self, rows: pa.Table, head: str) -> Batch:
        return for_head(self.encode(rows), rows[LABEL].to_numpy().astype(np.float32), head)
