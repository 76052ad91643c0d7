"""Disk and memory: refused before the start where it can be known, told in words and cleaned up where it could not."""

import errno
import logging
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sparrow.build import limits
from sparrow.build.limits import (
    check_disk,
    count_ratings,
    disk_needed,
    engine_memory,
    free_disk,
    half_work_removed,
    warn_of_memory,
)
from sparrow.build.memory import PeakMemory, available_memory
from sparrow.build.plan import Context, Plan, Stage, run_stages
from sparrow.build.stages import STAGES
from sparrow.config import Settings
from sparrow.errors import BuildError, StoreUnavailable
from tests.conftest import Silent
from tests.worlds import checkerboard, write_movielens

GB = 10**9


def with_free(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    monkeypatch.setattr(limits, "free_disk", lambda _: free)


def with_available(monkeypatch: pytest.MonkeyPatch, available: int) -> None:
    monkeypatch.setattr(limits, "available_memory", lambda: available)


# What the system tells.


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


MEMINFO = {"proc/meminfo": "MemTotal:       8000 kB\nMemAvailable:   5000 kB\n"}


@pytest.mark.parametrize(
    ("files", "available"),
    [
        ({}, 5000 * 1024),
        (
            {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "max\n", "sys/fs/cgroup/memory.current": "7\n"},
            5000 * 1024,
        ),
        (
            {
                "proc/self/cgroup": "0::/\n",
                "sys/fs/cgroup/memory.max": "1000\n",
                "sys/fs/cgroup/memory.current": "700\n",
            },
            300,
        ),
        (
            {
                "proc/self/cgroup": "0::/a/b\n",
                "sys/fs/cgroup/a/memory.max": "1000\n",
                "sys/fs/cgroup/a/memory.current": "900\n",
                "sys/fs/cgroup/a/memory.stat": "anon 600\ninactive_file 250\n",
                "sys/fs/cgroup/a/b/memory.max": "max\n",
                "sys/fs/cgroup/a/b/memory.current": "900\n",
            },
            350,
        ),
        (
            {
                "proc/self/cgroup": "5:cpu:/x\n4:memory:/job\n0::/\n",
                "sys/fs/cgroup/memory/job/memory.limit_in_bytes": "2000\n",
                "sys/fs/cgroup/memory/job/memory.usage_in_bytes": "500\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
                "sys/fs/cgroup/memory/memory.usage_in_bytes": "800\n",
            },
            1500,
        ),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "10\n", "sys/fs/cgroup/memory.current": "20\n"}, 0),
    ],
    ids=["no group", "no limit", "a limit", "a parent's limit, less its cache", "version 1", "over the limit"],
)
def test_available_memory_is_what_the_tightest_limit_leaves(
    tmp_path: Path, files: dict[str, str], available: int
) -> None:
    assert available_memory(write(tmp_path, MEMINFO | files)) == available


def test_without_proc_all_of_the_machine_counts(tmp_path: Path) -> None:
    assert available_memory(tmp_path) == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert 0 < available_memory() <= available_memory(tmp_path)


def wait_for_peak(memory: PeakMemory, wanted: int) -> None:
    deadline = time.monotonic() + 30
    while memory.peak < wanted:
        assert time.monotonic() < deadline, f"{memory.peak} < {wanted}"
        time.sleep(0.01)


def test_the_peak_falls_again_from_stage_to_stage() -> None:
    with PeakMemory() as before:
        pass
    with PeakMemory() as high:
        held = np.ones(25_000_000)
        wait_for_peak(high, before.peak + 150_000_000)
        del held
    with PeakMemory() as after:
        pass
    assert after.peak < high.peak - 100_000_000


def test_the_peak_counts_children() -> None:
    hold = "import time; held = bytearray(100_000_000); print(flush=True); time.sleep(60)"
    with PeakMemory() as memory:
        alone = memory.peak
        with subprocess.Popen([sys.executable, "-c", hold], stdout=subprocess.PIPE) as child:
            wait_for_peak(memory, alone + 100_000_000)
            child.kill()


# What is needed.


def test_every_stage_has_its_measured_constants() -> None:
    assert {stage.name for stage in STAGES} == limits.DISK_PER_RATING.keys() == limits.MEMORY_PER_RATING.keys()


@pytest.mark.parametrize(
    ("available", "told"), [(24 * GB, "12000MB"), (100 * GB, "16000MB"), (GB, "1000MB"), (3 * GB, "1500MB")]
)
def test_the_engine_gets_half_within_bounds(monkeypatch: pytest.MonkeyPatch, available: int, told: str) -> None:
    with_available(monkeypatch, available)
    assert engine_memory() == told
    assert engine_memory("3GB") == "3GB"


