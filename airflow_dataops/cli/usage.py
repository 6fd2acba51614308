"""``airflow dataops usage …``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.cli.cli_config import ARG_OUTPUT, ARG_VERBOSE, ActionCommand, Arg, GroupCommand

from airflow_dataops.cli.commands import OF_DATASET, command, operation, show
from airflow_dataops.core.harvest import Record
from airflow_dataops.core.readers import Reader
from airflow_dataops.core.values import counted
from airflow_dataops.hooks.store import open_store

NAME = Arg(("name",), help="a dataset, or a table that is none")
DATASET = Arg(("dataset",), help="the dataset's name")
REASON = Arg(("--reason",), required=True, help="why; kept with who has said so")
COLUMN = Arg(("--column",), help="only this column changes")
DAYS = Arg(
    ("--days",), type=int, default=92, help="how far to look back (default 92: what runs once a quarter is seen)"
)
DATASET_IF_ANY = Arg(("dataset",), nargs="?", help="only this dataset's")
CONSUMER = Arg(("consumer",), help="whose: a name, dag.task or a DAG")
CONTRACTS_FILE = Arg(("file",), help="YAML or JSON: for each dataset a list of checks")
OF_CONSUMER = Arg(("--consumer",), required=True, help="whose it is: the name of a dashboard, a team's script, …")
OWNER = Arg(("--owner",), help="who is to be asked; else whom the file names")
KEEP_DAYS = Arg(("--keep-days",), type=int, default=92, help="keep the events of so many days (default 92)")
DECLARED = Arg(("file",), help="YAML with consumers, or dbt's target/manifest.json with its exposures")
CONN_ID = Arg(("conn_id",), help="the connection to the database")
SOURCE = Arg(
    ("--source",),
    choices=[str(record) for record in Record],
    help="one record of its use (default: both counters of PostgreSQL, and what Snowflake and BigQuery keep)",
)
LOG = Arg(("--log",), help="PostgreSQL's csvlog or jsonlog on this machine: a path, or a glob in quotes")
REGION = Arg(("--region",), help="BigQuery's, such as eu")
EXCLUDE = Arg(("--exclude",), nargs="+", help="roles, applications or consumers that are no readers")
ALL = Arg(("--all",), action="store_true", help="what is used, too")


def _declared(reader: Reader) -> dict[str, Any]:
    """Return the columns that tell whom to ask, and where to look."""
    said = reader.declared
    return {name: getattr(said, name, None) for name in ("owner", "kind", "url")}


@command
def usage_report(args: Any) -> None:
    """Print who reads what."""
    from airflow_dataops.services.usage import who_reads

    show(
        (
            {
                "consumer": reader.consumer,
                "reads": reader.name,
                "release": reader.release,
                "columns": reader.columns,
                "times": reader.reads,
                "first_read": reader.first_read if reader.reads else None,
                "last_read": reader.last_read if reader.reads else None,
                "known_from": reader.sources,
                "confidence": reader.confidence,
                **_declared(reader),
            }
            for reader in who_reads(open_store(), args.dataset)
        ),
        args.output,
    )


@command
def usage_impact(args: Any) -> None:
    """Print whom a change would reach."""
    from airflow_dataops.services.usage import hit_by

    show(
        (
            {
                "consumer": hit.reader.consumer,
                "reads": hit.reader.name,
                "distance": hit.distance,
                "feeds": hit.feeds,
                "reach": hit.reach,
                "columns": hit.reader.columns,
                "times": hit.reader.reads,
                "last_read": hit.reader.last_read if hit.reader.reads else None,
                "confidence": hit.reader.confidence,
                **_declared(hit.reader),
            }
            for hit in hit_by(open_store(), args.name, datetime.now(UTC), column=args.column)
        ),
        args.output,
    )


@command
def usage_unused(args: Any) -> None:
    """Print which datasets, releases and columns nobody reads any more, as far as that can be known."""
    from airflow_dataops.services.usage import is_still_used

    found = is_still_used(open_store(), datetime.now(UTC), window=timedelta(days=args.days), dataset=args.dataset)
    show(
        (
            {"name": each.name, "standing": each.standing, "last_read": each.last_read, "why": each.why}
            for each in found
            if args.all or each.standing != "used"
        ),
        args.output,
    )


@command
def usage_adoption(args: Any) -> None:
    """Print which release each consumer has read last."""
    from airflow_dataops.services.usage import adopted_by

    show(
        (
            {
                "consumer": one.consumer,
                "release": f"{args.dataset}@r{one.release}" if one.release is not None else None,
                "adopted": one.adopted,
                "last_read": one.last_read,
            }
            for one in adopted_by(open_store(), args.dataset)
        ),
        args.output,
    )


@command
def usage_flush(args: Any) -> None:
    """Store what this host has kept while the store was away."""
    from airflow_dataops.hooks.spool import open_spool
    from airflow_dataops.services.usage import flush

    stored, lost = flush(open_store(), open_spool())
    print(
        f"Stored what {counted(stored, 'task')} had used; {counted(lost, 'use')} did not fit here and counted as lost."
    )


@command
def usage_harvest(args: Any) -> None:
    """Log who used what outside of Airflow, and print what was found."""
    from airflow_dataops.hooks.harvesting import harvest_from

    found = harvest_from(
        open_store(), args.conn_id, source=args.source, log=args.log, region=args.region, exclude=args.exclude or ()
    )
    show((vars(each) for each in found), args.output)


@command
def usage_prune(args: Any) -> None:
    """Remove old events; what they add up to stays."""
    gone = open_store().usage.forget(datetime.now(UTC) - timedelta(days=args.keep_days))
    print(f"Removed {counted(gone, 'event')}; the totals and the days' counts are kept.")


@command
def usage_declare(args: Any) -> None:
    """Register consumers that say themselves what they read."""
    from pathlib import Path

    from airflow_dataops.formats.consumers import read_consumers

    found = read_consumers(Path(args.file))
    new, gone = open_store().declared.keep(found, datetime.now(UTC))
    consumers = len({each.consumer for each in found.consumers})
    print(
        f"{found.origin} declares {counted(consumers, 'consumer')} and {counted(len(found.consumers), 'read')}: "
        f"{new} new, {gone} withdrawn."
    )


@command
def usage_contracts(args: Any) -> None:
    """Print which consumers rely on what."""
    from airflow_dataops.services.usage import contracts_of

    show(
        (
            {
                "dataset": each.contract.dataset,
                "consumer": each.contract.consumer,
                "owner": each.contract.owner,
                "checks": len(each.contract.checks),
                "active": "yes" if each.active else "no",
                "last_read": each.last_read,
                "registered_at": each.contract.registered_at,
                "from": each.contract.origin,
                "problem": each.contract.problem,
            }
            for each in contracts_of(open_store(), datetime.now(UTC), args.dataset)
        ),
        args.output,
    )


@command
def usage_contract(args: Any) -> None:
    """Register the contracts of a consumer outside of Airflow."""
    from pathlib import Path

    from airflow_dataops.core.errors import ConfigurationError
    from airflow_dataops.formats.contracts import read_contracts
    from airflow_dataops.services.usage import register_file

    path = Path(args.file)
    if not path.exists():
        raise ConfigurationError(f"{path.absolute()}: there is no such file. Nothing was registered.")
    problems = [clause.problem for clause in read_contracts(path)[1].values() if clause.problem]
    if problems:
        raise ConfigurationError(f"{'; '.join(problems)}. Nothing was registered.")
    new, gone = register_file(open_store(), path, consumer=args.consumer, owner=args.owner, now=datetime.now(UTC))
    for each in new:
        print(f"{each.dataset}: {counted(len(each.checks), 'check')}")
    print(f"{counted(len(new), 'contract')} of {args.consumer} registered or changed, {gone} withdrawn.")


@command
def usage_withdraw(args: Any) -> None:
    """Withdraw what a consumer relies on."""
    store = open_store()
    found = [each.dataset for each in store.contracts.of(args.dataset, consumer=args.consumer)]
    store.contracts.withdraw(args.consumer, found)
    print(f"{counted(len(found), 'contract')} of {args.consumer} withdrawn{': ' + ', '.join(found) if found else ''}.")


@command
def usage_resume(args: Any) -> None:
    """Let what was found bad be read all the same."""
    from airflow_dataops.services.usage import resume

    op = operation(args.reason)
    stop = resume(open_store(), args.name, by=op.by, reason=args.reason, now=op.now)
    print(f"Readers of {args.name} are not stopped any more, although {stop.why}. Clear the tasks that were.")


USAGE_COMMANDS = GroupCommand(
    "usage",
    "Who reads what, and what a change would hit",
    [
        ActionCommand(
            "report", "Who reads which releases of what", usage_report, (OF_DATASET, ARG_OUTPUT, ARG_VERBOSE)
        ),
        ActionCommand("impact", "Whom a change would reach", usage_impact, (NAME, COLUMN, ARG_OUTPUT, ARG_VERBOSE)),
        ActionCommand(
            "unused", "What nobody reads any more", usage_unused, (OF_DATASET, DAYS, ALL, ARG_OUTPUT, ARG_VERBOSE)
        ),
        ActionCommand(
            "harvest",
            "Log who used what outside of Airflow, from the database's own records",
            usage_harvest,
            (CONN_ID, SOURCE, LOG, REGION, EXCLUDE, ARG_OUTPUT, ARG_VERBOSE),
        ),
        ActionCommand("flush", "Store what this host kept while the store was away", usage_flush, (ARG_VERBOSE,)),
        ActionCommand("prune", "Remove single events that are old", usage_prune, (KEEP_DAYS, ARG_VERBOSE)),
        ActionCommand(
            "declare", "Register consumers that say themselves what they read", usage_declare, (DECLARED, ARG_VERBOSE)
        ),
        ActionCommand("contracts", "Who relies on what", usage_contracts, (DATASET_IF_ANY, ARG_OUTPUT, ARG_VERBOSE)),
        ActionCommand(
            "contract",
            "Register the contracts of a consumer outside of Airflow",
            usage_contract,
            (CONTRACTS_FILE, OF_CONSUMER, OWNER, ARG_VERBOSE),
        ),
        ActionCommand(
            "withdraw", "Withdraw a consumer's contracts", usage_withdraw, (CONSUMER, OF_DATASET, ARG_VERBOSE)
        ),
        ActionCommand(
            "resume", "Let what was found bad be read all the same", usage_resume, (NAME, REASON, ARG_VERBOSE)
        ),
        ActionCommand("adoption", "Who reads the live release yet", usage_adoption, (DATASET, ARG_OUTPUT, ARG_VERBOSE)),
    ],
)
