"""CSV files line by line, in bounded memory and with exact line numbers.

A record is one line: a stray quote spoils its own line and no other. Lines end in LF or CRLF, blank ones are skipped,
a UTF-8 byte order mark is stepped over. Files are cut into blocks of whole lines, so that a reader may try a fast way
on a block and come back for the exact one (`read_records`).
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sparrow.datasets.faults import MISSING_COLUMN, NOT_UTF8, UNREADABLE_BYTES, WRONG_FIELDS, FaultKind
from sparrow.datasets.report import Tally
from sparrow.errors import DataError

BLOCK_BYTES: Final = 4 << 20
"""Read at once: some 150,000 ratings. A longer line is no line of text."""

FIRST_LINE: Final = 2
"""Row 0 stands below the header."""


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines of a file; `row` is the 0-based row of the first."""

    row: int
    data: bytes


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A file whose header has been read; `start` is the byte where its rows begin."""

    path: Path
    header: tuple[str, ...]
    start: int

    def places(self, columns: Sequence[str], tally: Tally) -> list[int]:
        """Where `columns` stand in each row; [] when one is missing, all rows then being counted as dropped."""
        if all(column in self.header for column in columns):
            return [self.header.index(column) for column in columns]
        missing = ", ".join(column for column in columns if column not in self.header)
        tally.rows = sum(1 for block in self.blocks() for line in block.data.split(b"\n") if line.strip())
        tally.note(MISSING_COLUMN, (1,), f"no {missing} in {','.join(self.header)}", count=tally.rows)
        return []

    def blocks(self) -> Iterator[Block]:
        """The rows, in file order."""
        row, rest = 0, b""
        with self.path.open("rb") as file:
            file.seek(self.start)
            while chunk := file.read(BLOCK_BYTES):
                lines, newline, rest = (rest + chunk).rpartition(b"\n")
                if newline:
                    yield Block(row, lines)
                    row += lines.count(b"\n") + 1
                if len(rest) > BLOCK_BYTES:
                    raise DataError(
                        f"{self.path}, line {row + FIRST_LINE}, is longer than {BLOCK_BYTES} bytes; "
                        "this is no text file with one record per line."
                    )
        if rest:
            yield Block(row, rest)


@dataclass(slots=True)
class Record:
    """The wanted fields of one line, and whether something in it was put right."""

    row: int
    fields: list[str]
    tally: Tally
    repaired: bool = False

    def mend(self, kind: FaultKind, value: str) -> None:
        """Count a fault that leaves this row in."""
        self.tally.note(kind, (self.row + FIRST_LINE,), value)
        self.repaired |= kind.fate == "repaired"

    def drop(self, kind: FaultKind, value: str) -> None:
        """Count a fault that takes this row out."""
        self.tally.note(kind, (self.row + FIRST_LINE,), value)


def open_csv(path: Path) -> CsvFile:
    """Read the header.

    Raises:
        DataError: the file cannot be opened, or is UTF-16.
    """
    try:
        with path.open("rb") as file:
            first = file.readline(BLOCK_BYTES)
    except OSError as error:
        raise DataError(
            f"{path} cannot be read ({error.strerror}); check that it is a file and yours to read."
        ) from None
    if first.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(f"{path} is UTF-16, as spreadsheets write 'Unicode text'; save it as CSV in UTF-8.")
    names = _split(first.decode("utf-8-sig", errors="replace").strip())
    return CsvFile(path, tuple(name.strip() for name in names), len(first))


def read_records(blocks: Iterable[Block], width: int, places: Sequence[int], tally: Tally) -> Iterator[Record]:
    """The exact way: every line by itself, with `places` of its `width` fields; broken lines are dropped and counted."""
    for block in blocks:
        for row, raw in enumerate(block.data.split(b"\n"), block.row):
            if not raw.strip():
                continue
            tally.rows += 1
            record = Record(row, [], tally)
            text = _decode(raw.rstrip(b"\r"), record)
            fields = _split(text)
            if len(fields) == width:
                record.fields = [fields[place] for place in places]
                yield record
            else:
                record.drop(WRONG_FIELDS, text)


def _split(text: str) -> list[str]:
    if '"' not in text and "\r" not in text:
        return text.split(",")
    with suppress(csv.Error, StopIteration):
        return next(csv.reader([text], strict=True))
    return []


def _decode(raw: bytes, record: Record) -> str:
    with suppress(UnicodeDecodeError):
        return raw.decode("utf-8")
    # Windows-1252 has Latin-1's letters; its five unused bytes tell that a file is in yet another encoding.
    try:
        text = raw.decode("cp1252")
    except UnicodeDecodeError:
        text = raw.decode("utf-8", errors="replace")
        record.mend(UNREADABLE_BYTES, text)
    else:
        record.mend(NOT_UTF8, text)
    return text
