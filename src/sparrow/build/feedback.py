"""What people did on the site, folded into the data of the next release (`sparrow build --with-events`); who asked to be
forgotten stays out of every build.

The rules are those of the request path, by the same function (`online.later_events.sum_events`), so a person is the same
before and after a publish. Of each person and movie the latest word counts, the data set's own rating being one:

- a rating is a row of the ratings, on the grid of half stars, at the event's time;
- "not for me" and "undo" take away every rating of that movie up to their time, the data set's too;
- a watch is no row: how long somebody looked tells no stars, and none are made up;
- impressions and clicks are no rows either; the reports read them.

What is kept from being shown again (watched, "not for me") is no part of a release: requests read it from the event log,
whichever release is live.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sparrow.datasets.attributes import FILES
from sparrow.datasets.canonical import MOVIES, RATINGS, RATINGS_SCHEMA, TAGS
from sparrow.datasets.identities import ID_TABLES, OUTSIDE, SMALL_BELOW, read_ids
from sparrow.features.definitions import half_stars
from sparrow.online.later_events import sum_events
from sparrow.schema import Columns
from sparrow.stores.event_history import EventHistory
from sparrow.stores.live import FILE, LiveStore

Rated = tuple[int, int]
"""(person, movie)."""

_USER_IDS: Final = pa.schema([(Columns.USER, pa.int64()), (OUTSIDE, pa.string())])


@dataclass(frozen=True)
class Feedback:
    """What changes the data set's ratings. Held in memory: some 300 bytes for each rating given on the site.

    Attributes:
        through: number of the last event that is contained; the manifest's `events_through`.
        ratings: (person, movie) → (stars, seconds UTC) of ratings that stand.
        undone: (person, movie) → seconds UTC up to which ratings were taken back.
        forgotten: people of whom nothing may be used.
        names: person → what they are called, of those who came here under another name than that number.
    """

    through: int = 0
    ratings: dict[Rated, tuple[float, int]] = field(default_factory=dict)
    undone: dict[Rated, int] = field(default_factory=dict)
    forgotten: frozenset[int] = frozenset()
    names: dict[int, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Names this feedback; "" if it changes nothing. `through` is no part: an event that changes nothing needs no build."""
        if not (self.ratings or self.undone or self.forgotten):
            return ""
        parts = (sorted(self.ratings.items()), sorted(self.undone.items()), sorted(self.forgotten))
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def read_feedback(home: Path, with_events: bool, until: int | None = None) -> Feedback:
    """The feedback of a home as it stands now, or up to event number `until`; without events only who is to be forgotten.

    Raises:
        StoreUnavailable: the event log cannot be read.
    """
    if not (home / FILE).is_file():
        return Feedback()
    live = LiveStore(home)
    try:
        forgotten, names = frozenset(live.forgotten()), live.outside_people()
    finally:
        live.close()
    feedback = Feedback(forgotten=forgotten, names=names)
    return _with_events(feedback, EventHistory(home, until)) if with_events else feedback


def _with_events(feedback: Feedback, history: EventHistory) -> Feedback:
    ratings: dict[Rated, tuple[float, int]] = {}
    undone: dict[Rated, int] = {}
    for user, events in history.by_person():
        told = sum_events(events)
        ratings |= {(user, movie): (half_stars(stars) / 2, told.rated_at[movie]) for movie, stars in told.ratings}
        undone |= {(user, movie): at for movie, at in told.undone.items()}
    return Feedback(history.through, ratings, undone, feedback.forgotten, feedback.names)


def fold(feedback: Feedback, folder: Path) -> dict[str, int]:
    """Change a canonical dataset folder as the feedback says.

    Ratings stream; a movie that the catalogue lacks is left out.

    Returns:
        Rows by what became of them: "added", "taken away" of the ratings, for the report.
    """
    counts = _fold_ratings(feedback, folder)
    if feedback.forgotten:
        for name in (TAGS, FILES["users"], ID_TABLES["users"]):
            _rewrite(folder / name, lambda table: table.filter(_of_others(table, feedback.forgotten)))
    _name_newcomers(feedback, folder)
    return counts


