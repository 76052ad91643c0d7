"""The rules one worker obeys: the newest version that could be read and understood. It only looks; `live` evaluates."""

import logging

from pydantic import ValidationError

from sparrow.config import Rules
from sparrow.errors import SparrowError
from sparrow.stores.rules import FIRST, RuleBook, Version

log = logging.getLogger(__name__)


class RuleWatch:
    """Polled by one task; whatever goes wrong, the rules of before stay and `problem` says why.

    Attributes:
        version: what is obeyed.
        known: whether the store has ever answered. Before that the seed may not stand in: it shows what somebody has hidden.
        problem: why the newest version is not obeyed; "" if it is.
    """

    def __init__(self, book: RuleBook | None, seed: Rules) -> None:
        """Args: book: where versions are kept; None: the seed for ever. seed: what `sparrow.toml` says."""
        self._book, self._seed = book, seed
        self.version, self.known, self.problem = FIRST, book is None, ""

    def look(self) -> Version:
        """The version to obey from now on; may wait for a store. The document is read only when its number has moved."""
        if self._book is None:
            return self.version
        try:
            # After a problem the number proves nothing: an emptied store counts from 1 again.
            if self.known and not self.problem and self._book.number() == self.version.version:
                return self.version
            newest = self._book.current()
            if newest == FIRST and self.version != FIRST:
                raise _lost(self.version)
            self.read(newest)
        except (SparrowError, ValidationError) as error:
            self.note(str(error))
            return self.version
        self.known = True
        if newest == self.version:
            self.problem = ""
        return newest

    def obey(self, version: Version) -> None:
        """Remember that a version is in force now."""
        self.version, self.problem = version, ""

    def read(self, version: Version) -> Rules:
        """What a version says."""
        return self._seed if version.document is None else Rules.model_validate_json(version.document)

    def note(self, problem: str) -> None:
        """Remember why the newest rules are not obeyed; log it once, not at every poll."""
        if problem != self.problem:
            meanwhile = f"version {self.version.version} stays" if self.known else "no list is made without them"
            log.error("The rules cannot be followed, %s: %s", meanwhile, problem)
        self.problem = problem


def _lost(held: Version) -> SparrowError:
    # Movies that somebody hid must not come back because a Redis was emptied.
    return SparrowError(f"The store has no rules any more, version {held.version} was the last; put them again.")
