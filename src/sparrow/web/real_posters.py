"""Real posters beside the drawn ones: from a folder of pictures, and from TMDB into that folder.

Nobody waits for TMDB: the first visitor sees the drawn poster, the picture is fetched behind them, and the next visitor sees it.
A picture is called by what the data set calls its movie, percent-encoded as in the site's paths: `589.jpg`, `a%2Fb.png`.
"""

import asyncio
import contextlib
import hashlib
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from typing import Final
from urllib.parse import quote

import httpx

from sparrow.config import Settings
from sparrow.online.answers import MovieFacts

log = logging.getLogger(__name__)

TYPES: Final[Mapping[str, str]] = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
}
FACTS: Final = "https://api.themoviedb.org/3"
PICTURES: Final = "https://image.tmdb.org/t/p/w342"
TIMEOUT_S: Final = 5.0
MOST_BYTES: Final = 2 << 20
AT_ONCE: Final = 4
ASK_AGAIN_S: Final = 3600.0
"""A movie whose picture could not be had is not asked for again for so long."""


class RealPosters:
    """The pictures there are. One per application; `order` needs a running event loop.

    Args:
        folder: where pictures lie, and where fetched ones are kept.
        key: TMDB's API Read Access Token; "" fetches nothing.
        transport: how TMDB is reached, for tests.
    """

    def __init__(self, folder: Path, key: str = "", transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.folder, self._key, self._transport = folder, key, transport
        self._running: set[asyncio.Task[None]] = set()
        self._asked: dict[int, float] = {}
        self._places = asyncio.Semaphore(AT_ONCE)

    @classmethod
    def of(cls, settings: Settings) -> "RealPosters | None":
        """As the settings say; None where no folder is named: then every poster is drawn."""
        folder = settings.web.posters or settings.embeddings.posters
        return cls(Path(folder), settings.web.tmdb_key if settings.web.posters else "") if folder else None

    def find(self, movie: MovieFacts) -> tuple[bytes, str, str] | None:
        """The picture of a movie: its bytes, media type and ETag; None if there is none. Reads a file."""
        name = quote(str(movie.public_id), safe="")
        for ending, media_type in TYPES.items():
            with contextlib.suppress(OSError):
                picture = (self.folder / f"{name}{ending}").read_bytes()
                return picture, media_type, f'"{hashlib.blake2b(picture, digest_size=8).hexdigest()}"'
        return None

    def order(self, movie: MovieFacts) -> None:
        """Fetch the picture of a movie behind the request's back, unless that was tried lately."""
        number, now = movie.tmdb_id, monotonic()
        is_late = now - self._asked.get(movie.movie_id, -ASK_AGAIN_S) >= ASK_AGAIN_S
        if not self._key or not (number.isascii() and number.isdigit()) or not is_late:
            return
        self._asked[movie.movie_id] = now
        task = asyncio.create_task(self._fetch(movie))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def close(self) -> None:
        """Stop what is being fetched."""
        for task in tuple(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _fetch(self, movie: MovieFacts) -> None:
        try:
            async with self._places, httpx.AsyncClient(transport=self._transport, timeout=TIMEOUT_S) as client:
                picture = await self._ask(client, movie.tmdb_id)
            if picture:
                await asyncio.to_thread(self._keep, quote(str(movie.public_id), safe=""), picture)
        except (httpx.HTTPError, OSError, ValueError) as error:
            log.warning("The poster of movie %s could not be had from TMDB: %s", movie.public_id, error)

    async def _ask(self, client: httpx.AsyncClient, number: str) -> bytes:
        """The JPEG of one movie; b"" where TMDB has none.

        Raises:
            ValueError: TMDB sent something else.
        """
        facts = await client.get(f"{FACTS}/movie/{number}", headers={"Authorization": f"Bearer {self._key}"})
        facts.raise_for_status()
        told = facts.json()
        if not isinstance(told, dict):
            raise ValueError("an answer that is no object")
        path = told.get("poster_path")
        if not path:
            return b""
        answer = await client.get(f"{PICTURES}/{quote(str(path).lstrip('/'))}")
        answer.raise_for_status()
        if not answer.content.startswith(b"\xff\xd8") or len(answer.content) > MOST_BYTES:
            raise ValueError(f"{len(answer.content)} bytes that are no JPEG below {MOST_BYTES}")
        return answer.content

    def _keep(self, name: str, picture: bytes) -> None:
        """Written aside, then renamed: whoever looks sees a whole picture or none."""
        self.folder.mkdir(parents=True, exist_ok=True)
        part = self.folder / f".{name}.{os.getpid()}.part"
        part.write_bytes(picture)
        part.replace(self.folder / f"{name}.jpg")
