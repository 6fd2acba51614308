"""OpenLineage documents, built and not sent: what a release and a gate's verdict are in that standard's words.

The client is an extra (``openlineage``) and imported only inside functions; Airflow's own provider sends.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_dataops.core.verdicts import Outcome, Severity

if TYPE_CHECKING:
    from openlineage.client.event_v2 import InputDataset, OutputDataset

    from airflow_dataops.core.relations import Relation
    from airflow_dataops.core.releases import Release
    from airflow_dataops.core.results import CheckResult, GateResult
    from airflow_dataops.lineage.columns import Origin

PRODUCER = "urn:airflow-dataops"
"""Who says so: stands in each facet as ``_producer``."""
_SEVERITY = {Severity.CRITICAL: "error", Severity.WARNING: "warn", Severity.INFO: "info"}
_NUMBERS = {
    "expect_column_min_to_be_between": "min",
    "expect_column_max_to_be_between": "max",
    "expect_column_sum_to_be_between": "sum",
    "expect_column_unique_value_count_to_be_between": "distinctCount",
}


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where relations are, as OpenLineage names it.

    :param namespace: ``postgres://host:5432``.
    :param database: the first part of each name there; ``None`` where names have none.
    :param schema: what a relation without a schema is in; ``None`` where there are no schemas.
    """

    namespace: str
    database: str | None = None
    schema: str | None = None

    def name(self, relation: Relation) -> str:
        """Return a relation's name, ``database.schema.table``."""
        parts = (self.database, relation.schema or self.schema, relation.name)
        return ".".join(part for part in parts if part)


def release_input(place: Place, release: Release, judged: GateResult | None = None) -> InputDataset:
    """Return a release as something that was read: the reader-facing name, and which release of it.

    :param judged: what a gate found there.
    """
    from openlineage.client.event_v2 import InputDataset

    return InputDataset(
        namespace=place.namespace,
        name=place.name(_reader(release)),
        facets=_facets(place, release),
        inputFacets=_quality(judged) if judged is not None else {},
    )


def release_output(
    place: Place, release: Release, owners: Iterable[str] = (), made_from: Mapping[str, Sequence[Origin]] | None = None
) -> OutputDataset:
    """Return a release as something that was written or made live.

    :param owners: who owns the DAG that does so.
    :param made_from: the columns of other tables there that a column is made from, as far as is known.
    """
    from openlineage.client.event_v2 import OutputDataset
    from openlineage.client.facet_v2 import ownership_dataset as ownership

    facets = _facets(place, release)
    owned = [ownership.Owner(name=owner, type="MAINTAINER") for owner in owners]
    if owned:
        facets["ownership"] = ownership.OwnershipDatasetFacet(owners=owned, producer=PRODUCER)
    if made_from:
        facets["columnLineage"] = _column_lineage(place, made_from)
    return OutputDataset(namespace=place.namespace, name=place.name(_reader(release)), facets=facets)


def _column_lineage(place: Place, made_from: Mapping[str, Sequence[Origin]]) -> Any:
    from openlineage.client.facet_v2 import column_lineage_dataset as lineage

    from airflow_dataops.core.relations import Relation

    def field(origin: Origin) -> Any:
        how = lineage.Transformation(type="DIRECT" if origin.kind.direct else "INDIRECT", subtype=str(origin.kind))
        name = place.name(Relation.parse(origin.relation))
        return lineage.InputField(namespace=place.namespace, name=name, field=origin.column, transformations=[how])

    fields = {name: lineage.Fields(inputFields=[field(each) for each in made]) for name, made in made_from.items()}
    return lineage.ColumnLineageDatasetFacet(fields=fields, producer=PRODUCER)


def table_input(place: Place, relation: Relation, judged: GateResult | None = None) -> InputDataset:
    """Return a table that is no dataset's, of which there are no versions."""
    from openlineage.client.event_v2 import InputDataset

    return InputDataset(
        namespace=place.namespace, name=place.name(relation), inputFacets=_quality(judged) if judged is not None else {}
    )


def _reader(release: Release) -> Relation:
    from airflow_dataops.core.relations import Relation

    return Relation.parse(release.dataset.reader)


def _facets(place: Place, release: Release) -> dict[str, Any]:
    from openlineage.client.facet_v2 import dataset_version_dataset, schema_dataset, symlinks_dataset

    fields = [schema_dataset.SchemaDatasetFacetFields(name=c.name, type=c.type) for c in release.columns]
    table = symlinks_dataset.Identifier(namespace=place.namespace, name=place.name(release.relation), type="TABLE")
    facets: dict[str, Any] = {
        "version": dataset_version_dataset.DatasetVersionDatasetFacet(datasetVersion=str(release), producer=PRODUCER),
        "symlinks": symlinks_dataset.SymlinksDatasetFacet(identifiers=[table], producer=PRODUCER),
    }
    if fields:
        facets["schema"] = schema_dataset.SchemaDatasetFacet(fields=fields, producer=PRODUCER)
    return facets


def _quality(result: GateResult) -> dict[str, Any]:
    """Return a gate's results, whatever the verdict, and the metrics that it measured."""
    from openlineage.client.facet_v2 import data_quality_assertions_dataset as assertions
    from openlineage.client.facet_v2 import data_quality_metrics_input_dataset as metrics

    columns = {
        name: metrics.ColumnMetrics(**found, quantiles=None) for name, found in column_metrics(result.results).items()
    }
    return {
        "dataQualityAssertions": assertions.DataQualityAssertionsDatasetFacet(
            assertions=[_assertion(found) for found in result.results], producer=PRODUCER
        ),
        "dataQualityMetrics": metrics.DataQualityMetricsInputDatasetFacet(
            rowCount=result.row_count, columnMetrics=columns, producer=PRODUCER
        ),
    }


def _assertion(found: CheckResult) -> Any:
    """Return a check's result; of what was observed only numbers, as all else may be from a row.

    The standard has no word for what could not be measured: it is no success, and ``params`` says which outcome it is.
    """
    from openlineage.client.facet_v2 import data_quality_assertions_dataset as assertions

    column = found.check.kwargs.get("column")
    observed = found.unexpected_count if found.unexpected_count is not None else found.observed
    return assertions.Assertion(
        assertion=found.check.kind,
        success=found.outcome is Outcome.PASS,
        column=column if isinstance(column, str) else None,
        severity=_SEVERITY[found.check.severity],
        name=found.check.name,
        actual=str(observed) if _is_number(observed) else None,
        params={"outcome": str(found.outcome)},
    )


def column_metrics(results: Iterable[CheckResult]) -> dict[str, dict[str, float]]:
    """Return what was measured on whole columns; what a condition narrowed, or could not be measured, is left out."""
    columns: dict[str, dict[str, float]] = {}
    for found in results:
        arguments = found.check.kwargs
        column, kind = arguments.get("column"), found.check.kind
        if found.outcome is Outcome.ERROR or not isinstance(column, str) or arguments.get("row_condition"):
            continue
        if kind == "expect_column_values_to_not_be_null" and found.unexpected_count is not None:
            columns.setdefault(column, {})["nullCount"] = found.unexpected_count
        elif kind in _NUMBERS and _is_number(found.observed):
            columns.setdefault(column, {})[_NUMBERS[kind]] = found.observed
    return columns


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
