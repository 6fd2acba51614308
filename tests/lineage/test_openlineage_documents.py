"""OpenLineage documents as values: what is told of a gate that passed, failed or could not measure."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_dataops.core.checks import Check
from airflow_dataops.core.relations import Column, Relation
from airflow_dataops.core.releases import Dataset, Release, State
from airflow_dataops.core.results import CheckResult, GateResult
from airflow_dataops.core.verdicts import Outcome
from airflow_dataops.lineage.columns import Kind, Origin
from airflow_dataops.lineage.openlineage import Place, release_input, release_output, table_input
from tests.lineage.published import faults, faults_of_facets, schemas

PLACE = Place(namespace="postgres://db:5432", database="shop", schema="public")


def release(**changes: Any) -> Release:
    dataset = Dataset(name="sales.orders", conn_id="w", publisher="view", target="sales.orders", reader="sales.orders")
    fields: dict[str, Any] = {
        "dataset": dataset,
        "number": 42,
        "relation": Relation(schema="sales", name="orders__r42"),
        "state": State.CANDIDATE,
        "op_id": "op",
        "created_at": datetime(2026, 1, 1, tzinfo=UTC),
        "columns": (Column(name="id", type="integer"),),
    }
    return Release(**{**fields, **changes})


def found(kind: str, outcome: Outcome, **fields: Any) -> CheckResult:
    arguments = fields.pop("kwargs", {"column": "id"})
    return CheckResult(check=Check(kind=kind, kwargs=arguments), outcome=outcome, **fields)


def judged(*results: CheckResult, row_count: int | None = 7) -> GateResult:
    return GateResult(suite="s", suite_hash="h", source="t", results=results, row_count=row_count)


def sent(dataset: Any) -> dict[str, Any]:
    from openlineage.client.serde import Serde

    return json.loads(Serde.to_json(dataset))


@pytest.mark.parametrize("outcome", list(Outcome))
def test_only_a_check_that_holds_is_a_success(outcome: Outcome) -> None:
    told = sent(release_input(PLACE, release(), judged(found("expect_column_values_to_be_unique", outcome))))
    [assertion] = told["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert assertion["success"] is (outcome is Outcome.PASS)
    assert assertion["params"] == {"outcome": str(outcome)}


def test_a_release_is_the_reader_facing_name_at_a_version() -> None:
    told = sent(release_output(PLACE, release(), ["a-team"]))
    assert (told["namespace"], told["name"]) == ("postgres://db:5432", "shop.sales.orders")
    assert told["facets"]["version"]["datasetVersion"] == "sales.orders@r42"
    assert told["facets"]["symlinks"]["identifiers"][0]["name"] == "shop.sales.orders__r42"
    assert sent(table_input(PLACE, Relation(name="raw")))["name"] == "shop.public.raw"


def test_metrics_are_only_what_was_measured_on_all_rows() -> None:
    told = sent(
        release_input(
            PLACE,
            release(),
            judged(
                found("expect_column_values_to_not_be_null", Outcome.FAIL, unexpected_count=3),
                found("expect_column_max_to_be_between", Outcome.ERROR, observed=9),
                found("expect_column_min_to_be_between", Outcome.PASS, observed="2013-01-01"),
                found(
                    "expect_column_sum_to_be_between",
                    Outcome.PASS,
                    observed=4,
                    kwargs={"column": "id", "row_condition": "id > 1"},
                ),
                row_count=None,
            ),
        )
    )
    metrics = told["inputFacets"]["dataQualityMetrics"]
    assert metrics["columnMetrics"] == {"id": {"nullCount": 3}}
    assert "rowCount" not in metrics


def test_no_value_of_a_row_is_told() -> None:
    result = judged(
        found(
            "expect_column_distinct_values_to_be_in_set",
            Outcome.FAIL,
            observed=["Smith"],
            message="Smith is not allowed",
            samples=({"name": "Smith"},),
            kwargs={"column": "name", "value_set": ["Jones"]},
        )
    )
    text = json.dumps(sent(release_input(PLACE, release(), result)))
    assert "Smith" not in text
    assert "Jones" not in text


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_facet_keeps_to_its_published_schema(outcome: Outcome) -> None:
    measured = (
        found("expect_column_max_to_be_between", outcome, observed=3.5),
        found("expect_column_values_to_not_be_null", outcome, unexpected_count=2),
        found("expect_table_row_count_to_be_between", outcome, kwargs={}),
    )
    made = {"id": [Origin("landed", "v", Kind.AGGREGATION), Origin("sales.days", "day", Kind.WINDOW)]}
    told = [
        sent(release_input(PLACE, release(), judged(*measured))),
        sent(release_input(PLACE, release(columns=()), judged(row_count=None))),
        sent(release_output(PLACE, release(), ["a-team"], made)),
        sent(table_input(PLACE, Relation.parse("landed"), judged(*measured))),
    ]
    assert [faults_of_facets(dataset, "urn:airflow-dataops") for dataset in told] == [[], [], [], []]
    assert told[2]["facets"]["columnLineage"]["fields"]["id"]["inputFields"] == [
        {
            "namespace": "postgres://db:5432",
            "name": f"shop.{table}",
            "field": column,
            "transformations": [{"type": kind, "subtype": how}],
        }
        for table, column, kind, how in (
            ("public.landed", "v", "DIRECT", "AGGREGATION"),
            ("sales.days", "day", "INDIRECT", "WINDOW"),
        )
    ]


def test_what_does_not_keep_to_a_schema_is_found() -> None:
    (version,) = [kind for url, kind in schemas().items() if "/DatasetVersionDatasetFacet.json#" in url]
    assert faults({"datasetVersion": "a@r1", "_producer": "p", "_schemaURL": "u"}, version) == []
    assert faults({}, version) == [".datasetVersion: missing"]
    assert faults({"datasetVersion": 1, "more": 2}, version) == [
        ".datasetVersion: int in place of <class 'str'>",
        ".more: not of DatasetVersionDatasetFacet",
    ]
    unknown = {"facets": {"version": {"_producer": "p", "_schemaURL": "elsewhere"}}}
    assert faults_of_facets(unknown, "p") == ["version: of no published schema"]
