"""What a writer of parts holds back is bounded, however unevenly rows fall to the sets."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from sparrow.features.engines import parts
from sparrow.features.engines.parts import PartWriter


def rows(number: int, count: int) -> pa.Table:
    ids = np.arange(number * count, (number + 1) * count)
    sample = np.where(ids % 100 == 0, "rare", "common")
    return pa.table({"userId": ids, "movieId": ids, "timestamp": ids, "sample": sample})


def test_rows_that_wait_do_not_keep_their_tables_alive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "PENDING_ROWS", 2000)
    before, most = pa.total_allocated_bytes(), 0
    with PartWriter(tmp_path, rows(0, 1).schema, ["rare", "common"], parts=2) as writer:
        for number in range(40):
            writer.write(writer.split(rows(number, 5000)))
            most = max(most, pa.total_allocated_bytes() - before)
    assert writer.rows == {"rare": 2000, "common": 198_000}
    assert most < 2 * 2 * 2000 * 24 + 4 * rows(0, 5000).nbytes
