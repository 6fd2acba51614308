"""Several actors, any operation, any order, retries and deaths among them: the promises hold after every step."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from deadly import Fuse, Order, deadly, told
from explaining import events_of, explain, log_of
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from model import KEPT, SWITCHED, Built, Model
from story import Story
from warehouses import Warehouse

from airflow_dataops.core.errors import DataOpsError
from airflow_dataops.core.releases import GateRef, Operation, ReleaseName
from airflow_dataops.engines.fingerprints import fingerprint
from airflow_dataops.publishers.view import ViewPublisher
from airflow_dataops.services.releasing import Target, reconcile
from airflow_dataops.stores.store import Store

EXAMPLES = {"sqlite": 8, "duckdb": 2, "postgres": 3}
LONGER = 10 if "DATAOPS_KILLS" in os.environ else 1
"""How much more is tried where ``DATAOPS_KILLS`` is set."""
ACTORS = st.sampled_from(["ada", "grace", "edsger"])
GATES = {name: GateRef(dag_id="flights", task_id=name) for name in ("gate", "deep")}
REQUIRED = st.sampled_from([("gate",), ("gate",), ("gate", "deep"), ()])
TOLD = (SWITCHED, KEPT, "done", "PublishConflict", "LockTimeout", "IllegalTransition", "EvidenceMissing")
any_one = st.integers(min_value=0, max_value=10**6)
steps = st.integers(min_value=1, max_value=70)


class Died(BaseException):
    """What a killed process would not even see: nothing that catches errors catches it."""


def die() -> None:
    raise Died


class Actors(RuleBasedStateMachine):
    """One dataset, the store and the target, both real, and the model that says what should come of it."""

    def __init__(self, warehouse: Warehouse, store_url: str) -> None:
        super().__init__()
        self.warehouse, self.url = warehouse, store_url
        # DuckDB lets nobody else in while a session is open.
        self.inside = warehouse.dialect != "duckdb"
        publisher = ViewPublisher(warehouse, deadline=0.3)
        self.target = Target(
            store=Store.open(store_url), publisher=publisher, connector=warehouse, fingerprint=fingerprint
        )
        self.story = Story(self.target)
        self.numbers = itertools.count(1)
        self.orders: list[Order] = []
        self.values: dict[str, int | None] = {}
        # Operations that died, or crossed another: what they have done is looked up and not foretold.
        self.unsure: set[str] = set()

    @initialize(plain=st.booleans())
    def readers_have_a_plain_table_or_nothing(self, plain: bool) -> None:
        self.model = Model(plain=plain)
        if plain:
            reader = self.target.publisher.reader("nyc.flights")
            schema = [f'CREATE SCHEMA "{reader.schema}"'] if reader.schema else []
            self.warehouse.run(*schema, f"CREATE TABLE {reader.sql} AS SELECT 0 AS v UNION ALL SELECT 0")
        self.stage("ada", True)

    # what actors do

    @rule(actor=ACTORS, good=st.booleans())
    def stage(self, actor: str, good: bool) -> None:
        op, value = self.op(actor, "stage"), next(self.numbers) if good else None
        shown = "CAST(NULL AS INTEGER)" if value is None else str(value)
        self.values[op.op_id] = value
        self.do(Order(action="stage", op=op, more={"sql": f"SELECT {shown} AS v UNION ALL SELECT {shown}"}))

    @precondition(lambda self: self.built())
    @rule(which=any_one, gate=st.sampled_from(list(GATES)), shadow=st.sampled_from([False, False, True]))
    def judge(self, which: int, gate: str, shadow: bool) -> None:
        number = pick(self.built(), which)
        release = self.story.store.releases.get(name(number))
        verdict = self.story.gate(release, f"run {number}", task=gate, on_fail="shadow" if shadow else "fail")
        assert (verdict == "PASS") == self.model.gated(number, gate, shadow)

    @precondition(lambda self: self.built())
    @rule(which=any_one)
    def change_data_behind_our_back(self, which: int) -> None:
        release = self.model.releases[pick(self.built(), which)]
        relation = self.story.store.releases.get(name(release.number)).relation
        release.value, release.content = next(self.numbers), release.content + 1
        with self.warehouse.open() as db:
            if db.dialect == "sqlite":
                frozen = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?"
                for (trigger,) in db.execute(frozen, (relation.name,)):
                    db.execute(f'DROP TRIGGER "{trigger}"')
            db.execute(f"UPDATE {relation.sql} SET v = {release.value}")

    @rule(actor=ACTORS, which=any_one, gates=REQUIRED, ungated=st.booleans(), newer=st.booleans(), reason=st.booleans())
    def promote(self, actor: str, which: int, gates: tuple[str, ...], ungated: bool, newer: bool, reason: bool) -> None:
        order = Order(
            action="promote",
            op=self.op(actor, "promote", reason="because" if reason else None),
            release=name(pick(list(self.model.releases), which)),
            gates=tuple(GATES[gate] for gate in gates),
            more={"replace_newer": newer, "ungated": "a lookup table" if ungated else None},
        )
        self.do(order)

    @rule(actor=ACTORS, which=any_one)
    def judge_and_promote(self, actor: str, which: int) -> None:
        """What most DAGs do."""
        if self.built():
            self.judge(which, "gate", False)
            number = pick(self.built(), which)
            self.promote(actor, list(self.model.releases).index(number), ("gate",), False, False, False)

    @rule(actor=ACTORS, to=st.none() | any_one)
    def roll_back(self, actor: str, to: int | None) -> None:
        release = None if to is None else name(pick(list(self.model.releases), to))
        self.do(Order(action="rollback", op=self.op(actor, "rollback", reason="bad"), release=release))

    @rule()
    def settle(self) -> None:
        assert reconcile(self.target, self.story.dataset) == []

    @rule(which=any_one)
    def clear_and_run_again(self, which: int) -> None:
        """A retry, or a clear, of anything that was ever asked: what was done is not done again."""
        order = pick(self.orders, which)
        finished = order.op.op_id in self.model.switched
        before = self.everything() if finished else None
        self.do(order)
        if finished:
            assert self.everything() == before

    @rule(which=any_one, step=steps, again=st.booleans())
    def die_on_the_way(self, which: int, step: int, again: bool) -> None:
        """An operation that is killed, and perhaps run again at once."""
        order = self.as_new(pick(self.orders, which))
        with contextlib.suppress(Died, DataOpsError):
            order.carry_out(deadly(self.warehouse, self.url, Fuse(step, die), deadline=0.3))
        self.readers_get_the_live_release_whole()
        if again:
            assert told(order, self.target).startswith(TOLD)
        self.look(order)

    @rule(one=any_one, other=any_one, step=steps, twins=st.booleans())
    def cross(self, one: int, other: int, step: int, twins: bool) -> None:
        """One operation, in the midst of which another is carried out, whole, or the same: a zombie and its retry."""
        first = self.as_new(pick(self.orders, one))
        second = first if twins else self.as_new(pick(self.orders, other))
        heard = []
        fuse = Fuse(step, lambda: heard.append(told(second, self.target)))
        heard.append(told(first, deadly(self.warehouse, self.url, fuse, inside=self.inside, deadline=0.3)))
        assert all(words.startswith(TOLD) for words in heard), heard
        self.look(first, second)

    # what comes of it

    def op(self, actor: str, task: str, **more: Any) -> Operation:
        return replace(self.story.op(task, f"run {next(self.numbers)}", **more), by=f"{actor}.{task}")

    def as_new(self, order: Order) -> Order:
        """Return the same as another operation."""
        new = replace(order, op=replace(order.op, op_id=f"op {next(self.numbers)}"))
        self.values[new.op.op_id] = self.values.get(order.op.op_id)
        self.unsure.add(new.op.op_id)
        self.orders.append(new)
        return new

    def do(self, order: Order) -> None:
        """Carry it out, for real and in the model, and compare."""
        if order not in self.orders:
            self.orders.append(order)
        if order.action == "stage":
            release: Any = order.carry_out(self.target)
            self.model.staged(order.op.op_id, release.number, self.values[order.op.op_id])
            return
        words = told(order, self.target)
        if order.op.op_id in self.unsure:
            assert words.startswith(TOLD), words
            self.look(order)
            return
        again = order.op.op_id in self.model.switched
        expected = self.foretold(order)
        # Nobody announces here: the news of a switch that was made are told again.
        assert words.startswith(expected) or (again and expected == KEPT and words.startswith(SWITCHED)), (
            f"{order}: expected {expected}, and found {words}"
        )
        if 0 in self.numbers_of_store():
            self.model.adopt()

    def foretold(self, order: Order) -> str:
        number = order.release.number if order.release else None
        if order.action == "rollback":
            return self.model.rollback(order.op.op_id, number)
        assert number is not None
        return self.model.promote(
            order.op.op_id,
            number,
            tuple(gate.task_id for gate in order.gates),
            ungated=order.more["ungated"] is not None,
            newer=order.more["replace_newer"],
            reason=order.op.reason is not None,
        )

    def look(self, *orders: Order) -> None:
        """Learn what has come of these, and see that nothing went live that might not."""
        for order in orders:
            if order.action == "promote" and order.op.op_id in {o for _, o, _ in log_of(self.target)}:
                assert order.release is not None
                if order.op.op_id not in self.model.switched:
                    gates = tuple(gate.task_id for gate in order.gates)
                    assert self.model.justified(order.release.number, gates, order.more["ungated"] is not None)
        reconcile(self.target, self.story.dataset)
        releases = self.target.store.releases.of("nyc.flights")
        for release in sorted(releases, key=lambda r: r.number):
            if release.number == 0:
                self.model.adopt()
            value = self.values.get(release.op_id)
            known = self.model.releases.setdefault(
                release.number, Built(number=release.number, by=release.op_id, value=value)
            )
            known.state = str(release.state)
        self.model.live = next((r.number for r in releases if r.state == "LIVE"), None)
        self.model.superseded = [e["number"] for e in events_of(self.target) if e["action"] == "supersede"]
        self.model.switched = {op_id for _, op_id, _ in log_of(self.target)}

    def numbers_of_store(self) -> set[int]:
        return {release.number for release in self.target.store.releases.of("nyc.flights")}

    def everything(self) -> object:
        pointer = self.target.publisher.pointer("nyc.flights", "nyc.flights")
        return log_of(self.target), pointer, self.story.states() if pointer.release else None, self.story.rows()

    def built(self) -> list[int]:
        return [n for n, r in self.model.releases.items() if n and r.state not in ("ABORTED", "BUILDING")]

    # what is always true

    @invariant()
    def readers_get_the_live_release_whole(self) -> None:
        pointer = self.target.publisher.pointer("nyc.flights", "nyc.flights")
        if pointer.release is not None:
            assert self.story.rows() == self.model.releases[pointer.release].rows

    @invariant()
    def log_store_and_pointer_tell_one_story(self) -> None:
        explain(self.target)
        releases = self.target.store.releases.of("nyc.flights")
        assert {r.number: str(r.state) for r in releases} == {n: r.state for n, r in self.model.releases.items()}

    @invariant()
    def what_was_aborted_is_not_in_the_target(self) -> None:
        aborted = [r for r in self.target.store.releases.of("nyc.flights") if r.state == "ABORTED"]
        assert [str(r) for r in aborted[:3] if self.target.publisher.exists(r.relation)] == []


def name(number: int) -> ReleaseName:
    return ReleaseName(dataset="nyc.flights", number=number)


def pick(items: list[Any], which: int) -> Any:
    return items[which % len(items)]


@pytest.mark.parametrize("dialect", EXAMPLES)
def test_the_promises_hold_whatever_happens_in_whatever_order(
    dialect: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    empty = tmp_path / "empty.db"
    Store.open(f"sqlite:///{empty}", create=True).engine.dispose()
    folders = (tmp_path / str(number) for number in itertools.count())

    def actors() -> Actors:
        folder = next(folders)
        folder.mkdir()
        shutil.copy(empty, folder / "store.db")
        where = str(folder / "warehouse")
        if dialect == "postgres":
            where = request.getfixturevalue("postgres_url")
            Warehouse(dialect, where).run("DROP SCHEMA IF EXISTS nyc CASCADE")
        return Actors(Warehouse(dialect, where), f"sqlite:///{folder}/store.db")

    run_state_machine_as_test(
        actors,
        settings=settings(
            max_examples=EXAMPLES[dialect] * LONGER,
            stateful_step_count=30,
            deadline=None,
            database=None,
            phases=[Phase.generate],  # a failing run says all its steps; shrinking it would take minutes
            suppress_health_check=list(HealthCheck),
            print_blob=False,
        ),
    )
