"""Declared consumers in every answer: they count, and are no reads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from story import NOW, Story

from airflow_dataops.core.declared import Declaration, Declared
from airflow_dataops.services.usage import (
    adopted_by,
    hit_by,
    is_still_used,
    known_uses,
    reached,
    record,
    resolve,
    who_reads,
)
from tests.services.test_usage import key, seen

DASHBOARD = Declared(consumer="Revenue", name="nyc.flights", columns=("v",), kind="dashboard", owner="finance")


def declare(story: Story, *declared: Declared, origin: str = "consumers.yaml") -> tuple[int, int]:
    return story.store.declared.keep(Declaration(origin=origin, consumers=declared), NOW)


def test_who_is_declared_is_a_consumer_that_has_read_nothing(story: Story) -> None:
    story.live("jan")
    assert declare(story, DASHBOARD) == (1, 0)
    (reader,) = who_reads(story.store, "nyc.flights")
    assert (reader.consumer, reader.reads, reader.confidence, reader.owner) == ("Revenue", 0, "declared", "finance")
    assert reader.columns == ("v",)
    assert [hit.reader.consumer for hit in hit_by(story.store, "nyc.flights", NOW)] == ["Revenue"]
    assert reached(story.store, "nyc.flights", NOW) == "It would reach 1 consumer: Revenue (owner finance)."
    assert adopted_by(story.store, "nyc.flights") == []


def test_a_declaration_alone_is_no_use_and_nothing_is_called_unused_against_it(story: Story) -> None:
    story.live("jan", "SELECT 1 AS v, 2 AS w")
    resolve(story.store, "raw.other", key("a"), NOW - timedelta(days=100))
    record(story.store, seen("a", "raw.other", at=datetime.now(UTC)))
    declare(story, DASHBOARD)
    found = {each.name: each for each in is_still_used(story.store, datetime.now(UTC))}
    assert str(found["nyc.flights"].standing) == "unknown"
    assert "0 reads" in found["nyc.flights"].why
    assert "Revenue declares that it reads it" in found["nyc.flights"].why
    assert found["nyc.flights"].last_read is None
    assert str(found["nyc.flights.v"].standing) == "unknown"
    assert str(found["nyc.flights.w"].standing) == "unused"  # it says which columns it reads


def test_who_is_seen_as_well_is_one_reader(story: Story) -> None:
    story.live("jan")
    declare(story, Declared(consumer="report.build", name="nyc.flights", owner="finance"))
    resolve(story.store, "nyc.flights", key("a"), NOW)
    (reader,) = who_reads(story.store, "nyc.flights")
    assert (reader.reads, reader.sources, reader.owner) == (1, ("ref", "declared"), "finance")
    assert reader.last_read == NOW


def test_what_a_file_declares_no_longer_is_withdrawn_and_the_rest_keeps_its_time(story: Story) -> None:
    story.live("jan")
    other = Declared(consumer="Export", name=str(story.target.publisher.reader("nyc.flights")))
    assert declare(story, DASHBOARD, other) == (2, 0)
    assert declare(story, DASHBOARD, other) == (0, 0)
    assert {use.name for use in known_uses(story.store)} == {"nyc.flights"}  # by its own name, or as it is read
    assert declare(story, other, origin="another.yaml") == (1, 0)
    assert declare(story, other) == (0, 1)
    assert {use.consumer for use in story.store.declared.uses("nyc.flights")} == {"Export"}
