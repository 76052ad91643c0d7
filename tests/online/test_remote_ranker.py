"""The remote ranker against the real model server, and against servers that hang, lie and break."""

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sparrow.errors import RankerUnavailable, SettingsError
from sparrow.online.remote_ranker import RemoteRanker, wait_until_available
from tests.model_server.running import free_port, running_server

HANG = b"hang"
BREAK = b"break"
INPUTS = {"userId": np.array([7, 7, 7]), "movieId": np.array([1, 2, 3])}


def answer(content: str, status: str = "200 OK", headers: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(content)}\r\n{headers}\r\n{content}".encode()


def outputs(scores: Any) -> bytes:
    return answer(json.dumps({"outputs": scores}))


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


@pytest.fixture(scope="module")
def model_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The real server with version 2 of "recmodel"."""
    from tests.model_server.saved_models import save_contract_model

    folder: Path = tmp_path_factory.mktemp("ranker")
    save_contract_model(folder / "made", 2)
    shutil.copytree(folder / "made", folder / "models" / "2")
    with running_server(folder / "models", "recmodel", folder / "log") as url:
        yield url


@pytest.mark.slow
def test_against_the_real_server(model_server: str) -> None:
    wait_until_available(model_server, "recmodel", 2, timeout_s=10.0)
    inputs = {"userId": np.full(500, 3), "movieId": np.arange(500)}

    async def case() -> None:
        ranker = RemoteRanker(model_server + "/", "recmodel", 2, timeout_ms=5000)
        expected = 2003 + np.arange(500) / 1000
        batches = await asyncio.gather(*(ranker.predict(inputs) for _ in range(20)))
        for scores in batches:
            np.testing.assert_allclose(scores, expected, rtol=1e-6)
        with pytest.raises(RankerUnavailable, match=r"answered 400: .*expected type: int64"):
            await ranker.predict({"userId": np.array([0.5]), "movieId": np.array([1])})
        await ranker.aclose()
        other = RemoteRanker(model_server, "recmodel", 1, timeout_ms=5000)
        with pytest.raises(RankerUnavailable, match=r"version 1 of model 'recmodel' .* is not served there"):
            await other.predict(inputs)
        await other.aclose()

    asyncio.run(case())
