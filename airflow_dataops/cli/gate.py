"""``airflow dataops gate …``."""

from __future__ import annotations

from typing import Any

from airflow.cli.cli_config import ARG_OUTPUT, ARG_VERBOSE, ActionCommand, Arg, GroupCommand

from airflow_dataops.cli.commands import LIMIT, OF_DATASET, command, operation, show
from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.hooks.store import open_store

_OF_DAG = Arg(("--dag-id",), help="only gates of this DAG")
_NUMBER = Arg(("number",), type=int, help="a gate run's number, as `gate list` shows it")
_SUITE = Arg(("suite",), help="a suite's path, YAML or JSON")
_TABLE = Arg(("--table",), help="judge this table (with --conn-id)")
_QUERY = Arg(("--query",), help="judge this SELECT's rows (with --conn-id)")
_PATH = Arg(("--path",), help="judge these files: Parquet, CSV or JSON lines, a glob too")
_JUDGED = Arg(("--release",), help="judge this release")
_CONN = Arg(("--conn-id",), help="the connection of --table and --query")


@command
def gate_list(args: Any) -> None:
    """Print gate runs."""
    runs = open_store().gates.of(dag_ids=[args.dag_id] if args.dag_id else None, dataset=args.dataset, limit=args.limit)
    show(
        [
            {
                "number": run.id,
                "gate": run.gate,
                "verdict": str(run.result.verdict),
                "judged": str(run.release or run.result.source),
                "checks": len(run.result.results),
                "not_held": len(run.result.not_held),
                "rows": run.result.row_count,
                "at": run.at,
                "run_id": run.key.run_id,
            }
            for run in runs
        ],
        args.output,
    )


@command
def gate_show(args: Any) -> None:
    """Print one gate run's checks."""
    run = open_store().gates.get(args.number)
    if run is None:
        raise ConfigurationError(f"There is no gate run {args.number}. See: airflow dataops gate list")
    with_proofs = args.output != "table" or run.result.proved
    show(
        [
            {
                "outcome": str(result.outcome),
                "check": result.check.label,
                "message": result.message,
                "unexpected": result.unexpected_count,
                "of": result.element_count,
                **({"proved_by": result.proved_by} if with_proofs else {}),
                "what_to_do": result.check.advice,
            }
            for result in run.result.results
        ],
        args.output,
    )


@command
def gate_run(args: Any) -> None:
    """Judge, store and print; exit with 1 if the verdict does not let the data through."""
    from airflow_dataops.core.releases import ReleaseName, TaskKey
    from airflow_dataops.formats.suites import read_suite
    from airflow_dataops.hooks.gating import open_judged
    from airflow_dataops.services.gating import report
    from airflow_dataops.services.gating import run_gate as run_one

    if sum(word is not None for word in (args.table, args.query, args.path, args.release)) != 1:
        raise ConfigurationError("Say what to judge: one of --table, --query, --path or --release.")
    if (args.table or args.query) and not args.conn_id:
        raise ConfigurationError(
            "--table and --query need --conn-id, the connection of the database that holds the data."
        )
    store, op = open_store(), operation("")
    suite = read_suite(args.suite)
    name = ReleaseName.parse(args.release) if args.release else None
    judged = open_judged(store, release=name, table=args.table, query=args.query, path=args.path, conn_id=args.conn_id)
    run = run_one(store, suite, judged, key=TaskKey(), by=op.by, now=op.now)
    print("\n".join(report(run)))
    if not run.result.passed:
        raise SystemExit(1)


GATE_COMMANDS = GroupCommand(
    "gate",
    "Validation gates",
    [
        ActionCommand(
            "list", "List gate runs, newest first", gate_list, (_OF_DAG, OF_DATASET, LIMIT, ARG_OUTPUT, ARG_VERBOSE)
        ),
        ActionCommand(
            "show", "Show one gate run's checks, failures first", gate_show, (_NUMBER, ARG_OUTPUT, ARG_VERBOSE)
        ),
        ActionCommand(
            "run",
            "Judge data now; exits with 1 if it fails",
            gate_run,
            (_SUITE, _TABLE, _QUERY, _PATH, _JUDGED, _CONN, ARG_VERBOSE),
        ),
    ],
)
