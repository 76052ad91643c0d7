"""Both engines, for tests that every engine must pass; Spark's session is started once and shared."""

import pytest

from sparrow.features.engines import EngineChoice

DUCKDB = EngineChoice("duckdb", memory="1GB")
SPARK = EngineChoice("spark", master="local[2]", memory="1GB")

EVERY_ENGINE = [
    pytest.param(DUCKDB, id="duckdb"),
    pytest.param(SPARK, id="spark", marks=[pytest.mark.needs("java"), pytest.mark.slow]),
]
