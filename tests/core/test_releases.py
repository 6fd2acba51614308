"""Names, states and evidence: tables of cases."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import pytest

from airflow_dataops.core.errors import ConfigurationError, IllegalTransition
from airflow_dataops.core.relations import check_name
from airflow_dataops.core.releases import (
    TRANSITIONS,
    Action,
    Evidence,
    GateRef,
    Operation,
    ReleaseName,
    State,
    check_dataset,
    missing_evidence,
    op_id,
    shown_state,
    transition,
)
from airflow_dataops.core.verdicts import Verdict

R1 = ReleaseName(dataset="a.b", number=1)
GATE = GateRef(dag_id="d", task_id="gate")


def evidence(sequence: int = 1, **more: object) -> Evidence:
    values: dict[str, object] = {
        "gate": GATE,
        "sequence": sequence,
        "run_id": "run",
        "map_index": -1,
        "dataset": "a.b",
        "release": 1,
        "fingerprint": "f",
        "verdict": Verdict.PASS,
        "suite_hash": "h",
    }
    return Evidence(**(values | more))


def test_a_release_is_written_and_read_as_one_string() -> None:
    assert str(ReleaseName.parse(" sales.orders@r42 ")) == "sales.orders@r42"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("sales.orders", "expected 'dataset@r42'"),
        ("sales.orders@42", "expected 'dataset@r42'"),
        (["a.b@r1", "a.b@r2"], r"sequence of 2 values \(list\).*\.partial\(…\)\.expand\(release=stage\.output\)"),
        ({"release": "a.b@r1"}, "is a dict, not a string"),
        (None, "is a NoneType, not a string"),
        ("a'b; DROP TABLE x@r1", "cannot name a dataset"),
        ("a.b@r١", "expected 'dataset@r42'"),  # a digit, but none of ours
        ("a.b@r" + "9" * 30, "expected 'dataset@r42'"),
    ],
)
def test_anything_else_says_what_was_expected(value: object, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        ReleaseName.parse(value)


def test_a_release_set_is_a_list_of_them_and_one_by_itself_the_set_of_one() -> None:
    assert ReleaseName.parse_set("a.b@r1") == (ReleaseName.parse("a.b@r1"),)
    assert list(map(str, ReleaseName.parse_set(["a.b@r1", "a.c@r2"]))) == ["a.b@r1", "a.c@r2"]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([], r"release=\[\] names nothing: expected at least one"),
        (["a.b@r1", ["a.c@r1", "a.c@r2"]], "sequence of 2 values"),
        (["a.b"], "expected 'dataset@r42'"),
        ({"a.b@r1": 1}, "is a dict, not a string"),
        (None, "is a NoneType, not a string"),
    ],
)
def test_what_is_no_release_set_says_what_was_expected(value: object, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        ReleaseName.parse_set(value)


@pytest.mark.parametrize("name", ["orders", "sales.orders", "_x.y-1"])
def test_a_dataset_has_a_plain_name(name: str) -> None:
    assert check_dataset(name) == name


@pytest.mark.parametrize("name", ["", "a b", 'a"b', "a;b", "a.b.c", "1a", "a@r1", "ä", "x" * 201, 7, None])
def test_other_names_are_refused_with_the_way_out(name: object) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot name a dataset: use .* target="):
        check_dataset(name)


@pytest.mark.parametrize(("action", "state"), list(itertools.product(Action, State)))
def test_the_table_is_the_only_way(action: Action, state: State) -> None:
    allowed = TRANSITIONS.get(action, {}).get(state)
    if allowed is not None:
        assert transition(action, state, R1) is allowed
    elif action in TRANSITIONS:
        with pytest.raises(IllegalTransition, match=rf"a\.b@r1 is {state} and cannot {action}"):
            transition(action, state, R1)


def test_only_a_candidate_a_canary_or_a_reasoned_return_goes_live() -> None:
    to_live = {(a, s) for a, table in TRANSITIONS.items() for s, after in table.items() if after is State.LIVE}
    assert to_live == {
        (Action.PROMOTE, State.CANDIDATE),
        (Action.PROMOTE, State.CANARY),
        (Action.PROMOTE, State.SUPERSEDED),
        (Action.PROMOTE, State.ROLLED_BACK),
        (Action.RESTORE, State.SUPERSEDED),
        (Action.ADOPT, State.RETIRED),  # the plain table that was handed back, which readers read already
    }


def test_an_operation_is_the_same_on_every_retry_and_no_other() -> None:
    assert op_id("d", "r", "t", -1, "promote", R1) == op_id("d", "r", "t", -1, "promote", "a.b@r1")
    assert op_id("d", "r", "t", -1, "promote", R1) != op_id("d", "r", "t", 1, "promote", R1)
    assert op_id("a", "bc") != op_id("ab", "c")


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ([evidence()], None),
        ([evidence(verdict=Verdict.WARN)], None),
        ([], "gate d.gate has not run on a.b@r1"),
        ([evidence(release=2)], "gate d.gate has not run on a.b@r1"),
        ([evidence(verdict=Verdict.FAIL)], "gate d.gate says FAIL"),
        ([evidence(verdict=Verdict.ERROR)], "gate d.gate says ERROR"),
        ([evidence(1, verdict=Verdict.FAIL), evidence(2)], None),
        ([evidence(1), evidence(2, verdict=Verdict.FAIL)], "gate d.gate says FAIL"),
        ([evidence(1), evidence(2, release=2, verdict=Verdict.FAIL)], None),
        ([evidence(1, map_index=0), evidence(2, map_index=1, verdict=Verdict.FAIL)], "gate d.gate says FAIL"),
        ([evidence(fingerprint="other")], "gate d.gate judged other data"),
        ([evidence(dataset=None, release=None, fingerprint=None)], None),
        ([evidence(dataset=None, release=None, run_id="another")], "gate d.gate has not run on a.b@r1"),
        ([evidence(dataset="c.d", verdict=Verdict.FAIL)], "gate d.gate says FAIL"),
    ],
)
def test_evidence_counts_for_this_release_and_content(given: list[Evidence], missing: str | None) -> None:
    lines = missing_evidence([GATE], given, release=R1, fingerprint="f", run_id="run")
    assert (lines[0] if lines else None) == (missing and next(line for line in lines if line.startswith(missing)))


@pytest.mark.parametrize(
    ("state", "given", "shown"),
    [
        (State.CANDIDATE, [], "CANDIDATE"),
        (State.CANDIDATE, [evidence()], "VALIDATED"),
        (State.CANDIDATE, [evidence(verdict=Verdict.FAIL)], "REJECTED"),
        (State.CANDIDATE, [evidence(1, verdict=Verdict.FAIL), evidence(2)], "VALIDATED"),
        (State.CANDIDATE, [evidence(fingerprint="old")], "CANDIDATE"),
        (State.LIVE, [evidence(verdict=Verdict.FAIL)], "LIVE"),
    ],
)
def test_validated_and_rejected_are_derived(state: State, given: list[Evidence], shown: str) -> None:
    assert shown_state(state, given, "f") == shown


@pytest.mark.parametrize("name", ["sales.orders", "Sales Orders", "a'b; DROP TABLE x", "é.ü", "a.b.c"])
def test_whatever_can_be_quoted_can_name_a_table(name: str) -> None:
    assert check_name("target", name) == name


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "a part of it is empty"),
        ("a.", "a part of it is empty"),
        ("x" * 201, "it has 201 characters, and 200 are allowed"),
        ("a\x00b", r"relation='a\\x00b' cannot name a table: it holds a character that cannot be"),
        ("a\nb", "a character that cannot be printed"),
        ("a\u202eb", "a character that cannot be printed"),
        ("\ud800", "a character that cannot be printed"),
        (7, "relation is a int, not a text"),
    ],
)
def test_what_cannot_name_a_table_says_why(name: object, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        check_name("relation", name)


@pytest.mark.parametrize(("reason", "said"), [("a\x00b", "be kept"), ("\udfff", "be kept"), (7, "is a int")])
def test_a_reason_is_a_text_that_can_be_kept(reason: object, said: str) -> None:
    now = datetime(2013, 1, 1, tzinfo=UTC)
    assert Operation(op_id="1", by="ada", now=now, reason="two\nlines").reason == "two\nlines"
    with pytest.raises(ConfigurationError, match=said):
        Operation(op_id="1", by="ada", now=now, reason=reason)  # type: ignore[arg-type]
