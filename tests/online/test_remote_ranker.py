"""The remote ranker over REST and gRPC: against the real model server, and against servers that hang, lie and break."""

import asyncio
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from sparrow import tracing
from sparrow.errors import RankerUnavailable, SettingsError
from sparrow.model_server.wire import messages
from sparrow.model_server.wire.tensors import read_tensor_proto, write_tensor_proto
from sparrow.online.live import LiveRelease
from sparrow.online.remote_ranker import RemoteRanker, wait_until_available
from sparrow.online.wanted import Wanted
from tests.conftest import Released
from tests.model_server.running import Addresses, free_port, running_with
from tests.test_journey import serving

HANG = b"hang"
BREAK = b"break"
INPUTS = {"userId": np.array([7, 7, 7]), "movieId": np.array([1, 2, 3])}


def answer(content: str, status: str = "200 OK", headers: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(content)}\r\n{headers}\r\n{content}".encode()


def outputs(scores: Any) -> bytes:
    return answer(json.dumps({"outputs": scores}))


TRACEPARENT = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
GOOD = outputs([0.5, 0.25, 0.125])


class ScriptedServer:
    """Answers each request with the next of `answers`, the last one for ever; keeps what it was asked."""

    def __init__(self, answers: list[bytes]) -> None:
        self.answers = answers
        self.requests: list[bytes] = []
        self._released = asyncio.Event()
        self._connections: list[asyncio.Task[Any]] = []

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            self._released.set()
            server.close()
            await asyncio.gather(*self._connections)
            await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.append(asyncio.current_task())  # type: ignore[arg-type]
        while (reply := await self._reply(reader)) not in (HANG, BREAK):
            writer.write(reply)
            await writer.drain()
        if reply == HANG:
            await self._released.wait()
        writer.close()
        await writer.wait_closed()

    async def _reply(self, reader: asyncio.StreamReader) -> bytes:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            size = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]) if b"ontent-" in head else 0
            body = await reader.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionError):
            return BREAK  # The client went away.
        self.requests.append(head + body)
        return self.answers[min(len(self.requests), len(self.answers)) - 1]


def with_server(
    answers: list[bytes], case: Callable[[RemoteRanker], Awaitable[None]], timeout_ms: int = 5000, **settings: Any
) -> ScriptedServer:
    """Run one case against a scripted server, and give the server back with what it saw."""

    async def run() -> ScriptedServer:
        server = ScriptedServer(answers)
        async with server.running() as url:
            ranker = RemoteRanker(url, "recmodel", 4, timeout_ms, **settings)
            try:
                await case(ranker)
            finally:
                await ranker.aclose()
        return server

    return asyncio.run(run())


@pytest.mark.parametrize("scores", [[0.5, 0.25, 0.125], [[0.5], [0.25], [0.125]]])
def test_scores_come_back_in_order_and_exact_ids_go_out(scores: Any) -> None:
    async def case(ranker: RemoteRanker) -> None:
        got = await ranker.predict({"userId": np.array([2**63 - 1]), "movieId": np.array([5, 6, 7])})
        assert got.dtype == np.float32
        assert got.tolist() == [0.5, 0.25, 0.125]

    server = with_server([outputs(scores)], case)
    head, body = server.requests[0].split(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/models/recmodel/versions/4:predict ")
    sent = {"signature_name": "serving_default", "inputs": {"userId": [2**63 - 1], "movieId": [5, 6, 7]}}
    assert json.loads(body) == sent


def test_nothing_to_rank_asks_nobody() -> None:
    async def case(ranker: RemoteRanker) -> None:
        assert (await ranker.predict({"userId": np.zeros(0, np.int64)})).shape == (0,)

    assert with_server([GOOD], case).requests == []


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (outputs([0.5, 0.25]), "scores of shape (2,) for 3 candidates"),
        (outputs([[0.5, 0.5]] * 3), "scores of shape (3, 2) for 3 candidates"),
        (outputs([[0.5], [0.25, 1], [0.125]]), "no prediction in column form"),
        (outputs({"a": [0.5], "b": [0.5]}), "no prediction in column form"),
        (outputs([0.5, float("nan"), 0.1]), "not finite"),
        (outputs([0.5, float("-inf"), 0.1]), "not finite"),
        (outputs([0.5, None, 0.1]), "not finite"),
        (outputs([0.5, 1e300, 0.1]), "not finite"),
        (answer('{"predictions": [0.5, 0.25, 0.125]}'), "no prediction in column form"),
        (answer("[1, 2, 3]"), "no prediction in column form"),
        (answer("<html>"), "no prediction in column form"),
        (answer('{"error": "out of memory"}', "500 Internal Server Error"), 'answered 500: {"error": "out of memory"}'),
        (answer('{"error": "bad"}', "400 Bad Request"), 'answered 400: {"error": "bad"}'),
        (answer("", "302 Found", "Location: http://127.0.0.1:9/\r\n"), "answered 302"),
        (answer('{"error": "Servable not found"}', "404 Not Found"), "no other version is asked instead"),
        (b"nonsense\r\n\r\n", "cannot be reached"),
        (HANG, "did not answer within 100 ms"),
        (GOOD[:-4] + HANG, "did not answer within 100 ms"),
    ],
)
def test_a_lying_server_is_not_believed(reply: bytes, message: str) -> None:
    async def case(ranker: RemoteRanker) -> None:
        with pytest.raises(RankerUnavailable) as failure:
            await ranker.predict(INPUTS)
        assert message in str(failure.value)
        assert "version 4 of model 'recmodel' at http://127.0.0.1" in str(failure.value)

    if reply != HANG:
        reply = reply.removesuffix(HANG)  # A body that stops short of its length.
    with_server([reply], case, timeout_ms=100 if "100 ms" in message else 5000)


