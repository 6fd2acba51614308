"""What is measured: a table or a SELECT, and a condition on its rows, written by the user in the database's own SQL."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import TokenError
from sqlglot.tokens import TokenType

from airflow_dataops.core.errors import ConfigurationError, MeasureError
from airflow_dataops.core.metrics import Schema
from airflow_dataops.core.ports import Database
from airflow_dataops.core.relations import QUERY_WORDS, Relation
from airflow_dataops.engines.sql.dialects import rules_of

_DEPTH = {TokenType.L_PAREN: 1, TokenType.R_PAREN: -1}


@dataclass(frozen=True, kw_only=True)
class Source:
    """A relation, or the rows of a SELECT; of them, those that meet ``where``."""

    dialect: str
    relation: Relation | None = None
    query: str | None = None
    where: str | None = None
    label: str | None = None

    def __str__(self) -> str:
        name = self.label or (f"table {self.relation}" if self.relation else f"query {_one_line(self.query)}")
        return f"{name} where {_one_line(self.where)}" if self.where else name

    @property
    def sql(self) -> str:
        """The source as it stands behind FROM, with an alias."""
        return self.unnamed if self.relation and not self.where else f"{self.unnamed} AS data"

    @property
    def unnamed(self) -> str:
        """The source as it stands behind FROM, where an alias follows."""
        rows = rules_of(self.dialect).relation(self.relation) if self.relation else f"({_closed(self.query)})"
        if not self.where:
            return rows
        named = rows if self.relation else f"{rows} AS data"
        return f"(SELECT * FROM {named} WHERE {_closed(self.where)})"


def _one_line(sql: str | None) -> str:
    return " ".join((sql or "").split())


def _closed(sql: str | None) -> str:
    """End the line where a comment at the end would swallow the parenthesis behind it."""
    return f"{sql}\n" if "--" in (sql or "") else sql or ""


def source_of(
    dialect: str,
    *,
    relation: Relation | None = None,
    query: str | None = None,
    where: str | None = None,
    label: str | None = None,
) -> Source:
    """Return the source, its user-written SQL checked to be one expression.

    :raises ConfigurationError: ``query`` or ``where`` holds more than one statement, or closes what it did not open.
    """
    if query is not None:
        query = one_expression(query.strip().rstrip(";"), dialect, "query")
        words = query.split(None, 1)
        if not words or words[0].upper().lstrip("(") not in QUERY_WORDS:
            raise ConfigurationError(f"query must be a SELECT, got {words[0] if words else 'nothing'!r}.")
    if where is not None:
        where = one_expression(where, dialect, "where")
    return Source(dialect=dialect, relation=relation, query=query, where=where, label=label)


def one_expression(sql: str, dialect: str, what: str) -> str:
    """Return the SQL that a user wrote, as it is.

    :raises ConfigurationError: it is more than one expression, or closes what it did not open.
    """
    try:
        tokens = Dialect.get_or_raise(dialect).tokenize(sql)
    except TokenError as error:
        raise ConfigurationError(f"{what} is not SQL that {dialect} can read: {error}") from error
    depth = 0
    for token in tokens:
        depth += _DEPTH.get(token.token_type, 0)
        if depth < 0 or token.token_type is TokenType.SEMICOLON:
            raise ConfigurationError(
                f"{what} must be one expression; it {'closes a parenthesis too many' if depth < 0 else 'holds a ;'}."
            )
    if depth or not tokens:
        raise ConfigurationError(f"{what} {'leaves a parenthesis open' if depth else 'is empty'}.")
    return sql


def schema_of(db: Database, source: Source) -> Schema:
    """Return the source's columns.

    :raises MeasureError: there is no such table, or the database refuses the query.
    """
    columns = db.columns(source.relation) if source.relation else db.describe(source.query or "")
    if not columns:
        raise MeasureError(f"there is no {f'table {source.relation}' if source.relation else 'column in the query'}")
    rules = rules_of(source.dialect)
    kinds = {column.name: rules.kind_of(column.type) for column in columns}
    return Schema(
        columns=tuple(columns),
        kinds=kinds,
        typed=rules.typed,
        truth_is_number=rules.truth_is_number,
        dialect=source.dialect,
    )
