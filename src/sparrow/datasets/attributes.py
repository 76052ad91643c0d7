"""What else is known of movies and people: further columns, each declared to be of one of four kinds.

    <folder>/movie_attributes.parquet   movieId + one column an attribute
    <folder>/user_attributes.parquet    userId + one column an attribute
    <folder>/attributes.json            {"movies": {name: kind}, "users": {name: kind}}

A missing value is null, whatever the kind; a number that is no number (NaN, infinity) is refused.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, Literal, get_args

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sparrow.errors import DataError
from sparrow.schema import Columns

Kind = Literal["categorical", "numeric", "text", "vector"]
Who = Literal["movies", "users"]

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
ATTRIBUTES: Final = "attributes.json"
FILES: Final[Mapping[Who, str]] = {"movies": "movie_attributes.parquet", "users": "user_attributes.parquet"}
IDS: Final[Mapping[Who, str]] = {"movies": Columns.MOVIE, "users": Columns.USER}


def write_attributes(folder: Path, who: Who, tables: Iterable[pa.Table], kinds: Mapping[str, Kind]) -> int:
    """Write one side's attributes, table after table, and declare them in `attributes.json`.

    Categorical columns are strings or lists of strings (numbers and truths become words), numeric ones any number,
    text strings, vectors lists of numbers of one length. The first table decides between string and list, and the
    length of vectors. What this side held before is replaced; the other side stays.

    Args:
        folder: a canonical dataset folder.
        tables: each with the id column (`movieId` or `userId`, every id once in all tables) and all of `kinds`;
            further columns are left out.
        kinds: attribute → kind.

    Returns:
        How many rows were written.

    Raises:
        DataError: a column is missing, has another type, holds NaN, or an id comes twice; nothing is written then.
    """
    _check_kinds(kinds, who)
    written = folder / f".{FILES[who]}"
    try:
        rows = _write(written, _checked(tables, who, kinds), IDS[who])
        written.replace(folder / FILES[who])
    finally:
        written.unlink(missing_ok=True)
    declared = read_kinds(folder) | {who: dict(kinds)}
    (folder / ATTRIBUTES).write_bytes(orjson.dumps(declared, option=orjson.OPT_INDENT_2))
    return rows


def read_kinds(folder: Path) -> dict[Who, dict[str, Kind]]:
    """The declared attributes of a canonical folder; both sides are empty when it declares none.

    Raises:
        DataError: `attributes.json` is not what `write_attributes` writes.
    """
    path = folder / ATTRIBUTES
    if not path.is_file():
        return {"movies": {}, "users": {}}
    try:
        content = orjson.loads(path.read_bytes())
        declared: dict[Who, dict[str, Kind]] = {who: dict(content.get(who, {})) for who in FILES}
    except (ValueError, AttributeError, TypeError):
        raise DataError(f"{path} is not a JSON object of attributes; import the data again.") from None
    for who, kinds in declared.items():
        _check_kinds(kinds, who)
    return declared


def _check_kinds(kinds: Mapping[str, Kind], who: Who) -> None:
    for name, kind in kinds.items():
        if kind not in KINDS:
            raise DataError(f"The attribute {name!r} of {who} is declared {kind!r}; known kinds: {', '.join(KINDS)}.")
        if name == IDS[who]:
            raise DataError(f"{name!r} is the id of {who} and cannot be an attribute; rename the column.")


def _write(path: Path, tables: Iterator[pa.Table], id_column: str) -> int:
    ids: list[np.ndarray] = []
    writer: pq.ParquetWriter | None = None
    try:
        for table in tables:
            writer = writer or pq.ParquetWriter(path, table.schema)
            writer.write_table(table)
            ids.append(table.column(id_column).to_numpy())
    finally:
        if writer:
            writer.close()
    if not writer:
        raise DataError("There are no attribute tables, not even an empty one; nothing was written.")
    values, counts = np.unique(np.concatenate(ids), return_counts=True)
    if (counts > 1).any():
        twice = int(values[counts > 1][0])
        raise DataError(f"The attributes hold {id_column} {twice} more than once; give each id one row.")
    return len(values)


def _checked(tables: Iterable[pa.Table], who: Who, kinds: Mapping[str, Kind]) -> Iterator[pa.Table]:
    """Each table with the id and the declared columns, cast to one schema that the first table decides."""
    decided: dict[str, pa.DataType] = {}
    for table in tables:
        missing = [name for name in (IDS[who], *kinds) if name not in table.column_names]
        if missing:
            raise DataError(f"The attributes of {who} lack the column {missing[0]!r}; there are {table.column_names}.")
        columns = [_checked_ids(table.column(IDS[who]), IDS[who])]
        for name, kind in kinds.items():
            column = table.column(name)
            target = decided.setdefault(name, _target(name, kind, column))
            columns.append(_checked_values(name, kind, column, target))
        yield pa.table(columns, names=[IDS[who], *kinds])


def _checked_ids(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    if not pa.types.is_integer(column.type):
        raise DataError(f"The column {name!r} of an attribute table has the type {column.type}; ids are int64.")
    if column.null_count:
        raise DataError(
            f"The column {name!r} of an attribute table lacks {column.null_count} ids; leave such rows out."
        )
    return column.cast(pa.int64())


def _target(name: str, kind: Kind, column: pa.ChunkedArray) -> pa.DataType:
    """The stored type of an attribute.

    Raises:
        DataError: a column of this type cannot be of this kind.
    """
    of = column.type.value_type if _is_list(column.type) or pa.types.is_dictionary(column.type) else column.type
    if kind == "categorical" and (_is_word(of) or pa.types.is_integer(of) or pa.types.is_boolean(of)):
        return pa.list_(pa.string()) if _is_list(column.type) else pa.string()
    if kind == "numeric" and not _is_list(column.type) and (_is_number(of) or pa.types.is_boolean(of)):
        return pa.float64()
    if kind == "text" and not _is_list(column.type) and _is_word(of):
        return pa.string()
    if kind == "vector" and _is_list(column.type) and _is_number(of):
        return pa.list_(pa.float32(), _length(name, column))
    cures = {
        "categorical": "strings or lists of strings",
        "numeric": "numbers",
        "text": "strings",
        "vector": "lists of numbers",
    }
    raise DataError(
        f"The attribute {name!r} is declared {kind} and has the type {column.type}; {kind} needs {cures[kind]}."
    )


def _checked_values(name: str, kind: Kind, column: pa.ChunkedArray, target: pa.DataType) -> pa.ChunkedArray:
    if kind == "vector":
        _check_lengths(name, column, target.list_size)
    try:
        cast = column.cast(target, safe=kind not in ("numeric", "vector"))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DataError(
            f"The attribute {name!r} has the type {column.type} here and {target} in its first table: {error}."
        ) from None
    if kind in ("numeric", "vector"):
        _check_finite(name, cast)
    return cast


def _check_finite(name: str, column: pa.ChunkedArray) -> None:
    numbers = pc.list_flatten(column) if _is_list(column.type) else column
    wrong = pc.filter(numbers, pc.invert(pc.is_finite(numbers)), null_selection_behavior="drop")
    if len(wrong):
        raise DataError(f"The attribute {name!r} holds {wrong[0].as_py()}; leave an unknown value empty (null).")
    if _is_list(column.type) and numbers.null_count:
        raise DataError(f"The vector {name!r} holds {numbers.null_count} empty numbers; leave the whole vector empty.")


def _length(name: str, column: pa.ChunkedArray) -> int:
    lengths = pc.list_value_length(column).drop_null()
    if not len(lengths):
        raise DataError(f"The vector {name!r} is empty in every row of its first table; its length cannot be told.")
    return int(lengths[0].as_py())


def _check_lengths(name: str, column: pa.ChunkedArray, length: int) -> None:
    lengths = pc.list_value_length(column).drop_null()
    wrong = lengths.filter(pc.not_equal(lengths, length))
    if len(wrong):
        raise DataError(
            f"The vector {name!r} has {length} numbers in its first row and {wrong[0].as_py()} in another; "
            "give all of them one length."
        )


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _is_word(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))
