"""Dataclasses of arrays and numbers as one `.npz` without pickle: the form of every model that NumPy alone can ask."""

from dataclasses import fields
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from sparrow.errors import ReleaseError


class SavedArrays:
    """What a dataclass of arrays and plain numbers inherits to be written and read; `what` names it in errors."""

    what: ClassVar[str]

    def save(self, path: Path) -> None:
        """Write `path` (.npz)."""
        arrays: dict[str, Any] = {one.name: np.asarray(getattr(self, one.name)) for one in fields(self)}  # type: ignore[arg-type]
        np.savez(path, **arrays)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            ReleaseError: the file cannot be read, or lacks a part.
        """
        try:
            with np.load(path, allow_pickle=False) as saved:
                found: dict[str, Any] = {one.name: saved[one.name] for one in fields(cls)}  # type: ignore[arg-type]
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise ReleaseError(f"{path} is no {cls.what} ({error}); publish another release or rebuild.") from None
        return cls(**{name: value if value.ndim else value.item() for name, value in found.items()})
