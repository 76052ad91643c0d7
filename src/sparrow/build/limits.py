"""Disk and memory: what a build will need, what there is, and words for when it is not enough.

What is needed grows with the ratings. The constants below were measured with the default settings on the built-in data and on
synthetic worlds; they are round and a little high, since a build that is refused costs less than one that dies half-way.
"""

import errno
import logging
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sparrow.build.memory import available_memory
from sparrow.config import Settings
from sparrow.datasets import open_source
from sparrow.errors import BuildError

log = logging.getLogger(__name__)

DISK_PER_RATING: Final[Mapping[str, int]] = {
    "data": 20, "features": 70, "samples": 30, "embeddings": 15, "recall": 50, "ranking": 60, "assemble": 60, "evaluate": 1,
}  # fmt: skip
"""Stage → bytes it leaves on disk, both fits together. Measured on 100 thousand and on 1 million ratings up to `samples` (16 and
15, 70 and 58) and on 25 million (16, 50, and 17 beyond the choices), from there on 100 thousand, where the catalogue weighs
most; `assemble` less the catalogue."""

DISK_PER_CHOICE: Final = 110
"""Bytes of a row of the `choice` samples with its share of the `liking` rows, both fits together (79 on 1 million ratings)."""

MEMORY_PER_RATING: Final[Mapping[str, int]] = {
    "data": 120, "features": 60, "samples": 60, "embeddings": 150, "recall": 10, "ranking": 100, "assemble": 10, "evaluate": 100,
}  # fmt: skip
"""Stage → bytes it holds, the engine's own working memory aside: that is limited, and spills. `data` and `embeddings` are
measured (5 million ratings); the others follow from the columns and sequences that the stage keeps."""

DISK_BASE: Final = 100_000_000
"""What any build writes, however few its ratings are."""

MEMORY_BASE: Final = 1_300_000_000
"""Python and its libraries, TensorFlow's above all: what a build of 100 thousand ratings peaks at."""

SPILL_PER_RATING: Final = 400
"""Bytes of a rating's rows while they are joined and sorted; what the engine's memory does not hold, it spills."""

ENGINE_SHARE: Final = 0.5
ENGINE_LEAST, ENGINE_MOST = 1_000_000_000, 16_000_000_000
"""The batch engine gets this share of what is available, within these bounds; the rest is for Python and the page cache."""

_LINES_SEEN: Final = 1 << 16
"""Bytes from which the length of a line is estimated."""

_NOTHING_LEFT: Final = 1_000_000
"""LMDB tells a full disk as an input/output error; with less than this free, a full disk is what it was."""

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

_FULL_WORDS: Final = (
    "no space left on device",
    "disk quota exceeded",
    "file too large",
    "failed to offload data block",
    "requested and",
)
"""How libraries tell it that raise errors of their own (DuckDB, TensorFlow, Spark) or drop the number (NumPy)."""


def engine_memory(wanted: str = "auto") -> str:
    """What the batch engine may hold before it spills, e.g. "8000MB".

    Args:
        wanted: the setting `build.memory`: an amount, which stands as it is, or "auto".
    """
    if wanted != "auto":
        return wanted
    share = int(available_memory() * ENGINE_SHARE)
    return f"{min(max(share, ENGINE_LEAST), ENGINE_MOST) // 10**6}MB"


def count_ratings(source: str, data: Path | None) -> int | None:
    """How many ratings a build goes over, as far as can be told without reading them.

    Args:
        source: the dataset's name or path; the size of its ratings file gives an estimate.
        data: the folder of the data stage once that is done, which gives the number.
    """
    imported = data / "ratings.parquet" if data else None
    if imported and imported.is_file():
        return _parquet_rows(imported)
    path = Path(source) / open_source(source).files["ratings"]
    if not path.is_file():
        return None
    return _parquet_rows(path) if path.suffix == ".parquet" else _lines(path)


def _parquet_rows(path: Path) -> int:
    import pyarrow.parquet as pq

    return int(pq.read_metadata(path).num_rows)


def _lines(path: Path) -> int:
    with path.open("rb") as file:
        start = file.read(_LINES_SEEN)
    return round(path.stat().st_size * start.count(b"\n") / max(len(start), 1))


