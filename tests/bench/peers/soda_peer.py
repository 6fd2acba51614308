"""Soda 4: the suite as a data contract."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

os.environ["SODA_CORE_TELEMETRY_ENABLED"] = "false"

from serving import Outcomes, serve
from soda_core.common.data_source_impl import DataSourceImpl
from soda_core.common.yaml import ContractYamlSource, DataSourceYamlSource
from soda_core.contracts.contract_verification import ContractVerificationSession


def prepare(
    checks: list[dict[str, Any]], engine: str, table: str, host: str | None = None, file: str | None = None
) -> Callable[[], Outcomes]:
    """Connect, and write the contract.

    :param engine: ``postgres``, with the folder of the server's socket, or ``duckdb``, with a file.
    """
    if engine == "postgres":
        connection = {"host": host, "user": "postgres", "password": "none", "database": "postgres"}
        prefix = ["postgres", "public"]
    else:
        connection = {"database": file, "read_only": True}
        prefix = ["main"]
    source = {"name": "bench", "type": engine, "connection": connection}
    database = DataSourceImpl.from_yaml_source(
        DataSourceYamlSource.from_str(json.dumps(source)), provided_variable_values={}
    )
    database.open_connection()
    columns: dict[str, list[dict[str, Any]]] = {}
    whole: list[dict[str, Any]] = []
    for number, check in enumerate(checks):
        kind, body = _translated(check)
        place = columns.setdefault(check["column"], []) if "column" in check and kind != "freshness" else whole
        place.append({kind: {"name": str(number), **body}})
    contract = {
        "dataset": "/".join(("bench", *prefix, table)),
        "columns": [{"name": column, "checks": listed} for column, listed in columns.items()],
        "checks": whole,
    }
    text = json.dumps(contract)
    logging.disable(logging.WARNING)

    def run() -> Outcomes:
        session = ContractVerificationSession.execute(
            contract_yaml_sources=[ContractYamlSource.from_str(text)], data_source_impls=[database]
        )
        (result,) = session.contract_verification_results
        if session.has_errors:
            raise RuntimeError(session.get_errors_str())
        return {int(one.check.name): one.is_passed for one in result.check_results}

    return run


def _translated(check: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    match check["type"].removeprefix("expect_"):
        case "table_row_count_to_be_between":
            return "row_count", {"threshold": {"must_be_greater_than_or_equal": check["min_value"]}}
        case "column_values_to_not_be_null":
            if "mostly" not in check:
                return "missing", {}
            share = round(100 * (1 - check["mostly"]), 6)
            return "missing", {"threshold": {"metric": "percent", "must_be_less_than_or_equal": share}}
        case "column_values_to_be_between":
            return "invalid", {"valid_min": check["min_value"], "valid_max": check["max_value"]}
        case "column_values_to_be_in_set":
            return "invalid", {"valid_values": check["value_set"]}
        case "column_values_to_match_regex":
            return "invalid", {"valid_format": {"name": "pattern", "regex": check["regex"]}}
        case "column_values_to_be_unique":
            return "duplicate", {}
        case "compound_columns_to_be_unique":
            return "duplicate", {"columns": check["column_list"]}
        case "column_mean_to_be_between":
            between = {"greater_than_or_equal": check["min_value"], "less_than_or_equal": check["max_value"]}
            return "aggregate", {"function": "avg", "threshold": {"must_be_between": between}}
        case "column_max_to_be_between":
            # Soda counts how old the newest value is.
            age = datetime.now(UTC) - datetime.fromisoformat(check["min_value"]).replace(tzinfo=UTC)
            return "freshness", {
                "column": check["column"],
                "threshold": {"unit": "day", "must_be_less_than_or_equal": age.days},
            }
    raise NotImplementedError(check["type"])


serve(version("soda-core"), prepare)
