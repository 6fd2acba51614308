"""Amazon Redshift through its connector; not run by our tests."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from airflow_dataops.core.relations import Column, Relation
from airflow_dataops.engines.drivers.base import Asks
from airflow_dataops.engines.drivers.warehouse import Warehouse, in_utc

# The numbers of types in its catalogue, which is PostgreSQL's, in the words of the information schema.
_TYPES = {
    16: "boolean",
    20: "bigint",
    21: "smallint",
    23: "integer",
    25: "text",
    700: "real",
    701: "double precision",
    1042: "character",
    1043: "character varying",
    1082: "date",
    1083: "time without time zone",
    1114: "timestamp without time zone",
    1184: "timestamp with time zone",
    1266: "time with time zone",
    1700: "numeric",
    3000: "geometry",
    4000: "super",
    6551: "varbyte",
}
_PASSING_STATES = re.compile(r"^(08...|40001|40P01|53...|57014|57P0.)$")


class RedshiftDriver(Warehouse):
    """A transaction reads one state of the data: it is serialisable, or a snapshot."""

    dialect = "redshift"
    label = "Redshift"
    names = ("redshift",)
    snapshot = ("BEGIN READ ONLY",)
    modules = ("redshift_connector",)
    passing = frozenset({"OperationalError", "InterfaceError"})

    def enter(self, connection: Any) -> Callable[[], None]:
        """Put the driver into autocommit and the session into UTC."""
        before = connection.autocommit
        connection.autocommit = True
        in_utc(connection, "SET timezone TO 'UTC'")
        return lambda: setattr(connection, "autocommit", before)

    def columns(self, db: Asks, relation: Relation) -> list[Column]:
        """Ask the view of all columns, external tables' and late-binding views' too."""
        from airflow_dataops.engines.sql.dialects.catalogs import parts_of

        _, schema, name = parts_of(relation)
        there = self.quoted(schema.lower()) if schema else "current_schema()"
        rows = db.execute(
            "SELECT column_name, data_type FROM svv_columns"
            f" WHERE table_schema = {there} AND table_name = {self.quoted(name.lower())} ORDER BY ordinal_position"
        )
        return [Column(name=column, type=kind) for column, kind in rows]

    def type_name(self, entry: Any) -> str:
        """Return the type behind its number."""
        return _TYPES.get(int(entry[1]), "unknown")

    def words(self, error: Exception) -> str:
        """Return the server's message out of the fields of its answer."""
        told = _fields(error)
        return str(told.get("M") or error)

    def quotes_values(self, error: Exception, text: str) -> bool:
        """Whether it is a data exception, or of the leader's own state for all that goes wrong in a node."""
        return str(_fields(error).get("C", "")).startswith(("22", "XX"))

    def goes_by(self, error: Exception, text: str) -> bool:
        """Whether the SQLSTATE speaks of the connection, of resources or of somebody's intervention."""
        return bool(_PASSING_STATES.match(str(_fields(error).get("C", ""))))


def _fields(error: Exception) -> dict[str, Any]:
    return error.args[0] if error.args and isinstance(error.args[0], dict) else {}
