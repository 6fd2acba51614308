"""BigQuery through Airflow's cursor or Google's own; not run by our tests."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.core.harvest import MARK
from airflow_dataops.core.relations import Column, Relation
from airflow_dataops.engines.drivers.base import Asks, Rows
from airflow_dataops.engines.drivers.warehouse import Warehouse

# A result's schema names some types as BigQuery did before it had SQL's.
_TYPES = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "RECORD": "STRUCT"}
_READERS: dict[str, Callable[[Any], Any]] = {
    "NUMERIC": Decimal,
    "BIGNUMERIC": Decimal,
    "DATE": date.fromisoformat,
    "DATETIME": datetime.fromisoformat,
}
_ABOUT_VALUES = re.compile(
    r"\b(?:Bad \w+ value|Could not (?:cast|parse|convert)|Invalid \w+(?: value)?|out of range)\b"
)
_VALUE = re.compile(r"((?:Bad|Invalid) \w+(?: value)?: ).*")
_PASSING = re.compile(r"rateLimitExceeded|backendError|jobBackendError|tableUnavailable|Retrying may solve|stopped")


class BigQueryDriver(Warehouse):
    """No session: each statement is a job of its own."""

    dialect = "bigquery"
    label = "BigQuery"
    names = ("bigquery", "gcpbigquery")
    mark = f"\n{MARK}"
    modules = ("google", "googleapiclient")
    passing = frozenset({"ServerError", "TooManyRequests", "RetryError", "TransportError"})

    def columns(self, db: Asks, relation: Relation) -> list[Column]:
        """Ask the dataset's information schema."""
        from airflow_dataops.engines.sql.dialects import rules_of
        from airflow_dataops.engines.sql.dialects.catalogs import parts_of

        project, dataset, name = parts_of(relation)
        if dataset is None:
            raise ConfigurationError(f"BigQuery needs table {name!r} with its dataset: dataset.{name}.")
        place = ".".join(rules_of(self.dialect).quoted(part) for part in (project, dataset) if part)
        rows = db.execute(
            f"SELECT column_name, data_type FROM {place}.INFORMATION_SCHEMA.COLUMNS"
            f" WHERE table_name = {self.quoted(name)} ORDER BY ordinal_position"
        )
        return [Column(name=column, type=kind) for column, kind in rows]

    def type_name(self, entry: Any) -> str:
        """Return the type as SQL names it."""
        return _TYPES.get(entry[1], str(entry[1]))

    def fetched(self, cursor: Any) -> Rows:
        """Return the rows, with what Airflow's cursor leaves as text made a value."""
        readers = [_READERS.get(entry[1]) for entry in cursor.description]
        return [
            tuple(
                reader(value) if reader is not None and isinstance(value, str) else _time(value, entry[1])
                for value, reader, entry in zip(row, readers, cursor.description, strict=True)
            )
            for row in cursor.fetchall()
        ]

    def quotes_values(self, error: Exception, text: str) -> bool:
        """Whether it is about a value."""
        return bool(_ABOUT_VALUES.search(text))

    def words(self, error: Exception) -> str:
        """Return the message without the value that it ends with."""
        return _VALUE.sub(r"\1…", str(getattr(error, "message", None) or error))

    def goes_by(self, error: Exception, text: str) -> bool:
        """Whether BigQuery gives a reason that passes."""
        return bool(_PASSING.search(text))


def _time(value: Any, type_name: str) -> Any:
    """Return the seconds that Airflow's cursor makes of a TIMESTAMP as a time."""
    return datetime.fromtimestamp(value, UTC) if type_name == "TIMESTAMP" and isinstance(value, float) else value