def test_duckdb_understands_what_the_engine_gets() -> None:
    for amount in ("1500MB", "3GB"):
        with duckdb.connect(config={"memory_limit": amount}) as connection:
            assert connection.sql("SELECT current_setting('memory_limit')").fetchall()


def test_ratings_are_counted_without_reading_them(tmp_path: Path) -> None:
    world = checkerboard()
    folder = write_movielens(tmp_path / "csv", world.ratings, world.movies)
    estimate = count_ratings(str(folder), None)
    assert estimate == pytest.approx(len(world.ratings), rel=0.02)
    assert count_ratings("builtin", tmp_path / "nothing yet") is None
    (tmp_path / "data").mkdir()
    pq.write_table(pa.table({"movieId": [1, 2, 3]}), tmp_path / "data" / "ratings.parquet")
    assert count_ratings(str(folder), tmp_path / "data") == 3


def with_build(**values: object) -> Settings:
    return Settings.model_validate({"build": values})


def test_more_ratings_and_less_memory_need_more_disk() -> None:
    little, much = with_build(memory="1GB"), with_build(memory="8GB")
    assert disk_needed([], 0, little) == limits.DISK_BASE
    assert disk_needed(["samples"], 10**6, much) < disk_needed(["samples"], 10**7, much)
    assert disk_needed(["samples"], 10**7, little) > disk_needed(["samples"], 10**7, much)
    assert disk_needed(["ranking"], 10**7, little) == disk_needed(["ranking"], 10**7, much)


def test_choice_rows_are_bounded_by_their_setting() -> None:
    few = Settings.model_validate({"samples": {"max_positives": 1000}, "build": {"memory": "64GB"}})
    many = Settings.model_validate({"build": {"memory": "64GB"}})
    assert disk_needed(["samples"], 10**6, many) - disk_needed(["samples"], 10**6, few) == 110 * 5 * (10**6 - 1000)


def test_a_disk_that_is_too_small_is_refused_with_path_need_and_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_free(monkeypatch, 500_000_000)
    stages, settings = ["features", "samples"], with_build(memory="8GB")
    with pytest.raises(BuildError) as refused:
        check_disk(tmp_path / "work", stages, 25_000_000, settings)
    needed = f"{disk_needed(stages, 25_000_000, settings):,} bytes"
    for words in ("25,000,000 ratings", needed, str(tmp_path / "work"), "500,000,000 bytes", "--home"):
        assert words in str(refused.value)
    check_disk(tmp_path, stages, 1000, settings)
    check_disk(tmp_path, stages, 25_000_000, with_build(check_disk=False))


def test_free_disk_of_a_folder_to_be(tmp_path: Path) -> None:
    assert free_disk(tmp_path / "a" / "b") == pytest.approx(shutil.disk_usage(tmp_path).free, rel=0.05)


