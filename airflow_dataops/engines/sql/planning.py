"""Metrics grouped into statements: plain aggregates share a scan, every other kind has a statement of its own.

A distinct count, or a median, among the aggregates would cost PostgreSQL its parallel plan (5.1 s against 2.3 s over 1M
rows); what is dear for each row is looked at once for each value where these are few.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from sqlglot import exp

from airflow_dataops.core.errors import MeasureError
from airflow_dataops.core.metrics import (
    Aggregate,
    Count,
    Distinct,
    Entropy,
    ExpectationResult,
    Function,
    Metric,
    MostCommon,
    Orphans,
    OutOfOrder,
    Present,
    Quantiles,
    QueryRows,
    Repeats,
    RowSet,
)
from airflow_dataops.core.predicates import Repeated
from airflow_dataops.core.vocabulary.compiled import Broken
from airflow_dataops.engines.sql.commonest import plan_most_common
from airflow_dataops.engines.sql.compiling import Expressions
from airflow_dataops.engines.sql.foreign import plan_expectation
from airflow_dataops.engines.sql.grouping import answer_by_value, by_value, dear_column, few_valued
from airflow_dataops.engines.sql.joined import orphaned_rows, plan_orphans
from airflow_dataops.engines.sql.ordered import disordered_rows, plan_out_of_order
from airflow_dataops.engines.sql.present import plan_present
from airflow_dataops.engines.sql.profiles import Profile
from airflow_dataops.engines.sql.quantiles import plan_median, plan_quantiles
from airflow_dataops.engines.sql.queries import plan_query_rows
from airflow_dataops.engines.sql.rowsets import plan_row_set
from airflow_dataops.engines.sql.sources import Source
from airflow_dataops.engines.sql.statements import Alone, Answer, Planned, rows_that
from airflow_dataops.engines.sql.uniqueness import Enough, Hashed, grouped, plan_distinct, plan_repeats
from airflow_dataops.engines.sql.uniqueness import exactly as exact_repeats

# How often a repeated row is there: a column beside the table's own, so named that it is none of them.
TIMES = "dataops_times"

_MOST_COLUMNS = 1_500
"""PostgreSQL answers at most 1,664 columns, SQLite 2,000."""
_MOST_CHARACTERS = 500_000
"""SQLite reads statements of up to a million bytes."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to run, and what cannot be asked of this engine at all."""

    statements: tuple[Planned, ...]
    refused: dict[Metric, MeasureError]


def plan(
    source: Source,
    expressions: Expressions,
    metrics: Iterable[Metric],
    profile: Profile | None = None,
    exactly: Collection[Metric] = (),
    known: Collection[Metric] = (),
) -> Plan:
    """Return the statements that measure ``metrics``, each metric once.

    :param profile: what the engine's statistics say; without, nothing is known.
    :param exactly: metrics for which a statement that may not be enough is not worth running.
    :param known: metrics that others need and that have been measured before.
    """
    planning = _Planning(source, expressions, profile or Profile(), known)
    for metric in dict.fromkeys(metrics):
        planning.add(metric, exactly=metric in exactly)
    return Plan(statements=planning.statements, refused=planning.refused)


def profiled_columns(metrics: Iterable[Metric], expressions: Expressions) -> tuple[set[str], set[str]]:
    """Return the columns, as stored, about which statistics decide: those of regular expressions, and keys."""
    texts: set[str] = set()
    keys: set[str] = set()
    for metric in metrics:
        try:
            match metric:
                case Count():
                    texts |= {column for column in (dear_column(metric, expressions),) if column}
                case Distinct(columns) | Repeats(columns):
                    keys |= {expressions.stored(column) for column in columns}
        except MeasureError:
            continue  # the plan refuses it
    return texts, keys


