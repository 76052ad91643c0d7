"""What the model server costs over calling the SavedModel directly: REST and gRPC, 1 to 800 movies, with and without batching.

The floor is the SavedModel's own signature, called in this process as quickly as TensorFlow can. Latencies are those of a
client that asks one request after the other and reads the scores; throughput is that of eight clients at once, each in a
thread of one process that shares the machine with the server.
"""

import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import grpc
import httpx
import numpy as np
import orjson
import tensorflow as tf

from benchmarks.table import Row, Table
from sparrow.model_server.wire import messages
from sparrow.model_server.wire.tensors import write_tensor_proto
from tests.model_server.running import Addresses, running_with

SIZES: Final = (1, 80, 800)
RUNS: Final = 5
CALLS: Final = 100
CLIENTS: Final = 8
LOAD_SECONDS: Final = 1.5
TOGETHER: Final = 80
"""Movies in each request of the throughput rows."""

BATCHING: Final = "max_batch_size { value: 800 } batch_timeout_micros { value: 500 } num_batch_threads { value: 2 }"

Call = Callable[[], Any]


def run() -> Table:
    """Measure; takes about two minutes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        direct = _save_model(folder / "recmodel" / "1")
        (folder / "batching.config").write_text(BATCHING)
        flags = ["--model_name=recmodel", f"--model_base_path={folder / 'recmodel'}"]
        batching = ["--enable_batching", f"--batching_parameters_file={folder / 'batching.config'}"]
        with running_with(flags, folder / "log") as addresses:
            rows = [row for size in SIZES for row in _latencies(addresses, direct, size)]
            rows += _throughputs(addresses, direct, "")
            memory = _resident_mb(addresses.pid)
        with running_with([*flags, *batching], folder / "log") as addresses:
            rows += _throughputs(addresses, direct, ", batching")
    rows[0] = Row(rows[0].what, rows[0].unit, rows[0].ours, rows[0].peer, rows[0].peers, memory)
    settings = {"tensorflow": tf.__version__, "grpcio": grpc.__version__, "batching": BATCHING, "clients": str(CLIENTS)}
    return Table("model_server", settings, rows)


def _save_model(path: Path) -> Callable[[int], Call]:
    """A network of NeuralCF's shape (10,000 people and movies, 2 x 16 dimensions); gives what calls it directly."""
    module = tf.Module()
    module.users = tf.Variable(tf.random.normal([10_000, 16]))
    module.movies = tf.Variable(tf.random.normal([10_000, 16]))
    module.layers = [tf.Variable(tf.random.normal(shape)) for shape in ([32, 32], [32, 16], [16, 1])]
    ids = tf.TensorSpec([None], tf.int64)

    @tf.function(input_signature=[ids, ids])
    def score(userId: Any, movieId: Any) -> dict[str, Any]:  # noqa: N803 - the contract's input names
        hidden = tf.concat([tf.gather(module.users, userId), tf.gather(module.movies, movieId)], axis=1)
        for layer in module.layers[:-1]:
            hidden = tf.nn.relu(hidden @ layer)
        return {"score": tf.sigmoid(hidden @ module.layers[-1])}

    tf.saved_model.save(module, str(path), signatures={"serving_default": score})
    loaded = tf.saved_model.load(str(path))
    signature = loaded.signatures["serving_default"]

    def direct(size: int) -> Call:
        inputs = {name: tf.constant(array) for name, array in _inputs(size).items()}
        # `loaded` is named so that it lives as long as its signature is called.
        return lambda: (loaded, signature(**inputs)["score"].numpy())

    return direct


def _inputs(size: int) -> dict[str, Any]:
    return {"userId": np.full(size, 7), "movieId": np.arange(size)}


def _latencies(addresses: Addresses, direct: Callable[[int], Call], size: int) -> Iterator[Row]:
    floor = _timed(direct(size))
    for name, opened in (("REST rows", _rest_rows), ("REST columns", _rest_columns), ("gRPC", _rpc)):
        with opened(addresses, size) as call:
            yield Row(f"{name}, {size} movies", "ms", _timed(call), "SavedModel called directly", floor)


def _throughputs(addresses: Addresses, direct: Callable[[int], Call], note: str) -> list[Row]:
    floor = _rates([direct(TOGETHER)] * CLIENTS)
    rows = []
    for name, opened in (("REST columns", _rest_columns), ("gRPC", _rpc)):
        connections = [opened(addresses, TOGETHER) for _ in range(CLIENTS)]
        calls = [connection.__enter__() for connection in connections]
        what = f"{name}, {CLIENTS} clients x {TOGETHER} movies{note}"
        rows.append(Row(what, "requests/s", _rates(calls), "direct, as many threads", floor))
        for connection in connections:
            connection.__exit__(None, None, None)
    return rows


@contextmanager
def _rest_rows(addresses: Addresses, size: int) -> Iterator[Call]:
    rows = [{"userId": 7, "movieId": movie} for movie in range(size)]
    with _posting(addresses, {"instances": rows}, "predictions", size) as call:
        yield call


@contextmanager
def _rest_columns(addresses: Addresses, size: int) -> Iterator[Call]:
    columns = {name: array.tolist() for name, array in _inputs(size).items()}
    with _posting(addresses, {"inputs": columns}, "outputs", size) as call:
        yield call


@contextmanager
def _posting(addresses: Addresses, document: dict[str, Any], key: str, size: int) -> Iterator[Call]:
    with httpx.Client(base_url=addresses.rest, timeout=20) as client:

        def call() -> None:
            response = client.post("/v1/models/recmodel:predict", content=orjson.dumps(document))
            assert len(orjson.loads(response.content)[key]) == size

        yield call


@contextmanager
def _rpc(addresses: Addresses, size: int) -> Iterator[Call]:
    method = messages.methods_of("PredictionService")["Predict"]
    # A subchannel of its own, as a client in a process of its own would have.
    with grpc.insecure_channel(addresses.grpc, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
        stub = channel.unary_unary(method.path, method.request.SerializeToString, method.response.FromString)

        def call() -> None:
            request = method.request()
            request.model_spec.name = "recmodel"
            for name, array in _inputs(size).items():
                request.inputs[name].CopyFrom(write_tensor_proto(array))
            assert len(stub(request, timeout=20).outputs["score"].float_val) == size

        yield call


def _timed(call: Call) -> list[float]:
    """Milliseconds per call, one figure per run; what comes before the runs is warming up."""
    figures = []
    for run_number in range(RUNS + 1):
        start = time.perf_counter()
        for _ in range(CALLS):
            call()
        if run_number:
            figures.append((time.perf_counter() - start) * 1000 / CALLS)
    return figures


def _rates(calls: list[Call]) -> list[float]:
    """Calls per second of all together, one figure per run."""
    return [_rate(calls) for _ in range(3)]


def _rate(calls: list[Call]) -> float:
    counts, end = [0] * len(calls), time.perf_counter() + LOAD_SECONDS

    def work(position: int) -> None:
        while time.perf_counter() < end:
            calls[position]()
            counts[position] += 1

    threads = [threading.Thread(target=work, args=(position,)) for position in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / LOAD_SECONDS


def _resident_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / 1e6