def test_tight_memory_is_warned_of(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    with_available(monkeypatch, 2 * GB)
    warn_of_memory(["features", "ranking"], 100_000)
    assert caplog.records == []
    with caplog.at_level(logging.WARNING):
        warn_of_memory(["features", "ranking"], 32_000_000)
    [record] = caplog.records
    assert "The stage ranking needs about" in record.message
    assert "2.00 GB" in record.message


# Within a build.


def fill(context: Context, out: Path) -> dict[str, int]:
    pq.write_table(pa.table({"movieId": np.arange(1000)}), out / "ratings.parquet")
    return {}


def chain(work: Path, second: Callable[[Context, Path], dict[str, int]]) -> Plan:
    stages = (Stage("data", (), (), (), fill), Stage("samples", ("data",), (), (), second))
    return Plan(stages, work, "d", "builtin", Settings())


def test_refused_before_the_stage_starts_and_what_is_done_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_free(monkeypatch, 1_000_000)

    def never(context: Context, out: Path) -> dict[str, int]:
        raise AssertionError("started")

    with pytest.raises(
        BuildError, match=r"Building from 1,000 ratings needs about .* has 0\.00 GB \(1,000,000 bytes\) free"
    ):
        run_stages(chain(tmp_path, never), Silent())
    assert [path.name.partition("-")[0] for path in tmp_path.iterdir()] == ["data"]


def no_space(path: Path) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


def duckdb_words(path: Path) -> None:
    raise duckdb.IOException('IO Error: Could not write file "x.parquet": No space left on device')


def spilled_over(path: Path) -> None:
    # An engine may tell it in words of its own; what DuckDB said still hangs on it.
    try:
        raise duckdb.OutOfMemoryException("failed to offload data block of size 256.0 KiB (1.6 MiB/1.7 MiB used).")
    except duckdb.Error:
        raise BuildError("DuckDB ran out of room.") from None


@pytest.mark.parametrize("fail", [no_space, duckdb_words, spilled_over])
def test_a_full_disk_is_told_whatever_library_meets_it(tmp_path: Path, fail: Callable[[Path], None]) -> None:
    def half(context: Context, out: Path) -> dict[str, int]:
        (out / "half").write_bytes(b"x" * 1000)
        fail(out / "half")
        return {}

    with pytest.raises(BuildError) as told:
        run_stages(chain(tmp_path, half), Silent())
    needed = disk_needed(["samples"], 1000, Settings())
    for words in (f"disk of {tmp_path} is full", "stage 'samples'", f"{needed:,} bytes", "--home", "build again"):
        assert words in str(told.value)
    assert [path.name.partition("-")[0] for path in tmp_path.iterdir()] == ["data"], "its space came back"
    reporter = Silent()
    run_stages(chain(tmp_path, lambda *_: {}), reporter)
    assert (reporter.reused, reporter.ran) == (["data"], ["samples"])


def test_lmdb_tells_a_full_disk_as_an_input_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def body() -> None:
        with half_work_removed("assemble", tmp_path / "half", None):
            raise StoreUnavailable("The feature store cannot be written (mdb_txn_commit: Input/output error).")

    with pytest.raises(StoreUnavailable):
        body()
    with_free(monkeypatch, 4096)
    with pytest.raises(BuildError, match=r"is full: the stage 'assemble' stopped .*mdb_txn_commit"):
        body()


@pytest.mark.parametrize("error", [ValueError("no such thing"), BuildError("too few people"), KeyboardInterrupt()])
def test_other_failures_pass_as_they_are_and_leave_nothing(tmp_path: Path, error: BaseException) -> None:
    (tmp_path / "half").mkdir()
    with pytest.raises(type(error)) as passed, half_work_removed("samples", tmp_path / "half", 5):
        raise error
    assert passed.value is error
    assert not (tmp_path / "half").exists()


def test_a_file_that_cannot_be_read_is_not_called_a_full_disk(tmp_path: Path) -> None:
    told = r"'samples' could not read or write a file \(.*nowhere"
    with pytest.raises(BuildError, match=told), half_work_removed("samples", tmp_path / "half", 5):
        (tmp_path / "nowhere").read_bytes()


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """The kernel refuses longer files (EFBIG)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def bare_bytes(path: Path) -> None:
    path.write_bytes(bytes(1_000_000))


def numpy_array(path: Path) -> None:
    np.save(path.with_suffix(".npy"), np.zeros(1_000_000))


def table(path: Path) -> None:
    pq.write_table(pa.table({"chance": np.random.default_rng(1).random(1_000_000)}), path)


@pytest.mark.parametrize("write_long", [bare_bytes, numpy_array, table])
def test_a_limit_on_files_set_by_the_system(tmp_path: Path, write_long: Callable[[Path], None]) -> None:
    def long(context: Context, out: Path) -> dict[str, int]:
        write_long(out / "long")
        return {}

    told = rf"The disk of {tmp_path} is full: the stage 'samples' stopped"
    with files_up_to(100_000), pytest.raises(BuildError, match=told):
        run_stages(chain(tmp_path, long), Silent())
    assert [path.name.partition("-")[0] for path in tmp_path.iterdir()] == ["data"]


TINY = 'mount -t tmpfs -o size=3m tmpfs "$1" && shift && "$@"; code=$?; ls -A "$SPARROW_HOME/work"; exit $code'


@pytest.mark.slow
@pytest.mark.needs("unshare")
def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    """The built-in data on a disk of 3 MB: refused; and when told to try all the same, the features fill it."""
    as_root = ["unshare", "--map-root-user", "--mount", "--"]
    if subprocess.run([*as_root, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this kernel lets nobody mount a small disk: a really full disk was not tried")
    home = tmp_path / "tiny"
    home.mkdir()
    command = [*as_root, "sh", "-c", TINY, "sh", str(home), sys.executable, "-m", "sparrow.cli.main", "build"]

    def build(**more: str) -> subprocess.CompletedProcess[str]:
        surroundings = {**os.environ, "SPARROW_HOME": str(home), **more}
        return subprocess.run(command, capture_output=True, text=True, check=False, env=surroundings)

    refused = build()
    assert refused.returncode == 1
    assert "Error: Building from 100,004 ratings needs about" in refused.stderr
    full = build(SPARROW_BUILD__CHECK_DISK="false")
    assert full.returncode == 1
    assert "Traceback" not in full.stderr
    assert f"Error: The disk of {home}/work is full: the stage 'features' stopped with" in full.stderr
    assert [name.partition("-")[0] for name in full.stdout.split()] == ["data"], "the half stage gave its space back"
