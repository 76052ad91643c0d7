"""Events in Redis: one stream that all servers append to, and of each person the newest ones, for requests.

    sparrow:events             stream of all events, entry `{number}-0`, until every home has archived them (`event_archive`)
    sparrow:live:seq           the newest number
    sparrow:live:began         the number it went on from: of the home that used it first
    sparrow:live:user:{id}     list of a person's newest MAX_EVENTS events that tell their taste, oldest first, each "number JSON"
    sparrow:live:shown:{id}    list of a person's newest MAX_EXPOSURES impressions and clicks, oldest first, each JSON
    sparrow:live:event:{id}    an event id that has counted; expires after `IDS_S`
    sparrow:live:outside       hash: person → what they are called, if not by that number
    sparrow:live:forgotten     hash: person → when they asked to be forgotten
    sparrow:live:readers       hash: who reads the stream → the number up to which they have

A batch is one script, so that it is there whole or not at all. It is durable when Redis has written it to its append-only file
before it answers: `appendonly yes`, `appendfsync always`; and nothing may be evicted: `maxmemory-policy noeviction`. A Redis that
is set otherwise is refused, where it tells. A Cluster is refused: the keys of a batch lie in many slots.
"""

import json
import logging
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from sparrow.errors import InvalidInput, StoreUnavailable
from sparrow.stores.live import FIELDS, MAX_EVENTS, MAX_EXPOSURES, TELLING_TYPES, Exposure, LiveStore, StoredEvent
from sparrow.stores.redis_connection import REFUSED, RedisConnection

log = logging.getLogger(__name__)

STREAM: Final = "sparrow:events"
SEQ: Final = "sparrow:live:seq"
OUTSIDE: Final = "sparrow:live:outside"
FORGOTTEN: Final = "sparrow:live:forgotten"
USER: Final = "sparrow:live:user:"
SHOWN: Final = "sparrow:live:shown:"
EVENT: Final = "sparrow:live:event:"
READERS: Final = "sparrow:live:readers"
BEGAN: Final = "sparrow:live:began"

DURABLE: Final = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}
"""How Redis must be set, so that an acknowledged event is there for good."""

IDS_S: Final = 30 * 86_400
"""How long an event id is remembered: a page that sends again does so within days."""

WRITE_S: Final = 5.0
"""Deadline of a write, which waits for the disk."""

REST_S: Final = 1.0
"""How long requests leave a Redis alone that did not answer."""

SHOWN_S: Final = 90 * 86_400
"""How long what a person was shown is kept for requests after the last of it."""

REPLAY: Final = 500
"""Entries of the stream read at a time."""

_LARGEST: Final = 2**63 - 1

_ADD: Final = (
    """
if redis.call('EXISTS', KEYS[2]) == 0 then return -1 end
local added = 0
for at = 4, #ARGV, 7 do
  local name, user, time, telling = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2]), ARGV[at + 3]
  local gone = redis.call('HGET', KEYS[4], user)
  if not (gone and tonumber(gone) > time) and redis.call('SET', ARGV[1] .. name, '1', 'NX', 'EX', ARGV[3]) then
    local seq = string.format('%.0f', redis.call('INCR', KEYS[2]))
    redis.call('XADD', KEYS[1], seq .. '-0', 'event', ARGV[at + 4])
    if telling == '1' then
      local list = ARGV[2] .. user
      redis.call('RPUSH', list, seq .. ' ' .. ARGV[at + 5])
      redis.call('LTRIM', list, -@MOST@, -1)
    else
      local list = '@SHOWN@' .. user
      redis.call('RPUSH', list, ARGV[at + 5])
      redis.call('LTRIM', list, -@MOST_SHOWN@, -1)
      redis.call('EXPIRE', list, @SHOWN_S@)
    end
    if ARGV[at + 6] ~= '' then redis.call('HSETNX', KEYS[3], user, ARGV[at + 6]) end
    added = added + 1
  end
end
return added
""".replace("@MOST@", str(MAX_EVENTS))
    .replace("@SHOWN@", SHOWN)
    .replace("@MOST_SHOWN@", str(MAX_EXPOSURES))
    .replace("@SHOWN_S@", str(SHOWN_S))
)

_BEGIN: Final = """
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('SET', KEYS[1], ARGV[1])
  redis.call('SET', KEYS[2], ARGV[1])
end
return redis.call('GET', KEYS[2])
"""

_REBUILD: Final = """
local newer = {}
for _, one in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  if tonumber(string.match(one, '^%d+')) > tonumber(ARGV[1]) then table.insert(newer, one) end
end
redis.call('DEL', KEYS[1])
for at = 2, #ARGV do redis.call('RPUSH', KEYS[1], ARGV[at]) end
for _, one in ipairs(newer) do redis.call('RPUSH', KEYS[1], one) end
redis.call('LTRIM', KEYS[1], -@MOST@, -1)
""".replace("@MOST@", str(MAX_EVENTS))


