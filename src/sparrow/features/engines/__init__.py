"""Where the feature jobs run: DuckDB in this process, or Spark on a cluster.

- `engine`         what the jobs need of an engine, and `open_engine`, which picks one by name
- `duckdb_engine`  embedded, all cores, spills to disk
- `spark_engine`   the same over Spark
- `parts`          Parquet files of finished rows, spread over parts
"""

from sparrow.features.engines.engine import Engine, EngineChoice, EngineName, Writer, open_engine

__all__ = ["Engine", "EngineChoice", "EngineName", "Writer", "open_engine"]
