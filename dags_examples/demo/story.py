"""The main job as steps, each with what must come of it; the demo and the end-to-end test run the same ones."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from dags_examples.demo.airflow_process import AirflowFailed, RunningAirflow
from dags_examples.demo.telling import Teller

RELEASE, REPORT, ROLLBACK = "nyc_flights_release", "nyc_delay_report", "nyc_flights_rollback"
DAGS = (RELEASE, REPORT, ROLLBACK)
PROMOTED = {"land": "success", "stage": "success", "gate": "success", "promote": "success"}
STOPPED = {"land": "success", "stage": "success", "gate": "failed", "promote": "upstream_failed"}
REPORTED = {"land_airlines": "success", "report": "success"}


class StoryFailed(AssertionError):
    """A step turned out differently than told; the message says expected against found."""


@dataclass(frozen=True, kw_only=True)
class Readers:
    """What a plain ``SELECT … FROM nyc.flights`` finds, and what the report was built from.

    :param month: the last month in it.
    :param report_month: the last month in the delay report.
    """

    rows: int
    month: int
    report_month: int


@dataclass(frozen=True, kw_only=True)
class Step:
    """One run by hand, and what must come of it.

    :param state: the state the run must end in.
    :param tasks: the state each task must end in.
    :param verdict: the gate's verdict; ``None`` where the DAG has none.
    :param missed: the checks that must not hold, as (outcome, name); no others.
    :param readers: what readers must find afterwards.
    :param reported: whether the asset must have started the report's DAG.
    """

    title: str
    dag_id: str
    conf: Mapping[str, Any]
    readers: Readers
    tasks: Mapping[str, str] = field(default_factory=lambda: PROMOTED)
    state: str = "success"
    verdict: str | None = "PASS"
    missed: frozenset[tuple[str, str]] = frozenset()
    reported: bool = True


@dataclass(frozen=True, kw_only=True)
class Told:
    """What came of a step.

    :param gate: the gate's compact result; ``None`` where the DAG has none.
    :param gate_log: what the gate wrote into its task's log, a line each.
    :param switch: the sentence of the task that switched, with its milliseconds; empty if none did.
    :param seconds: from the trigger to the end of the run.
    """

    run_id: str
    state: str
    tasks: Mapping[str, str]
    gate: Mapping[str, Any] | None
    gate_log: tuple[str, ...]
    switch: str
    readers: Readers
    reported: bool
    seconds: float


CANCELLED = ("WARN", "at most one flight in thirty cancelled")
JANUARY = Readers(rows=27_004, month=1, report_month=1)
FEBRUARY = Readers(rows=51_955, month=2, report_month=2)
MARCH = Readers(rows=80_789, month=3, report_month=3)

STORY: Mapping[str, Step] = {
    "january": Step(
        title="January's flights arrive",
        dag_id=RELEASE,
        conf={"month": 1, "delivery": "good"},
        readers=JANUARY,
    ),
    "bad_february": Step(
        title="February arrives after a bad change upstream: kilometres, lost tail numbers, rows sent twice",
        dag_id=RELEASE,
        conf={"month": 2, "delivery": "bad"},
        readers=JANUARY,
        state="failed",
        tasks=STOPPED,
        verdict="FAIL",
        missed=frozenset(
            {
                ("FAIL", "a flight leaves once a day"),
                ("FAIL", "distances possible"),
                ("FAIL", "distances in miles"),
                ("FAIL", "flown flights have an aircraft"),
                CANCELLED,
            }
        ),
        reported=False,
    ),
    "february": Step(
        title="February again, repaired",
        dag_id=RELEASE,
        conf={"month": 2, "delivery": "good"},
        readers=FEBRUARY,
        verdict="WARN",
        missed=frozenset({CANCELLED}),
    ),
    "march": Step(
        title="March's flights arrive",
        dag_id=RELEASE,
        conf={"month": 3, "delivery": "good"},
        readers=MARCH,
    ),
    "rollback": Step(
        title="March is taken back by hand",
        dag_id=ROLLBACK,
        conf={"reason": "The airline withdrew its delivery of March"},
        tasks={"rollback": "success"},
        readers=Readers(rows=FEBRUARY.rows, month=2, report_month=3),
        verdict=None,
        reported=False,
    ),
    "report_again": Step(
        title="The report is built anew from what is live now",
        dag_id=REPORT,
        conf={},
        tasks=REPORTED,
        readers=FEBRUARY,
        verdict=None,
        reported=False,
    ),
}


def tell_story(airflow: RunningAirflow, warehouse: Path, teller: Teller) -> dict[str, Told]:
    """Run every step in turn, telling it, and return what came of each.

    :raises StoryFailed: a step turned out differently.
    """
    airflow.unpause(REPORT)
    told = {}
    for number, (name, step) in enumerate(STORY.items(), start=1):
        teller.chapter(
            f"{number}. {step.title}", f"airflow dags trigger {step.dag_id} --conf '{json.dumps(step.conf)}'"
        )
        told[name] = _run(airflow, warehouse, step, teller)
        _tell(step, told[name], teller)
        if lines := differences(step, told[name]):
            why = _why(airflow, step.dag_id, told[name].run_id)
            raise StoryFailed("\n  ".join([f"'{step.title}' turned out differently.", *lines]) + f"\n{why}")
    return told


def _run(airflow: RunningAirflow, warehouse: Path, step: Step, teller: Teller) -> Told:
    reports = airflow.run_ids(REPORT)
    began = time.monotonic()
    run_id = airflow.trigger(step.dag_id, step.conf)
    with teller.progress(step.dag_id, step.tasks) as watch:
        state = airflow.wait(step.dag_id, run_id, watch=watch)
        tasks = airflow.tasks(step.dag_id, run_id)
        watch(tasks)
    seconds = time.monotonic() - began
    if step.dag_id == REPORT:
        reports.append(run_id)
    gate_log = _gate_lines(airflow.log(step.dag_id, run_id, "gate")) if "gate" in tasks else ()
    return Told(
        run_id=run_id,
        state=state,
        tasks=tasks,
        gate=airflow.xcom(step.dag_id, run_id, "gate") if "gate" in tasks else None,
        gate_log=gate_log,
        switch=_switch_line(airflow, step.dag_id, run_id, tasks),
        reported=_report_follows(airflow, reports, step.reported, teller),
        readers=what_readers_get(warehouse),
        seconds=seconds,
    )


def _report_follows(airflow: RunningAirflow, known: list[str], wanted: bool, teller: Teller) -> bool:
    """Return whether a new run of the report has begun; one that has is waited for.

    Where none is wanted the scheduler gets the time of several of its rounds to start one.
    """
    try:
        run_id = airflow.next_run(REPORT, known, timeout=60 if wanted else 4)
    except AirflowFailed:
        return False
    with teller.progress(f"{REPORT}, started by the asset nyc.flights", REPORTED) as watch:
        state = airflow.wait(REPORT, run_id, watch=watch)
        watch(airflow.tasks(REPORT, run_id))
    if state != "success":
        raise StoryFailed(f"The run {run_id} of {REPORT} ended as {state}.\n{_why(airflow, REPORT, run_id)}")
    return True


def _why(airflow: RunningAirflow, dag_id: str, run_id: str) -> str:
    """Return the end of each failed task's log."""
    failed = [task for task, state in airflow.tasks(dag_id, run_id).items() if state == "failed"]
    return "\n".join(f"{task}: {airflow.log(dag_id, run_id, task)[-1500:]}" for task in failed)


