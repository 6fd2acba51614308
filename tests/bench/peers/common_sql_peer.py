"""Airflow's SQLColumnCheckOperator and SQLTableCheckOperator: what each can say, in one of each."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from serving import Outcomes, serve


def prepare(checks: list[dict[str, Any]], engine: str, host: str, table: str) -> Callable[[], Outcomes]:
    """Define the connection, and translate the suite.

    :param host: the folder of the PostgreSQL server's socket.
    """
    assert engine == "postgres"
    os.environ["AIRFLOW_CONN_BENCH"] = json.dumps(
        {"conn_type": "postgres", "host": host, "login": "postgres", "schema": "postgres"}
    )
    logging.disable(logging.WARNING)
    from airflow.exceptions import AirflowException
    from airflow.providers.common.sql.operators.sql import SQLColumnCheckOperator, SQLTableCheckOperator

    columns: dict[str, dict[str, Any]] = {}
    # A check's number -> the results it is made of: (column, kind) of the one operator, a name of the other.
    parts: dict[int, list[tuple[str, str] | str]] = {}
    statements: dict[str, dict[str, Any]] = {}
    for number, check in enumerate(checks):
        found = _column_checks(check)
        for kind, bound in found.items():
            columns.setdefault(check["column"], {})[kind] = bound
        parts[number] = [(check["column"], kind) for kind in found]
        if not found:
            statements[f"check_{number}"] = {"check_statement": _statement(check)}
            parts[number] = [f"check_{number}"]

    def run() -> Outcomes:
        by_column = SQLColumnCheckOperator(task_id="columns", table=table, column_mapping=columns, conn_id="bench")
        by_table = SQLTableCheckOperator(task_id="table", table=table, checks=statements, conn_id="bench")
        for operator in (by_column, by_table):
            try:
                operator.execute({})
            except AirflowException as failed:
                if "Test failed" not in str(failed):
                    raise
        held: dict[Any, bool] = {name: result["success"] for name, result in by_table.checks.items()}
        for column, kinds in by_column.column_mapping.items():
            held |= {(column, kind): result["success"] for kind, result in kinds.items()}
        return {number: all(held[part] for part in made_of) for number, made_of in parts.items()}

    return run


def _column_checks(check: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what the column operator knows; empty: the table operator must say it in SQL."""
    match check["type"].removeprefix("expect_"):
        case "column_values_to_not_be_null" if "mostly" not in check:
            return {"null_check": {"equal_to": 0}}
        case "column_values_to_be_between":
            return {"min": {"geq_to": check["min_value"]}, "max": {"leq_to": check["max_value"]}}
        case "column_values_to_be_unique":
            return {"unique_check": {"equal_to": 0}}
    return {}


def _statement(check: dict[str, Any]) -> str:
    column = check.get("column")
    match check["type"].removeprefix("expect_"):
        case "table_row_count_to_be_between":
            return f"COUNT(*) >= {check['min_value']}"
        case "column_values_to_not_be_null":
            return f"COUNT({column}) >= {check['mostly']} * COUNT(*)"
        case "column_values_to_be_in_set":
            values = ", ".join(f"'{value}'" for value in check["value_set"])
            return f"SUM(CASE WHEN {column} NOT IN ({values}) THEN 1 ELSE 0 END) = 0"
        case "compound_columns_to_be_unique":
            return f"COUNT(DISTINCT ({', '.join(check['column_list'])})) = COUNT(*)"
        case "column_values_to_match_regex":
            return f"SUM(CASE WHEN {column} !~ '{check['regex']}' THEN 1 ELSE 0 END) = 0"
        case "column_mean_to_be_between":
            return f"AVG({column}) BETWEEN {check['min_value']} AND {check['max_value']}"
        case "column_max_to_be_between":
            return f"MAX({column}) >= '{check['min_value']}'"
    raise NotImplementedError(check["type"])


serve(version("apache-airflow-providers-common-sql"), prepare)
