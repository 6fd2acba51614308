"""A store with a history as the demo leaves it: flights staged, gated, promoted, refused and rolled back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow_dataops.core.checks import Check
from airflow_dataops.core.relations import Column, Relation
from airflow_dataops.core.releases import Action, Dataset, Intent, Operation, Release, ReleaseName, TaskKey
from airflow_dataops.core.results import CheckResult, GateResult, Statement
from airflow_dataops.core.usage import Use
from airflow_dataops.core.verdicts import Outcome, Severity
from airflow_dataops.stores.gates import GateRun
from airflow_dataops.stores.store import Store

DAG = "flights_release"
FLIGHTS = Dataset(name="nyc.flights", conn_id="warehouse", publisher="view", target="nyc.flights", reader="nyc.flights")
START = datetime(2026, 2, 1, 6, 0, tzinfo=UTC)
COLUMNS = tuple(
    Column(name=name, type=kind)
    for name, kind in {
        "month": "INTEGER",
        "day": "INTEGER",
        "carrier": "VARCHAR",
        "flight": "INTEGER",
        "tailnum": "VARCHAR",
        "origin": "VARCHAR",
        "dest": "VARCHAR",
        "distance": "DOUBLE",
        "dep_delay": "DOUBLE",
        "time_hour": "TIMESTAMP",
    }.items()
)

DISTANCE = Check(
    kind="expect_column_values_to_be_between",
    kwargs={"column": "distance", "min_value": 16, "max_value": 5000},
    meta={"notes": "Miles. Kilometres look like 1.6 times as much: ask the carrier feed which unit it sends."},
)
TAIL = Check(
    kind="expect_column_values_to_not_be_null",
    kwargs={"column": "tailnum", "mostly": 0.98},
    meta={"notes": "Without a tail number a flight cannot be joined to its plane."},
)
UNIQUE = Check(
    kind="expect_compound_columns_to_be_unique",
    kwargs={"column_list": ["time_hour", "carrier", "flight", "origin"]},
)
ROWS = Check(kind="expect_table_row_count_to_be_between", kwargs={"min_value": 20_000, "max_value": 40_000})
CARRIER = Check(kind="expect_column_value_lengths_to_equal", kwargs={"column": "carrier", "value": 2})
DELAY = Check(
    kind="expect_column_mean_to_be_between",
    kwargs={"column": "dep_delay", "min_value": 0, "max_value": 10},
    severity=Severity.WARNING,
)


def _statements(relation: str) -> tuple[Statement, ...]:
    return (
        Statement(
            sql=f'SELECT count(*) AS m0, count(*) FILTER (WHERE "tailnum" IS NULL) AS m1, avg("dep_delay") AS m2\n'
            f'FROM "nyc"."{relation}"',
            seconds=0.041,
            metrics=7,
        ),
        Statement(sql=f'SELECT count(*) FROM (SELECT 1 FROM "nyc"."{relation}" GROUP BY 1)', seconds=0.018, metrics=1),
    )


def _held(check: Check, observed: object, expected: str, rows: int | None = None) -> CheckResult:
    return CheckResult(
        check=check,
        outcome=Outcome.PASS,
        observed=observed,
        expected=expected,
        unexpected_count=None if rows is None else 0,
        element_count=rows,
        message=f"{check.label}: holds",
    )


def _missed(
    check: Check, outcome: Outcome, observed: object, expected: str, message: str, **more: object
) -> CheckResult:
    return CheckResult(
        check=check,
        outcome=outcome,
        observed=observed,
        expected=expected,
        message=message,
        **more,  # type: ignore[arg-type]
    )


def good(rows: int, *, number: int, mean: float = 8.2) -> GateResult:
    """Return a result in which all hold; a mean delay above 10 warns."""
    late = mean > 10
    delay = (
        _missed(
            DELAY, Outcome.WARN, mean, "between 0 and 10", f"mean of dep_delay is {mean}, 0.8 above the limit of 10"
        )
        if late
        else _held(DELAY, mean, "between 0 and 10")
    )
    return GateResult(
        suite="nyc_flights",
        suite_hash="5f0c1d7e9a3b2c44",
        source=f"table nyc.flights__r{number}",
        results=(
            _held(ROWS, rows, "between 20,000 and 40,000"),
            _held(DISTANCE, 0, "between 16 and 5,000", rows),
            _held(TAIL, 12, "not null, mostly 0.98", rows),
            _held(UNIQUE, 0, "unique", rows),
            _held(CARRIER, 0, "length 2", rows),
            delay,
        ),
        statements=_statements(f"flights__r{number}"),
        row_count=rows,
        fingerprint=f"{rows}:9c1e44aa{number:02d}",
        seconds=0.31,
    )


def bad(number: int = 2) -> GateResult:
    """Return the result of February with a bad upstream change."""
    rows = 25_951
    sql = f'SELECT *\nFROM "nyc"."flights__r{number}"\nWHERE '
    return GateResult(
        suite="nyc_flights",
        suite_hash="5f0c1d7e9a3b2c44",
        source=f"table nyc.flights__r{number}",
        results=(
            _held(ROWS, rows, "between 20,000 and 40,000"),
            _missed(
                DISTANCE,
                Outcome.FAIL,
                4_113,
                "between 16 and 5,000",
                "4,113 of 25,951 values of distance are not between 16 and 5,000",
                unexpected_count=4_113,
                element_count=rows,
                failing_rows_sql=sql + 'NOT ("distance" >= 16 AND "distance" <= 5000)\nLIMIT 100',
            ),
            _missed(
                TAIL,
                Outcome.FAIL,
                2_076,
                "not null, mostly 0.98",
                "2,076 of 25,951 values of tailnum are null: 92.0% are not, 98% are asked for",
                unexpected_count=2_076,
                element_count=rows,
                failing_rows_sql=sql + '"tailnum" IS NULL\nLIMIT 100',
            ),
            _missed(
                UNIQUE,
                Outcome.FAIL,
                2_000,
                "unique",
                "2,000 rows share their time_hour, carrier, flight, origin with another row",
                unexpected_count=2_000,
                element_count=rows,
            ),
            _missed(DELAY, Outcome.WARN, 10.8, "between 0 and 10", "mean of dep_delay is 10.8, above 10"),
            _held(CARRIER, 0, "length 2", rows),
        ),
        statements=_statements(f"flights__r{number}"),
        row_count=rows,
        fingerprint=f"{rows}:9c1e44aa{number:02d}",
        seconds=0.34,
    )


def key(task: str, run_id: str, *, dag_id: str = DAG, try_number: int = 1, map_index: int = -1) -> TaskKey:
    """Return where a task's row comes from."""
    return TaskKey(dag_id=dag_id, run_id=run_id, task_id=task, try_number=try_number, map_index=map_index)