def what_readers_get(warehouse: Path) -> Readers:
    """Ask the warehouse as any reader would, knowing of no release."""
    with closing(duckdb.connect(str(warehouse), read_only=True)) as reader:
        rows, month = reader.execute("SELECT count(*), max(month) FROM nyc.flights").fetchall()[0]
        report_month = reader.execute("SELECT max(up_to_month) FROM reports.delays_by_airline").fetchall()[0][0]
    return Readers(rows=rows, month=month, report_month=report_month)


def _gate_lines(log: str) -> tuple[str, ...]:
    """Return the gate's own report out of its task's log."""
    found = re.search(r"^Gate '.*?^ *\d+ of \d+ checks passed$", log, re.MULTILINE | re.DOTALL)
    return tuple(found[0].splitlines()) if found else ()


def _switch_line(airflow: RunningAirflow, dag_id: str, run_id: str, tasks: Mapping[str, str]) -> str:
    for task_id in ("promote", "rollback"):
        if tasks.get(task_id) == "success":
            log = airflow.log(dag_id, run_id, task_id)
            return next((line for line in log.splitlines() if "Switched in" in line), "")
    return ""


def _tell(step: Step, told: Told, teller: Teller) -> None:
    for line in told.gate_log:
        teller.gate_line(line)
    if told.switch:
        teller.line(told.switch)
    if step.state == "failed":
        stopped = [task for task, state in told.tasks.items() if state == "upstream_failed"]
        teller.line(f"Never ran: {', '.join(stopped)}. The report's DAG was not triggered.")
    readers = told.readers
    teller.line(
        f"Readers of nyc.flights get {readers.rows:,} flights up to month {readers.month}; "
        f"the report was built from months up to {readers.report_month}."
    )


