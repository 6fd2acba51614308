"""Operations in which every step counts: the store's calls and all that is asked of the target are steps.

At the step that a fuse is set to, its process is killed or stopped, or whatever else the test wants to happen there.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from warehouses import PUBLISHERS, Lake, Warehouse

from airflow_dataops.core.releases import GateRef, Operation, Release, ReleaseName
from airflow_dataops.core.retiring import Retention
from airflow_dataops.engines.fingerprints import fingerprint
from airflow_dataops.publishers.files.drives import Place
from airflow_dataops.services.releasing import (
    Outcome,
    Promotion,
    Return,
    Target,
    promote,
    promote_all,
    reconcile,
    retire,
    rollback,
    rollback_all,
    stage,
)
from airflow_dataops.stores.store import Store

_SHELVES = ("releases", "switches", "gates", "usage")
_BESIDE = ("cancel", "close", "release", "reads_only")


def die() -> None:
    """Be gone, with no chance to clean up."""
    os.kill(os.getpid(), signal.SIGKILL)


def stand_still() -> None:
    """Stop where one stands, until somebody sends SIGCONT."""
    os.kill(os.getpid(), signal.SIGSTOP)


@dataclass
class Fuse:
    """Burns down one step at a time; at the end comes the bang, once."""

    steps: int
    bang: Callable[[], None] = die

    def burn(self) -> None:
        self.steps -= 1
        if self.steps == 0:
            self.bang()


class Deadly:
    """Passes every call on, each a step; of a transaction the begin, the commit and what comes after it."""

    def __init__(self, inner: Any, fuse: Fuse) -> None:
        self._inner, self._fuse = inner, fuse

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name in _SHELVES:
            return Deadly(found, self._fuse)
        if not callable(found) or name in _BESIDE:
            return found
        if name in ("transaction", "snapshot"):
            return self._transaction(found)

        def call(*args: Any, **kwargs: Any) -> Any:
            self._fuse.burn()
            return found(*args, **kwargs)

        return call

    def _transaction(self, begin: Callable[[], Any]) -> Callable[[], Any]:
        @contextlib.contextmanager
        def block() -> Iterator[None]:
            self._fuse.burn()
            with begin():
                yield
                self._fuse.burn()
            self._fuse.burn()

        return block


@dataclass
class DeadlyWarehouse:
    """Opens sessions in which everything is a step; or, without ``inside``, only their opening is."""

    inner: Warehouse
    fuse: Fuse
    inside: bool = True

    @property
    def dialect(self) -> str:
        return self.inner.dialect

    @property
    def label(self) -> str:
        return self.inner.label

    def place(self, name: str) -> Place:
        return self.inner.place(name)  # type: ignore[attr-defined]  # of a lake

    @contextlib.contextmanager
    def open(self, *, read_only: bool = False) -> Iterator[Any]:
        if not self.inside:
            self.fuse.burn()
        with self.inner.open(read_only=read_only) as db:
            yield Deadly(db, self.fuse) if self.inside else db


class DeadlyLake(DeadlyWarehouse):
    """Opens a catalogue, too, in which every call is a step, and every file that is written."""

    @contextlib.contextmanager
    def catalogue(self) -> Iterator[Any]:
        import burning

        self.fuse.burn()
        burning.burn = self.fuse.burn
        with replace(self.inner, io="burning.BurningIO").catalogue() as catalogue:  # type: ignore[attr-defined,call-arg]
            yield Deadly(catalogue, self.fuse)


def deadly_connector(warehouse: Warehouse, fuse: Fuse, inside: bool = True) -> DeadlyWarehouse:
    """Return a connector of which every step burns the fuse."""
    return (DeadlyLake if warehouse.publisher == "iceberg" else DeadlyWarehouse)(warehouse, fuse, inside)


@dataclass(frozen=True, kw_only=True)
class Order:
    """One operation, to be carried out here or in another process.

    :param action: ``stage``, ``promote``, ``rollback``, ``retire`` of all that is not live, or ``reconcile``.
    :param more: its further arguments.
    :param also: the other members of a release set.
    """

    action: str
    op: Operation
    dataset: str = "nyc.flights"
    release: ReleaseName | None = None
    gates: tuple[GateRef, ...] = ()
    more: dict[str, Any] = field(default_factory=dict)
    also: tuple[Order, ...] = ()

    def carry_out(self, target: Target) -> Release | Outcome | Sequence[object]:
        if self.action == "stage":
            return stage(target, self.dataset, self.op, **self.more)
        if self.action == "reconcile":
            return reconcile(target, target.store.releases.dataset(self.dataset))
        if self.action == "retire":
            all_but_live = Retention.of(keep=1, older_than=None, read_within=0, rollback_window=0)
            more = {"retention": all_but_live, **self.more}
            return retire(target, self.dataset, self.op, running=lambda dag_id, run_ids: False, **more)
        if self.also and self.action == "rollback":
            members = (self, *self.also)
            return rollback_all(target, [Return(dataset=each.dataset, op=each.op) for each in members])
        if self.also:
            return promote_all(target, [each.promotion for each in (self, *self.also)], **self.more)
        if self.action == "rollback":
            return rollback(target, self.dataset, self.op, to=self.release)
        assert self.release is not None
        return promote(target, self.release, self.op, required=self.gates, **self.more)

    @property
    def promotion(self) -> Promotion:
        assert self.release is not None
        return Promotion(name=self.release, op=self.op, required=self.gates)


def deadly(warehouse: Warehouse, store_url: str, fuse: Fuse, *, inside: bool = True, deadline: float = 60.0) -> Target:
    """Return a target of which every step burns the fuse."""
    connector = deadly_connector(warehouse, fuse, inside)
    store: Any = Deadly(Store.open(store_url), fuse)
    publisher = PUBLISHERS[warehouse.publisher](connector, deadline=deadline)
    return Target(store=store, publisher=publisher, connector=connector, fingerprint=fingerprint)


def act(warehouse: Warehouse, store_url: str, order: Order, n: int) -> str:
    """Carry the order out in this process, which dies at step ``n`` if it gets there."""
    fuse = Fuse(n)
    if isinstance(warehouse, Lake):
        sys.addaudithook(burning(fuse, warehouse.where))
    order.carry_out(deadly(warehouse, store_url, fuse))
    return "done"


_CHANGES = {"os.rename", "os.link", "os.mkdir", "os.remove", "os.rmdir", "os.chmod"}
_WRITING = os.O_WRONLY | os.O_RDWR


def burning(fuse: Fuse, below: str) -> Callable[[str, tuple[Any, ...]], None]:
    """Return a hook for which everything that changes a file or folder is a step, before it happens.

    :param below: the folder that counts.
    """

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        opens = event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITING
        if not (opens or event in _CHANGES) or not isinstance(arguments[0], str):
            return
        # What is removed with all that is below it is named from the folder that it is in.
        if arguments[0].startswith(below) or not os.path.isabs(arguments[0]):
            fuse.burn()

    return hook


def stop_within(warehouse: Warehouse, store_url: str, order: Order, n: int, inside: bool) -> str:
    """Carry the order out in this process, which stands still at step ``n``; return what came of it when it went on."""
    target = deadly(warehouse, store_url, Fuse(n, stand_still), inside=inside, deadline=5)
    return told(order, target)


def told(order: Order, target: Target) -> str:
    """Carry the order out and say what came of it: ``switched``, ``kept``, or an error by its class, and the words."""
    try:
        outcome = order.carry_out(target)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    if isinstance(outcome, Outcome):
        outcome = (outcome,)
    if isinstance(outcome, tuple):
        switched = any(each.switched for each in outcome)
        return f"{'switched' if switched else 'kept'}: {' '.join(each.message for each in outcome)}"
    return f"done: {outcome}"


def read_all_the_while(warehouse: Warehouse, readers: Sequence[str], current: Any, stop: Any, findings: Any) -> None:
    """Read until told to stop; report how many reads there were, and every one that was not one whole release.

    :param readers: what readers read in one transaction, quoted, with ``{}`` for the number in ``current``.
    """
    reads, torn, parent = 0, [], os.getppid()
    while not stop.is_set() and os.getppid() == parent:  # nor longer than the test lives
        try:
            with warehouse.open(read_only=True) as db, db.snapshot() if len(readers) > 1 else contextlib.nullcontext():
                rows = [row for each in readers for row in db.execute(f"SELECT v FROM {each.format(current.value)}")]
        except Exception as error:
            torn.append(repr(error))
        else:
            reads += 1
            if len(rows) != 2 * len(readers) or len(set(rows)) != 1:
                torn.append(repr(rows))
        stop.wait(0.1)
    findings.put((reads, torn))
