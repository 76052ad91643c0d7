"""Thousands of requests that no client would send, over REST and gRPC: refused in words, without a crash or a leak."""

import gzip
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import grpc
import httpx
import numpy as np
import pytest

from sparrow.model_server.protocol.status import HTTP_STATUS, Code
from sparrow.model_server.wire.messages import methods_of
from tests.model_server.running import Addresses
from tests.model_server.stubs import Client, open_client

pytestmark = pytest.mark.slow

SHORT, LONG = 400, 10_000
GROWTH_MB: Final = 250
"""What a server may grow while it refuses; TensorFlow's own arenas and first runs are in it."""

ALLOWED_STATUSES: Final = {200, 404, 413} | {HTTP_STATUS[code] for code in (Code.INVALID_ARGUMENT, Code.UNIMPLEMENTED)}
ALLOWED_CODES: Final = {"INVALID_ARGUMENT", "NOT_FOUND", "UNIMPLEMENTED", "FAILED_PRECONDITION", "INTERNAL"}
"""INTERNAL is the original's word for bytes that are no message, and for signatures of no known method."""

NAMES: Final = [
    "recmodel",
    "shop",
    "",
    "..",
    "../../etc/passwd",
    "%2e%2e%2f",
    "a" * 3000,
    "名",
    "\x00",
    "%00",
    "a:b",
    "?x=1",
]
SIGNATURES: Final = [
    "",
    "serving_default",
    "echo",
    "text",
    "half_plus_two",
    "classify",
    "__saved_model_init_op",
    "é\ud800",
]
VERBS: Final = [
    *(":predict", ":classify", ":regress", "", "/metadata", "/versions/2", "/labels/x"),
    *("/versions/" + "9" * 400, ":", "//", ":predict:predict"),
]
METHODS: Final = ["POST", "POST", "POST", "GET", "PUT", "DELETE", "OPTIONS", "PATCH"]


def value(chance: random.Random, depth: int = 0) -> Any:
    """Any JSON value: numbers at the ends of their types, deep and ragged lists, odd text."""
    plain: list[Callable[[], Any]] = [
        lambda: chance.choice([0, 1, -1, 2**31, 2**63 - 1, 2**63, -(2**63), 2**64, 10**30, 1.5, 1e308, -0.0]),
        lambda: chance.choice([float("nan"), float("inf"), None, True, False]),
        lambda: chance.choice(["", "a", "\x00", "é" * 50, {"b64": "aGk="}, {"b64": "!"}, {"b64": 1}]),
    ]
    if depth > 4 or chance.random() < 0.5:
        return chance.choice(plain)()
    if chance.random() < 0.5:
        return [value(chance, depth + 1) for _ in range(chance.randrange(4))]
    return {
        chance.choice(["userId", "movieId", "x", "price", "", "b64"]): value(chance, depth + 1)
        for _ in range(chance.randrange(4))
    }


def body(chance: random.Random) -> bytes:
    """A request body: well-formed, broken, or no JSON at all."""
    keys = ["instances", "inputs", "examples", "context", "signature_name"]
    document = {key: value(chance) for key in chance.sample(keys, chance.randrange(1, 4))}
    if chance.random() < 0.5:
        document["signature_name"] = chance.choice(SIGNATURES)
    written = json.dumps(document).encode()
    match chance.randrange(6):
        case 0:
            return written[: chance.randrange(len(written))]
        case 1:
            at = chance.randrange(len(written))
            return written[:at] + chance.randbytes(3) + written[at:]
        case 2:
            return chance.choice(
                [b"", b"[" * 50_000, b"{" * 50_000, b'{"instances":' + b"[" * 5000, chance.randbytes(200)]
            )
        case _:
            return written


def rest_fuzz(server: httpx.Client, chance: random.Random, count: int) -> None:
    for _ in range(count):
        method = chance.choice(METHODS)
        path = f"/v1/models/{chance.choice(NAMES)}{chance.choice(VERBS)}"
        content, headers = body(chance), {}
        if chance.random() < 0.1:
            content, headers = chance.choice([gzip.compress(content), content]), {"Content-Encoding": "gzip"}
        try:
            request = server.build_request(method, path, content=content, headers=headers)
        except httpx.InvalidURL:
            continue
        response = server.send(request)
        assert response.status_code in ALLOWED_STATUSES, (method, path[:100], content[:300], response.text[:300])
        assert "Traceback" not in response.text
        assert "root:" not in response.text


def grpc_fuzz(client: Client, chance: random.Random, count: int) -> None:
    paths = [
        method.path for service in ("PredictionService", "ModelService") for method in methods_of(service).values()
    ]
    # Reloading is left out: a request that is right by chance would change what the others are asked of.
    paths = [path for path in paths if "Reload" not in path]
    good = [
        client.predict_request(userId=np.array([1, 2]), movieId=np.array([3, 4])).SerializeToString(),
        client.predict_request(signature="text", words=[b"a", b"b"]).SerializeToString(),
        client.example_request("RegressionRequest", "", [{"price": 1.0}]).SerializeToString(),
    ]
    for _ in range(count):
        content = bytearray(chance.choice(good))
        for _ in range(chance.randrange(6)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        if chance.random() < 0.3:
            content = content[: chance.randrange(len(content))]
        path = chance.choice([*paths, "/tensorflow.serving.PredictionService/Nothing"])
        try:
            client.channel.unary_unary(path)(bytes(content), timeout=20)
        except grpc.RpcError as error:
            refusal: Any = error
            assert refusal.code().name in ALLOWED_CODES, (path, bytes(content), refusal.details())
            assert "Traceback" not in refusal.details()
            assert "the server's log" not in refusal.details(), (path, bytes(content))


def resident_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / 1e6


def fuzz(addresses: Addresses, server: httpx.Client, count: int, seed: int) -> None:
    client = open_client("own", addresses.grpc)
    with client.channel:
        rest_fuzz(server, random.Random(seed), count // 10)
        grpc_fuzz(client, random.Random(seed), count // 10)
        before = resident_mb(addresses.pid)
        rest_fuzz(server, random.Random(seed + 1), count)
        grpc_fuzz(client, random.Random(seed + 1), count)
        assert resident_mb(addresses.pid) - before < GROWTH_MB
    answer = server.post("/v1/models/recmodel:predict", json={"inputs": {"userId": [1], "movieId": [0]}})
    assert answer.json() == {"outputs": [[2001.0]]}


def test_a_short_fuzz(addresses: Addresses, server: httpx.Client) -> None:
    fuzz(addresses, server, SHORT, seed=1)


@pytest.mark.soak
def test_a_long_fuzz(addresses: Addresses, server: httpx.Client) -> None:
    fuzz(addresses, server, LONG, seed=3)
