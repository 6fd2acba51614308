"""The tables and columns that a sequence of SQL statements reads and writes, found by parsing it (sqlglot)."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlglot import Dialect, exp
from sqlglot.tokens import TokenType

from airflow_dataops.core.usage import Lineage
from airflow_dataops.lineage.dialects import habits_of
from airflow_dataops.lineage.sources import Temporaries
from airflow_dataops.lineage.splitting import Statement, statements_in
from airflow_dataops.lineage.statements import Statements
from airflow_dataops.lineage.touching import Folding, Unreadable, Uses

_SQLGLOT = {
    "postgresql": "postgres",
    "mssql": "tsql",
    "awsathena": "athena",
    "mariadb": "mysql",
    "gcpbigquery": "bigquery",
    "google_cloud_platform": "bigquery",
}
_HOOKS_SPEAK = (
    "bigquery", "clickhouse", "databricks", "duckdb", "mysql", "oracle", "postgres", "redshift", "snowflake", "spark",
    "sqlite", "trino", "tsql",
)  # fmt: skip
_QUIET = {
    "ADD", "ANALYZE", "CHECKPOINT", "CLEAR", "CLOSE", "COMMENT", "COMMIT", "DEALLOCATE", "DESC", "DESCRIBE",
    "DISCARD", "EXPLAIN", "FETCH", "FLUSH", "GET", "GO", "GRANT", "INSTALL", "LIST", "LISTEN", "LOCK", "LS", "MSCK",
    "NOTIFY", "OPTIMIZE", "PRAGMA", "PREPARE", "PRINT", "PUT", "REINDEX", "RELEASE", "REMOVE", "RESET", "REVOKE",
    "RM", "ROLLBACK", "SAVEPOINT", "SHOW", "START", "UNCACHE", "UNLISTEN", "UNLOCK", "UNSET", "USE", "VACUUM",
    "WAITFOR",
}  # fmt: skip
"""What touches no rows; parsers look into few of them."""
_QUOTES_SQL = {"EXPLAIN", "PREPARE", "DESCRIBE", "DESC", "GRANT", "REVOKE", "COMMENT", "SHOW"}
"""What can have words of SQL in it that are not run."""
_RUNS = {"SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "EXEC", "EXECUTE", "CALL"}
_NO_TABLES = {
    "DATABASE", "EXTENSION", "FUNCTION", "POLICY", "PUBLICATION", "ROLE", "SCHEMA", "SEQUENCE", "SERVER", "SESSION",
    "STAGE", "SYSTEM", "TYPE", "USER", "WAREHOUSE",
}  # fmt: skip
"""What can be created, altered and dropped, and has no rows."""
_RUN_INSIDE = (
    (re.compile(r"EXPLAIN\s+ANALY[SZ]E\s+(?:VERBOSE\s+)?(?=\w)", re.IGNORECASE), ""),
    (re.compile(r"EXPLAIN\s*\([^)]*\bANALY[SZ]E\b[^)]*\)\s*(?=\w)", re.IGNORECASE), ""),
    (re.compile(r"DECLARE\s+\S+\s[^;()]*?\bCURSOR\b[^;()]*?\bFOR\s+(?=\w)", re.IGNORECASE), ""),
    (re.compile(r"REPLACE\s+(?=INTO\b)", re.IGNORECASE), "INSERT "),
    (re.compile(r"UPDATE\s+OR\s+(?:ABORT|FAIL|IGNORE|REPLACE|ROLLBACK)\s", re.IGNORECASE), "UPDATE "),
    (re.compile(r"DELETE\s+TOP\s*\([^()]*\)(?:\s+PERCENT)?\s+FROM\s", re.IGNORECASE), "DELETE FROM "),
    (re.compile(r"UPDATE\s+TOP\s*\([^()]*\)(?:\s+PERCENT)?\s", re.IGNORECASE), "UPDATE "),
    (re.compile(r"SET\s+NOCOUNT\s+ON\s+(?=\w)", re.IGNORECASE), ""),
)
"""What begins a statement that is another one to lineage, and what that one begins with."""
_RENAME = re.compile(r"RENAME\s+TABLE\s+", re.IGNORECASE)
_NOT_TOKENIZED = re.compile(r"\bU&\"", re.IGNORECASE)
_TEMPORARY = re.compile(
    r"\s*CREATE\s+(?:OR\s+REPLACE\s+)?(?:(?:LOCAL|GLOBAL)\s+)?TEMP(?:ORARY)?\s+(?:TABLE|VIEW)\s+(?:IF\s+NOT\s+EXISTS\s+)?"
    r"([\w.$\"`]+)",
    re.IGNORECASE,
)


def lineage_of(statements: Iterable[tuple[str, str]]) -> Lineage:
    """Return what statements read and write together, by name. Nothing raises, and no literal is kept.

    A temporary table that one of them makes is no table to those that follow. Statements that cannot be understood
    (another syntax, dynamic SQL, a call, more than 200,000 characters) are counted.

    :param statements: SQL and its dialect, in the order run. A text can hold several statements; a list of texts is
        taken, too. The dialect is named as sqlglot or a SQLAlchemy driver names it; another one is read as common SQL.
    """
    reads, writes = Uses(), Uses()
    temporaries: Temporaries = {}
    count = unparsed = 0
    for sql, name in statements:
        dialect, known = _dialect(name)
        for text in sql if isinstance(sql, list | tuple) else (sql,):
            for statement in _statements(text, dialect):
                found = _read(statement, dialect, known, temporaries)
                count += 1
                if found is None:
                    unparsed += 1
                    continue
                reads.add(found.reads)
                writes.add(found.writes)
                for gone in found.dropped:
                    temporaries.pop(gone, None)
                temporaries.update(found.made)
    return Lineage(reads=reads.touches(), writes=writes.touches(), statements=count, unparsed=unparsed)


def load_dialects() -> None:
    """Read a statement in each dialect that Airflow's hooks speak: the first one of a process takes longer."""
    some = "INSERT INTO t SELECT a.x, sum(b.y) AS z FROM (SELECT x FROM a WHERE x > 1) a JOIN b USING (x) GROUP BY a.x"
    lineage_of((some, name) for name in _HOOKS_SPEAK)


