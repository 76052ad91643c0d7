"""A program for `test_kills`: builds a chain of small stages in children that are killed at random moments, until one ends.

`python -m tests.build.kill_loop WORK KILLS SEED` prints, as JSON, in how many runs of how many a stage was at work when the kill
came, every half stage that was taken for a whole one, and what the last stage made.
"""

import json
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Final

from sparrow.build.plan import DONE, Context, Plan, Stage, run_stages
from sparrow.config import Settings
from tests.conftest import Silent

FILES: Final = 20
"""Files of a stage; one takes a millisecond."""


def work_slowly(context: Context, out: Path) -> dict[str, int]:
    """Write numbered files: one more than the sum of the inputs' files of that number."""
    for number in range(FILES):
        before = sum(int((folder / str(number)).read_text()) for folder in context.inputs.values())
        (out / str(number)).write_text(str(before + 1))
        time.sleep(0.001)
    return {"files": FILES}


CHAIN: Final = (
    Stage("one", (), (), (), work_slowly),
    Stage("two", ("one",), (), (), work_slowly),
    Stage("three", ("one", "two"), (), (), work_slowly),
    Stage("four", ("two", "three"), (), (), work_slowly),
)


def build(work: Path) -> list[str]:
    """What the last stage made, file by file."""
    last = run_stages(Plan(CHAIN, work, "d", "world", Settings()), Silent())["four"].folder
    return [(last / str(number)).read_text() for number in range(FILES)]


def kill_one(work: Path, after: float) -> bool:
    """Start a build, kill it `after` seconds; tells whether it was still at work."""
    child = os.fork()
    if not child:
        build(work)
        os._exit(0)
    time.sleep(after)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def half_stages(work: Path) -> list[str]:
    """Folders that look done and are not whole."""
    visible = [folder for folder in work.iterdir() if not folder.name.startswith(".")]
    whole = {DONE, *map(str, range(FILES))}
    return [folder.name for folder in visible if {path.name for path in folder.iterdir()} != whole]


def main(work: Path, kills: int, seed: int) -> None:
    """Kill, look, and at last let one build end."""
    chance, struck, half = random.Random(seed), 0, list[str]()
    work.mkdir()
    for _ in range(kills):
        met_at_work = kill_one(work, chance.uniform(0, 0.15))
        struck += met_at_work
        half += half_stages(work)
        if not met_at_work:
            # It ended before the kill: begin anew, or every later build would find all done.
            shutil.rmtree(work)
            work.mkdir()
    print(json.dumps({"struck": struck, "half": half, "made": build(work)}))  # noqa: T201 - its output


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