class _Planning:
    """Metrics on their way into statements."""

    def __init__(self, source: Source, expressions: Expressions, profile: Profile, known: Collection[Metric]) -> None:
        self.source = source
        self.expressions = expressions
        self.profile = profile
        self.known = known
        self.aggregates: dict[Metric, Answer] = {}
        self.sorted: list[Answer] = []
        self.grouped: dict[str, list[Answer]] = {}
        self.alone: list[Planned] = []
        self.refused: dict[Metric, MeasureError] = {}

    @property
    def statements(self) -> tuple[Planned, ...]:
        """The statements, the one with the number of rows first: others can be measured by it."""
        expressions, source = self.expressions, self.source
        return (
            *_split(tuple(self.aggregates.values()), source.sql),
            *_split(tuple(self.sorted), source.sql),
            *(
                statement
                for column, answers in self.grouped.items()
                for statement in _split(tuple(answers), by_value(source, expressions, column))
            ),
            *self.alone,
        )

    def add(self, metric: Metric, *, exactly: bool) -> None:
        """Put a metric where it is cheapest."""
        try:
            match metric:
                case Aggregate(Function.MEDIAN) if not self.expressions.rules.has_median:
                    self.alone.append(plan_median(self.source, self.expressions, metric))
                case Count() | Aggregate():
                    self._aggregate(metric)
                case Distinct():
                    self.alone.append(plan_distinct(self.source, self.expressions, metric, self.profile))
                case Repeats() if not exactly:
                    planned = plan_repeats(self.source, self.expressions, metric, self.profile)
                    if isinstance(planned, Enough | Hashed) and planned.rows not in self.known:
                        self._aggregate(planned.rows)
                    self.alone.append(planned)
                case Repeats():
                    self.alone.append(exact_repeats(self.source, self.expressions, metric, self.profile))
                case _:
                    self.alone.append(ALONE[type(metric)](self.source, self.expressions, metric))
        except MeasureError as error:
            self.refused[metric] = error

    def _aggregate(self, metric: Count | Aggregate) -> None:
        column = few_valued(metric, self.expressions, self.profile)
        if column is not None and isinstance(metric, Count):
            self.grouped.setdefault(column, []).append(answer_by_value(metric, self.expressions))
            return
        answer = Answer(metric, self.expressions.sql(self.expressions.metric(metric)), self.expressions.decoder(metric))
        if isinstance(metric, Aggregate) and metric.function in self.expressions.rules.sorts_alone:
            self.sorted.append(answer)
        else:
            self.aggregates[metric] = answer


def _split(answers: tuple[Answer, ...], source: str) -> Iterator[Planned]:
    """Yield statements that are not too large for any of the databases, as few as that takes."""
    start = characters = 0
    for index, answer in enumerate(answers):
        characters += len(answer.sql)
        if index > start and (index - start == _MOST_COLUMNS or characters > _MOST_CHARACTERS):
            yield Planned(answers[start:index], source)
            start, characters = index, len(answer.sql)
    if answers:
        yield Planned(answers[start:], source)


def _entropy(source: Source, expressions: Expressions, metric: Entropy) -> Planned:
    groups = grouped(source, expressions, (metric.column,), metric.where)
    size = expressions.sql(expressions.rules.as_float(exp.column("members")))
    entropy = f"LN(SUM({size})) - SUM({size} * LN({size})) / SUM({size})"
    answer = Answer(metric, entropy, lambda value: None if value is None else float(value))
    return Planned((answer,), f"({groups}) AS grouped")


# One entry for each further kind of metric.
ALONE: Mapping[type, Alone] = {
    Orphans: plan_orphans,
    Entropy: _entropy,
    ExpectationResult: plan_expectation,
    Quantiles: plan_quantiles,
    Present: plan_present,
    MostCommon: plan_most_common,
    OutOfOrder: plan_out_of_order,
    QueryRows: plan_query_rows,
    RowSet: plan_row_set,
}


def failing_rows(source: Source, expressions: Expressions, broken: Broken, limit: int) -> str:
    """Return a SELECT that shows rows that break a check, ready to paste."""
    if isinstance(broken, Orphans):
        return orphaned_rows(source, expressions, broken, limit)
    if isinstance(broken, OutOfOrder):
        return disordered_rows(source, expressions, broken, limit)
    if not isinstance(broken, Repeated):
        return f"SELECT * FROM {source.sql}{rows_that(expressions, broken)} LIMIT {limit}"
    keys = ", ".join(expressions.sql(expressions.key(column)) for column in broken.columns)
    counted = f"SELECT *, COUNT(*) OVER (PARTITION BY {keys}) AS {TIMES} FROM {source.sql}"
    repeated = f"SELECT * FROM ({counted}{rows_that(expressions, broken.where)}) AS repeated WHERE {TIMES} > 1"
    return f"{repeated} ORDER BY {keys} LIMIT {limit}"


def halves(planned: Planned) -> tuple[Planned, Planned]:
    """Return the statement as two with half the metrics each."""
    middle = len(planned.answers) // 2
    first, second = planned.answers[:middle], planned.answers[middle:]
    return replace(planned, answers=first), replace(planned, answers=second)