def _dialect(name: Any) -> tuple[Dialect, str]:
    """Return a dialect by one of its names, and sqlglot's name of it; common SQL for an unknown one."""
    text = str(name or "").lower().partition("+")[0]
    known = _SQLGLOT.get(text, text)
    found = Dialect.get(known)
    return (found(), known) if found is not None else (Dialect(), "")


def _statements(text: Any, dialect: Dialect) -> Iterator[Statement]:
    """Yield a text's statements; what is no text, and cannot be made one, is one that is unknown."""
    try:
        yield from statements_in(text if isinstance(text, str) else str(text), dialect)
    except Exception:  # whatever an object's own __str__ or a dialect's tokenizer may do
        yield Statement(text="", tokens=None)


def _read(statement: Statement, dialect: Dialect, name: str, temporaries: Temporaries) -> Statements | None:
    """Return what one statement touches; ``None`` where that cannot be told."""
    folding = Folding(dialect)
    reader = Statements(folding, habits_of(name), temporaries)
    if statement.defines:
        return reader
    try:
        for runs in _what_runs(statement, dialect):
            _read_one(runs, dialect, reader)
    except Exception:  # a parser's errors are of any kind, and no statement may break a task
        _remember_temporary(statement, dialect, folding, temporaries)
        return None
    return reader


def _read_one(statement: Statement, dialect: Dialect, reader: Statements) -> None:
    if _is_quiet(statement):
        return
    with _quietly():
        (root,) = dialect.parser().parse(statement.tokens, statement.text)
    if not isinstance(root, exp.Command):
        reader.statement(root)
    elif _is_more_than_a_setting(statement):
        raise Unreadable("command")


def _what_runs(statement: Statement, dialect: Dialect) -> list[Statement]:
    """Return what is run: the statement of EXPLAIN ANALYZE, that of a cursor, each renaming of several, or itself.

    :raises Unreadable: it is not known, a block of procedural code, or a template.
    """
    if statement.tokens is None or statement.procedural or _is_template(statement):
        raise Unreadable("block")
    if _NOT_TOKENIZED.search(statement.source):
        raise Unreadable("U&")  # a name in escapes, which is taken for two
    renames = _RENAME.match(statement.source)
    if renames is not None:
        text = re.sub(r"\sTO\s", " RENAME TO ", statement.source[renames.end() :], flags=re.IGNORECASE)
        return list(statements_in("; ".join(f"ALTER TABLE {each}" for each in text.split(",")), dialect))
    for begin, instead in _RUN_INSIDE:
        found = begin.match(statement.source)
        if found is not None:
            (inner,) = statements_in(instead + statement.source[found.end() :], dialect)
            return _what_runs(inner, dialect)
    return [statement]


def _is_template(statement: Statement) -> bool:
    """Whether something was to be filled in: ``{{ ds }}``, ``{% if %}``, ``{name}``, ``${name}``."""
    kinds = [token.token_type for token in statement.tokens or ()]
    if TokenType.BLOCK_START in kinds or TokenType.BLOCK_END in kinds:
        return True
    open_, close = TokenType.L_BRACE, TokenType.R_BRACE
    return any(
        first is open_ and (second is open_ or third is close)
        for first, second, third in zip(kinds, kinds[1:], [*kinds[2:], None], strict=False)
    )


def _is_quiet(statement: Statement) -> bool:
    """Whether a statement is of a kind that touches no rows.

    :raises Unreadable: it is of such a kind, and another statement seems to follow without a semicolon.
    """
    words = re.findall(r"\w+", statement.source.upper())
    first, second = (*words, "", "")[:2]
    if first in ("CREATE", "ALTER", "DROP"):
        return (words[3] if words[1:3] == ["OR", "REPLACE"] and len(words) > 3 else second) in _NO_TABLES
    if first == "LOAD":
        return second != "DATA"
    if first not in _QUIET and (first, second) != ("REFRESH", "TABLE"):
        return False
    if first not in _QUOTES_SQL and not _RUNS.isdisjoint(words):
        raise Unreadable(first)
    return True


def _is_more_than_a_setting(statement: Statement) -> bool:
    """Whether what the parser does not look into is more than that of a variable."""
    words = re.findall(r"\w+", statement.source.upper())
    return words[:1] != ["SET"] or not _RUNS.isdisjoint(words)


def _remember_temporary(statement: Statement, dialect: Dialect, folding: Folding, temporaries: Temporaries) -> None:
    """Keep a temporary table in mind whose statement was not understood: it is no table all the same."""
    tokens = statement.tokens
    found = _TEMPORARY.match(statement.text, tokens[0].start) if tokens else None
    if found is None:
        return
    try:
        table = exp.to_table(found[1], dialect=dialect)
    except Exception:  # no name
        return
    temporaries[folding.path(table.parts)] = None


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep the parser's warnings, which quote the SQL, out of the log."""
    log = logging.getLogger("sqlglot")

    def nothing(record: logging.LogRecord) -> bool:
        return False

    log.addFilter(nothing)
    try:
        yield
    finally:
        log.removeFilter(nothing)