def differences(step: Step, told: Told) -> list[str]:
    """Return a line for each thing that turned out differently than the step says."""
    missed = {(c["outcome"], c["check"]) for c in (told.gate or {}).get("not_held", ())}
    pairs = {
        "the run's state": (step.state, told.state),
        "the tasks": (dict(step.tasks), dict(told.tasks)),
        "the gate's verdict": (step.verdict, told.gate["verdict"] if told.gate else None),
        "the checks that do not hold": (sorted(step.missed), sorted(missed)),
        "what readers get": (step.readers, told.readers),
        "whether the asset started the report": (step.reported, told.reported),
    }
    return [f"{what}: expected {wanted}, found {found}" for what, (wanted, found) in pairs.items() if wanted != found]


@dataclass(frozen=True, kw_only=True)
class History:
    """What ``airflow dataops … --output json`` says at the end: rows, newest first."""

    gates: Sequence[Mapping[str, Any]]
    releases: Sequence[Mapping[str, Any]]
    usage: Sequence[Mapping[str, Any]]

    def differences(self) -> list[str]:
        """Return a line for each thing that the store remembers differently than the story went."""
        verdicts = [row["verdict"] for row in self.gates]
        states = {row["release"]: row["state"] for row in self.releases}
        read = {row["release"] for row in self.usage if row["consumer"] == f"{REPORT}.report"}
        pairs = {
            "the gates' verdicts": (["PASS", "WARN", "FAIL", "PASS"], verdicts),
            "the releases' states": (STATES, states),
            "the release that the report read last": ({3}, read - {None}),
        }
        return [
            f"{what}: expected {wanted}, found {found}" for what, (wanted, found) in pairs.items() if wanted != found
        ]


STATES = {
    "nyc.flights@r4": "ROLLED_BACK",
    "nyc.flights@r3": "LIVE",
    "nyc.flights@r2": "REJECTED",
    "nyc.flights@r1": "SUPERSEDED",
}
COMMANDS = {
    "gates": ("gate", "list", "--dataset", "nyc.flights"),
    "releases": ("release", "list", "--dataset", "nyc.flights"),
    "usage": ("usage", "report", "--dataset", "nyc.flights"),
}


def read_history(airflow: RunningAirflow) -> History:
    """Ask the command line for all that the store has kept of the story.

    :raises StoryFailed: it remembers something else than happened.
    """

    def ask(command: tuple[str, ...]) -> list[dict[str, Any]]:
        printed = airflow.cli("dataops", *command, "--output", "json")
        rows: list[dict[str, Any]] = json.loads(printed[printed.index("[") :])
        return rows

    with ThreadPoolExecutor() as pool:
        found = History(**dict(zip(COMMANDS, pool.map(ask, COMMANDS.values()), strict=True)))
    if lines := found.differences():
        raise StoryFailed("\n  ".join(["The store remembers the story differently.", *lines]))
    return found
