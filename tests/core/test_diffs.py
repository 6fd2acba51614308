"""A diff crosses borders whole, is readable whatever it names, and is judged by its policy alone."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from airflow_dataops.core.diff_policy import DiffPolicy, FailOn
from airflow_dataops.core.diff_words import code, headline_of
from airflow_dataops.core.diffs import ColumnDifference, Diff, KeyCounts, SampledKey, read_key
from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.core.releases import ReleaseName
from airflow_dataops.core.results import COMPACT_BYTES, Statement
from airflow_dataops.core.schema_changes import ColumnChange, ColumnEvent

R2 = ReleaseName(dataset="nyc.flights", number=2)
DROPPED = ColumnChange(
    event=ColumnEvent.DROPPED, column="b", detail="was text", breaking=True, why="who reads it fails"
)
ADDED = ColumnChange(event=ColumnEvent.ADDED, column="c", detail="text", breaking=False, why="nobody reads it yet")
KEYED = Diff(
    release=R2,
    base=1,
    fingerprint="f2",
    rows=1_060,
    base_rows=1_000,
    schema=(DROPPED, ADDED),
    key=("id",),
    keys=KeyCounts(added=62, removed=2, changed=8, same=990),
    columns=(
        ColumnDifference(column="amount", changed=8),
        ColumnDifference(column="day", changed=0),
        ColumnDifference(column="payload", changed=None, reason="json has no equality"),
    ),
)
UNKEYED = replace(KEYED, key=(), keys=None, columns=(), schema=())
FIRST = Diff(release=R2, base=None, fingerprint="f2", rows=1_060)

text = st.text(max_size=60) | st.text(max_size=3).map(lambda part: part * 150)
count = st.integers(0, 10**12)
diffs = st.builds(
    Diff,
    release=st.just(R2),
    base=st.none() | st.integers(0, 99),
    fingerprint=text,
    rows=count,
    base_rows=st.none() | count,
    schema=st.lists(
        st.builds(
            ColumnChange,
            event=st.sampled_from(ColumnEvent),
            column=text,
            detail=text,
            breaking=st.booleans(),
            why=text,
        ),
        max_size=12,
    ).map(tuple),
    key=st.lists(text, max_size=2).map(tuple),
    keys=st.none() | st.builds(KeyCounts, added=count, removed=count, changed=count, same=count),
    obstacles=st.lists(text, max_size=3).map(tuple),
    columns=st.lists(
        st.builds(ColumnDifference, column=text, changed=st.none() | st.integers(0, 5), reason=text), max_size=12
    ).map(tuple),
    samples=st.lists(
        st.builds(
            SampledKey,
            event=st.sampled_from(["added", "changed"]),
            values=st.lists(st.none() | text | st.integers() | st.booleans(), max_size=2).map(tuple),
            columns=st.lists(text, max_size=2).map(tuple),
        ),
        max_size=3,
    ).map(tuple),
    policy=st.lists(text, max_size=3).map(tuple),
    refused=st.lists(text, max_size=3).map(tuple),
    statements=st.lists(st.builds(Statement, sql=text, seconds=st.just(0.5), metrics=st.just(3)), max_size=2).map(
        tuple
    ),
)


@settings(max_examples=30)
@given(diffs)
def test_a_diff_comes_back_from_json_as_it_was(diff: Diff) -> None:
    assert Diff.from_dict(json.loads(json.dumps(diff.to_dict()))) == diff


@settings(max_examples=30)
@given(diffs)
def test_the_compact_diff_never_exceeds_its_cap_and_counts_what_it_leaves_out(diff: Diff) -> None:
    told = diff.compact(number=7)
    assert len(json.dumps(told).encode()) <= COMPACT_BYTES
    shown = sum(len(told[name]) for name in ("refused", "schema", "columns"))
    whole = len(diff.refused) + len(diff.schema) + len(diff.changed_columns)
    assert shown + told["left_out"] == whole


@settings(max_examples=30, phases=[Phase.generate])  # to shrink one takes minutes
@given(diffs, st.integers(1, 9))
def test_markdown_has_no_more_lines_than_asked_for_and_none_that_names_make(diff: Diff, limit: int) -> None:
    lines = diff.markdown(limit=limit).splitlines()
    assert len(lines) <= 5 * (limit + 1) + 12
    assert all(
        line.startswith(("### nyc.flights@r2", "- ", "  - ", "|", "Nothing of")) or _counts(line) for line in lines
    )


def _counts(line: str) -> bool:
    return not line or line.endswith(("changed.", "columns.", "column."))


def test_markdown_of_a_diff_reads() -> None:
    assert KEYED.markdown().splitlines() == [
        "### nyc.flights@r2 against nyc.flights@r1",
        "",
        "- rows: 1,000 → 1,060 (+60, 6 % more)",
        "- schema: 2 changes, 1 breaking",
        "  - **breaking** `b` dropped (`was text`): who reads it fails",
        "  - `c` added (`text`): nobody reads it yet",
        "- keys (`id`): 62 added, 2 removed, 8 changed, 990 the same (7.2 % of the live keys)",
        "- not compared: `payload`: json has no equality",
        "",
        "| column | changed | of 998 rows |",
        "|---|---:|---:|",
        "| `amount` | 8 | 0.802 % |",
        "",
        "no difference in 1 column.",
    ]
    assert "keys: not compared, as no key was given" in UNKEYED.markdown()
    grown = replace(KEYED, keys=KeyCounts(added=1, removed=0, changed=0, same=19))
    passed = policy("removed_keys", max_changed=0.1).judged(grown)
    assert "- nothing is refused by `removed_keys`, `max_changed=0.1`\n" in passed.markdown()
    assert "was live before it, so there is nothing to compare with: 1,060 rows." in FIRST.markdown()
    keyless = DiffPolicy().judged(replace(KEYED, keys=None, obstacles=("key id is null in 1 of 2 rows",)))
    assert keyless.markdown().count("key id is null in 1 of 2 rows") == 1
    assert "- keys: not compared, as `id` does not tell rows apart" in keyless.markdown()


def test_raw_values_are_in_markdown_only_where_asked_for() -> None:
    key = SampledKey(event="changed", values=("ada@example.org", 7), columns=("amount",))
    sampled = replace(KEYED, samples=(key,))
    assert "ada" not in sampled.markdown()
    assert "ada" not in json.dumps(sampled.compact(number=1))
    assert sampled.markdown(samples=True).endswith("- changed `ada@example.org`, `7` in `amount`")


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("a", "`a`"),
        ("a`b", "``a`b``"),
        ("`", "`` ` ``"),
        ("a\n# b", "`a # b`"),
        ("", "`  `"),
        ("x" * 200, f"`{'x' * 119}…`"),
        ("<b>|", "`<b>\\|`"),
    ],
)
def test_a_name_is_code_and_no_markup(raw: str, shown: str) -> None:
    assert code(raw, in_table=True) == shown


def test_hostile_reasons_are_text() -> None:
    hostile = replace(KEYED, refused=("any_schema: [x](http://evil) <img src=x> dropped",))
    assert "\\[x\\](http://evil) \\<img src=x\\> dropped" in hostile.markdown()


@pytest.mark.parametrize(
    ("diff", "line"),
    [
        (KEYED, "keys: 62 added, 2 removed, 8 changed; 1 breaking change of the schema"),
        (replace(KEYED, keys=KeyCounts(added=0, removed=0, changed=0, same=9), schema=()), "no key differs"),
        (replace(UNKEYED, schema=(ADDED,)), "1,000 → 1,060 (+60, 6 % more); 1 change of the schema, none breaking"),
        (replace(UNKEYED, base_rows=1_060), "1,060 rows, as many as before"),
        (FIRST, "first release: 1,060 rows"),
    ],
)
def test_headline(diff: Diff, line: str) -> None:
    assert headline_of(diff) == line


def policy(*fail_on: str, max_changed: object = None) -> DiffPolicy:
    return DiffPolicy.read(list(fail_on), max_changed, key=["id"])


@pytest.mark.parametrize(
    ("diff", "rules", "refused"),
    [
        (KEYED, policy(), []),
        (KEYED, policy("breaking_schema"), ["breaking_schema: b dropped"]),
        (KEYED, policy("any_schema"), ["any_schema: b dropped; c added"]),
        (replace(KEYED, schema=(ADDED,)), policy("breaking_schema"), []),
        (KEYED, policy("added_keys"), ["added_keys: 62 keys added, of 1,000 that are live"]),
        (KEYED, policy("removed_keys"), ["removed_keys: 2 keys removed, of 1,000 that are live"]),
        (KEYED, policy("changed_keys"), ["changed_keys: 8 keys changed, of 1,000 that are live"]),
        (replace(KEYED, keys=KeyCounts(added=1, removed=0, changed=0, same=9)), policy("removed_keys"), []),
        (KEYED, policy("not_compared"), ["not_compared: payload (json has no equality)"]),
        (KEYED, policy("fewer_rows"), []),
        (replace(KEYED, rows=999), policy("fewer_rows"), ["fewer_rows: 1 row fewer than the 1,000 that are live"]),
        (KEYED, policy(max_changed=0.072), []),
        (
            KEYED,
            policy(max_changed=0.07),
            ["max_changed=0.07: 72 against 1,000 live keys (7.2 %): 62 added, 2 removed, 8 changed"],
        ),
        (UNKEYED, policy(max_changed=0.06), []),
        (UNKEYED, policy(max_changed="0.05"), ["max_changed=0.05: 60 against 1,000 live rows (6 %): +60 rows"]),
        (
            replace(UNKEYED, rows=900),
            policy(max_changed=0),
            ["max_changed=0: 100 against 1,000 live rows (10 %): -100 rows"],
        ),
        (
            replace(UNKEYED, base_rows=0),
            policy(max_changed=1),
            ["max_changed=1: 1,060 against 0 live rows: +1,060 rows"],
        ),
        (replace(UNKEYED, rows=0, base_rows=0), policy(max_changed=0), []),
        (replace(UNKEYED, rows=129, base_rows=100), policy(max_changed=0.29), []),
        # A key that is none is refused whatever the policy, once.
        (replace(KEYED, keys=None, obstacles=("no key",)), policy("removed_keys", max_changed=0), ["no key"]),
        (FIRST, policy(*FailOn, max_changed=0), []),
    ],
)
def test_what_a_policy_refuses(diff: Diff, rules: DiffPolicy, refused: list[str]) -> None:
    judged = rules.judged(diff)
    assert list(judged.refused) == refused
    assert judged.outcome == ("REFUSED" if refused else "PASS" if rules != DiffPolicy() else "COMPARED")


@pytest.mark.parametrize(
    ("fail_on", "max_changed", "key", "said"),
    [
        ("breaking_schema", None, ["id"], "fail_on='breaking_schema' must be a list of breaking_schema, any_schema"),
        (["breaking"], None, ["id"], "fail_on: 'breaking' is not known; expected some of breaking_schema"),
        ([3], None, ["id"], "fail_on: 3 is not known"),
        (None, None, ["id"], "fail_on=None must be a list"),
        (["removed_keys", "any_schema"], None, [], "fail_on=['removed_keys'] needs key="),
        ([], 5, [], "max_changed=5: expected a share from 0 to 1, such as 0.05 for 5 %"),
        ([], -0.1, [], "max_changed=-0.1"),
        ([], True, [], "max_changed=True"),
        ([], "5 %", [], "max_changed='5 %'"),
        ([], "nan", [], "max_changed='nan'"),
        ([], [0.1], [], "max_changed=[0.1]"),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused(
    fail_on: object, max_changed: object, key: list[str], said: str
) -> None:
    with pytest.raises(ConfigurationError) as raised:
        DiffPolicy.read(fail_on, max_changed, key=key)
    assert said in str(raised.value)


@pytest.mark.parametrize(("given_as", "key"), [(None, ()), ("id", ("id",)), (["a", "b"], ("a", "b")), ((), ())])
def test_a_key_is_a_name_or_several(given_as: object, key: tuple[str, ...]) -> None:
    assert read_key(given_as) == key


@pytest.mark.parametrize("wrong", ["", ["a", ""], [1], 7, {"a": 1}, ["a", "A"]])
def test_a_key_that_is_none_is_refused(wrong: object) -> None:
    with pytest.raises(ConfigurationError, match="key="):
        read_key(wrong)
