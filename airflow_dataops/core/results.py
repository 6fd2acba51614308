"""What a gate found: results of checks, statements that were run, and the verdict over them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from airflow_dataops.core.checks import Check
from airflow_dataops.core.values import counted, jsonable
from airflow_dataops.core.verdicts import Outcome, Verdict, badness, worst

COMPACT_BYTES = 16_384
"""The hard cap on what a gate puts into XCom: larger values have hung tasks (apache/airflow#48852)."""

UNMEASURED = ": could not be measured: "
"""Stands in a message between where a check looks and why that was in vain, which may be the same for all."""


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement that measured.

    :param sql: its text, literals included (they come from the suite, not from rows).
    :param seconds: wall time.
    :param metrics: how many metrics it answered.
    :param scans: how many times it read the relation.
    :param rows: how many rows it read, in all scans; ``None`` where the relation's size is not known.
    """

    sql: str
    seconds: float
    metrics: int
    scans: int = 1
    rows: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the statement as JSON data."""
        return {
            "sql": self.sql,
            "seconds": self.seconds,
            "metrics": self.metrics,
            "scans": self.scans,
            "rows": self.rows,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Statement:
        """Return the statement that :meth:`to_dict` wrote."""
        return cls(**data)


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """How one check came out.

    :param observed: the measured value in GX's sense (a count, a mean, a list of columns), JSON data.
    :param expected: what was asked, in words (``between 0 and 10``).
    :param unexpected_count: rows that break a row-wise check; ``None`` for other kinds.
    :param element_count: rows the check looked at (after ``row_condition``).
    :param message: one line a person can act on.
    :param failing_rows_sql: a SELECT that shows the rows that break it, ready to paste.
    :param proved_by: who vouches for it, so that no row had to be read (``NOT NULL constraint``).
    """

    check: Check
    outcome: Outcome
    observed: Any = None
    expected: str = ""
    unexpected_count: int | None = None
    element_count: int | None = None
    message: str = ""
    failing_rows_sql: str | None = None
    samples: tuple[Mapping[str, Any], ...] = ()
    retryable: bool = False
    proved_by: str | None = None

    @property
    def unexpected_percent(self) -> float | None:
        """Share of looked-at rows that break the check, 0 to 100."""
        if self.unexpected_count is None or not self.element_count:
            return None
        return 100.0 * self.unexpected_count / self.element_count

    @property
    def complaint(self) -> str:
        """The message, after the check's name where it has one: the message itself names the column."""
        # A contract's check has its name behind whose it is.
        own = self.check.name and self.check.contract is None
        return f"{self.check.name}: {self.message}" if own else self.message

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON data."""
        return {
            "check": self.check.to_dict(),
            "outcome": str(self.outcome),
            "observed": jsonable(self.observed),
            "expected": self.expected,
            "unexpected_count": self.unexpected_count,
            "element_count": self.element_count,
            "message": self.message,
            "failing_rows_sql": self.failing_rows_sql,
            "samples": jsonable(self.samples),
            "retryable": self.retryable,
            "proved_by": self.proved_by,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> CheckResult:
        """Return the result that :meth:`to_dict` wrote."""
        fields = dict(data)
        fields["check"] = Check.from_dict(fields["check"])
        fields["outcome"] = Outcome(fields["outcome"])
        fields["samples"] = tuple(fields.get("samples") or ())
        return cls(**fields)


@dataclass(frozen=True, kw_only=True, repr=False)
class GateResult:
    """What a gate found, failures first; as text it is the report that a task's log shows.

    :param suite: the suite's name.
    :param suite_hash: its content's hash, part of the evidence.
    :param source: what was judged, in words (``table nyc.flights__r3``).
    :param results: one for each check, worst first, else in the suite's order.
    :param statements: what was run, in order.
    :param row_count: rows of the judged data (after ``where``); ``None`` if that could not be measured.
    :param fingerprint: the content's marker, from the same statement or snapshot; ``None`` in place.
    """

    suite: str
    suite_hash: str
    source: str
    results: tuple[CheckResult, ...]
    statements: tuple[Statement, ...] = ()
    row_count: int | None = None
    fingerprint: str | None = None
    seconds: float = 0.0
    verdict: Verdict = field(init=False)

    def __post_init__(self) -> None:
        ordered = sorted(self.results, key=lambda r: badness(r.outcome))
        object.__setattr__(self, "results", tuple(ordered))
        object.__setattr__(self, "verdict", worst(r.outcome for r in ordered))

    def __str__(self) -> str:
        rows = "unknown rows" if self.row_count is None else counted(self.row_count, "row")
        statements = counted(len(self.statements), "statement")
        head = f"{self.verdict} (suite {self.suite}, {rows}, {statements}, {self.seconds:.2f} s)"
        passed = f"  {len(self.of(Outcome.PASS))} of {len(self.results)} checks passed"
        if not self.results:
            passed = "  the suite has no checks, so nothing is known of the data"
        if self.proved:
            passed += f", {len(self.proved)} without reading a row (proved by {', '.join(self._vouchers())})"
        return "\n".join([head, *self._findings(), passed])

    def __bool__(self) -> bool:
        """Whether the verdict lets the data through, so that ``assert validate(…)`` means what it says."""
        return self.passed

    def __repr__(self) -> str:
        return f"<GateResult {self.verdict}: {'; '.join(self.complaints()) or 'all checks hold'}>"

    def complaints(self) -> tuple[str, ...]:
        """Return a line for each check that does not hold, worst first; what is wrong with all of them once."""
        return tuple(complaint for _, complaint in self._told())

    def _told(self) -> Iterator[tuple[CheckResult, str]]:
        """Yield each complaint with the first check that it is about."""
        alike: dict[str, list[CheckResult]] = {}
        for result in self.not_held:
            _, unmeasured, why = result.complaint.partition(UNMEASURED)
            # Contracts are told one by one: each is somebody's.
            same = unmeasured + why if result.check.contract is None else ""
            alike.setdefault(same or result.complaint, []).append(result)
        for said, results in alike.items():
            if len({result.complaint for result in results}) > 1:
                yield results[0], f"{len(results)} checks{said.removeprefix(':')}"
            else:
                yield results[0], results[0].complaint

    @property
    def proved(self) -> tuple[CheckResult, ...]:
        """Every check for which somebody vouches, so that no row was read."""
        return tuple(r for r in self.results if r.proved_by)

    def _vouchers(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(str(r.proved_by) for r in self.proved))

    def _findings(self) -> Iterator[str]:
        for result, complaint in self._told():
            yield f"  {result.outcome}  {complaint}"
            if result.check.advice:
                yield f"        what to do: {result.check.advice}"
            if result.failing_rows_sql:
                yield f"        see the rows: {result.failing_rows_sql}"

    @property
    def scans(self) -> int:
        """How many times the data was read."""
        return sum(s.scans for s in self.statements)

    @property
    def passed(self) -> bool:
        """Whether the verdict lets the data through."""
        return self.verdict.passes

    @property
    def retryable(self) -> bool:
        """Whether nothing was found bad and all that could not be measured may go better next time."""
        errors = [r for r in self.results if r.outcome is Outcome.ERROR]
        return self.verdict is Verdict.ERROR and bool(errors) and all(r.retryable for r in errors)

    @property
    def not_held(self) -> tuple[CheckResult, ...]:
        """Every check that did not come out as PASS, worst first."""
        return tuple(r for r in self.results if r.outcome is not Outcome.PASS)

    def of(self, *outcomes: Outcome) -> tuple[CheckResult, ...]:
        """Return the results with one of ``outcomes``."""
        return tuple(r for r in self.results if r.outcome in outcomes)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON data."""
        return {
            "suite": self.suite,
            "suite_hash": self.suite_hash,
            "source": self.source,
            "verdict": str(self.verdict),
            "results": [r.to_dict() for r in self.results],
            "statements": [s.to_dict() for s in self.statements],
            "scans": self.scans,
            "row_count": self.row_count,
            "fingerprint": self.fingerprint,
            "seconds": self.seconds,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> GateResult:
        """Return the result that :meth:`to_dict` wrote."""
        fields = {k: v for k, v in data.items() if k not in ("verdict", "scans")}
        fields["results"] = tuple(CheckResult.from_dict(r) for r in fields["results"])
        fields["statements"] = tuple(Statement.from_dict(s) for s in fields["statements"])
        return cls(**fields)

    def compact(self, *, gate_run: int | None = None) -> dict[str, Any]:
        """Return the result for XCom: counts, and what did not hold, in at most :data:`COMPACT_BYTES` of JSON.

        Passing checks are only counted, samples and SQL stay in the store; what does not fit is counted
        under ``left_out``, so that nothing goes missing without a word.

        :param gate_run: the run's number in the store.
        """
        counts = {str(o): len(self.of(o)) for o in Outcome if self.of(o)}
        head: dict[str, Any] = {
            "suite": self.suite[:200],
            "suite_hash": self.suite_hash,
            "source": self.source[:500],
            "verdict": str(self.verdict),
            "gate_run": gate_run,
            "checks": counts,
            "proved": len(self.proved),
            "row_count": self.row_count,
            "fingerprint": self.fingerprint and self.fingerprint[:200],
            "statements": len(self.statements),
            "scans": self.scans,
            "seconds": round(self.seconds, 3),
            "not_held": [],
            "left_out": 0,
        }
        missed = self.not_held
        room = COMPACT_BYTES - len(json.dumps(head).encode()) - 16
        for index, result in enumerate(missed):
            entry = {
                "check": result.check.label[:200],
                "type": result.check.kind,
                "outcome": str(result.outcome),
                "observed": _short(jsonable(result.observed)),
                "expected": result.expected[:200],
                "unexpected_count": result.unexpected_count,
                "element_count": result.element_count,
                "message": result.message[:400],
            }
            room -= len(json.dumps(entry).encode()) + 2
            if room < 0:
                head["left_out"] = len(missed) - index
                break
            head["not_held"].append(entry)
        return head

    def with_seconds(self, seconds: float) -> GateResult:
        """Return the same result with its wall time."""
        return replace(self, seconds=seconds)


def _short(value: Any) -> Any:
    """Keep a scalar as it is and cut what is long to text of 200 characters."""
    text = json.dumps(value)
    return value if len(text) <= 200 else text[:200] + "…"
