"""The rules in Redis: one list, newest version first, which all servers of that Redis share.

One key, so that a Cluster needs no more than one slot; a script, so that comparing and adding are one step.
"""

import json
from typing import Final

from sparrow.stores.redis_connection import RedisConnection
from sparrow.stores.rules import KEPT, Version, as_text

KEY: Final = "sparrow:rules"

_ADD: Final = """
local newest = redis.call('LINDEX', KEYS[1], 0)
if (newest and cjson.decode(newest).version or 0) ~= tonumber(ARGV[1]) then return 0 end
redis.call('LPUSH', KEYS[1], ARGV[2])
redis.call('LTRIM', KEYS[1], 0, tonumber(ARGV[3]) - 1)
return 1
"""


class RedisRules:
    """The rules of one Redis (`rules.RuleStore`)."""

    def __init__(self, url: str, timeout_s: float) -> None:
        """Nothing is sent yet; `timeout_s` is the deadline of each answer."""
        self._connection = RedisConnection(url, timeout_s, retries=1)

    def newest(self, count: int) -> list[Version]:
        with self._connection.client() as client:
            return [Version(**json.loads(text)) for text in client.lrange(KEY, 0, count - 1)]

    def add(self, version: Version) -> bool:
        with self._connection.client() as client:
            return bool(client.eval(_ADD, 1, KEY, version.version - 1, as_text(version), KEPT))

    def close(self) -> None:
        self._connection.close()
