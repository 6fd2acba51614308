"""``airflow dataops …``: history to read, and the same services as the operators for when the scheduler is down."""

from __future__ import annotations

import getpass
import json
import os
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import wraps
from typing import TYPE_CHECKING, Any

from airflow.cli.cli_config import ARG_OUTPUT, ARG_VERBOSE, ActionCommand, Arg, GroupCommand

from airflow_dataops.core.errors import ConfigurationError, DataOpsError

if TYPE_CHECKING:
    from airflow_dataops.core.releases import Operation
    from airflow_dataops.services.releasing import Target
    from airflow_dataops.stores.store import Store

_RELEASE = Arg(("release",), help="a release, such as sales.orders@r42")
_DATASET = Arg(("dataset",), help="a dataset, such as sales.orders")
_OF_DATASET = Arg(("--dataset",), help="only this dataset")
_OF_DAG = Arg(("--dag-id",), help="only gates of this DAG")
_LIMIT = Arg(("--limit",), type=int, default=50, help="how many, newest first (default 50)")
_REASON = Arg(("--reason",), required=True, help="why; kept with the event")
_TO = Arg(("--to",), help="the release to go back to (default: what was live before)")
_UNGATED = Arg(("--ungated",), action="store_true", help="promote although no gate has judged it; --reason says why")
_NUMBER = Arg(("number",), type=int, help="a gate run's number, as `gate list` shows it")
_SUITE = Arg(("suite",), help="a suite's path, YAML or JSON")
_TABLE = Arg(("--table",), help="judge this table (with --conn-id)")
_QUERY = Arg(("--query",), help="judge this SELECT's rows (with --conn-id)")
_PATH = Arg(("--path",), help="judge these files: Parquet, CSV or JSON lines, a glob too")
_JUDGED = Arg(("--release",), help="judge this release")
_CONN = Arg(("--conn-id",), help="the connection of --table and --query")


