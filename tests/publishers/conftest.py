"""The three databases that releases are published in, each real."""

from __future__ import annotations

from pathlib import Path

import pytest
from warehouses import Bench, Warehouse


@pytest.fixture
def sqlite_warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse("sqlite", str(tmp_path / "warehouse.sqlite"))


@pytest.fixture
def duckdb_warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse("duckdb", str(tmp_path / "warehouse.duckdb"))


@pytest.fixture
def postgres_warehouse(postgres_url: str) -> Warehouse:
    return Warehouse("postgres", postgres_url)


@pytest.fixture(params=["sqlite", "duckdb", "postgres"])
def warehouse(request: pytest.FixtureRequest) -> Warehouse:
    return request.getfixturevalue(f"{request.param}_warehouse")


@pytest.fixture
def bench(warehouse: Warehouse) -> Bench:
    return Bench(warehouse)
