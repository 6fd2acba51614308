"""Rows without a partner: what refers to another relation of the same database, and is not there."""

from __future__ import annotations

from airflow_dataops.core.metrics import Orphans
from airflow_dataops.engines.sql.compiling import Expressions
from airflow_dataops.engines.sql.sources import Source
from airflow_dataops.engines.sql.statements import Answer, Planned, rows_that


def plan_orphans(source: Source, expressions: Expressions, metric: Orphans) -> Planned:
    """Return the count of rows that refer to nothing, as an anti-join, which reads each relation once."""
    keys = ", ".join(
        f"{expressions.sql(expressions.column(column))} AS dataops_key{index}"
        for index, column in enumerate(metric.columns)
    )
    referring = f"(SELECT {keys} FROM {source.sql}{rows_that(expressions, metric.where)}) AS data"
    columns = [f"data.dataops_key{index}" for index in range(len(metric.columns))]
    lonely = f"{referring} WHERE {_without_partner(metric, expressions, columns)}"
    return Planned((Answer(metric, "COUNT(*)", int),), lonely)


def orphaned_rows(source: Source, expressions: Expressions, broken: Orphans, limit: int) -> str:
    """Return a SELECT that shows rows that refer to nothing."""
    columns = [f"data.{expressions.rules.quoted(expressions.stored(column))}" for column in broken.columns]
    referring = f"(SELECT * FROM {source.sql}{rows_that(expressions, broken.where)}) AS data"
    return f"SELECT * FROM {referring} WHERE {_without_partner(broken, expressions, columns)} LIMIT {limit}"


def _without_partner(orphans: Orphans, expressions: Expressions, columns: list[str]) -> str:
    rules = expressions.rules
    pairs = zip(orphans.columns, orphans.references, columns, strict=True)
    kinds = expressions.schema.kinds
    same = " AND ".join(
        rules.same(f"partner.{rules.quoted(rules.stored(reference))}", key, kinds[expressions.stored(column)])
        for column, reference, key in pairs
    )
    return f"NOT EXISTS (SELECT 1 FROM {rules.relation(orphans.relation)} AS partner WHERE {same})"
