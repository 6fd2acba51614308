"""Results cross borders whole, and fit where they must fit."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from airflow_dataops.core.checks import Check, Suite
from airflow_dataops.core.results import COMPACT_BYTES, CheckResult, GateResult, Statement
from airflow_dataops.core.verdicts import Outcome, Severity, Verdict

text = st.text(max_size=900)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)
checks = st.builds(
    Check,
    kind=st.just("expect_column_values_to_not_be_null"),
    kwargs=st.fixed_dictionaries({"column": text}),
    severity=st.sampled_from(Severity),
    name=st.none() | text.filter(bool),
    meta=st.dictionaries(st.just("notes"), text),
)
counts = st.none() | st.integers(0, 10**12)
results = st.builds(
    CheckResult,
    check=checks,
    outcome=st.sampled_from(Outcome),
    observed=json_values,
    expected=text,
    unexpected_count=counts,
    element_count=counts,
    message=text,
    failing_rows_sql=st.none() | text,
)
gate_results = st.builds(
    GateResult,
    suite=text,
    suite_hash=st.just("0123456789abcdef"),
    source=text,
    results=st.lists(results, max_size=60).map(tuple),
    statements=st.lists(st.builds(Statement, sql=text, seconds=st.just(0.5), metrics=st.just(3)), max_size=3).map(
        tuple
    ),
    row_count=counts,
    fingerprint=st.none() | text,
)


@given(gate_results)
def test_a_result_comes_back_from_json_as_it_was(result: GateResult) -> None:
    assert GateResult.from_dict(json.loads(json.dumps(result.to_dict()))) == result


@given(gate_results)
def test_the_compact_result_never_exceeds_its_cap_and_counts_what_it_leaves_out(result: GateResult) -> None:
    compact = result.compact(gate_run=7)
    assert len(json.dumps(compact).encode()) <= COMPACT_BYTES
    assert len(compact["not_held"]) + compact["left_out"] == len(result.not_held)
    assert sum(compact["checks"].values()) == len(result.results)


@given(st.lists(checks, max_size=5).map(tuple))
def test_a_suite_comes_back_and_its_hash_says_its_content(made: tuple[Check, ...]) -> None:
    suite = Suite(name="s", checks=made)
    again = Suite.from_dict(json.loads(json.dumps(suite.to_dict())))
    assert again == suite
    assert again.hash == Suite(name="another name", checks=made).hash


def test_editing_a_threshold_keeps_a_checks_history() -> None:
    def between(**numbers: object) -> Check:
        return Check(kind="expect_column_values_to_be_between", kwargs={"column": "a", **numbers})

    assert between(min_value=1).id == between(min_value=2, mostly=0.5).id
    assert between(min_value=1).id != Check(kind="expect_column_values_to_be_between", kwargs={"column": "b"}).id


def test_no_evaluated_check_is_an_error_and_failures_come_first() -> None:
    check = Check(kind="expect_column_to_exist", kwargs={"column": "a"})
    assert GateResult(suite="s", suite_hash="h", source="x", results=()).verdict is Verdict.ERROR
    mixed = tuple(
        CheckResult(check=check, outcome=o) for o in (Outcome.PASS, Outcome.WARN, Outcome.FAIL, Outcome.ERROR)
    )
    result = GateResult(suite="s", suite_hash="h", source="x", results=mixed)
    assert [r.outcome for r in result.results] == [Outcome.FAIL, Outcome.ERROR, Outcome.WARN, Outcome.PASS]
    assert result.verdict is Verdict.FAIL


def test_as_text_a_result_says_what_is_wrong_once_and_what_to_do() -> None:
    failing = CheckResult(
        check=Check(kind="expect_column_to_exist", kwargs={"column": "a"}, name="agreed", meta={"notes": "Call them."}),
        outcome=Outcome.FAIL,
        message="a: there is no such column",
    )
    unmeasured = [
        CheckResult(check=Check(kind="k", kwargs={"column": c}), outcome=Outcome.ERROR, message="no table t")
        for c in "bcd"
    ]
    result = GateResult(suite="s", suite_hash="h", source="x", results=(failing, *unmeasured), row_count=1200)
    assert str(result).splitlines() == [
        "FAIL (suite s, 1,200 rows, 0 statements, 0.00 s)",
        "  FAIL  agreed: a: there is no such column",
        "        what to do: Call them.",
        "  ERROR  no table t",
        "  0 of 4 checks passed",
    ]
    assert repr(result) == "<GateResult FAIL: agreed: a: there is no such column; no table t>"