class RedisEvents:
    """The events of one Redis (`event_store.EventStore`)."""

    waits = True

    def __init__(self, url: str, home: Path, timeout_s: float = 0.25) -> None:
        """Nothing is sent yet.

        Args:
            url: see `redis_address`.
            home: whose log the numbers go on from where this Redis has none yet.
            timeout_s: deadline of what a request asks.

        Raises:
            InvalidInput: the URL cannot be read, or names a Cluster.
        """
        self._home = home
        self._writing = RedisConnection(url, WRITE_S, retries=1, called="The event log")
        self._reading = RedisConnection(url, timeout_s, REST_S, retries=1, called="The event log")
        if self._writing.address.kind == "cluster":
            raise InvalidInput(
                f"{self._writing} is a Cluster, which cannot take a batch of events as one; name a redis:// or redis+sentinel:// "
                "server in [feedback] events."
            )
        self._is_durable = False

    def append(self, events: Sequence[Mapping[str, Any]]) -> int:
        words = [word for event in events for word in _words(event, str(self._writing))]
        if not words:
            return 0
        self._check_durable()
        with self._writing.client() as client:
            added = self._add(client, words)
            if added < 0:
                self.begin(self._last_archived())
                added = self._add(client, words)
        return added

    @staticmethod
    def _add(client: Any, words: list[str]) -> int:
        return int(client.eval(_ADD, 4, STREAM, SEQ, OUTSIDE, FORGOTTEN, EVENT, USER, IDS_S, *words))

    def events_of(self, user_id: int, after: int = 0) -> list[StoredEvent]:
        with self._reading.client() as client:
            rows = [_stored(row) for row in client.lrange(f"{USER}{user_id}", 0, -1)]
        return [one for one in rows if one.seq > after or one.type != "rating"]

    def exposures_of(self, user_id: int, since: int) -> list[Exposure]:
        with self._reading.client() as client:
            rows = [json.loads(row) for row in client.lrange(f"{SHOWN}{user_id}", 0, -1)]
        return [
            Exposure(kind, movie, listed) for kind, movie, listed, timestamp in reversed(rows) if timestamp >= since
        ]

    def forgotten(self) -> dict[int, int]:
        with self._reading.client() as client:
            return {int(user): int(at) for user, at in client.hgetall(FORGOTTEN).items()}

    def outside_people(self) -> dict[int, str]:
        with self._writing.client() as client:
            return {int(user): name.decode() for user, name in client.hgetall(OUTSIDE).items()}

    def last_seq(self) -> int:
        with self._reading.client() as client:
            return int(client.get(SEQ) or 0)

    def begin(self, last: int) -> int:
        """Go on from this number where there was none before; gives the number that came before the first event here."""
        with self._writing.client() as client:
            return int(client.eval(_BEGIN, 2, SEQ, BEGAN, last))

    def entries(self, after: int) -> Iterator[tuple[int, dict[str, Any]]]:
        """(number, event as `append` took it) of the stream, those after a number."""
        while True:
            with self._writing.client() as client:
                rows = client.xrange(STREAM, f"({after}-0", "+", count=REPLAY)
            for name, fields in rows:
                after = int(name.split(b"-")[0])
                yield after, json.loads(fields[b"event"])
            if len(rows) < REPLAY:
                return

    def join(self, group: str) -> None:
        """Be a group of readers from the stream's beginning on; nothing is let go of before the group has it."""
        with self._writing.client() as client:
            client.hsetnx(READERS, f"group:{group}", 0)
            try:
                client.xgroup_create(STREAM, group, id="0", mkstream=True)
            except REFUSED as error:
                if "BUSYGROUP" not in str(error):
                    raise

    def taken(self, group: str, consumer: str, most: int) -> list[tuple[int, dict[str, Any]]]:
        """(number, event) that this consumer took and has not confirmed; else the next that nobody of the group has taken."""
        with self._writing.client() as client:
            for start in ("0", ">"):
                told = client.xreadgroup(group, consumer, {STREAM: start}, count=most)
                # A forgotten entry is told of without its fields; unconfirmed it would keep the stream from being trimmed.
                if gone := [name for _, entries in told for name, fields in entries if not fields]:
                    client.xack(STREAM, group, *gone)
                rows = [(name, fields) for _, entries in told for name, fields in entries if fields]
                if rows:
                    return [(int(name.split(b"-")[0]), json.loads(fields[b"event"])) for name, fields in rows]
        return []

    def confirm(self, group: str, numbers: Sequence[int]) -> None:
        """These are safe elsewhere; what every reader has is let go of."""
        with self._writing.client() as client:
            client.xack(STREAM, group, *(f"{seq}-0" for seq in numbers))
            waiting = client.xpending(STREAM, group)["min"]
            done = int(waiting.split(b"-")[0]) - 1 if waiting else max(numbers)
        self.trim(f"group:{group}", done)

    def forget(self, user_id: int, now: int) -> int:
        """Remove all that a person did, and remember since when; gives how many entries of the stream went.

        Raises:
            StoreUnavailable: it could not be written.
        """
        with self._writing.client() as client:
            client.hset(FORGOTTEN, str(user_id), now)
            client.delete(f"{USER}{user_id}", f"{SHOWN}{user_id}")
            client.hdel(OUTSIDE, str(user_id))
            last = int(client.get(SEQ) or 0)
        gone = [f"{seq}-0" for seq, event in self.entries(0) if event["userId"] == user_id and seq <= last]
        with self._writing.client() as client:
            return sum(int(client.xdel(STREAM, *gone[at : at + REPLAY])) for at in range(0, len(gone), REPLAY))

    def rebuild(self, user_id: int, events: Sequence[StoredEvent], through: int) -> None:
        """Put a person's list anew from what is archived up to number `through`; what came later stays behind it."""
        rows = [f"{one.seq} {_live(one.type, one.movie_id, one.value, one.timestamp)}" for one in events[-MAX_EVENTS:]]
        with self._writing.client() as client:
            client.eval(_REBUILD, 1, f"{USER}{user_id}", through, *rows)

    def trim(self, reader: str, seq: int) -> None:
        """Note how far a reader has come, and let go of what all of them have: a full Redis takes no more events."""
        with self._writing.client() as client:
            client.hset(READERS, reader, max(seq, int(client.hget(READERS, reader) or 0)))
            least = min(int(one) for one in client.hvals(READERS))
            client.xtrim(STREAM, minid=f"{least + 1}-0", approximate=False)

    def close(self) -> None:
        self._writing.close()
        self._reading.close()

    def _last_archived(self) -> int:
        """Where numbers go on: a release's `events_through` must not lie ahead of what is to come."""
        store = LiveStore(self._home)
        try:
            return store.last_given()
        finally:
            store.close()

    def _check_durable(self) -> None:
        """Raises StoreUnavailable where Redis tells that it may lose what it acknowledges."""
        if self._is_durable:
            return
        with self._writing.client() as client:
            try:
                told = client.config_get("appendonly", "appendfsync", "maxmemory-policy")
            except REFUSED as error:
                log.warning("%s does not tell whether it is durable (%s); see to it yourself.", self._writing, error)
                told = DURABLE
        wrong = [f"{name} {told[name]}" for name in DURABLE if told.get(name) != DURABLE[name]]
        if wrong:
            cure = " ".join(f"--{name} {value}" for name, value in DURABLE.items())
            raise StoreUnavailable(
                f"The event log {self._writing} would lose events it has acknowledged ({', '.join(wrong)}); start it with {cure}."
            )
        self._is_durable = True


