"""How a Redis is named: one server, the master that Sentinels name, or a Cluster.

    redis://[user:password@]host[:6379][/db]
    redis+sentinel://[user:password@]host[:26379][,host…]/service[/db]
    redis+cluster://[user:password@]host[:6379][,host…]

`rediss…` speaks TLS. After `?`: `ssl_ca_certs=FILE` names the authority to trust, `ssl_certfile=FILE&ssl_keyfile=FILE` the own
certificate, `ssl_check_hostname=false` and `ssl_cert_reqs=none` trust more than they should; `sentinel_password=` opens the
Sentinels. A user or password with `@ : / ? #` in it is percent-encoded.

Example:
    >>> str(parse_address("rediss://:secret@db.example:6380/3"))
    'rediss://db.example:6380/3'
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from urllib.parse import parse_qsl, unquote

from sparrow.errors import InvalidInput

Kind = Literal["server", "sentinel", "cluster"]

PORTS: Final[dict[Kind, int]] = {"server": 6379, "sentinel": 26379, "cluster": 6379}

_FORM: Final = re.compile(
    r"redis(?P<tls>s?)(?:\+(?P<kind>sentinel|cluster))?://"
    r"(?:(?P<user>[^:@/?#]*)(?::(?P<password>[^@/?#]*))?@)?"
    r"(?P<hosts>[^@/?#]+)(?P<path>/[^?#]*)?(?:\?(?P<query>[^#]*))?"
)
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]\s]+)(?::(\d{1,5}))?")
_PATHS: Final[dict[Kind, re.Pattern[str]]] = {
    "server": re.compile(r"(?P<service>)(?P<db>\d*)"),
    "sentinel": re.compile(r"(?P<service>[^/]+)(?:/(?P<db>\d*))?"),
    "cluster": re.compile(r"(?P<service>)(?P<db>0?)"),
}
_OPTIONS: Final = (
    "ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname", "sentinel_password",
)  # fmt: skip


@dataclass(frozen=True)
class Address:
    """Where a Redis is; its text form never holds a password.

    Attributes:
        kind: who is asked first.
        hosts: (name, port) of the server, the Sentinels, or some nodes of the Cluster.
        service: what the Sentinels call the master.
        db: number of the logical database.
        options: user, password and TLS, under redis-py's names.
        sentinel_password: of the Sentinels themselves, "" for none.
    """

    kind: Kind
    hosts: tuple[tuple[str, int], ...]
    service: str = ""
    db: int = 0
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    sentinel_password: str = field(default="", repr=False)

    def __str__(self) -> str:
        scheme = "rediss" if self.options.get("ssl") else "redis"
        hosts = ",".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self.hosts)
        if self.kind == "server":
            return f"{scheme}://{hosts}/{self.db}"
        return f"{scheme}+{self.kind}://{hosts}" + (f"/{self.service}/{self.db}" if self.service else "")


def parse_address(url: str) -> Address:
    """Read a store's URL.

    Raises:
        InvalidInput: it has none of the three forms; the message shows no part that may hold a password.
    """
    form = _FORM.fullmatch(url)
    if form is None:
        raise _unreadable(
            url, "write redis://[user:password@]host[:port][/db], or redis+sentinel://, or redis+cluster://"
        )
    kind: Kind = "sentinel" if form["kind"] == "sentinel" else "cluster" if form["kind"] else "server"
    hosts = tuple(_host(url, text, PORTS[kind]) for text in form["hosts"].split(","))
    path = _PATHS[kind].fullmatch((form["path"] or "").removeprefix("/"))
    if path is None:
        raise _unreadable(url, "end it with /db (a number), with /service for Sentinels, with nothing for a Cluster")
    if kind == "server" and len(hosts) > 1:
        raise _unreadable(url, "name one host, or say redis+cluster:// or redis+sentinel://")
    options = _options(url, form["query"] or "")
    sentinel_password = str(options.pop("sentinel_password", ""))
    options |= {
        name: unquote(form[part]) for name, part in (("username", "user"), ("password", "password")) if form[part]
    }
    if form["tls"]:
        options["ssl"] = True
    return Address(kind, hosts, unquote(path["service"]), int(path["db"] or 0), options, sentinel_password)


def _host(url: str, text: str, port: int) -> tuple[str, int]:
    found = _HOST.fullmatch(text)
    if found is None or not 0 < int(found[2] or port) < 65536:
        raise _unreadable(url, "its host is no host[:port]; percent-encode @ : / ? # in a password")
    return found[1].strip("[]"), int(found[2] or port)


def _options(url: str, query: str) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in _OPTIONS:
            raise _unreadable(url, f"it has an option that is not known; the known ones are {', '.join(_OPTIONS)}")
        options[name] = value.lower() not in ("false", "no", "0") if name == "ssl_check_hostname" else value
    if options.get("ssl_cert_reqs") == "none":
        options.setdefault("ssl_check_hostname", False)
    return options


def _unreadable(url: str, cure: str) -> InvalidInput:
    scheme = url.partition("://")[0] if "://" in url else "…"
    return InvalidInput(f"The store address {scheme}://… cannot be read: {cure}.")
