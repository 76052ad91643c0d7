"""What an experiment served and what came of it, from a home's logs to the arrays of `outcomes`."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np

from sparrow.config import Experiment, Experiments, arm_in
from sparrow.errors import NotFound
from sparrow.feedback.draft_report import DraftReport, draft_report
from sparrow.feedback.outcomes import TYPES, Events, Lists, gather
from sparrow.feedback.report import Report, report
from sparrow.stores.event_rows import Row, event_rows
from sparrow.stores.live import FILE
from sparrow.stores.served import ServedList, ServedLog


def experiment_report(home: Path, name: str, rules: Experiments, since: int = 0) -> Report | DraftReport:
    """The report of one experiment.

    Args:
        home: holds the logs; without them nobody was exposed.
        name: of the experiment.
        rules: all experiments of the settings.
        since: what happened before this second (UTC) does not count; people stay in the arm of their first list of all.

    Raises:
        NotFound: the settings have no such experiment.
        StoreUnavailable: a log cannot be read.
    """
    if name not in rules.running:
        known = ", ".join(rules.running) or "none"
        raise NotFound(
            f"There is no experiment {name!r} in the settings; there are: {known}. See [experiments.running]."
        )
    experiment = rules.running[name]
    if experiment.interleave:
        return draft_report(home, name, experiment, rules, since)
    served = read_lists(_every_list(home), name, experiment)
    lists = Lists(*(_ids(one[column] for one in served.values()) for column in range(3)))
    events = read_events(event_rows(home, TYPES), list(served))
    return report(name, experiment, gather(lists, events, rules.before_days, since), rules)


def _every_list(home: Path) -> Iterator[ServedList]:
    """The log's lists; none where there is no log: opening one would make it."""
    if (home / FILE).is_file():
        with closing(ServedLog(home)) as log:
            yield from log.since()


def read_lists(served: Iterable[ServedList], name: str, experiment: Experiment) -> dict[str, tuple[int, int, int]]:
    """recommendationId → (person, place of the arm, timestamp) of the lists that are part of an experiment."""
    places = {arm.name: place for place, arm in enumerate(experiment.arms)}
    found: dict[str, tuple[int, int, int]] = {}
    for one in served:
        arm = arm_in(one.arm, name)
        if one.user_id is not None and arm in places:
            found[one.recommendation_id] = (one.user_id, places[arm], one.timestamp)
    return found


def read_events(rows: Iterable[Row], lists: list[str]) -> Events:
    """Rows as columns; `lists` are the recommendationIds of the experiment, in the order of its `Lists`."""
    types, places = {name: place for place, name in enumerate(TYPES)}, {name: place for place, name in enumerate(lists)}
    known = [
        (user, types[kind], value, places.get(shown_in or "", -1), timestamp)
        for user, kind, value, shown_in, timestamp in rows
    ]
    user, kind, value, shown_in, timestamp = zip(*known, strict=True) if known else ((),) * 5
    return Events(_ids(user), _ids(kind), np.array(value, dtype=np.float64), _ids(shown_in), _ids(timestamp))


def _ids(values: Iterable[int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.fromiter(values, dtype=np.int64)
