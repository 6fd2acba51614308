"""What the people who are asked to approve a release get to read, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from airflow_dataops.core.approvals import Answer, Question, Rules, counting
from airflow_dataops.core.durations import said
from airflow_dataops.core.impact import impact
from airflow_dataops.core.releases import Operation, Release
from airflow_dataops.core.values import counted, plain
from airflow_dataops.core.verdicts import Outcome
from airflow_dataops.services.usage.declaring import known_uses
from airflow_dataops.stores.gate_lists import newest_of_each

if TYPE_CHECKING:
    from airflow_dataops.stores.gates import GateRun
    from airflow_dataops.stores.store import Store

SHOWN = 10
"""How many checks of a gate, consumers or answers are named; the others are counted."""


def told(store: Store, question: Question, rules: Rules, op: Operation) -> str:
    """Return what is known of the release that people are asked about, section by section."""
    release = store.releases.get(question.release)
    runs = newest_of_each(store.gates.of(release=release.name))
    sections: list[Sequence[str]] = [
        _release(store, release, question, runs),
        _gates(runs, question),
        _diff(store, question),
        _reached(store, release, op),
        _answers(store, question, rules, op),
    ]
    return "\n\n".join("\n".join(lines) for lines in sections if lines)


def _code(text: object) -> str:
    return "`{}`".format(str(text).replace("`", "'"))


def _release(store: Store, release: Release, question: Question, runs: Sequence[GateRun]) -> list[str]:
    rows = [r.result.row_count for r in runs if r.result.fingerprint == question.fingerprint]
    number = next((n for n in rows if n is not None), None)
    live = store.releases.live(release.dataset.name)
    until = f", data until {release.interval_end:%Y-%m-%d %H:%M}" if release.interval_end else ""
    return [
        f"**{plain(release)}**",
        "",
        f"- Rows: {'not counted by a gate' if number is None else f'{number:,}'}; "
        f"{counted(len(release.columns), 'column')}{until}",
        f"- Relation: {_code(release.relation)} on {_code(release.dataset.conn_id)}",
        f"- Fingerprint: {_code(question.fingerprint)}",
        f"- Live now: {plain(live) if live else 'nothing'}",
    ]


def _diff(store: Store, question: Question) -> list[str]:
    """Return what the newest diff of this very content says that it changes; nothing where there is none."""
    runs = [run for run in store.diffs.of(question.release) if run.diff.fingerprint == question.fingerprint]
    return ["**What it changes**", "", runs[0].diff.markdown(limit=SHOWN)] if runs else []


def _gates(runs: Sequence[GateRun], question: Question) -> list[str]:
    lines = ["**Gates**", ""]
    for run in runs:
        other = "" if run.result.fingerprint == question.fingerprint else ", of other data than there is now"
        quiet = f" ({run.on_fail}: stops nothing)" if run.on_fail == "shadow" else ""
        checks = counted(len(run.result.results), "check")
        lines.append(f"- {plain(run.gate)}: **{run.result.verdict}**{quiet}, {checks}{other}")
        bad = [r for r in run.result.results if r.outcome not in (Outcome.PASS, Outcome.INFO)]
        lines += [f"  - {r.outcome}: {plain(r.complaint)}" for r in bad[:SHOWN]]
        lines += [f"  - {len(bad) - SHOWN} more"] if len(bad) > SHOWN else []
    return lines if runs else [*lines, "- No gate has judged it."]


def _reached(store: Store, release: Release, op: Operation) -> list[str]:
    """Return whom the release would reach, the most important first."""
    name = release.dataset.name
    hits = impact(known_uses(store), name, now=op.now)
    lines = []
    for hit in hits[:SHOWN]:
        through = f" of {plain(hit.reader.name)}" if hit.distance > 1 else ""
        feeds = f"; feeds {plain(', '.join(hit.feeds))}" if hit.feeds else ""
        reader = hit.reader
        owner = f" (owner {plain(reader.owner)})" if reader.owner else ""
        read = f"{counted(reader.reads, 'read')}{through}, last {reader.last_read:%Y-%m-%d}"
        lines.append(f"- {plain(reader.consumer)}{owner}: {read if reader.reads else f'declared{through}'}{feeds}")
    if len(hits) > SHOWN:
        lines.append(f"- {len(hits) - SHOWN} more")
    return [f"**Known consumers of {plain(name)}**", "", *(lines or ["- Nobody has read it yet."])]


def _answers(store: Store, question: Question, rules: Rules, op: Operation) -> list[str]:
    people = "One person" if rules.quorum == 1 else f"{rules.quorum} different people"
    author = f" {plain(rules.author)}, who has started this run, may not." if rules.author else ""
    days = f" An approval counts for {said(rules.expires_after)}." if rules.expires_after else ""
    lines = ["**Answers**", "", f"- {people} must approve.{author}{days}"]
    given = counting(store.approvals.of(question.release), fingerprint=question.fingerprint, now=op.now)
    for item in given[:SHOWN]:
        word = "approved" if item.answer is Answer.APPROVE else "rejected"
        because = f": {plain(item.reason)}" if item.reason else ""
        lines.append(f"- {plain(item.person)} has {word} it at {plain(item.task)}{because}")
    return lines
