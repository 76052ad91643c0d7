"""`sparrow evaluate --from-events` against the truth: people of known taste click on drawn lists of a home's live release.

    python -m benchmarks from_events --home ./var --model next_item --times 20

The peer is what one does without chances: taking the live lists' clicks for the new pipeline's. Both figures are errors against
the truth, as a share of it, over logs drawn anew.
"""

import argparse
import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.table import Row, Table
from sparrow.build.off_policy import judge_from_events
from sparrow.build.off_policy_trial import KnownTaste, true_value, write_drawn
from sparrow.config import load_settings
from sparrow.online.live import open_release
from sparrow.stores.publishing import read_pointer


def run(words: Sequence[str] = ()) -> Table:
    """Measure; some minutes."""
    asked = _asked(words)
    settings = load_settings(None, asked.home)
    pointer = read_pointer(asked.home)
    if pointer is None:
        raise SystemExit(f"No release is live in {asked.home}; make one with: sparrow up --home {asked.home}")
    recommender = open_release(asked.home, pointer, settings)
    taste, people = KnownTaste(recommender.catalog.genres.astype(np.float64)), recommender.user_ids(asked.people)
    size, places = asked.size, asked.places
    truth = asyncio.run(
        true_value(recommender, asked.model, taste, people, size=size, places=places, times=200, seed=0)
    )
    found = []
    for seed in range(1, asked.runs + 1):
        with tempfile.TemporaryDirectory() as logs:
            asyncio.run(write_drawn(Path(logs), recommender, taste, people, size, asked.times, seed))
            found.append(judge_from_events(Path(logs), recommender, 0, asked.model, places))
    live = [abs(one.live.value / truth - 1) * 100 for one in found]
    names = ("doubly_robust", "snips", "ips")
    rows = [
        Row(f"{name}: error against the truth", "%", [abs(one.estimates[name].value / truth - 1) * 100 for one in found],
            "live clicks", live)
        for name in names
    ]  # fmt: skip
    rows += [
        Row(f"{name}: 95 % intervals that hold the truth", "%",
            [100 * float(np.mean([abs(one.estimates[name].value - truth) <= 1.96 * one.estimates[name].error for one in found]))],
            "promised", [95.0])
        for name in names
    ]  # fmt: skip
    effective, lists = [one.effective_lists for one in found], [float(one.lists) for one in found]
    rows.append(Row("effective lists", "lists", effective, "logged", lists))
    told = {name: str(value) for name, value in vars(asked).items() if name != "home"}
    return Table("from_events", told | {"release": pointer.release, "truth": f"{truth:.4f}"}, rows)


def _asked(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks from_events")
    parser.add_argument("--home", type=Path, default=Path("var"))
    parser.add_argument("--model", default="next_item", help="the pipeline to be judged")
    parser.add_argument("--people", type=int, default=600)
    parser.add_argument("--times", type=int, default=20, help="lists of each person")
    parser.add_argument("--size", type=int, default=24)
    parser.add_argument("--places", type=int, default=1)
    parser.add_argument("--runs", type=int, default=5)
    return parser.parse_args(list(words))
