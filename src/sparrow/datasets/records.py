"""Text files line by line, in bounded memory and with exact line numbers.

A record is one line: a stray quote spoils its own line and no other. Lines end in LF or CRLF, blank ones are skipped,
a UTF-8 byte order mark is stepped over. Files are cut into blocks of whole lines, so that a reader may try a fast way
on a block and come back for the exact one (`read_records`). How a file's lines are cut is its `Form`: CSV, or the bare
separator of the older MovieLens releases.
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

_UTF8_MARK: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Form:
    """How a file is written.

    Attributes:
        separator: what stands between two fields.
        columns: the columns of a file whose first line is a row already; () where the first line names them. Only
            files with such a header know quotes.
        text: the column of `columns` that may hold the separator itself: what is too much in a line belongs to it.
        latin: the file is Latin-1 by its owner's word, so that such letters are no fault.
    """

    separator: str = ","
    columns: tuple[str, ...] = ()
    text: str = ""
    latin: bool = False

    @property
    def first_line(self) -> int:
        """The line of row 0, as an editor shows it."""
        return 1 if self.columns else 2

    def cut(self, line: str, width: int) -> list[str]:
        """The fields of a line; as many as `width` when it is sound."""
        if not self.columns:
            return _cut_quoted(line, self.separator)
        if not self.text:
            return line.split(self.separator)
        before = self.columns.index(self.text)
        *head, rest = line.split(self.separator, before)
        return [*head, *rest.rsplit(self.separator, width - before - 1)]


CSV: Final = Form()

FIRST_LINE: Final = CSV.first_line
"""Row 0 of a CSV file stands below the header."""


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines of a file; `row` is the 0-based row of the first."""

    row: int
    data: bytes


@dataclass(frozen=True, slots=True)
class TextFile:
    """A file whose columns are known; `start` is the byte where its rows begin."""

    path: Path
    header: tuple[str, ...]
    start: int
    form: Form = CSV

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
                        f"{self.path}, line {row + self.form.first_line}, is longer than {BLOCK_BYTES} bytes; "
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
    first_line: int = FIRST_LINE

    def mend(self, kind: FaultKind, value: str) -> None:
        """Count a fault that leaves this row in."""
        self.tally.note(kind, (self.row + self.first_line,), value)
        self.repaired |= kind.fate == "repaired"

    def drop(self, kind: FaultKind, value: str) -> None:
        """Count a fault that takes this row out."""
        self.tally.note(kind, (self.row + self.first_line,), value)


def open_text(path: Path, form: Form = CSV) -> TextFile:
    """Find out where the rows of a file begin, and under which names.

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
    if form.columns:
        return TextFile(path, form.columns, len(_UTF8_MARK) if first.startswith(_UTF8_MARK) else 0, form)
    names = form.cut(first.decode("utf-8-sig", errors="replace").strip("\r\n"), 0)
    return TextFile(path, tuple(name.strip() for name in names), len(first), form)


def read_records(file: TextFile, columns: Sequence[str], tally: Tally) -> Iterator[Record]:
    """Every line of a file by itself, with the fields of `columns`; broken lines are dropped and counted."""
    if places := file.places(columns, tally):
        yield from cut_blocks(file.blocks(), file, places, tally)


def cut_blocks(blocks: Iterable[Block], file: TextFile, places: Sequence[int], tally: Tally) -> Iterator[Record]:
    """The lines of some blocks of a file, with the fields at `places`."""
    form, width = file.form, len(file.header)
    for block in blocks:
        for row, raw in enumerate(block.data.split(b"\n"), block.row):
            if not raw.strip():
                continue
            tally.rows += 1
            record = Record(row, [], tally, first_line=form.first_line)
            text = _decode(raw.rstrip(b"\r"), record, form.latin)
            fields = form.cut(text, width)
            if len(fields) == width:
                record.fields = [fields[place] for place in places]
                yield record
            else:
                record.drop(WRONG_FIELDS, text)


def _cut_quoted(line: str, separator: str) -> list[str]:
    if '"' not in line and "\r" not in line:
        return line.split(separator)
    with suppress(csv.Error, StopIteration):
        return next(csv.reader([line], delimiter=separator, strict=True))
    return []


def _decode(raw: bytes, record: Record, latin: bool) -> str:
    with suppress(UnicodeDecodeError):
        return raw.decode("utf-8")
    # Windows-1252 has Latin-1's letters; its five unused bytes tell that a file is in yet another encoding.
    try:
        text = raw.decode("cp1252")
    except UnicodeDecodeError:
        text = raw.decode("utf-8", errors="replace")
        record.mend(UNREADABLE_BYTES, text)
    else:
        if not latin:
            record.mend(NOT_UTF8, text)
    return text
