"""CSV files, read once into a table: the first line names the columns, and all values of a column decide its type."""

from __future__ import annotations

import csv
import logging
import re
from collections import Counter
from dataclasses import dataclass
from itertools import groupby

from airflow_dataops.core.errors import ConfigurationError, MeasureError
from airflow_dataops.core.ports import Database
from airflow_dataops.engines.embedded import TABLE, identifier, text
from airflow_dataops.engines.listing import Listing, warn_of_missing

log = logging.getLogger(__name__)

_DELIMITERS = (",", ";", "\t", "|")
_RAW = "dataops_texts"
# Types that the first values already rule out need not be tried on all.
_FIRST_VALUES = 2048
# A header may go over so many lines, where a name in quotes has line ends in it.
_HEADER_LINES = 20
_TIME = r"\d\d:\d\d(:\d\d(\.\d+)?)?"
_DAY = r"\d{4}-\d\d-\d\d"
_ZONE = r"(Z|[+-]\d\d(:?\d\d)?)"
_VALUE = "{value}"  # the column, in a test
_WHOLE = f"translate({_VALUE}, ' +-0123456789', '') = ''"
# What all values of a column must be, for it to be more than text; the first that holds is its type.
_TYPES = {
    "BOOLEAN": f"lower({_VALUE}) IN ('true', 'false')",
    "BIGINT": f"{_WHOLE} AND TRY_CAST({_VALUE} AS BIGINT) IS NOT NULL",
    # As DOUBLE, long numbers that differ would be one.
    "HUGEINT": f"{_WHOLE} AND TRY_CAST({_VALUE} AS HUGEINT) IS NOT NULL",
    "DOUBLE": f"NOT contains({_VALUE}, '_') AND TRY_CAST({_VALUE} AS DOUBLE) IS NOT NULL",
    "DATE": f"regexp_full_match({_VALUE}, {text(_DAY)}) AND TRY_CAST({_VALUE} AS DATE) IS NOT NULL",
    "TIME": f"regexp_full_match({_VALUE}, {text(_TIME)}) AND TRY_CAST({_VALUE} AS TIME) IS NOT NULL",
    "TIMESTAMP": f"regexp_full_match({_VALUE}, {text(f'{_DAY}([ T]{_TIME})?')}) "
    f"AND TRY_CAST({_VALUE} AS TIMESTAMP) IS NOT NULL",
    "TIMESTAMPTZ": f"regexp_full_match({_VALUE}, {text(f'{_DAY}[ T]{_TIME} ?{_ZONE}')}) "
    f"AND TRY_CAST({_VALUE} AS TIMESTAMPTZ) IS NOT NULL",
}
_NO_NAME = re.compile(rf"\s*([+-]?(\d+[.,]?\d*|\.\d+)|{_DAY}([ T]{_TIME}{_ZONE}?)?)\s*")


@dataclass(frozen=True, kw_only=True)
class _Header:
    delimiter: str
    names: tuple[str, ...]


def load(db: Database, found: Listing, prefix: str, options: str) -> None:
    """Read the files into a table.

    :param prefix: what a file's path begins with in SQL.
    :param options: how columns that stand in the paths are read.
    :raises ConfigurationError: a header names a column twice, or is none.
    :raises MeasureError: a file is empty, or a line is not what the header promises; names the file and the line.
    """
    headers = {file: _header(db, file, prefix) for file in found.files}
    warn_of_missing([((file,), header.names) for file, header in headers.items()], found)
    parts = []
    for header, files in groupby(found.files, key=headers.__getitem__):
        names = ", ".join(f"{text(name)}: 'VARCHAR'" for name in header.names)
        several = ", ".join(text(prefix + file) for file in files)
        parts.append(
            f"SELECT * FROM read_csv([{several}], {options}, columns = {{{names}}}, delim = {text(header.delimiter)}, "
            # Left to itself DuckDB leaves lines out: those that begin with #, and all above one that is too long.
            "auto_detect = false, header = true, skip = 0, comment = '', null_padding = false, strict_mode = true, "
            "quote = '\"', escape = '\"', nullstr = '')"
        )
    try:
        db.execute(f"CREATE TABLE {_RAW} AS {' UNION ALL BY NAME '.join(parts)}")
    except MeasureError as error:
        raise _explained(error, found) from error
    in_paths = {name.casefold() for name in found.partitions}
    names_read = [column.name for column in db.describe(f"SELECT * FROM {_RAW}")]
    types = _types(db, [name for name in names_read if name.casefold() not in in_paths])
    typed = ", ".join(f"CAST({identifier(name)} AS {type_}) AS {identifier(name)}" for name, type_ in types.items())
    db.execute(f"CREATE TABLE {TABLE} AS SELECT * {f'REPLACE ({typed}) ' if typed else ''}FROM {_RAW}")
    db.execute(f"DROP TABLE {_RAW}")


