"""Declared consumers, from a file of ours and from dbt's exposures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airflow_dataops.core.declared import Declaration, Declared
from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.formats.consumers import read_consumers

OURS = """
consumers:
  - name: Revenue dashboard
    kind: dashboard
    owner: finance
    url: https://bi.example.com/revenue
    reads:
      - sales.orders
      - {table: mart.revenue, columns: [day, amount]}
  - name: Yearly export
    reads: [sales.orders]
"""
# What dbt 1.10 writes of an exposure, as far as it matters here.
MANIFEST: dict[str, Any] = {
    "metadata": {"project_name": "shop", "dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json"},
    "nodes": {"model.shop.revenue": {"schema": "mart", "alias": "revenue", "name": "revenue"}},
    "sources": {"source.shop.raw.orders": {"schema": "raw", "identifier": "orders", "name": "orders"}},
    "semantic_models": {"semantic_model.shop.revenue": {"depends_on": {"nodes": ["model.shop.revenue"]}}},
    "metrics": {"metric.shop.growth": {"depends_on": {"nodes": ["semantic_model.shop.revenue"]}}},
    "exposures": {
        "exposure.shop.weekly": {
            "name": "weekly",
            "label": "Weekly numbers",
            "type": "dashboard",
            "url": "https://bi.example.com/weekly",
            "owner": {"name": "Data team", "email": "data@example.com"},
            "depends_on": {"nodes": ["metric.shop.growth", "source.shop.raw.orders"]},
        },
        "exposure.shop.model": {"name": "churn", "type": "ml", "owner": {"email": "ml@example.com"}, "depends_on": {}},
    },
}


def written(folder: Path, text: str, name: str = "consumers.yaml") -> Declaration:
    path = folder / name
    path.write_text(text)
    return read_consumers(path)


def test_a_file_of_ours_says_who_reads_what(tmp_path: Path) -> None:
    found = written(tmp_path, OURS)
    said = {"kind": "dashboard", "owner": "finance", "url": "https://bi.example.com/revenue"}
    assert found.origin == str(tmp_path / "consumers.yaml")
    assert found.consumers == (
        Declared(consumer="Revenue dashboard", name="sales.orders", **said),
        Declared(consumer="Revenue dashboard", name="mart.revenue", columns=("amount", "day"), **said),
        Declared(consumer="Yearly export", name="sales.orders"),
    )


def test_dbts_exposures_are_resolved_to_tables_through_its_metrics(tmp_path: Path) -> None:
    found = written(tmp_path, json.dumps(MANIFEST), "manifest.json")
    said = {"kind": "dashboard", "owner": "Data team", "url": "https://bi.example.com/weekly"}
    assert found.origin == "dbt shop"
    assert found.consumers == (
        Declared(consumer="Weekly numbers", name="mart.revenue", **said),
        Declared(consumer="Weekly numbers", name="raw.orders", **said),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("consumers: 3", "expected 'consumers:', a list"),
        ("[]", "expected 'consumers:', a list"),
        ("exposures: []", "Run dbt, and declare its target/manifest.json"),
        ("consumers: [a]", r"consumers\[0\] is a str: expected name and reads"),
        ("consumers: [{name: a}]", r"consumers\[0\] needs a name, and reads"),
        ("consumers: [{name: a, reads: []}]", r"consumers\[0\] needs a name, and reads"),
        ("consumers: [{name: 3, reads: [t]}]", r"consumers\[0\]\.name is a int: expected a text"),
        (
            "consumers: [{name: a, reads: [t], team: b}]",
            r"consumers\[0\] has team: expected name, kind, owner",
        ),
        ("consumers: [{name: a, reads: [3]}]", r"consumers\[0\]\.reads\[0\]: expected a dataset or table by name"),
        ("consumers: [{name: a, reads: [{table: t, columns: x}]}]", r"reads\[0\]: expected a dataset or table"),
        ("consumers: [{name: a, reads: [{columns: [x]}]}]", r"reads\[0\]: expected a dataset or table"),
    ],
)
def test_what_is_not_as_expected_is_said_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        written(tmp_path, text)


def test_a_manifest_that_lacks_what_it_names_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"weekly depends on 'source\.shop\.raw\.orders', which"):
        written(tmp_path, json.dumps({**MANIFEST, "sources": {}}), "manifest.json")


def test_a_file_that_is_not_there_declares_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"there is no such file\. Nothing was declared"):
        read_consumers(tmp_path / "none.yaml")
