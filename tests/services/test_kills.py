"""SIGKILL at each step of a switch, with readers running: nothing is torn, and the retry finishes."""

from __future__ import annotations

import signal

import pytest
from deadly import act, read_all_the_while
from processes import forked
from story import GATE, Story

from airflow_dataops.services.releasing import promote, rollback


@pytest.mark.parametrize("action", ["promote", "rollback"])
def test_a_kill_at_any_step_tears_nothing_and_the_retry_finishes(story: Story, action: str) -> None:
    url = str(story.store.engine.url)
    story.live("first", values(1))
    stop, findings = forked().Event(), forked().Queue()
    reader_sql = story.target.publisher.reader("nyc.flights").sql
    reader = forked().Process(target=read_all_the_while, args=(story.target.connector, reader_sql, stop, findings))
    reader.start()
    kills = 0
    while True:
        kills += 1
        number = kills + 1
        release = story.stage(f"run {kills}", values(number))
        story.gate(release, f"run {kills}")
        if action == "rollback":
            story.promote(release, f"run {kills}")
        op = story.op(action, f"run {kills}", release.name)
        child = forked().Process(
            target=act, args=(story.target.connector, url, action, op, release.name, [GATE], kills)
        )
        child.start()
        child.join()
        if child.exitcode == 0:
            break
        assert child.exitcode == -signal.SIGKILL
        assert len(set(story.rows())) == 1
        if action == "promote":
            promote(story.target, release.name, op, required=[GATE])
            assert story.rows() == [(number,)] * 2
        else:
            rollback(story.target, "nyc.flights", op)
            assert story.rows() == [(1,)] * 2
        assert story.store.switches.intents("nyc.flights") == []
    stop.set()
    reads, torn = findings.get()
    reader.join()
    assert torn == []
    assert reads > 20
    assert kills > 15  # every store call and every statement was a step


def values(number: int) -> str:
    return f"SELECT {number} AS v UNION ALL SELECT {number}"
