"""What people hold in their hands (frames, files), opened in an embedded DuckDB."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_dataops.core.ports import Database, Voucher

# How what is judged is called in there.
TABLE = "data"


@dataclass(frozen=True, kw_only=True)
class Opened:
    """Data in a database that can be asked about it.

    :param query: the SELECT of all its rows.
    :param vouchers: what the data says of itself.
    :param label: what was opened, where that says more than what a person gave.
    :param ordered: whether the rows have an order of their own.
    """

    db: Database
    query: str
    vouchers: tuple[Voucher, ...]
    label: str | None = None
    ordered: bool = True


def text(value: str) -> str:
    """Return a text as it stands in SQL."""
    return "'" + value.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Return a column's name as it stands in SQL."""
    return '"' + name.replace('"', '""') + '"'
