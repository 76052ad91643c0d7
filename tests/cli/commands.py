"""The command as a shell sees it: exit code, standard output, standard error."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return orjson.loads(self.out)

    def check_failed(self, code: int, *words: str) -> None:
        """Ended with this code and one sentence that has these words; no traceback, nothing on standard output."""
        assert self.code == code, self
        assert "Traceback" not in self.err
        assert self.out == ""
        told = self.err.strip().splitlines()
        assert told[-1].startswith("Error: "), self.err
        for word in words:
            assert word in told[-1], self.err


Command = Callable[..., Ended]
