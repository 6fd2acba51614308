"""``airflow dataops release …``."""

from __future__ import annotations

from typing import Any

from airflow.cli.cli_config import ARG_OUTPUT, ARG_VERBOSE, ActionCommand, Arg, GroupCommand

from airflow_dataops.cli.commands import LIMIT, OF_DATASET, command, operation, show
from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.core.retiring import READ_WITHIN, ROLLBACK_WINDOW
from airflow_dataops.hooks.store import open_store
from airflow_dataops.hooks.targets import target_of

RELEASE = Arg(("release",), help="a release, such as sales.orders@r42")
DATASET = Arg(("dataset",), help="a dataset, such as sales.orders")
_RELEASES = Arg(("release",), nargs="+", help="a release, such as sales.orders@r42; several go live all or none")
_DATASETS = Arg(
    ("dataset",),
    nargs="+",
    help="a dataset, or a release that must be what is live or a canary, sales.orders@r42; several go back all or none",
)
REASON = Arg(("--reason",), required=True, help="why; kept with the event")
_TO = Arg(("--to",), help="the release to go back to (default: what was live before)")
_PERCENT = Arg(("--percent",), type=float, default=0, help="the share of the consumers that read it")
_CONSUMER = Arg(("--consumer",), action="append", help="a DAG that reads it; may be given several times")
_UNAPPROVED = Arg(
    ("--unapproved",), action="store_true", help="promote although people have not approved it; --reason says why"
)
_UNGATED = Arg(
    ("--ungated",),
    action="store_true",
    help="promote without the evidence of gates, whatever they say; --reason says why",
)
_DRY_RUN = Arg(
    ("--dry-run",), action="store_true", help="print the plan and change nothing; exits as the real run would"
)
_OVERRIDE = Arg(("--override-freeze",), action="store_true", help="promote in a freeze window too; --reason says why")
_KEEP = Arg(("--keep",), help="how many of the newest releases stay, live included")
_OLDER = Arg(("--older-than",), metavar="DAYS", help="days since it was live, or staged if it never was")
_READ = Arg(("--read-within",), metavar="DAYS", default=READ_WITHIN, help="what was read since stays (default 7)")
_WINDOW = Arg(
    ("--rollback-window",), metavar="DAYS", default=ROLLBACK_WINDOW, help="what was live since stays (default 7)"
)
_BUILD_AGE = Arg(("--older-than",), metavar="DAYS", default=1, help="of a build that was killed (default 1)")
_ONE_OR_ALL = Arg(("dataset",), nargs="?", help="a dataset, such as sales.orders (default: all)")
_LOST = Arg(
    ("--lost",), action="store_true", help="the target was lost for ever: nothing is live any more; --reason says why"
)
_WHY = Arg(("--reason",), help="why it is lost; kept with the events")
_KEY = Arg(("--key",), action="append", help="a column by which rows are told apart; again for each of several")
_SAMPLES = Arg(("--samples",), type=int, default=0, help="how many keys to print of each kind (default 0); raw values")
_AS = Arg(("-o", "--output"), choices=("markdown", "json"), default="markdown", help="the form (default markdown)")


@command
def release_list(args: Any) -> None:
    """Print the releases."""
    from datetime import UTC, datetime

    from airflow_dataops.services.releasing.approving import state_shown

    store, now = open_store(), datetime.now(UTC)
    show(
        [
            {
                "release": str(release),
                "state": state_shown(store, release, now),
                "relation": str(release.relation),
                "created_at": release.created_at,
                "dag_id": release.key.dag_id,
                "run_id": release.key.run_id,
            }
            for release in store.releases.of(args.dataset, limit=args.limit)
        ],
        args.output,
    )


@command
def release_show(args: Any) -> None:
    """Print the events of one release."""
    from airflow_dataops.core.releases import ReleaseName

    events = open_store().releases.events(ReleaseName.parse(args.release))
    if args.output == "table":
        shown = ("action", "from_state", "to_state", "at", "by", "reason")
        events = [{column: event[column] for column in shown} for event in events]
    show(events, args.output)


@command
def release_promote(args: Any) -> None:
    """Promote on the evidence of every gate that has judged the release, and the approval of all who were asked."""
    from airflow_dataops.core.releases import ReleaseName
    from airflow_dataops.services.releasing import Promotion, promote_all, required_gates

    names, store = ReleaseName.parse_set(args.release), open_store()
    promotions = [
        Promotion(
            name=name,
            op=operation(args.reason),
            required=[] if args.ungated else required_gates(store, store.releases.get(name)),
            approvals=None if args.unapproved else store.approvals.asked(name),
        )
        for name in names
    ]
    outcomes = promote_all(
        target_of(store, names[0].dataset),
        promotions,
        ungated=args.reason if args.ungated else None,
        replace_newer=True,
        override_freeze=args.override_freeze,
        dry_run=args.dry_run,
        say=print,
    )
    for outcome in outcomes:
        print(outcome.message)
    if any(outcome.switched for outcome in outcomes):
        print("DAGs that are scheduled on its asset are not told by this command; trigger them where they should run.")


@command
def release_rollback(args: Any) -> None:
    """Roll back."""
    from airflow_dataops.core.releases import ReleaseName
    from airflow_dataops.services.releasing import Return, rollback_all

    store = open_store()
    to = ReleaseName.parse(args.to) if args.to else None
    if to and len(args.dataset) > 1:
        raise ConfigurationError(f"--to {to} is for one dataset, and {len(args.dataset)} are named. Leave --to out.")
    named = [(ReleaseName.parse(name) if "@" in name else None, name) for name in args.dataset]
    returns = [
        Return(dataset=undoes.dataset if undoes else name, op=operation(args.reason), to=to, undoes=undoes)
        for undoes, name in named
    ]
    for outcome in rollback_all(target_of(store, returns[0].dataset), returns, dry_run=args.dry_run, say=print):
        print(outcome.message)


