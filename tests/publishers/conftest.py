"""The databases that releases are published in, each real, and on PostgreSQL by each of its publishers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import URL
from warehouses import Bench, Lake, MemoryLake, Warehouse, lake

DATABASES = ["sqlite", "duckdb", "postgres", "mysql", "pointer_view"]
FOLDERS = ["files", "memory"]
"""Where releases are no tables."""


@pytest.fixture
def sqlite_warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse("sqlite", str(tmp_path / "warehouse.sqlite"))


@pytest.fixture
def duckdb_warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse("duckdb", str(tmp_path / "warehouse.duckdb"))


@pytest.fixture
def postgres_warehouse(postgres_url: str) -> Warehouse:
    return Warehouse("postgres", postgres_url)


@pytest.fixture
def mysql_warehouse(mysql_url: URL) -> Warehouse:
    return Warehouse("mysql", mysql_url.render_as_string(hide_password=False))


@pytest.fixture
def pointer_view_warehouse(postgres_url: str) -> Warehouse:
    return Warehouse("postgres", postgres_url, publisher="pointer_view")


@pytest.fixture
def iceberg_warehouse(tmp_path: Path) -> Warehouse:
    return lake(tmp_path / "lake")


@pytest.fixture
def files_warehouse(tmp_path: Path) -> Lake:
    (tmp_path / "lake").mkdir()
    return Lake(where=str(tmp_path / "lake"))


@pytest.fixture
def memory_warehouse() -> Iterator[MemoryLake]:
    import fsspec

    yield MemoryLake()
    filesystem = fsspec.filesystem("memory")
    filesystem.store.clear()
    filesystem.pseudo_dirs[:] = [""]


@pytest.fixture(params=[*DATABASES, *FOLDERS])
def warehouse(request: pytest.FixtureRequest) -> Warehouse:
    return request.getfixturevalue(f"{request.param}_warehouse")


@pytest.fixture
def bench(warehouse: Warehouse) -> Bench:
    return Bench(warehouse)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is marked ``tables`` where releases are none, and other processes where all is in this one."""
    left = [
        item
        for item in items
        if not (item.get_closest_marker("tables") and _of(item) in FOLDERS)
        and not (item.path.name.endswith("_processes.py") and _of(item) == "memory")
    ]
    if len(left) < len(items):
        config.hook.pytest_deselected(items=[item for item in items if item not in left])
        items[:] = left


def _of(item: pytest.Item) -> object:
    return item.callspec.params.get("warehouse") if hasattr(item, "callspec") else None
