"""What simulated people do, written into a home's logs as if they had been there: for trying out the report and its page."""

from pathlib import Path
from typing import Any

import numpy as np

from sparrow.config import label_of
from sparrow.errors import InvalidInput
from sparrow.feedback.outcomes import TYPES, Ids
from sparrow.feedback.simulation import Simulated
from sparrow.stores.event_rows import event_rows
from sparrow.stores.live import LiveStore
from sparrow.stores.served import ServedList, ServedLog

RELEASE = "simulated"
BATCH = 20_000


def write_simulated(
    home: Path, experiment: str, arms: list[str], happened: Simulated, people: Ids, movies: Ids
) -> tuple[int, int]:
    """Append to the logs of a home that has none yet.

    Args:
        home: its folder; made if it is not there.
        experiment: the name that the lists go by.
        arms: names, in the order of the simulated arms.
        happened: what to write.
        people: (p,) raw ids of the simulated people.
        movies: (m,) raw ids of the simulated movies.

    Returns:
        How many lists and events.

    Raises:
        InvalidInput: there are events already, real ones perhaps.
    """
    if next(event_rows(home, TYPES), None) is not None:
        raise InvalidInput(
            f"{home} has events already; simulated ones are written only where there are none: name another --home."
        )
    ids = [f"simulated-{place}" for place in range(len(happened.lists.at))]
    served, live = ServedLog(home), LiveStore(home)
    try:
        lists = [
            ServedList(name, at, user, RELEASE, "for_you:simulated", label_of([(experiment, arms[arm])]), tuple(shown), None)
            for name, at, user, arm, shown in zip(
                ids, happened.lists.at.tolist(), people[happened.lists.user].tolist(), happened.lists.arm.tolist(),
                movies[happened.movies].tolist(), strict=True,
            )
        ]  # fmt: skip
        for begin in range(0, len(lists), BATCH):
            served.append(lists[begin : begin + BATCH])
        rows = np.argsort(happened.events.timestamp, kind="stable")
        for begin in range(0, len(rows), BATCH):
            live.append(_as_events(happened, rows[begin : begin + BATCH], ids, people, movies))
    finally:
        served.close()
        live.close()
    return len(lists), len(rows)


def _as_events(happened: Simulated, rows: Ids, ids: list[str], people: Ids, movies: Ids) -> list[dict[str, Any]]:
    events = happened.events
    return [
        {
            "type": TYPES[events.type[row]],
            "userId": int(people[events.user[row]]),
            "movieId": int(movies[happened.about[row]]),
            "value": float(events.value[row]) or None,
            "recommendationId": ids[events.shown_in[row]] if events.shown_in[row] >= 0 else None,
            "timestamp": int(events.timestamp[row]),
        }
        for row in rows
    ]
