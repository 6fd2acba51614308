"""What the drivers of warehouses share: they describe a result, and have no snapshot over several statements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from airflow_dataops.core.errors import DataOpsError, MeasureError
from airflow_dataops.core.relations import Column, Relation
from airflow_dataops.engines.drivers.base import Asks, Driver, family, without_values


class Warehouse(Driver):
    """A warehouse: each statement commits by itself and reads the state that the data then has."""

    current_schema: ClassVar[str] = "current_schema"
    """What names the session's schema."""
    modules: ClassVar[tuple[str, ...]]
    """The packages whose errors are the warehouse's."""
    passing: ClassVar[frozenset[str]]
    """Classes of errors that may go by: what cannot be reached, and what is too busy."""

    def columns(self, db: Asks, relation: Relation) -> list[Column]:
        """Ask the information schema of the relation's catalog, or of the session's."""
        from airflow_dataops.engines.sql.dialects import rules_of
        from airflow_dataops.engines.sql.dialects.catalogs import parts_of

        rules = rules_of(self.dialect)
        catalog, schema, name = (part and rules.stored(part) for part in parts_of(relation))
        place = f"{rules.quoted(catalog)}." if catalog else ""
        there = self.quoted(schema) if schema else self.current_schema
        rows = db.execute(
            f"SELECT column_name, data_type FROM {place}information_schema.columns"
            f" WHERE table_schema = {there} AND table_name = {self.quoted(name or '')} ORDER BY ordinal_position"
        )
        return [Column(name=column, type=kind) for column, kind in rows]

    def describe(self, db: Asks, query: str) -> list[Column]:
        """Describe an empty result: a condition that holds nowhere keeps the data from being read."""
        description = db.described(f"SELECT * FROM ({query}\n) AS described WHERE FALSE LIMIT 0")
        return [Column(name=entry[0], type=self.type_name(entry)) for entry in description]

    def type_name(self, entry: Any) -> str:
        """Return a column's type from what the cursor says of it."""
        return str(entry[1])

    def understood(self, error: Exception) -> DataOpsError | None:
        """Judge by the error's class and by what the warehouse says."""
        names = family(error, *self.modules)
        if not names:
            return None
        text = " ".join(self.words(error).split())
        if self.quotes_values(error, text):
            text = without_values(text)
        retryable = bool(names & self.passing) or self.goes_by(error, text)
        return MeasureError(f"{self.label}: {text[:600]}", retryable=retryable)

    def words(self, error: Exception) -> str:
        """Return the warehouse's own words."""
        return str(error)

    def quotes_values(self, error: Exception, text: str) -> bool:
        """Whether the error is about a value, which it quotes."""
        raise NotImplementedError

    def goes_by(self, error: Exception, text: str) -> bool:
        """Whether the same statement may succeed later."""
        return False

    def quoted(self, value: str) -> str:
        """Return a text as a literal of the warehouse's SQL."""
        from airflow_dataops.engines.sql.dialects import rules_of

        rules = rules_of(self.dialect)
        return rules.sql(rules.literal(value))


def in_utc(connection: Any, statement: str) -> Callable[[], None]:
    """Run the statement that puts the session into UTC; there is no way back, and none is needed."""
    cursor = connection.cursor()
    try:
        cursor.execute(statement)
    finally:
        cursor.close()
    return lambda: None
