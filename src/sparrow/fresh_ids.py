"""Ids for what is made on the request path: requests and lists."""

from random import Random

_CHANCE = Random()  # seeded by the system, in each process anew


def fresh_id() -> str:
    """128 random bits as 32 hexadecimal digits: names that do not meet, and no secrets.

    `uuid4` asks the system each time and lets another thread go first meanwhile, which under load took most of a millisecond.

    Example:
        >>> len(fresh_id()), fresh_id() == fresh_id()
        (32, False)
    """
    return f"{_CHANCE.getrandbits(128):032x}"