def _types(db: Database, names: list[str]) -> dict[str, str]:
    """Return the types of those columns that are more than text."""
    first = f"(SELECT * FROM {_RAW} LIMIT {_FIRST_VALUES})"
    possible = _holding(db, first, [(name, type_) for name in names for type_ in _TYPES], unknown=True)
    types: dict[str, str] = {}
    for name, type_ in _holding(db, _RAW, possible, unknown=False):
        types.setdefault(name, type_)
    return types


def _holding(db: Database, rows: str, candidates: list[tuple[str, str]], *, unknown: bool) -> list[tuple[str, str]]:
    """Return the columns and types that fit all values.

    :param unknown: what is said of a column without a value.
    """
    if not candidates:
        return []
    tests = (
        f"bool_and({_TYPES[type_].replace(_VALUE, identifier(name))}) FILTER (WHERE {identifier(name)} IS NOT NULL)"
        for name, type_ in candidates
    )
    ((*found,),) = db.execute(f"SELECT {', '.join(tests)} FROM {rows}")
    return [one for one, holds in zip(candidates, found, strict=True) if (unknown if holds is None else holds)]


def _header(db: Database, file: str, prefix: str) -> _Header:
    """Return what the first line says: a guess from all lines would be misled by one bad one."""
    try:
        rows = db.execute(
            f"SELECT line FROM read_csv({text(prefix + file)}, auto_detect = false, delim = '\x01', quote = '', "
            f"escape = '', header = false, columns = {{'line': 'VARCHAR'}}) LIMIT {_HEADER_LINES}"
        )
    except MeasureError as error:
        raise _told(error, file) from error
    lines = [line or "" for (line,) in rows]
    if not any(lines):
        raise MeasureError(f"{file} is empty: not even a first line names its columns")
    if not lines[0].strip():
        raise MeasureError(f"{file}: the first line is empty; it should name the columns")
    delimiter = "\t" if ".tsv" in file.lower() else max(_DELIMITERS, key=lines[0].count)
    try:
        cells = next(csv.reader((f"{line}\n" for line in lines), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise MeasureError(f"{file}: the first line, the header, has a quote that is left open") from error
    _check_names(file, cells)
    return _Header(delimiter=delimiter, names=tuple(cell or f"column{place}" for place, cell in enumerate(cells)))


def _check_names(file: str, cells: list[str]) -> None:
    folded = Counter(cell.casefold() for cell in cells if cell)
    twice = [cell for cell in cells if folded[cell.casefold()] > 1]
    if twice:
        raise ConfigurationError(
            f"Columns {', '.join(twice)} of {file} have the same name but for upper and lower case: rename them."
        )
    values = sum(bool(_NO_NAME.fullmatch(cell)) for cell in cells)
    if values and values == sum(bool(cell.strip()) for cell in cells):
        raise ConfigurationError(
            f"The first line of {file} holds numbers and dates only, where the columns' names are expected: "
            "write a header into the file."
        )
    if values:
        log.warning(
            "The first line of %s is its header, and %d of its %d names are numbers or dates: a file without a header "
            "needs one written into it.",
            file,
            values,
            len(cells),
        )


def _explained(error: MeasureError, found: Listing) -> MeasureError:
    """Return what DuckDB says of one of the files, with the file's name."""
    said = str(error.__cause__ or error)
    named = [file for file in found.files if f"{file}\n" in f"{said}\n"] or [
        file for file in found.files if file in said
    ]
    file = found.files[0] if len(found.files) == 1 else max(named, key=len, default=None)
    return error if file is None else _told(error, file)


def _told(error: MeasureError, file: str) -> MeasureError:
    """Return the error with the file's name and without the line itself, which DuckDB quotes."""
    said = str(error.__cause__ or error)
    if error.retryable or "CSV" not in said:
        return error if file in str(error) else MeasureError(f"{file}: {error}", retryable=error.retryable)
    line = re.search(r"Line: (\d+)", said)
    counts = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", said)
    if counts:
        why = f"the line has another number of values than the header, {counts[2]} instead of {counts[1]}"
    elif "Value with unterminated quote found." in said:
        why = "a quote is left open, or something stands behind it"
    elif "utf-8" in said:
        why = "it is not utf-8; write the file in that encoding"
    else:
        why = "lines end in different ways, or quotes are not as in RFC 4180"
    return MeasureError(
        f"{file} is not the CSV that its first line promises{f' (line {line[1]})' if line else ''}: {why}"
    )
