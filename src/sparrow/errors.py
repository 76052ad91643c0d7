"""Every error Sparrow raises on purpose.

    SparrowError                     one clear sentence: the thing, the value received, the cure
    ├── InvalidInput                 the caller's words are wrong            HTTP 422, exit 2 on the command line
    │   └── SettingsError            a setting is unknown or out of range
    ├── NotFound                     a well-formed name that nothing has     HTTP 404
    ├── DataError                    a dataset cannot be read or used
    ├── Busy                         another process holds what we need      HTTP 409
    ├── BuildError                   a build stage cannot finish
    ├── ReleaseError                 a release is missing, broken or cannot be published       HTTP 503
    └── Unavailable                  a dependency is down or lies            HTTP 503 (the pipeline degrades first)
        ├── StoreUnavailable
        └── RankerUnavailable

`http_status` is the one place where errors become HTTP statuses; `sparrow.web.app` and `sparrow.cli.main` ask it.
"""


class SparrowError(Exception):
    """Base of all errors with a message meant for people."""

    http_status = 500
    exit_code = 1


class InvalidInput(SparrowError):
    """The caller's words are wrong; the message names the value and what is allowed."""

    http_status = 422
    exit_code = 2


class SettingsError(InvalidInput):
    """A setting is unknown, of the wrong type or out of range."""


class NotFound(SparrowError):
    """A well-formed id or name that the release does not hold."""

    http_status = 404


class DataError(SparrowError):
    """A dataset is missing, empty or cannot be used."""


class Busy(SparrowError):
    """Another process holds the lock, the port or the home."""

    http_status = 409


class BuildError(SparrowError):
    """A build stage cannot finish; what earlier stages made is kept."""


class ReleaseError(SparrowError):
    """A release is missing, broken, or cannot be published."""

    http_status = 503


class Unavailable(SparrowError):
    """A dependency is down, slow, or answers nonsense."""

    http_status = 503


class StoreUnavailable(Unavailable):
    """The feature store cannot answer."""


class RankerUnavailable(Unavailable):
    """The ranking model cannot answer, or answered nonsense."""
