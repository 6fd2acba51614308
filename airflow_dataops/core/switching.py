"""The switch as data: the pointer that is the truth, the order to move it, and the record that it moved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from airflow_dataops.core.relations import Relation


@dataclass(frozen=True, kw_only=True)
class Pointer:
    """Which release is live, as the target itself says it.

    :param epoch: rises by one at each switch and each fence; 0 before the first.
    """

    dataset: str
    epoch: int
    release: int | None = None
    relation: str | None = None


@dataclass(frozen=True, kw_only=True)
class Switch:
    """The order to make ``release`` live.

    :param reader: the name that readers use.
    :param relation: the release's own table.
    :param adopt: where a plain table under the reader-facing name goes at the first switch.
    :param expect: the epoch the pointer must have.
    :param op_id: identifies the operation across retries.
    :param at: aware, UTC.
    :param goes_back: it is a roll-back: what others have written to the target since is put aside, and stops it not.
    """

    dataset: str
    reader: Relation
    relation: Relation
    release: int
    expect: int
    op_id: str
    by: str
    at: datetime
    adopt: Relation | None = None
    goes_back: bool = False


@dataclass(frozen=True, kw_only=True)
class SwitchRecord:
    """A switch that happened, from the target's append-only log."""

    dataset: str
    epoch: int
    op_id: str
    release: int
    at: datetime
    by: str


def conflict(switch: Switch, pointer: Pointer) -> str:
    """Say that a switch has lost."""
    return (
        f"{switch.dataset}@r{switch.release} was not made live: the pointer is at epoch {pointer.epoch}, expected "
        f"{switch.expect}. Somebody else switched first. {still(pointer)}"
    )


def still(pointer: Pointer) -> str:
    """Say what readers keep."""
    return "Nothing is live yet." if pointer.release is None else f"r{pointer.release} is still live."
