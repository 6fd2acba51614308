"""Contracts from YAML or JSON: for each dataset the checks that a consumer relies on, in a suite's own form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airflow_dataops.core.checks import Check
from airflow_dataops.core.errors import SuiteError
from airflow_dataops.formats.suites import load, read_suite


@dataclass(frozen=True, kw_only=True)
class Clause:
    """What is written for one dataset: its checks, or why they cannot be read."""

    checks: tuple[Check, ...] = ()
    problem: str | None = None


def read_contracts(path: Path) -> tuple[str | None, dict[str, Clause]]:
    """Return the owner that a file names, if any, and what it says of each dataset.

    One dataset's mistake is that dataset's problem alone.

    :raises SuiteError: it is no mapping of datasets at all; says which file and line.
    """
    data = load(path)
    if not isinstance(data, Mapping):
        raise SuiteError(f"{path.name}: expected datasets, each with a list of checks, as 'sales.orders: [...]'")
    owner = data.get("owner")
    named = {str(name): checks for name, checks in data.items() if name != "owner" or not isinstance(checks, str)}
    return owner if isinstance(owner, str) else None, {
        n: _clause(checks, f"{path.name}: {n}") for n, checks in named.items()
    }


def _clause(checks: Any, place: str) -> Clause:
    try:
        found = read_suite(checks).checks
    except SuiteError as error:
        return Clause(problem=f"{place}: {str(error).removeprefix('suite: ')}")
    return Clause(checks=found) if found else Clause(problem=f"{place}: there is no check")
