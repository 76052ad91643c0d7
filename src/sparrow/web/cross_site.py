"""What keeps a page of another site from writing here in a visitor's name.

A browser lets any page send a form or plain text anywhere; JSON and DELETE it sends only where the other side agreed, and this
server agrees to neither. So an API that writes takes JSON, and a page that writes looks at where its form stood.
"""

from typing import Final
from urllib.parse import urlsplit

from fastapi import Request
from starlette.exceptions import HTTPException

_OWN: Final = frozenset({"same-origin", "none"})


def require_json(request: Request) -> None:
    """Refuse (415) a body that does not say it is JSON."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "The body must be JSON; send it with Content-Type: application/json.")


def require_own_page(request: Request) -> None:
    """Refuse (403) a form that stood on a page of another site; programs, which say nothing of pages, may send it."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    is_own = site in _OWN if site else origin is None or urlsplit(origin).netloc == request.headers.get("host")
    if not is_own:
        raise HTTPException(403, "This form was sent from a page of another site; send it from this site's own page.")