def gated(
    store: Store,
    result: GateResult,
    at: datetime,
    where: TaskKey,
    release: ReleaseName | None = None,
    *,
    conn_id: str | None = "warehouse",
    **more: str,
) -> int:
    """Append a gate run and return its number."""
    return store.gates.add(
        GateRun(
            result=result,
            at=at,
            by=f"{where.dag_id}.{where.task_id}",
            key=where,
            release=release,
            conn_id=conn_id,
            **more,
        )
    )


def staged(
    store: Store, dataset: Dataset, at: datetime, run_id: str, fingerprint: str, *, dag_id: str = DAG
) -> Release:
    """Make a candidate and return it."""
    op = Operation(
        op_id=f"stage-{dag_id}-{run_id}", by=f"{dag_id}.stage", now=at, key=key("stage", run_id, dag_id=dag_id)
    )
    store.releases.bind(dataset, at)
    schema, _, name = dataset.target.rpartition(".")
    release = store.releases.begin(
        dataset.name,
        lambda number: Relation(schema=schema or None, name=f"{name}__r{number}"),
        op,
        interval_end=at,
        sources=("raw.flights", "raw.planes"),
    )
    return store.releases.built(release, op, columns=COLUMNS, fingerprint=fingerprint)


def switched(
    store: Store,
    release: Release,
    at: datetime,
    run_id: str,
    *,
    epoch: int,
    leaves: Action = Action.SUPERSEDE,
    reason: str | None = None,
    together: tuple[ReleaseName, ...] = (),
) -> None:
    """Make a release live."""
    op = Operation(
        op_id=f"switch-{epoch}-{release}", by=f"{DAG}.promote", now=at, key=key("promote", run_id), reason=reason
    )
    intent = Intent(
        op=op,
        dataset=release.dataset,
        release=release.name,
        from_epoch=epoch - 1,
        leaves=leaves,
        together=together,
    )
    store.switches.intend(intent)
    store.switches.finalise(intent, epoch=epoch, adopted=None)


def read(store: Store, release: Release, at: datetime, run_id: str, *, dag_id: str = "delay_report") -> None:
    """Log a consumer's read."""
    where = key("build_report", run_id, dag_id=dag_id)
    store.usage.add(
        Use(
            relation=str(release.relation),
            consumer=f"{dag_id}.build_report",
            source="ref",
            at=at,
            key=where,
            dataset=release.dataset.name,
            release=release.number,
        )
    )


def story(store: Store) -> dict[str, int]:
    """Write the demo's story and return the gate runs' numbers by name."""
    minute, day = timedelta(minutes=1), timedelta(days=1)
    runs: dict[str, int] = {}
    january = staged(store, FLIGHTS, START, "manual__january", "27004:9c1e44aa01")
    runs["january"] = gated(store, good(27_004, number=1), START + minute, key("gate", "manual__january"), january.name)
    switched(store, january, START + 2 * minute, "manual__january", epoch=1)
    read(store, january, START + 3 * minute, "asset__1")
    broken = staged(store, FLIGHTS, START + day, "manual__february", "25951:9c1e44aa02")
    runs["broken"] = gated(store, bad(), START + day + minute, key("gate", "manual__february"), broken.name)
    again = START + day + 40 * minute
    repaired = staged(store, FLIGHTS, again, "manual__february_repaired", "24951:9c1e44aa03")
    runs["repaired"] = gated(
        store,
        good(24_951, number=3, mean=10.8),
        again + minute,
        key("gate", "manual__february_repaired"),
        repaired.name,
    )
    switched(store, repaired, again + 2 * minute, "manual__february_repaired", epoch=2)
    read(store, repaired, again + 3 * minute, "asset__2")
    march = staged(store, FLIGHTS, again + day, "manual__march", "28834:9c1e44aa04")
    runs["march"] = gated(store, good(28_834, number=4), again + day + minute, key("gate", "manual__march"), march.name)
    switched(store, march, again + day + 2 * minute, "manual__march", epoch=3)
    reason = "The delay report counts cancelled flights since March."
    back = again + day + 9 * minute
    switched(store, repaired, back, "manual__rollback", epoch=4, leaves=Action.ROLLBACK, reason=reason)
    return runs
