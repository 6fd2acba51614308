"""A target whose process dies at its n-th step: the store's calls and every statement in the target are steps."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from warehouses import Warehouse

from airflow_dataops.core.releases import Operation, ReleaseName
from airflow_dataops.engines.fingerprints import fingerprint
from airflow_dataops.publishers import publisher_for
from airflow_dataops.services.releasing import Target, promote, rollback
from airflow_dataops.stores.store import Store


@dataclass
class Fuse:
    """Burns down one step at a time; at the end the process is gone, with no chance to clean up."""

    steps: int

    def burn(self) -> None:
        self.steps -= 1
        if self.steps == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class Deadly:
    """Passes every call on, each a step."""

    def __init__(self, inner: Any, fuse: Fuse) -> None:
        self._inner, self._fuse = inner, fuse

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name in ("releases", "gates", "usage"):
            return Deadly(found, self._fuse)
        if not callable(found) or name in ("columns", "transaction"):
            return found

        def call(*args: Any, **kwargs: Any) -> Any:
            self._fuse.burn()
            return found(*args, **kwargs)

        return call


@dataclass
class DeadlyWarehouse:
    """Opens sessions in which every statement is a step."""

    inner: Warehouse
    fuse: Fuse

    @property
    def dialect(self) -> str:
        return self.inner.dialect

    @property
    def label(self) -> str:
        return self.inner.label

    @contextlib.contextmanager
    def open(self, *, read_only: bool = False) -> Iterator[Any]:
        with self.inner.open(read_only=read_only) as db:
            yield Deadly(db, self.fuse)


def act(
    warehouse: Warehouse, store_url: str, action: str, op: Operation, release: ReleaseName, gates: Any, n: int
) -> None:
    """Promote or roll back in this process, which dies at step ``n`` if it gets there; exits with 0 if it does not."""
    fuse = Fuse(n)
    connector = DeadlyWarehouse(warehouse, fuse)
    store: Any = Deadly(Store.open(store_url), fuse)
    target = Target(store=store, publisher=publisher_for(connector), connector=connector, fingerprint=fingerprint)
    if action == "promote":
        promote(target, release, op, required=gates)
    else:
        rollback(target, release.dataset, op)


def read_all_the_while(warehouse: Warehouse, reader_sql: str, stop: Any, findings: Any) -> None:
    """Read until told to stop; report how many reads there were, and every one that was not one whole release."""
    reads, torn = 0, []
    while not stop.is_set():
        try:
            with warehouse.open(read_only=True) as db:
                rows = db.execute(f"SELECT v FROM {reader_sql}")
        except Exception as error:
            torn.append(repr(error))
        else:
            reads += 1
            if len(rows) != 2 or len(set(rows)) != 1:
                torn.append(repr(rows))
        stop.wait(0.15)
    findings.put((reads, torn))
