"""What should come of operations on one dataset, worked out without a database: a model small enough to be believed."""

from __future__ import annotations

from dataclasses import dataclass, field

SWITCHED, KEPT = "switched", "kept"
UNFINISHED = ("BUILDING", "CANDIDATE")
ILLEGAL, WITHOUT_EVIDENCE = "IllegalTransition", "EvidenceMissing"


@dataclass
class Built:
    """One release.

    :param value: what each of its two rows says; ``None`` is null, which the gates refuse.
    :param content: rises whenever its data are changed.
    :param judged: each gate's newest verdict that counts, and the content that it was for.
    """

    number: int
    by: str
    value: int | None
    state: str = "CANDIDATE"
    content: int = 0
    judged: dict[str, tuple[bool, int]] = field(default_factory=dict)

    @property
    def rows(self) -> list[tuple[int | None]]:
        return [(self.value,)] * 2


@dataclass
class Model:
    """One dataset.

    :param plain: readers have had a plain table, which the first switch makes release 0.
    :param superseded: releases in the order in which they were superseded.
    :param switched: the operations that have made a switch.
    """

    plain: bool = False
    releases: dict[int, Built] = field(default_factory=dict)
    live: int | None = None
    superseded: list[int] = field(default_factory=list)
    switched: set[str] = field(default_factory=set)

    def staged(self, op_id: str, number: int, value: int | None) -> None:
        """A stage replaces the candidate that it made before."""
        for earlier in self.releases.values():
            if earlier.by == op_id and earlier.state in UNFINISHED:
                earlier.state = "ABORTED"
        self.releases[number] = Built(number=number, by=op_id, value=value)

    def gated(self, number: int, gate: str, shadow: bool) -> bool:
        """Return the verdict."""
        release = self.releases[number]
        passes = release.value is not None
        if not shadow:
            release.judged[gate] = (passes, release.content)
        return passes

    def justified(self, number: int, gates: tuple[str, ...], ungated: bool) -> bool:
        """Return whether every gate stands behind what the release holds now."""
        release = self.releases[number]
        if not gates:
            return ungated
        return all(release.judged.get(gate) == (True, release.content) for gate in gates)

    def promote(
        self, op_id: str, number: int, gates: tuple[str, ...], *, ungated: bool, newer: bool, reason: bool
    ) -> str:
        """Return what comes of it, having done it."""
        release = self.releases[number]
        again = op_id in self.switched
        if release.state == "LIVE":
            return KEPT
        if again or not reason:
            if release.state == "ROLLED_BACK":
                return ILLEGAL
            if release.state == "SUPERSEDED":
                return KEPT
        if not newer and release.state == "CANDIDATE" and self.live is not None and number < self.live:
            return KEPT
        if release.state in ("ABORTED", "BUILDING"):
            return ILLEGAL
        if not self.justified(number, gates, ungated):
            return WITHOUT_EVIDENCE
        self.adopt()
        self._switch(op_id, number, "SUPERSEDED")
        return SWITCHED

    def rollback(self, op_id: str, to: int | None) -> str:
        """Return what comes of it, having done it."""
        if self.live is None:
            return ILLEGAL
        if op_id in self.switched:
            return KEPT
        if to is None:
            earlier = [n for n in self.superseded if self.releases[n].state == "SUPERSEDED" and n != self.live]
            if not earlier:
                return ILLEGAL
            to = earlier[-1]
        if to == self.live:
            return KEPT
        if self.releases[to].state != "SUPERSEDED":
            return ILLEGAL
        self._switch(op_id, to, "ROLLED_BACK")
        return SWITCHED

    def adopt(self) -> None:
        """The plain table becomes release 0 as soon as something is to take its place."""
        if self.plain and self.live is None:
            self.releases[0] = Built(number=0, by="", value=0, state="LIVE")
            self.live = 0

    def _switch(self, op_id: str, number: int, leaves: str) -> None:
        if self.live is not None:
            self.releases[self.live].state = leaves
            if leaves == "SUPERSEDED":
                self.superseded.append(self.live)
        self.releases[number].state = "LIVE"
        self.live = number
        self.switched.add(op_id)
