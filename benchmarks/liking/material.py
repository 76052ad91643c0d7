"""A dataset's feature and sample rows as a build makes them, in a home of their own; found again by the next run."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.liking.plain_features import Plain, in_order, plain_features
from sparrow.build.material import Material
from sparrow.build.publish import build_stage
from sparrow.build.run_log import StageReport
from sparrow.config import Settings
from sparrow.features.genres import Genres
from sparrow.schema import Columns


class Silent:
    """A `Reporter` that tells nothing."""

    def started(self, stage: str) -> None: ...
    def progress(self, done: int, total: int) -> None: ...
    def finished(self, stage: str, seconds: float, report: StageReport, reused: bool) -> None: ...


class Prepared:
    """The judging fit of a dataset.

    Attributes:
        features, samples: the folders of these stages.
        settings: of the build.
        material: what ranking models learn from.
    """

    def __init__(self, home: Path, dataset: str, settings: Settings) -> None:
        """Args: home: where the stages lie; dataset: its name or folder."""
        home.mkdir(parents=True, exist_ok=True)
        reports = build_stage(home, dataset, settings, Silent(), "samples")
        folders = {report.stage: home / "work" / f"{report.stage}-{report.fingerprint}" for report in reports}
        self.features, self.samples, self.settings = folders["features"], folders["samples"], settings
        self.material = Material(self.features, self.samples, "judging", settings)

    def rated(self) -> pa.Table:
        """Every rated row in `plain_features.in_order`, with `row_columns`, `split`, `fold` and `half`."""
        rows = in_order(pq.read_table(self.samples / "judging" / "liking.parquet"))
        events = in_order(pq.read_table(self.features / "events.parquet", columns=[*KEY, "half"]))
        for name in KEY:
            assert rows[name].equals(events[name].cast(rows[name].type)), f"{name}: the files hold other rows"
        return rows.append_column("half", events["half"])

    def plain(self, rows: pa.Table) -> Plain:
        """Plain features of `rated` rows."""
        genres = Genres.load(self.features / "genres.json").names
        return plain_features(rows, self.material.movies, genres, self.settings.features.favourite_genres)


KEY = (Columns.USER, Columns.MOVIE, Columns.TIMESTAMP)