def _words(event: Mapping[str, Any], where: str) -> tuple[str, ...]:
    """What the script takes of one event.

    Raises:
        StoreUnavailable: it is none that could be kept.
    """
    whole: dict[str, Any] = {name: event.get(name) for name in FIELDS}
    whole["eventId"] = whole["eventId"] or str(uuid.uuid4())
    try:
        _check(whole)
        text = json.dumps({name: value for name, value in whole.items() if value is not None}, ensure_ascii=False)
        outside = str(event["outsideUserId"]) if "outsideUserId" in event else ""
        (text + outside).encode()
    except (TypeError, ValueError) as error:
        raise StoreUnavailable(f"The event log {where} cannot be written ({error}); check the events.") from None
    is_telling = whole["type"] in TELLING_TYPES
    told = _live(
        whole["type"], whole["movieId"], whole["value" if is_telling else "recommendationId"], whole["timestamp"]
    )
    return (whole["eventId"], str(whole["userId"]), str(whole["timestamp"]), str(int(is_telling)), text, told, outside)


def _check(event: Mapping[str, Any]) -> None:
    """Raises ValueError for what SQLite would refuse, too."""
    for name in ("userId", "movieId", "timestamp"):
        if not isinstance(event[name], int) or not -_LARGEST - 1 <= event[name] <= _LARGEST:
            raise ValueError(f"{name} is {event[name]!r:.80}; it must be a whole number of 64 bits")
    if not isinstance(event["type"], str):
        raise ValueError(f"type is {event['type']!r:.80}")


def _live(kind: str, movie: int, told: float | str | None, timestamp: int) -> str:
    return json.dumps([kind, movie, told, timestamp], separators=(",", ":"))


def _stored(row: bytes) -> StoredEvent:
    seq, _, rest = row.partition(b" ")
    kind, movie, value, timestamp = json.loads(rest)
    return StoredEvent(int(seq), kind, movie, value, timestamp)
