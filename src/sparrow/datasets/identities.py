"""Ids that are no numbers become numbers, once and for all: the append-only tables beside an imported dataset.

    movie_ids.parquet   movieId int64, outsideId string
    user_ids.parquet    userId int64, outsideId string

A small whole number (1 to 2**62 - 1) stays what it is and stands in no table. A row that was written once is never
changed or left out, however often the data are imported into the same folder, so that what the site remembers of a
person or a movie stays theirs. Held in memory: some 200 bytes for each text id.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sparrow.errors import DataError
from sparrow.schema import Columns

Surrogates = Callable[[str], Iterator[int]]
"""Text → the numbers it may get, first choice first (`sparrow.stores.outside_ids.surrogates`: the site must agree)."""

OUTSIDE: Final = "outsideId"
ID_TABLES: Final = {"movies": "movie_ids.parquet", "users": "user_ids.parquet"}
SMALL_BELOW: Final = 2**62

_ID_COLUMNS: Final = {"movies": Columns.MOVIE, "users": Columns.USER}
_SMALL: Final = "^[1-9][0-9]{0,17}$"
"""At most 18 digits: below 2**62 without looking closer."""


class IdTable:
    """Outside ids of one side, each with its number."""

    def __init__(self, who: Literal["movies", "users"], surrogates: Surrogates) -> None:
        self._who, self._surrogates = who, surrogates
        self._numbers: dict[str, int] = {}
        self._holders: dict[int, str] = {}

    @classmethod
    def load(cls, folder: Path, who: Literal["movies", "users"], surrogates: Surrogates) -> "IdTable":
        """The table of a dataset folder; an empty one when it has none."""
        table = cls(who, surrogates)
        for number, text in read_ids(folder, who):
            table._numbers[text], table._holders[number] = number, text
        return table

    def __len__(self) -> int:
        return len(self._numbers)

    def encode(self, texts: pa.StringArray) -> NDArray[np.int64]:
        """(n,) outside ids, none of them empty → (n,) numbers; new ids are taken into the table."""
        if pc.all(pc.match_substring_regex(texts, _SMALL)).as_py() is not False:
            return np.asarray(texts.cast(pa.int64()).to_numpy(zero_copy_only=False), dtype=np.int64)
        encoded = texts.dictionary_encode()
        numbers = np.array([self.number(text) for text in encoded.dictionary.to_pylist()], dtype=np.int64)
        return np.asarray(numbers[encoded.indices.to_numpy()], dtype=np.int64)

    def number(self, text: str) -> int:
        """The number of one outside id."""
        if (known := self._numbers.get(text)) is not None:
            return known
        number = next(one for one in self._surrogates(text) if one not in self._holders)
        if number >= SMALL_BELOW:
            self._numbers[text], self._holders[number] = number, text
        return number

    def outside(self, number: int) -> str | None:
        """The text that a number stands for; None for a number that stands for itself."""
        text = self._holders.get(number)
        return None if text == str(number) else text

    def save(self, folder: Path) -> None:
        """Write the table, earlier rows first; nothing when it is empty."""
        if not self._numbers:
            return
        columns = {
            _ID_COLUMNS[self._who]: pa.array(list(self._numbers.values()), pa.int64()),
            OUTSIDE: pa.array(list(self._numbers), pa.string()),
        }
        pq.write_table(pa.table(columns), folder / ID_TABLES[self._who])


def read_ids(folder: Path, who: Literal["movies", "users"]) -> Iterator[tuple[int, str]]:
    """(number, outside id) in the order in which they were given out; nothing when ids are small numbers.

    Raises:
        DataError: the table cannot be read.
    """
    path = folder / ID_TABLES[who]
    if not path.is_file():
        return
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(columns=[_ID_COLUMNS[who], OUTSIDE]):
                yield from zip(batch.column(0).to_pylist(), batch.column(1).to_pylist(), strict=True)
    except (pa.ArrowException, KeyError) as error:
        raise DataError(
            f"{path} is no table of ids ({error}); put it back from a copy: the ids it gave out are in use."
        ) from None
