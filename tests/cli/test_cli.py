"""``airflow dataops …`` as a person types it: Airflow's own parser, the real store, a real warehouse."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from airflow_dataops.core.approvals import Answer, Person, Response, Rules
from airflow_dataops.core.releases import Operation, ReleaseName, TaskKey
from airflow_dataops.core.usage import Use
from airflow_dataops.hooks.targets import open_target
from airflow_dataops.services.releasing import stage
from airflow_dataops.services.releasing.approving import note_asked, question_about, take
from airflow_dataops.stores.store import Store
from tests.operators.hostile import CORPUS
from tests.ui import measured

Run = Callable[..., str]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    for name in ("warehouse", "dataops_default"):
        connection = {"conn_type": "sqlite", "host": f"{tmp_path}/{name}.db"}
        monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(connection))
    return Store.open(f"sqlite:///{tmp_path}/dataops_default.db", create=True)


@pytest.fixture
def run(airflow_database: None, capsys: pytest.CaptureFixture[str]) -> Run:
    """Type a command; return what it prints."""
    from airflow.cli.cli_parser import get_parser

    parser = get_parser()

    def typed(*words: str) -> str:
        capsys.readouterr()
        args = parser.parse_args(["dataops", *words])
        args.func(args)
        return capsys.readouterr().out

    return typed


@pytest.fixture
def suite(tmp_path: Path) -> str:
    path = tmp_path / "suite.yaml"
    path.write_text("checks:\n  - {type: column_values_to_be_between, column: v, max_value: 10, notes: Call them.}\n")
    return str(path)


def staged(store: Store, value: int) -> str:
    """Stage a release as a task would, and return its name."""
    now = datetime.now(UTC)
    op = Operation(op_id=f"stage {value}", by="tests", now=now)
    return str(stage(open_target("warehouse", store, "view"), "nyc.flights", op, sql=f"SELECT {value} AS v"))


def test_judge_promote_and_roll_back_without_a_scheduler(run: Run, store: Store, suite: str) -> None:
    for value in (1, 2):
        name = staged(store, value)
        assert "PASS" in run("gate", "run", suite, "--release", name)
    assert "nyc.flights@r1 is live." in run("release", "promote", "nyc.flights@r1", "--reason", "first", "--ungated")
    assert "r2 is live" in run("release", "promote", "nyc.flights@r2", "--reason", "by hand", "--ungated")
    told = run("release", "rollback", "nyc.flights", "--reason", "bad upstream")
    assert "nyc.flights@r1 is live again; nyc.flights@r2 is rolled back. Nobody has read it." in told
    assert "nothing to settle" in run("release", "reconcile", "nyc.flights")
    listed = json.loads(run("release", "list", "--output", "json"))
    assert {r["release"]: r["state"] for r in listed} == {"nyc.flights@r1": "LIVE", "nyc.flights@r2": "ROLLED_BACK"}
    events = json.loads(run("release", "show", "nyc.flights@r2", "--output", "json"))
    assert [e["action"] for e in events] == ["stage", "built", "promote", "rollback"]
    assert events[-1]["reason"] == "bad upstream"


def test_several_go_live_and_back_together(run: Run, store: Store) -> None:
    target = open_target("warehouse", store, "view")
    for value in (1, 2):
        for name in ("nyc.flights", "nyc.daily"):
            op = Operation(op_id=f"stage {name} {value}", by="tests", now=datetime.now(UTC))
            stage(target, name, op, sql=f"SELECT {value} AS v")
    words = ("release", "promote", "nyc.flights@r1", "nyc.daily@r1", "--reason", "by hand")
    with pytest.raises(SystemExit) as stopped:
        run(*words)
    told = str(stopped.value.code)
    assert "1. nyc.flights@r1 cannot be promoted" in told
    assert "2. nyc.daily@r1 cannot be promoted" in told
    assert "Dry run" in run(*words, "--ungated", "--dry-run")
    printed = run(*words, "--ungated")
    assert "A release set, all or none, in one transaction: promote nyc.flights@r1; promote nyc.daily@r1" in printed
    assert printed.count(" is live. Switched in ") == 2
    assert "r2 is live" in run("release", "promote", "nyc.flights@r2", "nyc.daily@r2", "--reason", "n", "--ungated")
    with pytest.raises(SystemExit) as stopped:
        run("release", "rollback", "nyc.flights", "nyc.daily", "--to", "nyc.flights@r1", "--reason", "bad")
    assert "--to nyc.flights@r1 is for one dataset, and 2 are named" in str(stopped.value.code)
    back = run("release", "rollback", "nyc.flights", "nyc.daily", "--reason", "bad")
    assert "nyc.flights@r1 is live again; nyc.flights@r2 is rolled back" in back
    assert "nyc.daily@r1 is live again; nyc.daily@r2 is rolled back" in back
    events = json.loads(run("release", "show", "nyc.daily@r2", "--output", "json"))
    assert events[-1]["detail"]["set"] == ["nyc.flights@r1", "nyc.daily@r1"]


def test_a_promotion_by_hand_waits_for_people_who_were_asked_or_says_that_it_did_not(run: Run, store: Store) -> None:
    name = staged(store, 1)
    key = TaskKey(dag_id="flights", run_id="r", task_id="approve")
    op = Operation(op_id="ask", by="flights.approve", now=datetime.now(UTC), key=key)
    question = question_about(open_target("warehouse", store, "view"), ReleaseName.parse(name))
    assert question is not None
    note_asked(store, question, Rules(), op)
    words = ("release", "promote", name, "--reason", "ada is ill", "--ungated")
    with pytest.raises(SystemExit) as stopped:
        run(*words)
    assert f"{name} cannot be promoted: approval flights.approve: 0 of 1 given" in str(stopped.value.code)
    person = Person(id="ada", name="ada")
    no = Response(person=person, answer=Answer.REJECT, at=op.now, given_for=question.mark, reason="wrong currency")
    take(store, question, no, Rules(), op)
    assert "REJECTED" in run("release", "list")
    assert "is live" in run(*words, "--unapproved")
    events = json.loads(run("release", "show", name, "--output", "json"))
    assert [e["action"] for e in events] == ["stage", "built", "asked", "rejected", "unapproved", "promote"]
    assert (events[3]["by"], events[3]["reason"], events[4]["reason"]) == ("ada", "wrong currency", "ada is ill")


def test_a_failed_gate_exits_with_one_and_is_listed_with_its_advice(run: Run, store: Store, suite: str) -> None:
    name = staged(store, 50)
    with pytest.raises(SystemExit) as stopped:
        run("gate", "run", suite, "--release", name)
    assert stopped.value.code == 1
    (listed,) = json.loads(run("gate", "list", "--output", "json"))
    assert (listed["verdict"], listed["judged"], listed["rows"]) == ("FAIL", name, 1)
    (check,) = json.loads(run("gate", "show", str(listed["number"]), "--output", "json"))
    assert (check["outcome"], check["unexpected"], check["what_to_do"]) == ("FAIL", 1, "Call them.")
    table = run("gate", "list")
    assert "FAIL" in table
    assert json.loads(run("gate", "list", "--dag-id", "another", "--output", "json")) == []


def test_what_a_table_shows_is_what_was_found_and_no_markup(run: Run, store: Store, tmp_path: Path) -> None:
    data = tmp_path / "sizes.csv"
    data.write_text("size [cm]\n1\n2\n")
    suite = tmp_path / "sizes.json"
    regex = {"type": "column_values_to_match_regex", "column": "size [cm]", "regex": "^[/a]:x:", "notes": "[bold] :x:"}
    suite.write_text(json.dumps([regex]))
    with pytest.raises(SystemExit):
        run("gate", "run", str(suite), "--path", str(data))
    shown = run("gate", "show", "1")
    for written in ("size [cm]", "^[/a]:x:", "[bold] :x:"):
        assert written in shown


def test_who_vouches_for_a_check_is_told_where_somebody_does(run: Run, store: Store, tmp_path: Path) -> None:
    suite = tmp_path / "export.json"
    suite.write_text(json.dumps(measured.EXPORT))
    path = measured.written_as_parquet(tmp_path)
    told = run("gate", "run", str(suite), "--path", str(path))
    assert "PASS (suite export, 1,234 rows, 2 statements, " in told
    assert "6 of 6 checks passed, 4 without reading a row (proved by Parquet footers)" in told
    assert "Parquet footers" in run("gate", "show", "1")
    checks = json.loads(run("gate", "show", "1", "--output", "json"))
    assert [check["proved_by"] for check in checks] == ["Parquet footers"] * 4 + [None, None]


def test_usage_says_who_read_what(run: Run, store: Store) -> None:
    key = TaskKey(dag_id="report", run_id="r", task_id="build")
    store.usage.add(Use(relation="raw.x", consumer="report.build", source="ref", at=datetime.now(UTC), key=key))
    (row,) = json.loads(run("usage", "report", "--output", "json"))
    assert (row["consumer"], row["reads"], row["times"], row["confidence"]) == ("report.build", "raw.x", 1, "exact")


def test_a_dashboards_contracts_are_registered_listed_and_withdrawn(run: Run, store: Store, tmp_path: Path) -> None:
    file = tmp_path / "sales.yaml"
    file.write_text(
        "owner: bi\nnyc.flights: [{type: column_values_to_not_be_null, column: v}]\nnyc.planes: [{column: v}]\n"
    )
    with pytest.raises(SystemExit, match=r"nyc\.planes: check 1: has no 'type'\. Nothing was registered\."):
        run("usage", "contract", str(file), "--consumer", "sales dashboard")
    assert store.contracts.of() == []
    file.write_text(file.read_text().replace("{column: v}", "{type: column_values_to_be_unique, column: v}"))
    said = run("usage", "contract", str(file), "--consumer", "sales dashboard")
    assert "nyc.flights: 1 check\n" in said
    assert "nyc.planes: 1 check\n" in said
    assert "2 contracts of sales dashboard registered or changed, 0 withdrawn." in said
    (row,) = json.loads(run("usage", "contracts", "nyc.flights", "--output", "json"))
    assert (row["consumer"], row["owner"], row["active"], row["last_read"]) == ("sales dashboard", "bi", "yes", None)
    file.write_text("nyc.flights: [{type: column_values_to_not_be_null, column: v}]")
    assert "0 contracts of sales dashboard registered or changed, 1 withdrawn." in run(
        "usage", "contract", str(file), "--consumer", "sales dashboard", "--owner", "bi"
    )
    assert "1 contract of sales dashboard withdrawn: nyc.flights." in run("usage", "withdraw", "sales dashboard")
    assert json.loads(run("usage", "contracts", "--output", "json")) == []


def test_declared_consumers_are_registered_listed_and_withdrawn(run: Run, store: Store, tmp_path: Path) -> None:
    file = tmp_path / "consumers.yaml"
    file.write_text("consumers: [{name: board, owner: bi, reads: [nyc.flights, {table: mart.x, columns: [v]}]}]")
    said = run("usage", "declare", str(file))
    assert f"{file} declares 1 consumer and 2 reads: 2 new, 0 withdrawn." in said
    rows = json.loads(run("usage", "report", "--output", "json"))
    assert [(row["consumer"], row["reads"], row["times"], row["last_read"], row["owner"]) for row in rows] == [
        ("board", "mart.x", 0, None, "bi"),
        ("board", "nyc.flights", 0, None, "bi"),
    ]
    (hit,) = json.loads(run("usage", "impact", "mart.x", "--column", "v", "--output", "json"))
    assert (hit["consumer"], hit["owner"], hit["confidence"]) == ("board", "bi", "declared")
    assert json.loads(run("usage", "impact", "mart.x", "--column", "w", "--output", "json")) == []
    file.write_text("consumers: [{name: board, reads: []}]")
    with pytest.raises(SystemExit, match=r"consumers\[0\] needs a name, and reads"):
        run("usage", "declare", str(file))
    file.write_text("consumers: []")
    assert "0 new, 2 withdrawn." in run("usage", "declare", str(file))


def test_what_stops_readers_is_lifted(run: Run, store: Store) -> None:
    for value in (1, 2):
        run("release", "promote", staged(store, value), "--reason", "first", "--ungated")
    run("release", "rollback", "nyc.flights", "--reason", "bad upstream")
    said = run("usage", "resume", "nyc.flights", "--reason", "looked at it")
    assert "Readers of nyc.flights are not stopped any more, although nyc.flights@r2 was rolled back by cli:" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("release", "show", "nonsense"), "is not a release: expected 'dataset@r42'"),
        (("release", "show", "a.b@r1"), "There is no release a.b@r1. That dataset has no release."),
        (("release", "rollback", "a.b", "--reason", "x"), "There is no dataset 'a.b'"),
        (("usage", "resume", "a.b", "--reason", "x"), "Nothing stops the readers of 'a.b'"),
        (("usage", "contract", "no_such.yaml", "--consumer", "x"), "no_such.yaml: there is no such file"),
        (("gate", "show", "7"), "There is no gate run 7"),
        (("gate", "run", "no_such.yaml", "--table", "t", "--conn-id", "warehouse"), "no_such.yaml"),
    ],
)
def test_a_mistake_is_one_line_and_exit_one(run: Run, store: Store, words: tuple[str, ...], said: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        run(*words)
    message = str(stopped.value.code)
    assert said in message
    assert message.startswith("airflow dataops: ")


HOSTILE = (
    ("release", "list", "--dataset"),
    ("release", "show"),
    ("release", "promote", "--ungated", "--reason", "x"),
    ("release", "promote", "nyc.flights@r1", "--ungated", "--reason"),
    ("release", "rollback", "--reason", "x"),
    ("release", "rollback", "nyc.flights", "--reason", "x", "--to"),
    ("release", "rollback", "nyc.flights", "--reason"),
    ("release", "reconcile"),
    ("gate", "list", "--dag-id"),
    ("gate", "run"),
    ("usage", "report", "--dataset"),
    ("usage", "contracts"),
    ("usage", "withdraw"),
    ("usage", "resume", "--reason", "x"),
)


@pytest.mark.parametrize("words", HOSTILE)
def test_a_hostile_word_is_refused_in_one_line_or_taken_as_it_is(
    run: Run, store: Store, words: tuple[str, ...]
) -> None:
    staged(store, 1)
    warehouse = open_target("warehouse", store, "view").connector
    with warehouse.open() as db:
        db.execute("CREATE TABLE canary AS SELECT 42 AS v")
    run("release", "promote", "nyc.flights@r1", "--reason", "first", "--ungated")
    # Every third value for each command: another third for the next.
    for value in CORPUS[HOSTILE.index(words) % 3 :: 3]:
        # What begins with a dash is an option to the command line's parser, unless it stands behind the end of these.
        given = (*words[:-1], f"{words[-1]}={value}") if words[-1].startswith("--") else (*words, "--", value)
        try:
            run(*given)
        except SystemExit as stopped:
            message = str(stopped.code)
            assert message.startswith("airflow dataops: "), message
            assert message.isprintable(), message
            assert len(message) < 1500
    with warehouse.open(read_only=True) as db:
        assert db.execute("SELECT v FROM canary") == [(42,)]
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")}
    assert tables == {"canary", "nyc_flights", "nyc_flights__r1", "dataops_pointer", "dataops_switch"}


def test_upgrade_makes_the_store_and_says_so(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = {"conn_type": "sqlite", "host": f"{tmp_path}/new.db"}
    monkeypatch.setenv("AIRFLOW_CONN_DATAOPS_DEFAULT", json.dumps(connection))
    with pytest.raises(SystemExit, match="Run: airflow dataops db upgrade"):
        run("release", "list")
    assert "was empty and is now at schema" in run("db", "upgrade")
    assert "is at schema" in run("db", "upgrade")


def test_a_dry_run_prints_the_plan_and_changes_nothing(run: Run, store: Store) -> None:
    for value in (1, 2):
        staged(store, value)
    promote = ("release", "promote", "nyc.flights@r1", "--reason", "first", "--ungated")
    told = run(*promote, "--dry-run").splitlines()
    assert told[:4] == [
        "Plan: promote nyc.flights@r1",
        "  1. reconcile nyc.flights: nothing is stranded",
        "  2. no gate is required: first",
        "  3. point nyc_flights from nothing to nyc_flights__r1 (nyc.flights@r1)",
    ]
    assert told[-1] == "Dry run: nothing was changed."
    assert {str(r): str(r.state) for r in store.releases.of()} == {
        "nyc.flights@r1": "CANDIDATE",
        "nyc.flights@r2": "CANDIDATE",
    }
    assert run(*promote).splitlines()[:4] == told[:4]
    run("release", "promote", "nyc.flights@r2", "--reason", "second", "--ungated")
    rollback = ("release", "rollback", "nyc.flights", "--reason", "bad")
    assert "Dry run: nothing was changed." in run(*rollback, "--dry-run")
    assert store.releases.live("nyc.flights").number == 2
    with pytest.raises(SystemExit, match=r"r9. Its newest is nyc\.flights@r2"):
        run(*rollback, "--to", "nyc.flights@r9", "--dry-run")


def test_a_freeze_window_is_overridden_by_hand(run: Run, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__DATAOPS__FREEZE_WINDOWS", "2020-01-01/2100-01-01")
    promote = ("release", "promote", staged(store, 1), "--reason", "hotfix", "--ungated")
    with pytest.raises(SystemExit, match=r"the freeze window 2020-01-01/2100-01-01 holds.*--override-freeze"):
        run(*promote)
    assert "is overridden, and that is recorded: hotfix" in run(*promote, "--override-freeze")


def test_retire_clean_and_unadopt_by_hand(run: Run, store: Store, tmp_path: Path) -> None:
    import sqlite3

    with sqlite3.connect(f"{tmp_path}/warehouse.db") as warehouse:
        warehouse.execute("CREATE TABLE nyc_flights AS SELECT 0 AS v")
        warehouse.execute("CREATE TABLE nyc_flights__r77 AS SELECT 0 AS v")
    warehouse.close()
    for value in (1, 2, 3):
        run("release", "promote", staged(store, value), "--reason", "x", "--ungated")
    retire = ("release", "retire", "nyc.flights", "--keep", "1", "--reason", "space", "--rollback-window", "0")
    dry = run(*retire, "--dry-run")
    assert "drop nyc_flights__r1 and retire nyc.flights@r1 (SUPERSEDED): not live since" in dry
    assert "Dry run: 1 release would be retired, nothing was changed." in dry
    assert "keep nyc.flights@r0 (SUPERSEDED): it was there before this dataset's releases" in dry
    assert "1 release retired." in run(*retire)
    assert "0 releases retired." in run(*retire)
    assert "leave nyc_flights__r77: no release of this store owns it" in run("release", "clean", "--dry-run")
    assert "leave nyc_flights__r77" in run("release", "clean", "nyc.flights", "--older-than", "0.5")
    with pytest.raises(SystemExit, match=r"Go back to it first: airflow dataops release rollback nyc\.flights --to"):
        run("release", "unadopt", "nyc.flights", "--reason", "over")
    run("release", "rollback", "nyc.flights", "--to", "nyc.flights@r0", "--reason", "over")
    assert "nyc_flights is a plain table again" in run("release", "unadopt", "nyc.flights", "--reason", "over")
    with sqlite3.connect(f"{tmp_path}/warehouse.db") as warehouse:
        assert warehouse.execute("SELECT type FROM sqlite_master WHERE name = 'nyc_flights'").fetchall() == [("table",)]
    warehouse.close()
    with pytest.raises(SystemExit, match="Which releases may be retired is not said"):
        run("release", "retire", "nyc.flights", "--reason", "space")


def test_a_diff_is_printed_as_markdown_or_json_and_stored(run: Run, store: Store) -> None:
    for value in (1, 2):
        name = staged(store, value)
        if value == 1:
            run("release", "promote", name, "--reason", "first", "--ungated")
    told = run("release", "diff", name, "--key", "v", "--samples", "1")
    assert told.startswith("### nyc.flights@r2 against nyc.flights@r1\n\n- rows: 1 row, as many as before\n")
    assert "- keys (`v`): 1 added, 1 removed, 0 changed, 0 the same (200 % of the live keys)" in told
    assert "- added `2`\n- removed `1`\n" in told
    found = json.loads(run("release", "diff", name, "--output", "json"))
    assert (found["release"], found["base"], found["keys"], found["key"]) == (name, 1, None, [])
    stored = store.diffs.of(ReleaseName.parse(name))
    assert [entry.diff.key for entry in stored] == [(), ("v",)]
    assert stored[0].by.startswith("cli:")


def test_a_key_that_is_none_is_printed_and_exits_with_one(
    run: Run, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    run("release", "promote", staged(store, 1), "--reason", "first", "--ungated")
    op = Operation(op_id="twice", by="tests", now=datetime.now(UTC))
    twice = "SELECT 1 AS v UNION ALL SELECT 1"
    name = str(stage(open_target("warehouse", store, "view"), "nyc.flights", op, sql=twice))
    with pytest.raises(SystemExit) as stopped:
        run("release", "diff", name, "--key", "v")
    assert stopped.value.code == 1
    assert "**refused:** key v is not unique in the candidate: 2 of 2 rows share 1 key" in capsys.readouterr().out
