"""MariaDB and MySQL through PyMySQL, mysql-connector-python or mysqlclient."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Sequence
from typing import Any

from airflow_dataops.core.errors import DataOpsError, LockTimeout, MeasureError
from airflow_dataops.core.relations import Column, Relation
from airflow_dataops.engines.drivers.base import Asks, Driver, Running, family, log, percent_style, without_values

_MODULES = ("pymysql", "mysql", "MySQLdb")
_LOCKED = {1205, 3572}
# Codes after which the same statement may succeed: too many connections, shutting down, lost or killed connection,
# deadlock, interrupted, time-out, a table altered since the snapshot was taken. 2000 and above are the client's own.
_RETRYABLE = {1020, 1040, 1053, 1079, 1080, 1135, 1152, 1158, 1159, 1160, 1161, 1184, 1203, 1213, 1226, 1317, 1412}
_RETRYABLE |= {1615, 1637, 1836, 1927, 1969, 2002, 2003, 2006, 2012, 2013, 2055, 3024, 4031}
# Errors about a value, which they quote.
_ABOUT_VALUES = {1062, 1264, 1265, 1292, 1300, 1366, 1367, 1406, 1411, 1416, 1525, 1526, 1586, 1690, 1916, 1918, 3140}
_ABOUT_VALUES |= {3141, 3143, 3146, 3156, 3903, 4037, 4038}
_COLUMNS = (
    "SELECT column_name, column_type FROM information_schema.columns"
    " WHERE table_schema = COALESCE(?, DATABASE()) AND table_name = ? ORDER BY ordinal_position"
)
# MariaDB tells how wide whole numbers are shown, MySQL 8 does not; but for tinyint(1), which is how both spell BOOL.
_WIDTH = re.compile(r"^(?!tinyint\(1\))((?:tiny|small|medium|big)?int|year)\(\d+\)")

_BINARY_CHARSET = 63
_NAMES = {
    0: "decimal",
    1: "tinyint",
    2: "smallint",
    3: "int",
    4: "float",
    5: "double",
    7: "timestamp",
    8: "bigint",
    9: "mediumint",
    10: "date",
    11: "time",
    12: "datetime",
    13: "year",
    14: "date",
    16: "bit",
    245: "json",
    246: "decimal",
    255: "geometry",
}


class MySqlDriver(Driver):
    """Times are in UTC and texts are UTF-8 while the session is open; the server's ``sql_mode`` stays as it is."""

    dialect = "mysql"
    label = "MySQL"
    names = ("mysql", "mariadb")
    begin = ("START TRANSACTION",)
    # Under another isolation level WITH CONSISTENT SNAPSHOT is no such thing, with no more than a warning.
    snapshot = (
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
    )

    def enter(self, connection: Any) -> Callable[[], None]:
        """Put the driver into autocommit and the session into UTC and UTF-8."""
        before = _autocommits(connection)
        _set_autocommit(connection, True)
        with contextlib.closing(connection.cursor()) as cursor:
            cursor.execute("SELECT @@SESSION.time_zone AS zone, @@character_set_client AS charset")
            (row,) = cursor.fetchall()
            zone, charset = (_text(value) for value in (row.values() if isinstance(row, dict) else row))
            cursor.execute("SET time_zone = '+00:00'")
        if charset != "utf8mb4":
            _set_charset(connection, "utf8mb4")

        def leave() -> None:
            if charset != "utf8mb4":
                _set_charset(connection, charset)
            with contextlib.closing(connection.cursor()) as cursor:
                cursor.execute("SET time_zone = '" + zone.replace("'", "''") + "'")
            _set_autocommit(connection, before)

        return leave

    def number(self, connection: Any) -> int | None:
        """Return the thread's number."""
        return int(connection.thread_id() if hasattr(connection, "thread_id") else connection.connection_id)

    def styled(self, sql: str, connection: Any) -> str:
        """Write ``%s``; mysql-connector-python takes no doubled signs."""
        return percent_style(sql, doubled=type(connection).__module__.split(".")[0] != "mysql")

    def reads_only(self, db: Asks) -> None:
        """Let every transaction of the session be one that reads."""
        db.execute("SET SESSION TRANSACTION READ ONLY")

    def columns(self, db: Asks, relation: Relation) -> list[Column]:
        """Ask the information schema; without a database's name it is the session's own."""
        rows = db.execute(_COLUMNS, (relation.schema, relation.name))
        return [Column(name=_text(name), type=_WIDTH.sub(r"\1", _text(kind))) for name, kind in rows]

    def describe(self, db: Asks, query: str) -> list[Column]:
        """Describe an empty result by what the protocol says of each column."""
        return [
            Column(name=name, type=_type_name(code, length, charset))
            for name, code, length, charset in db.described(f"SELECT * FROM ({query}\n) AS described LIMIT 0")
        ]

    def shape(self, cursor: Any) -> Sequence[tuple[str, int, int | None, int | None]]:
        """Return each column's name, type code, and its length and character set where the driver tells them."""
        fields = getattr(getattr(cursor, "_result", None), "fields", None)  # PyMySQL's description leaves them out
        if fields is not None and all(hasattr(field, "charsetnr") for field in fields):
            return [(field.name, field.type_code, field.length, field.charsetnr) for field in fields]
        # mysql-connector-python has the character set as a ninth entry; mysqlclient the length, but not the set.
        return [
            (entry[0], int(entry[1]), entry[3], entry[8] if len(entry) > 8 else None) for entry in cursor.description
        ]

    def cancel(self, running: Running) -> None:
        """Kill the running statement from a second connection; the first one lives on."""
        if running.another is None or running.number is None:
            log.debug("MySQL: without a second connection a running statement cannot be cancelled; it runs to its end.")
            return
        with contextlib.closing(running.another()) as other, contextlib.closing(other.cursor()) as cursor:
            cursor.execute(f"KILL QUERY {running.number}")

    def close(self, connection: Any) -> None:
        """Close the connection; PyMySQL and mysqlclient raise an error of one that is closed."""
        if getattr(connection, "open", True):
            connection.close()

    def understood(self, error: Exception) -> DataOpsError | None:
        """Judge by the server's or client's number of the error."""
        names = family(error, *_MODULES)
        if "Error" not in names:
            return None
        code = getattr(error, "errno", None) or next((part for part in error.args if isinstance(part, int)), 0)
        words = getattr(error, "msg", None) or next((part for part in error.args[::-1] if isinstance(part, str)), "")
        text = without_values(words) if code in _ABOUT_VALUES else words
        text = " ".join(text.split()) or "the connection is closed"
        if code in _LOCKED:
            return LockTimeout(f"MySQL: {text}")
        # Without a number it is the driver that says that there is no connection any more.
        gone = code <= 0 and bool(names & {"OperationalError", "InterfaceError"})
        return MeasureError(f"MySQL: {text}", retryable=gone or code in _RETRYABLE)


def _type_name(code: int, length: int | None, charset: int | None) -> str:
    """Return the column type as the information schema would have it, but for lengths."""
    if code == 1:
        return "tinyint(1)" if length == 1 else "tinyint"
    if code in _NAMES:
        return _NAMES[code]
    binary = charset == _BINARY_CHARSET
    if code in (249, 250, 251, 252):
        return "blob" if binary else "text"
    return "varbinary" if binary else "varchar"


def _autocommits(connection: Any) -> bool:
    return bool(connection.autocommit if _has_property(connection) else connection.get_autocommit())


def _set_autocommit(connection: Any, value: bool) -> None:
    if _has_property(connection):
        connection.autocommit = value
    else:
        connection.autocommit(value)


def _has_property(connection: Any) -> bool:
    """Return whether ``autocommit`` is a property (mysql-connector-python) and not a method."""
    return isinstance(getattr(type(connection), "autocommit", None), property)


def _set_charset(connection: Any, charset: str) -> None:
    """Tell the server and the driver at once in which character set they talk."""
    setter = getattr(connection, "set_charset_collation", None) or connection.set_character_set
    setter(charset)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes | bytearray) else str(value)
