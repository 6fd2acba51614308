"""What a check compiles to: the metrics it needs, and a pure judge over what was measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_dataops.core.checks import Check
from airflow_dataops.core.metrics import Count, Facts, Metric, Orphans, OutOfOrder
from airflow_dataops.core.predicates import Kind, Predicate, Repeated
from airflow_dataops.core.vocabulary.arguments import Parameter

Broken = Predicate | Repeated | Orphans | OutOfOrder


@dataclass(frozen=True, kw_only=True)
class Need:
    """A column that must be there and, if ``kinds`` says so, hold values of these kinds only.

    :param like: a column that it is compared with, so that the two must be of one kind.
    """

    column: str
    kinds: frozenset[Kind] | None = None
    like: str | None = None


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a judge says of one check.

    :param expected: what was asked, in words.
    :param message: one line a person can act on.
    :param warns: it holds, and by less than the suite wants without a warning.
    """

    holds: bool
    observed: Any
    expected: str
    message: str
    unexpected_count: int | None = None
    element_count: int | None = None
    warns: bool = False


def _nothing_more(facts: Facts) -> tuple[Metric, ...]:
    return ()


@dataclass(frozen=True, kw_only=True)
class CompiledCheck:
    """A check, ready to be measured and judged.

    :param expected: what is asked, in words, for a result without a measurement.
    :param needs: the columns without which it fails before anything is measured.
    :param rows: the rows it is about (its ``row_condition``); ``None`` where it asks about the table itself and an
        empty one can be judged.
    :param broken: the rows that break it, for row-wise checks; a function where only a first look can tell them.
    :param counts_rows: it counts the rows that break it, though ``broken`` cannot tell which these are.
    :param follow_up: the metrics that only a first look can call for.
    """

    check: Check
    judge: Callable[[Facts], Finding]
    expected: str
    needs: tuple[Need, ...] = ()
    metrics: tuple[Metric, ...] = ()
    rows: Count | None = None
    broken: Broken | Callable[[Facts], Broken | None] | None = None
    counts_rows: bool = False
    follow_up: Callable[[Facts], tuple[Metric, ...]] = _nothing_more

    @property
    def place(self) -> str:
        """Where the check looks, as its messages begin: its columns, or ``table``."""
        return ", ".join(self.check.columns) or "table"


@dataclass(frozen=True)
class Term:
    """One expectation type of the vocabulary: the arguments it takes, and how they compile.

    :param compile: raises ``SuiteError`` where single arguments are right and do not fit together.
    """

    parameters: Mapping[str, Parameter]
    compile: Callable[[Check, dict[str, Any]], CompiledCheck]
