"""Every way in which Redis fails to answer, with real servers and sockets: told in words, in time, without the password."""

import signal
import socket
import subprocess
from pathlib import Path

import pytest

from sparrow.errors import StoreUnavailable
from sparrow.stores.redis_connection import RedisConnection
from sparrow.stores.redis_store import RedisStore
from tests.model_server.running import free_port
from tests.stores.redis_servers import Server, running_redis


def ask(connection: RedisConnection) -> None:
    RedisStore(connection, "release").get_many(["uf:1"])


def test_nobody_there() -> None:
    port = free_port()
    connection = RedisConnection(f"redis://me:secret@127.0.0.1:{port}/5", retries=1)
    with pytest.raises(StoreUnavailable, match=rf"redis://127\.0\.0\.1:{port}/5 cannot be reached .*start it") as told:
        ask(connection)
    assert "secret" not in str(told.value)
    connection.close()


@pytest.mark.parametrize("form", ["redis+cluster://127.0.0.1:{port}", "redis+sentinel://127.0.0.1:{port}/shop"])
def test_no_sentinel_and_no_node_there(form: str) -> None:
    connection = RedisConnection(form.format(port=free_port()), retries=0)
    with pytest.raises(StoreUnavailable, match=r"cannot be reached"):
        ask(connection)
    connection.close()


def test_a_redis_that_hangs_costs_one_deadline_and_is_then_left_alone() -> None:
    with socket.create_server(("127.0.0.1", 0)) as accepts_and_is_silent:
        port = accepts_and_is_silent.getsockname()[1]
        connection = RedisConnection(f"redis://127.0.0.1:{port}", timeout_s=0.3, rest_s=600, retries=1)
        with pytest.raises(StoreUnavailable, match=r"did not answer within 0\.3 s"):
            ask(connection)
    # By now nobody listens: who asked would be told otherwise.
    with pytest.raises(StoreUnavailable, match=r"did not answer within 0\.3 s"):
        ask(connection)
    with pytest.raises(StoreUnavailable, match="cannot be reached"), connection.client(probe=True) as client:
        client.get("sparrow:current")
    connection.close()


@pytest.mark.needs("redis-server")
def test_a_frozen_redis_is_left_alone_until_a_probe_finds_it_awake(server: Server) -> None:
    connection = RedisConnection(server.url, timeout_s=0.3, rest_s=600, retries=1)
    ask(connection)
    server.signal(signal.SIGSTOP)
    with pytest.raises(StoreUnavailable, match="did not answer"):
        ask(connection)
    with pytest.raises(StoreUnavailable, match="did not answer"), connection.client(probe=True) as client:
        client.get("sparrow:current")
    server.signal(signal.SIGCONT)
    with pytest.raises(StoreUnavailable, match="did not answer"):
        ask(connection)
    with connection.client(probe=True) as client:
        assert client.get("sparrow:current") is None
    ask(connection)
    connection.close()


@pytest.mark.needs("redis-server")
def test_kept_connections_survive_a_restart_of_redis(server: Server) -> None:
    connection = RedisConnection(server.url, timeout_s=5, retries=1)
    ask(connection)
    server.signal(signal.SIGKILL)
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        ask(connection)
    server.start()
    ask(connection)
    connection.close()


@pytest.mark.needs("redis-server")
@pytest.mark.parametrize("login", ["", "me:wrong-secret@", ":wrong-secret@"])
def test_a_wrong_password_is_told_and_not_shown(tmp_path: Path, login: str) -> None:
    with running_redis(tmp_path / "redis", "--requirepass", "right-secret") as server:
        connection = RedisConnection(f"redis://{login}127.0.0.1:{server.port}", retries=1)
        with pytest.raises(StoreUnavailable, match="refuses the user or password") as told:
            ask(connection)
        assert "secret" not in str(told.value)
        connection.close()
        right = RedisConnection(f"redis://:right-secret@127.0.0.1:{server.port}")
        ask(right)
        right.close()


@pytest.mark.needs("redis-server")
def test_a_full_redis_is_told(tmp_path: Path) -> None:
    flags = ("--maxmemory", "3mb", "--maxmemory-policy", "noeviction")
    with running_redis(tmp_path / "redis", *flags) as server:
        connection = RedisConnection(server.url)
        with pytest.raises(StoreUnavailable, match="is full; raise its maxmemory"):
            RedisStore(connection, "release").put_many((f"uf:{number}", bytes(10_000)) for number in range(2000))
        connection.close()


@pytest.mark.needs("redis-server")
def test_something_else_under_the_key_is_told(server: Server) -> None:
    server.ask("SET", "sparrow:release:groups", "no set")
    connection = RedisConnection(server.url)
    with pytest.raises(StoreUnavailable, match=r"refuses .*WRONGTYPE"):
        list(RedisStore(connection, "release").scan(""))
    connection.close()


@pytest.mark.needs("redis-server")
@pytest.mark.needs("openssl")
def test_tls_trusts_the_named_authority_and_no_other(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", certificate,
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    port = free_port()
    flags = ("--tls-port", str(port), "--tls-cert-file", str(certificate), "--tls-key-file", str(key))
    with running_redis(tmp_path / "redis", *flags, "--tls-ca-cert-file", str(certificate), "--tls-auth-clients", "no"):
        trusting = RedisConnection(f"rediss://127.0.0.1:{port}?ssl_ca_certs={certificate}")
        ask(trusting)
        trusting.close()
        wary = RedisConnection(f"rediss://127.0.0.1:{port}", retries=0)
        with pytest.raises(StoreUnavailable, match="certificate"):
            ask(wary)
        wary.close()
