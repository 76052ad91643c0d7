"""Candidates from an HTTP source: the ids of what may be shown now, kept by another system, e.g. a shop's stock.

    GET <url>  →  200 [1, 50, "tt0103064"]  or  200 {"ids": [1, 50, …]}      304 when the ETag sent is still right

It is asked in the background, never on a request, with one deadline over the whole answer. An answer that is no such list, is
empty, or comes too late is refused and the last good one stays, however old it is, over restarts too: it is kept in the home.
Until there was a first good one nothing is shown: who names a source says "these, and no others".
"""

import asyncio
import hashlib
import logging
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import orjson
from pydantic import TypeAdapter, ValidationError

from sparrow.config import MovieRef, Online
from sparrow.errors import DataError, SparrowError

log = logging.getLogger(__name__)

FILE: Final = "candidates.json"
LARGEST: Final = 64 << 20
"""Bytes of an answer: some millions of ids."""

RETRY_S: Final = 2.0
"""Seconds until a source is asked again that gave no good answer; recovery within 5 s is promised."""

_IDS: Final = TypeAdapter(frozenset[MovieRef])


Ids = frozenset[MovieRef]
Check = Callable[[Ids], None]
"""Raises `InvalidInput` for ids that cannot be what is meant."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A good answer: ids as the outside world calls them, and what names this version of them, "" if nothing does."""

    ids: Ids
    etag: str = ""


class CandidateSource:
    """Asks one address again and again, and remembers the last good answer.

    Attributes:
        offer: the last good answer; None before there was one.
        problem: why the newest answer is not it; "" if it is.
        refused: bad answers, and answers that never came, since the start.
    """

    def __init__(self, home: Path, settings: Online, check: Check) -> None:
        """Args: home: keeps the last good answer; settings: address, deadline, how often it is asked; check: see there."""
        self._url, self._timeout_s = settings.candidates_url, settings.candidates_timeout_ms / 1000
        self._check, self._seconds, self._path = check, settings.candidates_seconds, home / FILE
        self._client = httpx.AsyncClient(timeout=None, trust_env=False, headers={"Accept": "application/json"})
        self._answered_at: float | None = None
        self.problem, self.refused = "", 0
        self.offer = self._remembered()

    async def look(self) -> Offer | None:
        """Ask once; gives the offer that holds now."""
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._keep(await self._ask())
        except TimeoutError:
            self.refuse(f"it did not answer within {self._timeout_s:g} s")
        except httpx.HTTPError as error:
            self.refuse(f"it cannot be reached, or broke off ({type(error).__name__}: {error})")
        except SparrowError as error:
            self.refuse(str(error))
        except Exception as error:  # noqa: BLE001 - headers and texts of a stranger: the watch must outlive them all
            self.refuse(f"{type(error).__name__}, which nobody foresaw")
        else:
            self.problem, self._answered_at = "", time.monotonic()
        return self.offer

    async def watch(self, follow: Callable[[], Awaitable[None]]) -> None:
        """Ask for ever, and let `follow` look at what came of it."""
        while True:
            # Whoever gave no good answer is asked again soon.
            await asyncio.sleep(min(self._seconds, RETRY_S) if self.problem else self._seconds)
            await self.look()
            try:
                await follow()
            except SparrowError as error:
                self.refuse(str(error))

    def refuse(self, reason: str) -> None:
        """Count an answer that is not followed, and remember why; logged once, not at every look."""
        self.refused += 1
        problem = f"The source of candidates gave no good answer: {reason}."
        if problem != self.problem:
            stays = f"the last good one, of {len(self.offer.ids)} ids, stays" if self.offer else "nothing is shown"
            log.error("%s Until it does, %s", problem, stays)
        self.problem = problem

    def state(self) -> dict[str, Any]:
        """For `/readyz`: how many ids, how old (seconds; None: of an earlier run), what was refused and why."""
        age = None if self._answered_at is None else round(time.monotonic() - self._answered_at, 1)
        told = {"ids": len(self.offer.ids) if self.offer else 0, "confirmed_seconds_ago": age, "refused": self.refused}
        return {**told, "problem": self.problem} if self.problem else told

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _ask(self) -> Offer:
        headers = {"If-None-Match": self.offer.etag} if self.offer and self.offer.etag else {}
        async with self._client.stream("GET", self._url, headers=headers) as answer:
            if answer.status_code == 304 and self.offer and headers:
                return self.offer
            if answer.status_code != 200:
                raise DataError(f"it answered {answer.status_code}, where 200 with a list of ids is expected")
            body = bytearray()
            async for part in answer.aiter_bytes():
                body += part
                if len(body) > LARGEST:
                    raise DataError(f"its answer is larger than {LARGEST >> 20} MiB")
            return Offer(await asyncio.to_thread(read_ids, bytes(body)), answer.headers.get("ETag", ""))

    async def _keep(self, offer: Offer) -> None:
        if offer != self.offer:
            await asyncio.to_thread(self._check, offer.ids)
            self.offer = offer
            await asyncio.to_thread(self._remember, offer)

    def _remembered(self) -> Offer | None:
        """What an earlier run was told by the same address."""
        try:
            kept = orjson.loads(self._path.read_bytes())
            return Offer(read_ids(orjson.dumps(kept["ids"])), kept["etag"]) if kept["of"] == self._address else None
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, LookupError, SparrowError) as error:
            log.warning("%s is not used, it cannot be read: %s", self._path, error)
            return None

    def _remember(self, offer: Offer) -> None:
        kept = {"of": self._address, "etag": offer.etag, "ids": sorted(offer.ids, key=str)}
        # A file of this process alone: several workers remember the same.
        hidden = self._path.with_name(f".{FILE}.{os.getpid()}")
        try:
            hidden.write_bytes(orjson.dumps(kept))
            hidden.replace(self._path)
        except OSError as error:
            log.warning(
                "The candidates are not remembered over a restart: %s cannot be written (%s)", self._path, error
            )

    @property
    def _address(self) -> str:
        """The address without telling it: it may hold a password."""
        return hashlib.sha256(self._url.encode()).hexdigest()


def read_ids(body: bytes) -> Ids:
    """The ids in an answer.

    Raises:
        DataError: it is no list of ids, or an empty one: a shop that sells nothing is a fault more often than not.

    Example:
        >>> sorted(read_ids(b'{"ids": [50, 1]}'))
        [1, 50]
    """
    try:
        told = orjson.loads(body)
        ids = _IDS.validate_python(_listed(told), strict=True)
    except orjson.JSONDecodeError as error:
        raise DataError(f"its answer is no JSON ({error})") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise DataError(f"its answer holds {first['input']!r:.80}, which is no id") from None
    if not ids:
        raise DataError("its answer names no movie")
    return ids


def _listed(told: object) -> frozenset[Any]:
    ids = told.get("ids") if isinstance(told, dict) else told
    if not isinstance(ids, list):
        raise DataError('its answer is neither a list of ids nor {"ids": [...]}')
    if any(isinstance(one, bool) or not isinstance(one, int | str) for one in ids):
        raise DataError("its answer holds something that is no id: numbers and texts are expected")
    return frozenset(ids)


def ids_or_all(source: CandidateSource | None) -> Ids | None:
    """What may be shown; None where no source is asked."""
    return source.offer.ids if source and source.offer else None