def test_a_dead_server() -> None:
    async def case() -> None:
        ranker = RemoteRanker(f"http://127.0.0.1:{free_port()}", "recmodel", 4, 1000)
        with pytest.raises(RankerUnavailable, match="cannot be reached: ConnectError"):
            await ranker.predict(INPUTS)
        await ranker.aclose()

    asyncio.run(case())


def test_a_broken_connection_is_tried_once_more() -> None:
    async def case(ranker: RemoteRanker) -> None:
        assert (await ranker.predict(INPUTS)).shape == (3,)
        assert (await ranker.predict(INPUTS)).shape == (3,)

    assert len(with_server([GOOD, BREAK, GOOD], case).requests) == 3


def test_but_not_twice() -> None:
    async def case(ranker: RemoteRanker) -> None:
        with pytest.raises(RankerUnavailable, match="cannot be reached"):
            await ranker.predict(INPUTS)

    assert len(with_server([BREAK], case).requests) == 2


def test_a_server_that_keeps_failing_is_given_a_rest_and_found_again() -> None:
    error = answer("{}", "500 Internal Server Error")

    async def case(ranker: RemoteRanker) -> None:
        for _ in range(3):
            with pytest.raises(RankerUnavailable, match="answered 500"):
                await ranker.predict(INPUTS)
        for _ in range(20):
            with pytest.raises(RankerUnavailable, match="given a rest"):
                await ranker.predict(INPUTS)
        await asyncio.sleep(0.6)
        with pytest.raises(RankerUnavailable, match="answered 500"):
            await ranker.predict(INPUTS)  # The probe; it fails, so the rest begins again.
        with pytest.raises(RankerUnavailable, match="given a rest"):
            await ranker.predict(INPUTS)
        await asyncio.sleep(0.6)
        for _ in range(3):
            assert (await ranker.predict(INPUTS)).shape == (3,)

    server = with_server([error] * 4 + [GOOD], case, failures=3, cool_down_s=0.5)
    assert len(server.requests) == 7


