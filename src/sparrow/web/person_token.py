"""A token per person (`[web] person_secret`): with a secret set, what is about a person is answered only to who brings theirs.

The token is a JSON Web Token (RFC 7519) signed with HMAC-SHA256, as any gateway can mint one: `sub` is the person's id as the API
writes it, `exp` the second after which it no longer counts, `nbf` (optional) the first in which it does.
"""

import base64
import binascii
import hashlib
import hmac
import time
from typing import Any, Final, TypeGuard

import orjson
from fastapi import Request
from starlette.exceptions import HTTPException

LONGEST: Final = 4096
"""Characters of a token."""

_CURE: Final = "send the person's own as `Authorization: Bearer …` (docs/operations.md tells how a gateway mints one)."
_MEMO: Final = "person_of_token"


def is_private(request: Request) -> bool:
    """Whether people are told about only to themselves."""
    return bool(request.app.state.settings.web.person_secret)


def check_person(request: Request, name: str) -> None:
    """Refuse whoever asks about a person without that person's token: 401 without a good one, 403 with another person's.

    Args:
        name: the person's id as the API writes it; checked before anybody looks whether there is such a person.
    """
    if is_private(request) and not hmac.compare_digest(_bearer(request).encode(), name.encode("utf-8", "replace")):
        raise HTTPException(403, f"The token is that of another person; {_CURE}")


def subject(token: str, secret: str, now: float) -> str:
    """Whose token it is.

    Args:
        token: as it was sent.
        secret: what it must be signed with.
        now: seconds, UTC.

    Raises:
        ValueError: it is not to be believed, or not now; the message says why.
    """
    if len(token) > LONGEST or token.count(".") != 2 or not token.isascii():
        raise ValueError("is no token of three parts")
    signed, _, signature = token.rpartition(".")
    expected = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    head, claims = (_read(part) for part in signed.split("."))
    # Whatever the token says of itself: none but this one way of signing is believed.
    if head.get("alg") != "HS256" or not hmac.compare_digest(_bytes(signature), expected):
        raise ValueError("is not signed with our secret by HS256")
    first, last, name = claims.get("nbf", 0), claims.get("exp"), claims.get("sub")
    if not (isinstance(name, str) and name and _is_time(first) and _is_time(last)):
        raise ValueError("lacks `sub` (a text) or `exp` (seconds, UTC)")
    if not first <= now < last:
        raise ValueError("has expired, or does not count yet")
    return name


def _bearer(request: Request) -> str:
    """The person of this request's token, looked at once."""
    known: str | None = request.scope.get(_MEMO)
    if known is None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise HTTPException(401, f"What is about a person needs a token; {_CURE}", {"WWW-Authenticate": "Bearer"})
        try:
            known = subject(token.strip(), request.app.state.settings.web.person_secret, time.time())
        except ValueError as error:
            challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
            raise HTTPException(401, f"The token {error}; {_CURE}", challenge) from None
        request.scope[_MEMO] = known
    return known


def _read(part: str) -> dict[str, Any]:
    try:
        told = orjson.loads(_bytes(part))
    except orjson.JSONDecodeError:
        raise ValueError("holds something that is no JSON") from None
    if not isinstance(told, dict):
        raise ValueError("holds something that is no JSON object")
    return told


def _bytes(part: str) -> bytes:
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("holds something that is no base64url") from None


def _is_time(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