@command
def release_canary(args: Any) -> None:
    """Let some consumers read a release before all do."""
    from airflow_dataops.core.releases import ReleaseName
    from airflow_dataops.core.routes import Route
    from airflow_dataops.services.releasing import required_gates
    from airflow_dataops.services.releasing.canary import widen

    name, store = ReleaseName.parse(args.release), open_store()
    widen(
        target_of(store, name.dataset),
        name,
        operation(args.reason),
        Route.of(args.percent, args.consumer or ()),
        required=[] if args.ungated else required_gates(store, store.releases.get(name)),
        ungated=args.reason if args.ungated else None,
        approvals=store.approvals.asked(name),
        say=print,
    )


@command
def release_retire(args: Any) -> None:
    """Drop what nobody needs, and say why the rest stays."""
    from airflow_dataops.core.retiring import Retention
    from airflow_dataops.core.values import counted
    from airflow_dataops.hooks.dag_runs import runs_in_database
    from airflow_dataops.services.releasing import retire

    retention = Retention.of(
        keep=args.keep,
        older_than=args.older_than,
        read_within=args.read_within,
        rollback_window=args.rollback_window,
    )
    retired = retire(
        target_of(open_store(), args.dataset),
        args.dataset,
        operation(args.reason),
        retention,
        running=runs_in_database,
        dry_run=args.dry_run,
        say=print,
    )
    what = counted(len(retired), "release")
    print(f"Dry run: {what} would be retired, nothing was changed." if args.dry_run else f"{what} retired.")


@command
def release_clean(args: Any) -> None:
    """Drop what killed builds left."""
    from airflow_dataops.core.retiring import days
    from airflow_dataops.services.releasing import clean

    store, age = open_store(), days("--older-than", args.older_than)
    names = [args.dataset] if args.dataset else [dataset.name for dataset in store.releases.datasets()]
    for name in names:
        op = operation("left by a killed build")
        clean(target_of(store, name), name, op, older_than=age, dry_run=args.dry_run, say=print)


@command
def release_unadopt(args: Any) -> None:
    """Hand the adopted table back."""
    from airflow_dataops.services.releasing import unadopt

    outcome = unadopt(target_of(open_store(), args.dataset), args.dataset, operation(args.reason))
    print(outcome.message)


@command
def release_diff(args: Any) -> None:
    """Compare, store and print; exit with 1 if the key does not tell rows apart."""
    import json

    from airflow_dataops.core.diffs import read_key
    from airflow_dataops.core.releases import ReleaseName
    from airflow_dataops.services.releasing import diff

    name, store = ReleaseName.parse(args.release), open_store()
    run = diff(target_of(store, name.dataset), name, operation(""), key=read_key(args.key), samples=args.samples)
    as_json = args.output == "json"
    print(json.dumps(run.diff.to_dict(), indent=2) if as_json else run.diff.markdown(samples=True))
    if run.diff.refused:
        raise SystemExit(1)


@command
def release_reconcile(args: Any) -> None:
    """Settle stranded switches, or record that the target was lost."""
    from airflow_dataops.services.releasing import give_up, reconcile

    store = open_store()
    target, dataset = target_of(store, args.dataset), store.releases.dataset(args.dataset)
    if args.lost and not args.reason:
        raise ConfigurationError("--lost needs --reason: it is kept with the events.")
    lines = give_up(target, dataset, operation(args.reason)) if args.lost else reconcile(target, dataset)
    print("\n".join(lines) or f"{args.dataset}: nothing to settle.")


RELEASE_COMMANDS = GroupCommand(
    "release",
    "Staged promotion",
    [
        ActionCommand(
            "list", "List releases, newest first", release_list, (OF_DATASET, LIMIT, ARG_OUTPUT, ARG_VERBOSE)
        ),
        ActionCommand("show", "Show one release's history", release_show, (RELEASE, ARG_OUTPUT, ARG_VERBOSE)),
        ActionCommand(
            "diff", "Compare a release with what is live", release_diff, (RELEASE, _KEY, _SAMPLES, _AS, ARG_VERBOSE)
        ),
        ActionCommand(
            "promote",
            "Make a release live, or several together",
            release_promote,
            (_RELEASES, REASON, _UNGATED, _UNAPPROVED, _OVERRIDE, _DRY_RUN, ARG_VERBOSE),
        ),
        ActionCommand(
            "canary",
            "Let some consumers read a release before all do",
            release_canary,
            (RELEASE, _PERCENT, _CONSUMER, REASON, _UNGATED, ARG_VERBOSE),
        ),
        ActionCommand(
            "rollback",
            "Make live what was live before, of one dataset or of several together, or take a canary back",
            release_rollback,
            (_DATASETS, _TO, REASON, _DRY_RUN, ARG_VERBOSE),
        ),
        ActionCommand(
            "retire",
            "Drop the releases that nobody needs",
            release_retire,
            (DATASET, _KEEP, _OLDER, _READ, _WINDOW, REASON, _DRY_RUN, ARG_VERBOSE),
        ),
        ActionCommand(
            "clean",
            "Drop what killed builds left, and list tables that look like releases and are none",
            release_clean,
            (_ONE_OR_ALL, _BUILD_AGE, _DRY_RUN, ARG_VERBOSE),
        ),
        ActionCommand(
            "unadopt",
            "Hand the plain table back that the first promotion adopted",
            release_unadopt,
            (DATASET, REASON, ARG_VERBOSE),
        ),
        ActionCommand(
            "reconcile", "Settle what killed processes left", release_reconcile, (DATASET, _LOST, _WHY, ARG_VERBOSE)
        ),
    ],
)