def test_a_success_forgives_earlier_failures() -> None:
    async def case(ranker: RemoteRanker) -> None:
        for _ in range(5):
            with pytest.raises(RankerUnavailable, match="answered 500"):
                await ranker.predict(INPUTS)
            await ranker.predict(INPUTS)

    assert len(with_server([answer("", "500 Oops"), GOOD] * 5, case, failures=2).requests) == 10


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("grpc://localhost", "is no gRPC address; give one like grpc://localhost:8500"),
        ("grpc://:8500", "is no gRPC address"),
        ("localhost:8501", "is no http address; give one like http://localhost:8501"),
        ("http://", "is no http address"),
    ],
)
def test_addresses_that_cannot_work(url: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        RemoteRanker(url, "recmodel", 1, 100)
    with pytest.raises(SettingsError, match=message):
        wait_until_available(url, "recmodel", 1, 1.0)


def test_a_rest_longer_than_five_seconds_is_refused() -> None:
    with pytest.raises(SettingsError, match="at most 5"):
        RemoteRanker("http://localhost:8501", "recmodel", 1, 100, cool_down_s=6)


def status(state: str, message: str = "") -> bytes:
    entry = {"version": "4", "state": state, "status": {"error_code": "OK", "error_message": message}}
    return answer(json.dumps({"model_version_status": [entry]}))


@pytest.mark.parametrize(
    ("replies", "message"),
    [
        ([answer("{}", "404 Not Found"), status("LOADING"), status("AVAILABLE")], None),
        ([status("LOADING"), status("END", "no variables")], "could not be loaded: no variables"),
        ([status("LOADING")], "was not available within 0.4 s; last seen: LOADING"),
        ([answer("nonsense")], "last seen: an answer that is no model status"),
    ],
)
def test_waiting_for_a_version(replies: list[bytes], message: str | None) -> None:
    async def run() -> None:
        async with ScriptedServer(replies).running() as url:
            wait = asyncio.to_thread(wait_until_available, url, "recmodel", 4, 0.4 if message else 10.0)
            if message is None:
                await wait
            else:
                with pytest.raises(RankerUnavailable, match=message):
                    await wait

    asyncio.run(run())


def test_neither_tensorflow_nor_pydantic_is_loaded() -> None:
    code = (
        "import sys, sparrow.online.remote_ranker as _; print({'tensorflow', 'pydantic', 'pandas'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


class ScriptedRpc:
    """A gRPC server whose Predict answers with the next of `answers`, the last one for ever; keeps what it was asked.

    An answer is a message, or a code to fail with, or None to hang.
    """

    def __init__(self, answers: list[Any]) -> None:
        self.answers = answers
        self.requests: list[Any] = []
        self.metadata: list[dict[str, str | bytes]] = []
        self.released = threading.Event()

    @contextmanager
    def running(self, port: int = 0) -> Iterator[str]:
        methods = messages.methods_of("PredictionService")
        handler = grpc.unary_unary_rpc_method_handler(
            self._answer, methods["Predict"].request.FromString, messages.PredictResponse.SerializeToString
        )
        generic = grpc.method_handlers_generic_handler("tensorflow.serving.PredictionService", {"Predict": handler})
        server = grpc.server(ThreadPoolExecutor(4), handlers=[generic])
        bound = server.add_insecure_port(f"127.0.0.1:{port}")
        server.start()
        try:
            yield f"grpc://127.0.0.1:{bound}"
        finally:
            self.released.set()
            server.stop(0).wait()

    def _answer(self, request: Any, context: grpc.ServicerContext) -> Any:
        self.requests.append(request)
        self.metadata.append(dict(context.invocation_metadata()))
        answer = self.answers[min(len(self.requests), len(self.answers)) - 1]
        if answer is None:
            self.released.wait(20)
        if isinstance(answer, grpc.StatusCode):
            context.abort(answer, "as scripted")
        return answer or messages.PredictResponse()


def rpc_answer(*scores: Any) -> Any:
    response = messages.PredictResponse()
    for position, values in enumerate(scores):
        response.outputs[f"score{position}"].CopyFrom(write_tensor_proto(np.array(values, dtype=np.float32)))
    return response


GOOD_RPC = rpc_answer([0.5, 0.25, 0.125])


def with_rpc(
    answers: list[Any], case: Callable[[RemoteRanker], Awaitable[None]], timeout_ms: int = 5000
) -> ScriptedRpc:
    async def run(url: str) -> None:
        ranker = RemoteRanker(url, "recmodel", 4, timeout_ms)
        try:
            await case(ranker)
        finally:
            await ranker.aclose()

    server = ScriptedRpc(answers)
    with server.running() as url:
        asyncio.run(run(url))
    return server


@pytest.mark.parametrize("scores", [[0.5, 0.25, 0.125], [[0.5], [0.25], [0.125]]])
def test_over_grpc_scores_come_back_in_order_and_exact_ids_go_out(scores: Any) -> None:
    async def case(ranker: RemoteRanker) -> None:
        got = await ranker.predict({"userId": np.array([2**63 - 1]), "movieId": np.array([5, 6, 7])})
        assert got.dtype == np.float32
        assert got.tolist() == [0.5, 0.25, 0.125]

    (request,) = with_rpc([rpc_answer(scores)], case).requests
    assert (request.model_spec.name, request.model_spec.version.value) == ("recmodel", 4)
    assert request.model_spec.signature_name == "serving_default"
    sent = {name: read_tensor_proto(proto).tolist() for name, proto in request.inputs.items()}
    assert sent == {"userId": [2**63 - 1], "movieId": [5, 6, 7]}


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (rpc_answer([0.5, 0.25]), "scores of shape (2,) for 3 candidates"),
        (rpc_answer([0.5, float("nan"), 0.1]), "not finite"),
        (rpc_answer(), "answered 0 outputs () instead of one"),
        (rpc_answer([0.5] * 3, [0.5] * 3), "answered 2 outputs (score0, score1) instead of one"),
        (grpc.StatusCode.NOT_FOUND, "no other version is asked instead"),
        (grpc.StatusCode.INVALID_ARGUMENT, "answered INVALID_ARGUMENT: as scripted"),
        (grpc.StatusCode.UNAVAILABLE, "cannot be reached: as scripted"),
        (None, "did not answer within 300 ms"),
    ],
)
def test_over_grpc_a_lying_server_is_not_believed(reply: Any, message: str) -> None:
    async def case(ranker: RemoteRanker) -> None:
        with pytest.raises(RankerUnavailable) as failure:
            await ranker.predict(INPUTS)
        assert message in str(failure.value)
        assert "version 4 of model 'recmodel' at grpc://127.0.0.1" in str(failure.value)

    with_rpc([reply], case, timeout_ms=300 if "300 ms" in message else 5000)


