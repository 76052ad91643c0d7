"""A Spark session for the batch engine: classic (`local[*]`, `spark://…`, `yarn`, `k8s://…`) or Connect (`sc://…`).

Spark runs on Java 17 or newer. A missing Java, or a missing pyspark, is told in one sentence with its cure, before Spark's own
forty lines of stack trace.
"""

import os
import re
import shutil
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sparrow.errors import BuildError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def open_session(master: str, scratch: Path, memory: str = "4GB") -> "SparkSession":
    """Start a session, or join the one that this process has.

    Args:
        master: `local[N]`, `local[*]`, a cluster's URL, or `sc://host:port` for Spark Connect.
        scratch: where a local session spills and keeps its warehouse.
        memory: of the driver's JVM, e.g. "4GB"; in local mode that is all there is.

    Raises:
        BuildError: no pyspark or no Java here, or the cluster cannot be reached.
    """
    try:
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
    except ImportError:
        raise BuildError(
            "The Spark engine needs the package pyspark; run `pip install 'sparrow-recsys[spark]'` or use --engine duckdb."
        ) from None
    builder = SparkSession.builder.appName("sparrow")
    if master.startswith("sc://"):
        builder = builder.remote(master)
    else:
        _check_java()
        # Executors on this machine run the interpreter that runs this, with the same packages.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        if master.startswith("local"):
            os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        builder = builder.master(master)
        for name, value in (_configuration(scratch, memory) | _local(master)).items():
            builder = builder.config(name, value)
    try:
        session = builder.getOrCreate()
    except (PySparkException, Py4JError, OSError, RuntimeError) as error:
        raise BuildError(
            f"Spark at {master!r} could not be started ({str(error).splitlines()[0]}); check --spark-master, and that "
            "JAVA_HOME, or java on the PATH, is Java 17 or newer."
        ) from None
    return session


@contextmanager
def spark_session(master: str, scratch: Path, memory: str = "4GB") -> Iterator["SparkSession"]:
    """`open_session`, stopped at the end if it was started here: `scratch` may go then. A session joined goes on.

    Raises:
        BuildError: a job failed, with the last of the causes that Spark names.
    """
    joined = is_running()
    session = open_session(master, scratch, memory)
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield session
    except (PySparkException, Py4JError) as error:
        raise BuildError(f"A Spark job at {master!r} failed: {_cause(error)}.") from error
    finally:
        if not joined:
            session.stop()


def _cause(error: Exception) -> str:
    """The line that says what happened, out of Java's and Python's stack traces."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    causes = [line for line in lines if line.startswith("Caused by: ") or re.match(r"[\w.]*(Error|Exception): ", line)]
    return (causes or lines or [type(error).__name__])[-1 if causes else 0].removeprefix("Caused by: ").rstrip(".")


def is_running() -> bool:
    """Whether this process has a session already."""
    if "pyspark" not in sys.modules:
        return False
    from pyspark.sql import SparkSession

    return SparkSession.getActiveSession() is not None


@contextmanager
def pandas_3_is_fine() -> Iterator[None]:
    """pyspark warns that pandas 3 is new to it; Arrow batches never pass through pandas."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas", category=FutureWarning)
        yield


def _configuration(scratch: Path, memory: str) -> dict[str, str]:
    return {
        "spark.driver.memory": memory.upper().replace("GB", "g").replace("MB", "m"),
        "spark.local.dir": str(scratch / "spark"),
        "spark.sql.warehouse.dir": str(scratch / "warehouse"),
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.execution.arrow.maxRecordsPerBatch": "131072",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
    }


def _local(master: str) -> dict[str, str]:
    """One machine: Spark's 200 partitions would be 200 rounds of overhead for a handful of cores."""
    if not master.startswith("local"):
        return {}
    return {
        "spark.sql.shuffle.partitions": str(2 * (os.cpu_count() or 1)),
        "spark.driver.host": "127.0.0.1",
    }


def _check_java() -> None:
    """Spark takes JAVA_HOME's java where that is set, and then no other."""
    home = os.environ.get("JAVA_HOME")
    if home and not (Path(home) / "bin" / "java").exists():
        raise BuildError(
            f"The Spark engine needs Java 17 or newer; JAVA_HOME is {home!r} and has no bin/java. Set it right, or unset it."
        )
    if not home and not shutil.which("java"):
        raise BuildError(
            "The Spark engine needs Java 17 or newer and found none; install one (Debian: apt install default-jre-headless), "
            "set JAVA_HOME, or use --engine duckdb."
        )
