"""Random tables: every value that has ever told two engines apart, in few rows and under awkward names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from random import Random
from typing import Any


class Type(StrEnum):
    """What a column of a random table holds."""

    WHOLE = "whole"
    BIG = "big"
    REAL = "real"
    DECIMAL = "decimal"
    TEXT = "text"
    BOOLEAN = "boolean"
    DATE = "date"
    TIME = "time"
    ZONED = "zoned"


NUMBERS = (Type.WHOLE, Type.BIG, Type.REAL, Type.DECIMAL)
TIMES = (Type.DATE, Type.TIME, Type.ZONED)
INFINITY, NAN = float("inf"), float("nan")


@dataclass(frozen=True)
class Column:
    """One column: its values, ``None`` where there is none.

    :param loose: keep it in pandas as an object column, where there is a choice.
    """

    name: str
    type: Type
    values: tuple[Any, ...]
    loose: bool = False

    @property
    def there(self) -> list[Any]:
        """The values that are neither null nor NaN."""
        return [value for value in self.values if value is not None and value == value]


@dataclass(frozen=True)
class Table:
    """A table as columns of Python values, from which each engine's own is made."""

    columns: tuple[Column, ...]

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return len(self.columns[0].values)

    def __getitem__(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    @property
    def names(self) -> list[str]:
        """The columns' names in order."""
        return [column.name for column in self.columns]

    def without(self, start: int, stop: int) -> Table:
        """Return the table without the rows from ``start`` to ``stop``."""
        return Table(
            tuple(replace(column, values=column.values[:start] + column.values[stop:]) for column in self.columns)
        )

    def only(self, names: set[str]) -> Table:
        """Return the table with these columns alone."""
        return Table(tuple(column for column in self.columns if column.name in names))


NAMES = (
    *("amount", "UPPER", "MixedCase", "two words", " leading", "trailing ", "select", "ORDER", "table", "index"),
    *('quo"te', "apo'strophe", "dot.ted", "per%cent", "%s", "%(name)s", "que?stion", "1st", "größe", "日本", "😀"),
    *("back\\slash", "back`tick", "semi;colon", "--dash", "{brace}", "$dollar", "co:lon", "a,b", "(paren)", "x" * 60),
    *("line\nfeed", "and", "not", "in", "None", "[bracket]", "at@", "ha#sh", "e\u0301", "m0", "value", "data"),
)
_WORDS = (
    *(
        "",
        " ",
        "a",
        "b",
        "abc",
        "ABC",
        "Abc",
        "a b",
        "ab",
        " a",
        "a ",
        "aa",
        "zzz",
        "x1",
        "1",
        "1.5",
        "-3",
        "10",
        "007",
    ),
    *(
        "é",
        "e\u0301",
        "ß",
        "SS",
        "İ",
        "ı",
        "ſ",
        "Σ",
        "ς",
        "ǆ",
        "😀",
        "👩\u200d👩\u200d👧",
        "שלום",
        "\u202eabc",
        "مرحبا",
    ),
    *("a\u200bb", "\ufeffbom", "line\nbreak", "trailing\n", "\r\n", "tab\t", "\u2028", "o'clock", 'say "hi"', "''"),
    *("100%", "%s", "%(x)s", "a_b", "a%b", "back\\slash", "\\", "null", "NaN", "None", "true", "2013-01-01", "--", ";"),
    *(
        "{}",
        "$1",
        ":name",
        "?",
        '{"a": 1}',
        "[1, 2]",
        "2020-02-30",
        "12:30",
        "28.02.2020",
        "\x01",
        "\x7f",
        "٣",
        "Ⅷ",
        "½",
        "long " * 60,
    ),
)
_REALS = (0.0, -0.0, 1.0, -1.0, 0.1, 0.2, 0.3, 0.1 + 0.2, 1.5, 2.5, -2.5, 1e-9, 1e9, 123456.789, 1 / 3, 5.0, 3.0)
_WILD_REALS = (*_REALS, INFINITY, -INFINITY, 1e100, -1e100, 5e-324, 2.0**53, 2.0**53 + 2)
_BIGS = (2**53, 2**53 + 1, -(2**53) - 1, 2**62, 2**63 - 1, -(2**63), 0, 1, -1, 10**18, 2**31, -(2**31) - 1)


def random_table(random: Random) -> Table:
    """Return a table of 3 to 9 columns and mostly a dozen rows: sometimes none, one, or the same again and again."""
    rows = random.choice((0, 1, 1, 2, 3, 5, 8, 10, 12, 15, 20, 30, 40))
    names = random.sample(NAMES, random.randint(3, 9))
    types = [random.choice(list(Type)) for _ in names]
    types[:2] = [random.choice((Type.WHOLE, Type.REAL)), Type.TEXT]
    columns = [_column(random, name, kind, rows) for name, kind in zip(names, types, strict=True)]
    if random.random() < 0.5:  # a column much like another, for checks of pairs
        columns.append(_alike(random, random.choice(columns), "twin"))
    return Table(tuple(columns))


def _column(random: Random, name: str, kind: Type, rows: int) -> Column:
    pool = _pool(random, kind)
    if random.random() < 0.15:  # all the same
        pool = pool[:1]
    nulls = random.choice((0, 0, 0, 0.2, 0.2, 0.5, 1))
    values = [None if random.random() < nulls else random.choice(pool) for _ in range(rows)]
    if random.random() < 0.1 and kind in (Type.WHOLE, Type.DATE) and nulls == 0:
        values = _counting(kind, rows)
    return Column(name, kind, tuple(values), loose=random.random() < 0.5)


def _counting(kind: Type, rows: int) -> list[Any]:
    if kind is Type.WHOLE:
        return list(range(rows))
    return [date(2020, 2, 25) + timedelta(days=index) for index in range(rows)]


def _pool(random: Random, kind: Type) -> list[Any]:
    size = random.choice((1, 2, 4, 12, 40))
    match kind:
        case Type.WHOLE:
            return [random.randint(-4, 12) for _ in range(size)]
        case Type.BIG:
            return random.choices(_BIGS, k=size)
        case Type.REAL:
            reals = _WILD_REALS if random.random() < 0.3 else _REALS
            nan = [NAN] if random.random() < 0.3 else []
            return [*random.choices(reals, k=size), round(random.uniform(-50, 50), 2), *nan]
        case Type.DECIMAL:
            return [Decimal(random.randint(-20_000, 20_000)).scaleb(-2) for _ in range(size)]
        case Type.TEXT:
            return random.choices(_WORDS, k=size)
        case Type.BOOLEAN:
            return [True, False][: random.choice((1, 2, 2))]
        case Type.DATE:
            return [date(2020, 2, 27) + timedelta(days=random.choice((0, 1, 2, 3, 365, -20_000))) for _ in range(size)]
        case Type.TIME:
            return [_moment(random) for _ in range(size)]
        case Type.ZONED:
            return [_moment(random).replace(tzinfo=UTC) for _ in range(size)]


def _moment(random: Random) -> datetime:
    seconds = random.choice((0, 0, 1, 86_399, 43_200, 3600 * 24 * 366, -3600 * 24 * 10_000))
    return datetime(2020, 2, 28) + timedelta(seconds=seconds, microseconds=random.choice((0, 0, 0, 1, 500_000)))


def _alike(random: Random, column: Column, name: str) -> Column:
    """Return a column with most of another's values, some of them moved or lost."""
    others = list(column.values)
    for index in range(len(others)):
        if random.random() < 0.3:
            others[index] = random.choice((None, random.choice(column.values)))
    return Column(name, column.type, tuple(others), loose=column.loose)