def test_over_grpc_a_broken_connection_is_tried_once_more() -> None:
    async def case(ranker: RemoteRanker) -> None:
        assert (await ranker.predict(INPUTS)).shape == (3,)

    assert len(with_rpc([grpc.StatusCode.UNAVAILABLE, GOOD_RPC], case).requests) == 2


def test_over_grpc_a_server_that_comes_back_is_found_within_seconds() -> None:
    port = free_port()

    async def case() -> None:
        ranker = RemoteRanker(f"grpc://127.0.0.1:{port}", "recmodel", 4, 1000, cool_down_s=0.2)
        with pytest.raises(RankerUnavailable, match="cannot be reached"):
            await ranker.predict(INPUTS)
        with ScriptedRpc([GOOD_RPC]).running(port):
            async with asyncio.timeout(5):
                while True:
                    try:
                        assert (await ranker.predict(INPUTS)).shape == (3,)
                        break
                    except RankerUnavailable:
                        await asyncio.sleep(0.1)
        await ranker.aclose()

    asyncio.run(case())


def test_a_worker_that_ranks_over_grpc_loads_no_tensorflow() -> None:
    code = (
        "import sys, sparrow.web.app, sparrow.online.live\n"
        "from sparrow.online.remote_ranker import RemoteRanker\n"
        "RemoteRanker('grpc://localhost:8500', 'recmodel', 1, 100)\n"
        "print({'tensorflow', 'tensorflow_serving', 'pandas', 'pyarrow'} & set(sys.modules), 'grpc' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "set() True\n"


@pytest.fixture(scope="module")
def model_server(tmp_path_factory: pytest.TempPathFactory, released: Released) -> Iterator[Addresses]:
    """The real server with version 2 of "contract", and the small release's own "recmodel"."""
    from tests.model_server.saved_models import save_contract_model

    folder: Path = tmp_path_factory.mktemp("ranker")
    save_contract_model(folder / "made", 2)
    shutil.copytree(folder / "made", folder / "contract" / "2")
    entries = [("contract", folder / "contract"), ("recmodel", released.home / "models" / "recmodel")]
    text = "".join(
        f'config {{ name: "{name}" base_path: "{base}" model_platform: "tensorflow" }}' for name, base in entries
    )
    (folder / "models.config").write_text(f"model_config_list {{ {text} }}")
    with running_with([f"--model_config_file={folder / 'models.config'}"], folder / "log") as addresses:
        yield addresses


def urls(addresses: Addresses) -> list[str]:
    return [addresses.rest, f"{addresses.rest}/", f"grpc://{addresses.grpc}"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", range(3))
def test_against_the_real_server(model_server: Addresses, kind: int) -> None:
    url = urls(model_server)[kind]
    wait_until_available(url, "contract", 2, timeout_s=10.0)
    inputs = {"userId": np.full(500, 3), "movieId": np.arange(500)}

    async def case() -> None:
        ranker = RemoteRanker(url, "contract", 2, timeout_ms=5000)
        expected = 2003 + np.arange(500) / 1000
        batches = await asyncio.gather(*(ranker.predict(inputs) for _ in range(20)))
        for scores in batches:
            np.testing.assert_allclose(scores, expected, rtol=1e-6)
        with pytest.raises(RankerUnavailable, match=r"answered (400|INVALID_ARGUMENT): .*int64"):
            await ranker.predict({"userId": np.array([0.5]), "movieId": np.array([1])})
        await ranker.aclose()
        other = RemoteRanker(url, "contract", 1, timeout_ms=5000)
        with pytest.raises(RankerUnavailable, match=r"version 1 of model 'contract' .* is not served there"):
            await other.predict(inputs)
        await other.aclose()

    asyncio.run(case())


@pytest.mark.slow
def test_waiting_over_grpc(model_server: Addresses) -> None:
    url = f"grpc://{model_server.grpc}"
    with pytest.raises(RankerUnavailable, match=r"was not available within 0\.2 s; last seen: NOT_FOUND"):
        wait_until_available(url, "contract", 9, 0.2)
    with pytest.raises(RankerUnavailable, match=r"last seen: UNAVAILABLE"):
        wait_until_available(f"grpc://127.0.0.1:{free_port()}", "contract", 2, 0.2)


@pytest.mark.slow
def test_recommendations_are_the_same_in_process_over_rest_and_over_grpc(
    model_server: Addresses, released: Released
) -> None:
    async def listed(url: str) -> list[tuple[int, float]]:
        online = released.settings.online.model_copy(update={"ranker_url": url})
        live = LiveRelease(released.home, released.settings.model_copy(update={"online": online}))
        await live.refresh()
        listing = await live.recommender.for_user(1, Wanted(10), "blend")
        assert listing.degraded == ()
        predictor = live.recommender.deep["neural_cf"].predictor
        if url:
            await predictor.aclose()  # type: ignore[attr-defined]
        return [(item.movie.movie_id, item.score) for item in listing.items]

    here = asyncio.run(listed(""))
    assert len(here) == 10
    for url in (model_server.rest, f"grpc://{model_server.grpc}"):
        there = asyncio.run(listed(url))
        assert [movie for movie, _ in there] == [movie for movie, _ in here]
        np.testing.assert_allclose([score for _, score in there], [score for _, score in here], atol=1e-5)


@pytest.mark.slow
def test_the_site_ranks_over_grpc(model_server: Addresses, released: Released, tmp_path: Path) -> None:
    home = released.fresh(tmp_path / "home")
    with serving(home, "--ranker-url", f"grpc://{model_server.grpc}") as site:
        answer = site.get(
            "/api/v1/users/1/recommendations", params={"size": 8, "explain": "true", "model": "blend"}
        ).json()
        assert answer["degraded"] == []
        assert {item["trace"]["ranker"] for item in answer["items"]} == {"blend"}


async def within_a_trace(ranker: RemoteRanker) -> None:
    followed = tracing.follow({b"traceparent": TRACEPARENT})
    await ranker.predict({"userId": np.array([1]), "movieId": np.array([5, 6, 7])})
    tracing.leave(followed)
    await ranker.predict({"userId": np.array([1]), "movieId": np.array([5, 6, 7])})


def test_the_callers_trace_goes_on_over_rest() -> None:
    first, second = with_server([GOOD], within_a_trace).requests
    assert b"traceparent: " + TRACEPARENT in first
    assert b"traceparent" not in second


def test_the_callers_trace_goes_on_over_grpc() -> None:
    first, second = with_rpc([GOOD_RPC], within_a_trace).metadata
    assert first["traceparent"] == TRACEPARENT.decode()
    assert "traceparent" not in second