def disk_needed(stages: Sequence[str], ratings: int, settings: Settings) -> int:
    """Bytes that these stages will write, and what the engine spills meanwhile beyond its memory."""
    needed = DISK_BASE + ratings * sum(DISK_PER_RATING.get(name, 0) for name in stages)
    if "samples" in stages:
        needed += DISK_PER_CHOICE * min(ratings, settings.samples.max_positives) * (1 + settings.samples.negatives)
    if {"features", "samples"} & set(stages):
        needed += max(0, SPILL_PER_RATING * ratings - _bytes(engine_memory(settings.build.memory)))
    return needed


def memory_needed(stages: Sequence[str], ratings: int) -> int:
    """Bytes that the hungriest of these stages holds."""
    return MEMORY_BASE + ratings * max((MEMORY_PER_RATING.get(name, 0) for name in stages), default=0)


def check_disk(work: Path, stages: Sequence[str], ratings: int, settings: Settings) -> None:
    """Refuse what the disk will not hold.

    Args:
        work: where the stages write.
        stages: names of those that are still to run.
        ratings: how many ratings they go over.
        settings: of the build; may forbid the refusal.

    Raises:
        BuildError: naming the path, the bytes needed, the bytes free and the cure.
    """
    needed, free = disk_needed(stages, ratings, settings), free_disk(work)
    if needed > free and settings.build.check_disk:
        raise BuildError(
            f"Building from {ratings:,} ratings needs about {_size(needed)} in {work}, which has {_size(free)} free; "
            "free space there, choose another disk with --home, or try all the same with build.check_disk = false."
        )


def warn_of_memory(stages: Sequence[str], ratings: int) -> None:
    """Say so if these stages will hold more than there is; the engine spills, networks and vectors cannot."""
    needed, available = memory_needed(stages, ratings), available_memory()
    if needed > available:
        hungriest = max(stages, key=lambda name: MEMORY_PER_RATING.get(name, 0))
        log.warning(
            "The stage %s needs about %s of memory for %s ratings, and %s is available: the build may be slow, or the system may "
            "end it. Stop other programs or use a larger machine; a build that was ended resumes.",
            hungriest, _size(needed), f"{ratings:,}", _size(available),
        )  # fmt: skip


def free_disk(path: Path) -> int:
    """Bytes free to us on the disk of `path`, which need not exist yet."""
    return shutil.disk_usage(next(folder for folder in (path, *path.absolute().parents) if folder.is_dir())).free


@contextmanager
def half_work_removed(stage: str, half: Path, needed: int | None) -> Iterator[None]:
    """Take `half`, what the body writes into, away if it fails, so that its space comes back; tell file errors in words.

    Args:
        stage: whose work the body is.
        half: a folder.
        needed: bytes that the stage writes, where that is known.

    Raises:
        BuildError: the disk is full, or a file could not be read or written.
    """
    try:
        yield
    except BaseException as error:
        free = free_disk(half)
        shutil.rmtree(half, ignore_errors=True)
        if isinstance(error, Exception) and _is_disk_full(error, free):
            raise BuildError(_full(stage, half.parent, needed, free, error)) from error
        if isinstance(error, OSError):
            raise BuildError(
                f"The stage {stage!r} could not read or write a file ({error}); check that {half.parent} may be written, "
                "and build again."
            ) from error
        raise


def _full(stage: str, place: Path, needed: int | None, free: int, error: Exception) -> str:
    need = f"; it needs about {_size(needed)}" if needed is not None else ""
    return (
        f"The disk of {place} is full: the stage {stage!r} stopped with {_size(free)} free{need} ({_first_line(error)}). "
        "Its half work is removed, earlier stages and the live release are untouched; free space or choose another disk with "
        "--home, and build again."
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")


def _is_disk_full(error: BaseException, free: int) -> bool:
    told: BaseException | None = error
    while told is not None:
        words = str(told).lower()
        if (isinstance(told, OSError) and told.errno in _FULL) or any(full in words for full in _FULL_WORDS):
            return True
        if "input/output error" in words and free < _NOTHING_LEFT:
            return True
        told = told.__cause__ or told.__context__
    return False


def _bytes(amount: str) -> int:
    """ "8GB" → 8,000,000,000, as DuckDB counts."""
    return int(amount[:-2]) * {"MB": 10**6, "GB": 10**9}[amount[-2:]]


def _size(count: int) -> str:
    return f"{count / 1e9:.2f} GB ({count:,} bytes)"