def _fold_ratings(feedback: Feedback, folder: Path) -> dict[str, int]:
    path = folder / RATINGS
    known = set(pq.read_table(folder / MOVIES, columns=[Columns.MOVIE])[Columns.MOVIE].to_pylist())
    later = {rated: given for rated, given in feedback.ratings.items() if rated[1] in known}
    before = pq.read_metadata(path).num_rows
    touched = pa.array(sorted({user for user, _ in (*feedback.ratings, *feedback.undone)}), pa.int64())

    def standing(table: pa.Table) -> pa.Table:
        table = table.filter(_of_others(table, feedback.forgotten))
        users, movies, times = (table[name].to_numpy() for name in (Columns.USER, Columns.MOVIE, Columns.TIMESTAMP))
        keeps = np.ones(len(table), dtype=np.bool_)
        for row in np.flatnonzero(pc.is_in(table[Columns.USER], value_set=touched).to_numpy()).tolist():
            rated = (int(users[row]), int(movies[row]))
            keeps[row] = _outlives(feedback, rated, int(times[row]))
            if keeps[row]:
                later.pop(rated, None)
        return table.filter(pa.array(keeps))

    _rewrite(path, standing, lambda: _rows(later, before))
    return {"added": len(later), "taken away": before + len(later) - pq.read_metadata(path).num_rows}


def _outlives(feedback: Feedback, rated: Rated, at: int) -> bool:
    """Whether the data set's rating was given after all that the feedback says of that person and movie."""
    _, given = feedback.ratings.get(rated, (0.0, -1))
    return at > max(given, feedback.undone.get(rated, -1))


def _rows(ratings: dict[Rated, tuple[float, int]], first_row: int) -> pa.Table:
    """Ratings as rows of the canonical file."""
    rows = sorted((user, movie, stars, at) for (user, movie), (stars, at) in ratings.items())
    columns = [list(column) for column in zip(*rows, strict=True)] if rows else [[], [], [], []]
    return pa.table([*columns, list(range(first_row, first_row + len(rows)))], schema=RATINGS_SCHEMA)


def _of_others(table: pa.Table, people: frozenset[int]) -> pa.Array:
    return pc.invert(pc.is_in(table[Columns.USER], value_set=pa.array(sorted(people), pa.int64())))


def _name_newcomers(feedback: Feedback, folder: Path) -> None:
    """Text ids of people who first came here join the table of ids, so that the release knows whose row it is."""
    wanted = {user for user, _ in feedback.ratings} - feedback.forgotten
    known = {number for number, _ in read_ids(folder, "users")}
    new = {user: name for user, name in feedback.names.items() if user in wanted - known and user >= SMALL_BELOW}
    if not new:
        return
    path, rows = folder / ID_TABLES["users"], pa.table([list(new), list(new.values())], schema=_USER_IDS)
    if path.is_file():
        _rewrite(path, lambda table: table, lambda: rows)
    else:
        pq.write_table(rows, path)


def _rewrite(path: Path, change: Callable[[pa.Table], pa.Table], more: Callable[[], pa.Table] | None = None) -> None:
    """Put every block of a Parquet file through `change`, and `more` behind them; nothing where there is no file."""
    if not path.is_file():
        return
    hidden = path.with_name(f".{path.name}")
    with pq.ParquetFile(path) as file, pq.ParquetWriter(hidden, file.schema_arrow) as writer:
        for table in _blocks(file):
            writer.write_table(change(table))
        if more is not None:
            writer.write_table(more().cast(file.schema_arrow))
    hidden.replace(path)


def _blocks(file: pq.ParquetFile) -> Iterator[pa.Table]:
    for batch in file.iter_batches(1 << 17):
        yield pa.Table.from_batches([batch])
