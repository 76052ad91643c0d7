"""What else is known of movies and people, as arrays that a model can take: fitted once, saved, applied anywhere.

    categorical  → vocabulary indices, 0 pads, 1 is unknown
    numeric      → (x - mean) / deviation; 0 where missing
    text         → TF-IDF (sublinear, l2) → truncated SVD, l2; the latent semantic analysis of Deerwester et al. (1990)
    vector       → as it is; zeros where missing

Memory: the table, and for text one sparse row a document. A saved encoder is one NumPy archive, no pickle.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sparrow.datasets.attributes import FILES, IDS, Kind, Who, read_kinds
from sparrow.errors import DataError
from sparrow.features.attribute_kinds import FITTED, RESERVED, Attribute, Categorical, Floats, Limits, is_present


@dataclass(frozen=True)
class Encoded:
    """The attributes of n movies or people; row i of every array is `ids[i]`.

    Attributes:
        ids: (n,) int64 raw ids, ascending.
        categories: attribute → (n, width) int32 vocabulary indices, padded with 0 at the end.
        sizes: categorical attribute → size of its vocabulary, 0 and 1 included.
        numbers: attribute → (n,) float32, mean 0 and deviation 1 where the encoder was fitted.
        vectors: text or vector attribute → (n, dim) float32.
        present: attribute → (n,) bool, where there was a value.
    """

    ids: NDArray[np.int64]
    categories: Mapping[str, NDArray[np.int32]]
    sizes: Mapping[str, int]
    numbers: Mapping[str, Floats]
    vectors: Mapping[str, Floats]
    present: Mapping[str, NDArray[np.bool_]]

    @cached_property
    def dense(self) -> Floats:
        """(n, d) all numbers and vectors side by side, by attribute name: what a content embedding starts from."""
        parts = [self.numbers[name][:, None] for name in sorted(self.numbers)]
        parts += [self.vectors[name] for name in sorted(self.vectors)]
        return np.concatenate([np.empty((len(self.ids), 0), np.float32), *parts], axis=1)

    def rows(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """(m,) raw ids → (m,) rows of these arrays; -1 for one that has no attributes."""
        at = np.searchsorted(self.ids, ids)
        at = np.minimum(at, max(len(self.ids) - 1, 0))
        known = self.ids[at] == ids if len(self.ids) else np.zeros(len(ids), dtype=bool)
        return np.where(known, at, -1)


@dataclass(frozen=True, eq=False)
class AttributeEncoder:
    """All attributes of movies or of people, fitted."""

    who: Who
    attributes: Mapping[str, Attribute] = field(default_factory=dict)

    @classmethod
    def fit(cls, table: pa.Table, who: Who, kinds: Mapping[str, Kind], limits: Limits = Limits()) -> "AttributeEncoder":
        """Args: table: as `write_attributes` writes it; kinds: attribute → kind."""
        return cls(who, {name: FITTED[kind].fit(table.column(name), limits) for name, kind in kinds.items()})

    def encode(self, table: pa.Table) -> Encoded:
        """Rows in the order of their ids.

        Raises:
            DataError: the table lacks a fitted attribute.
        """
        missing = [name for name in (IDS[self.who], *self.attributes) if name not in table.column_names]
        if missing:
            raise DataError(f"The attributes of {self.who} lack {missing[0]!r}; there are {table.column_names}.")
        table = table.sort_by(IDS[self.who])
        arrays = {name: one.encode(table.column(name)) for name, one in self.attributes.items()}
        return Encoded(
            ids=table.column(IDS[self.who]).to_numpy(),
            categories=self._of(arrays, "categorical"),
            sizes={
                name: len(one.words) + RESERVED for name, one in self.attributes.items() if isinstance(one, Categorical)
            },
            numbers=self._of(arrays, "numeric"),
            vectors=self._of(arrays, "text", "vector"),
            present={name: is_present(table.column(name)) for name in self.attributes},
        )

    def save(self, path: Path) -> None:
        """Write one .npz: an entry `header` (JSON: kinds, words, numbers) and one for each array."""
        header: dict[str, Any] = {"who": self.who, "attributes": {}}
        arrays: dict[str, NDArray[Any]] = {}
        for place, (name, one) in enumerate(self.attributes.items()):
            values = {part.name: getattr(one, part.name) for part in fields(one)}  # type: ignore[arg-type]
            large = {key: value for key, value in values.items() if isinstance(value, np.ndarray)}
            arrays |= {f"{place}.{key}": value for key, value in large.items()}
            plain = {key: value for key, value in values.items() if key not in large}
            header["attributes"][name] = {"kind": one.kind, "values": plain, "arrays": list(large)}
        np.savez_compressed(path, header=np.frombuffer(orjson.dumps(header), dtype=np.uint8), **arrays)  # type: ignore[arg-type]

    @classmethod
    def load(cls, path: Path) -> "AttributeEncoder":
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as archive:
            header = orjson.loads(archive["header"].tobytes())
            attributes = {
                name: FITTED[told["kind"]](
                    **told["values"], **{key: archive[f"{place}.{key}"] for key in told["arrays"]}
                )
                for place, (name, told) in enumerate(header["attributes"].items())
            }
        return cls(header["who"], attributes)

    def _of(self, arrays: Mapping[str, NDArray[Any]], *kinds: Kind) -> dict[str, NDArray[Any]]:
        return {name: arrays[name] for name, one in self.attributes.items() if one.kind in kinds}


def read_attributes(folder: Path, who: Who) -> pa.Table | None:
    """The attribute table of a canonical folder; None when it has none.

    Raises:
        DataError: the table cannot be read.
    """
    path = folder / FILES[who]
    if not path.is_file():
        return None
    try:
        return pq.read_table(path)
    except pa.ArrowException as error:
        raise DataError(f"{path} cannot be read ({error}); import the data again.") from None


def encode_attributes(folder: Path, who: Who = "movies", limits: Limits = Limits()) -> Encoded:
    """Fit on all rows of a canonical folder and encode them; n is 0 when it has no attributes."""
    table, kinds = read_attributes(folder, who), read_kinds(folder)[who]
    if table is None:
        return Encoded(np.empty(0, np.int64), {}, {}, {}, {}, {})
    return AttributeEncoder.fit(table, who, kinds, limits).encode(table)