def get_cli_commands() -> list[GroupCommand]:
    """Return the commands that Airflow's command line gains."""
    release = [
        ActionCommand(
            "list", "List releases, newest first", release_list, (_OF_DATASET, _LIMIT, ARG_OUTPUT, ARG_VERBOSE)
        ),
        ActionCommand("show", "Show one release's history", release_show, (_RELEASE, ARG_OUTPUT, ARG_VERBOSE)),
        ActionCommand("promote", "Make a release live", release_promote, (_RELEASE, _REASON, _UNGATED, ARG_VERBOSE)),
        ActionCommand(
            "rollback", "Make live what was live before", release_rollback, (_DATASET, _TO, _REASON, ARG_VERBOSE)
        ),
        ActionCommand("reconcile", "Settle what killed processes left", release_reconcile, (_DATASET, ARG_VERBOSE)),
    ]
    gate = [
        ActionCommand(
            "list", "List gate runs, newest first", gate_list, (_OF_DAG, _OF_DATASET, _LIMIT, ARG_OUTPUT, ARG_VERBOSE)
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
    ]
    usage = [
        ActionCommand("report", "Who read which release of what", usage_report, (_OF_DATASET, ARG_OUTPUT, ARG_VERBOSE))
    ]
    database = [
        ActionCommand("upgrade", "Make the store's tables, or bring them up to date", db_upgrade, (ARG_VERBOSE,))
    ]
    return [
        GroupCommand(
            "dataops",
            "Change management for data: releases, gates, usage",
            [
                GroupCommand("release", "Staged promotion", release),
                GroupCommand("gate", "Validation gates", gate),
                GroupCommand("usage", "Who reads what", usage),
                GroupCommand("db", "The store", database),
            ],
        )
    ]


def _command(function: Callable[[Any], None]) -> Callable[[Any], None]:
    """Say an error in one line and exit with 1; keep logs out of what is printed."""

    @wraps(function)
    def run(args: Any) -> None:
        from airflow.utils.cli import suppress_logs_and_warning

        try:
            suppress_logs_and_warning(function)(args)
        except DataOpsError as error:
            raise SystemExit(f"airflow dataops: {error}") from error

    return run


def _store() -> Store:
    from airflow_dataops.hooks.store import open_store

    return open_store()


def _target(store: Store, dataset: str) -> Target:
    from airflow_dataops.hooks.targets import open_target

    return open_target(store.releases.dataset(dataset).conn_id, store)


def _operation(reason: str) -> Operation:
    from airflow_dataops.core.releases import Operation

    return Operation(op_id=uuid.uuid4().hex, by=f"cli:{_user()}", now=datetime.now(UTC), reason=reason)


def _user() -> str:
    """Return who types: the login, or its number where it has no name (a container's arbitrary user)."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _print(rows: Iterable[Mapping[str, Any]], output: str) -> None:
    """Print rows in the asked form; as JSON numbers stay numbers, which Airflow's own printer makes text of."""
    from airflow.cli.simple_table import AirflowConsole

    from airflow_dataops.core.values import jsonable

    if output == "json":
        print(json.dumps([jsonable(row) for row in rows], indent=2))
        return
    # A column's name or a regex in brackets is no markup.
    AirflowConsole(markup=False, emoji=False).print_as(data=[_plain(row) for row in rows], output=output)


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table's row: times to the second, nothing as an empty cell."""
    return {k: f"{v:%Y-%m-%d %H:%M:%S}" if isinstance(v, datetime) else "" if v is None else v for k, v in row.items()}


@_command
def release_list(args: Any) -> None:
    """Print the releases."""
    from airflow_dataops.core.releases import shown_state

    store = _store()
    _print(
        [
            {
                "release": str(release),
                "state": shown_state(release.state, store.gates.evidence(release=release.name), release.fingerprint),
                "relation": str(release.relation),
                "created_at": release.created_at,
                "dag_id": release.key.dag_id,
                "run_id": release.key.run_id,
            }
            for release in store.releases.of(args.dataset, limit=args.limit)
        ],
        args.output,
    )


@_command
def release_show(args: Any) -> None:
    """Print the events of one release."""
    from airflow_dataops.core.releases import ReleaseName

    events = _store().releases.events(ReleaseName.parse(args.release))
    if args.output == "table":
        shown = ("action", "from_state", "to_state", "at", "by", "reason")
        events = [{column: event[column] for column in shown} for event in events]
    _print(events, args.output)


@_command
def release_promote(args: Any) -> None:
    """Promote on the evidence of every gate that has judged the release."""
    from airflow_dataops.core.releases import ReleaseName
    from airflow_dataops.services.releasing import promote

    name, store = ReleaseName.parse(args.release), _store()
    target = _target(store, name.dataset)
    gates = {*store.releases.get(name).gates, *(e.gate for e in store.gates.evidence(release=name))}
    outcome = promote(
        target,
        name,
        _operation(args.reason),
        required=[] if args.ungated else sorted(gates, key=str),
        ungated=args.reason if args.ungated else None,
        replace_newer=True,
    )
    print(outcome.message)
    if outcome.switched:
        print("DAGs that are scheduled on its asset are not told by this command; trigger them where they should run.")


@_command
def release_rollback(args: Any) -> None:
    """Roll back."""
    from airflow_dataops.core.releases import ReleaseName
    from airflow_dataops.services.releasing import rollback

    store = _store()
    to = ReleaseName.parse(args.to) if args.to else None
    outcome = rollback(_target(store, args.dataset), args.dataset, _operation(args.reason), to=to)
    print(outcome.message)


@_command
def release_reconcile(args: Any) -> None:
    """Settle stranded switches."""
    from airflow_dataops.services.releasing import reconcile

    store = _store()
    lines = reconcile(_target(store, args.dataset), store.releases.dataset(args.dataset))
    print("\n".join(lines) or f"{args.dataset}: nothing to settle.")


@_command
def gate_list(args: Any) -> None:
    """Print gate runs."""
    runs = _store().gates.of(dag_ids=[args.dag_id] if args.dag_id else None, dataset=args.dataset, limit=args.limit)
    _print(
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


@_command
def gate_show(args: Any) -> None:
    """Print one gate run's checks."""
    run = _store().gates.get(args.number)
    if run is None:
        raise ConfigurationError(f"There is no gate run {args.number}. See: airflow dataops gate list")
    with_proofs = args.output != "table" or run.result.proved
    _print(
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


@_command
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
    store, op = _store(), _operation("")
    suite = read_suite(args.suite)
    name = ReleaseName.parse(args.release) if args.release else None
    judged = open_judged(store, release=name, table=args.table, query=args.query, path=args.path, conn_id=args.conn_id)
    run = run_one(store, suite, judged, key=TaskKey(), by=op.by, now=op.now)
    print("\n".join(report(run)))
    if not run.result.passed:
        raise SystemExit(1)


@_command
def usage_report(args: Any) -> None:
    """Print who read what."""
    _print(_store().usage.readers(dataset=args.dataset), args.output)


@_command
def db_upgrade(args: Any) -> None:
    """Bring the store's schema up to date."""
    from airflow_dataops.hooks.store import store_url
    from airflow_dataops.stores.models import SCHEMA_VERSION
    from airflow_dataops.stores.store import Store

    store = Store(store_url()[0])
    before = store.upgrade()
    was = "is" if before == SCHEMA_VERSION else f"was {before or 'empty'} and is now"
    print(f"The store {store.label} {was} at schema {SCHEMA_VERSION}.")
