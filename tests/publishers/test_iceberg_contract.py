"""What every publisher promises, on Iceberg tables; and what only these can do: columns come with the release."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import test_view_contract as contract
from warehouses import Bench, Warehouse

from airflow_dataops.core.relations import Relation
from airflow_dataops.publishers import publisher_for
from airflow_dataops.publishers.iceberg import IcebergPublisher


@pytest.fixture
def warehouse(iceberg_warehouse: Warehouse) -> Warehouse:
    return iceberg_warehouse


@pytest.mark.parametrize(
    "told",
    [
        contract.test_a_switch_moves_view_pointer_and_log_together,
        contract.test_rolling_back_is_a_switch_to_an_earlier_release,
        contract.test_a_stale_epoch_loses_and_changes_nothing,
        contract.test_the_same_operation_again_changes_nothing,
        contract.test_a_fence_beats_a_zombie,
        contract.test_what_verify_refuses_is_not_switched,
        contract.test_two_datasets_share_the_tables_and_not_the_epoch,
        contract.test_a_release_whose_table_is_gone_is_not_switched_to,
        contract.TestBuilding().test_a_failed_build_leaves_nothing,
        contract.TestBuilding().test_a_build_overwrites_nothing,
        contract.TestBuilding().test_drop,
    ],
    ids=lambda told: told.__name__.removeprefix("test_"),
)
def test_what_every_publisher_promises(bench: Bench, told: Callable[[Bench], None]) -> None:
    told(bench)


@pytest.mark.parametrize("change", contract.CHANGED)
def test_changed_columns(bench: Bench, change: str) -> None:
    contract.test_changed_columns(bench, change)


def test_names(bench: Bench) -> None:
    publisher = publisher_for(bench.warehouse, "iceberg")
    assert isinstance(publisher, IcebergPublisher)
    assert publisher.name == bench.warehouse.publisher
    assert str(publisher.reader("nyc.flights")) == "nyc.flights"
    assert publisher.physical("nyc.flights", 42) == Relation(schema="nyc", name="flights.tag_dataops_r42")
