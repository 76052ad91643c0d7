"""Addresses of Redis: three forms, and no password in any message."""

import pytest

from sparrow.errors import InvalidInput
from sparrow.stores.redis_address import parse_address


@pytest.mark.parametrize(
    ("url", "kind", "hosts", "service", "db"),
    [
        ("redis://localhost", "server", (("localhost", 6379),), "", 0),
        ("redis://localhost:7000/", "server", (("localhost", 7000),), "", 0),
        ("rediss://:secret@db.example/3", "server", (("db.example", 6379),), "", 3),
        ("redis://[::1]:7000/2", "server", (("::1", 7000),), "", 2),
        ("redis+sentinel://a,b:7001/shop", "sentinel", (("a", 26379), ("b", 7001)), "shop", 0),
        ("rediss+sentinel://me:secret@a/shop/4", "sentinel", (("a", 26379),), "shop", 4),
        ("redis+cluster://a,b:7001", "cluster", (("a", 6379), ("b", 7001)), "", 0),
        ("rediss+cluster://:secret@a/", "cluster", (("a", 6379),), "", 0),
    ],
)
def test_the_three_forms(url: str, kind: str, hosts: tuple[tuple[str, int], ...], service: str, db: int) -> None:
    address = parse_address(url)
    assert (address.kind, address.hosts, address.service, address.db) == (kind, hosts, service, db)
    assert address.options.get("ssl", False) == url.startswith("rediss")
    assert parse_address(str(address)).hosts == hosts
    assert "secret" not in f"{address} {address!r}"


def test_user_password_and_options_are_decoded() -> None:
    address = parse_address(
        "rediss://me%40home:p%2Fa%3As%23s@host?ssl_ca_certs=/etc/own%20ca.pem&ssl_check_hostname=false"
    )
    assert address.options == {
        "username": "me@home", "password": "p/a:s#s", "ssl": True, "ssl_ca_certs": "/etc/own ca.pem",
        "ssl_check_hostname": False,
    }  # fmt: skip
    watched = parse_address("redis+sentinel://:data@a/shop?sentinel_password=watch")
    assert (watched.options, watched.sentinel_password) == ({"password": "data"}, "watch")
    assert "watch" not in f"{watched} {watched!r}"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("redis:secret", "write redis://"),
        ("redis://:secret", "no host"),
        ("redis://:sec/ret@host", "no host"),
        ("redis://me:secret@host:0", "no host"),
        ("redis://me:secret@host:99999", "no host"),
        ("redis://me:secret@", "write redis://"),
        ("redis://me:secret@host/name", "a number"),
        ("redis://me:secret@a,b", "one host"),
        ("redis+sentinel://me:secret@host", "/service"),
        ("redis+cluster://me:secret@host/1", "nothing for a Cluster"),
        ("redis://me:secret@host?decode_responses=true", "not known"),
        ("redis+proxy://me:secret@host", "write redis://"),
        ("secret", "write redis://"),
    ],
)
def test_an_address_that_cannot_be_read_is_told_without_what_may_be_secret(url: str, words: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_address(url)
    assert words in str(refused.value)
    assert "secret" not in str(refused.value)
