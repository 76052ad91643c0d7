"""The rules in Redis: one list, newest version first, which all servers of that Redis share.

One key, so that a Cluster needs no more than one slot; a script, so that comparing and adding are one step.
"""

import json
from typing import Final

from sparrow.stores.redis_connection import RedisConnection
from sparrow.stores.rules import KEPT, Version, as_text

KEY: Final = "sparrow:rules"

# `as_text` writes the number first: it is read off without decoding a document of megabytes.
_NUMBER: Final = """
local newest = redis.call('LINDEX', KEYS[1], 0)
local digits = newest and string.match(string.sub(newest, 1, 40), '^{"version": (%d+),')
local number = newest and tonumber(digits or cjson.decode(newest).version) or 0
"""
_TELL: Final = f"{_NUMBER} return number"
_FIND: Final = f"{_NUMBER} return redis.call('LINDEX', KEYS[1], number - tonumber(ARGV[1]))"
_ADD: Final = f"""{_NUMBER}
if number ~= tonumber(ARGV[1]) then return 0 end
redis.call('LPUSH', KEYS[1], ARGV[2])
redis.call('LTRIM', KEYS[1], 0, tonumber(ARGV[3]) - 1)
return 1
"""


class RedisRules:
    """The rules of one Redis (`rules.RuleStore`)."""

    def __init__(self, url: str, timeout_s: float) -> None:
        """Nothing is sent yet; `timeout_s` is the deadline of each answer."""
        self._connection = RedisConnection(url, timeout_s, retries=1)

    def number(self) -> int:
        with self._connection.client() as client:
            return int(client.eval(_TELL, 1, KEY))

    def find(self, number: int) -> Version | None:
        with self._connection.client() as client:
            text = client.eval(_FIND, 1, KEY, number)
        # Counted from the newest one back; a number that is not there yet would count from the oldest one.
        found = Version(**json.loads(text)) if text else None
        return found if found and found.version == number else None

    def newest(self, count: int) -> list[Version]:
        with self._connection.client() as client:
            return [Version(**json.loads(text)) for text in client.lrange(KEY, 0, count - 1)]

    def add(self, version: Version) -> bool:
        with self._connection.client() as client:
            return bool(client.eval(_ADD, 1, KEY, version.version - 1, as_text(version), KEPT))

    def close(self) -> None:
        self._connection.close()
