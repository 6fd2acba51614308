from __future__ import annotations

from datetime import date

from airflow_dataops.core.checks import Check, Suite
from airflow_dataops.core.verdicts import Severity

CHECK = Check(
    kind="expect_column_values_to_be_between",
    kwargs={"column": "amount", "min_value": 0, "mostly": 0.9},
    severity=Severity.WARNING,
    name="amounts",
    meta={"notes": "Ask."},
)


def test_a_check_and_a_suite_come_back_as_they_went():
    assert Check.from_dict(CHECK.to_dict()) == CHECK
    suite = Suite(name="s", checks=(CHECK,))
    assert Suite.from_dict(suite.to_dict()) == suite
    assert list(suite) == [CHECK]


def test_a_checks_id_is_its_place_and_not_its_numbers():
    other = {"column": "amount", "min_value": 5}
    assert Check(kind=CHECK.kind, kwargs=other, name="amounts").id == CHECK.id
    assert Check(kind=CHECK.kind, kwargs=other).id != CHECK.id
    assert Check(kind=CHECK.kind, kwargs={**other, "column": "paid"}, name="amounts").id != CHECK.id


def test_a_suites_hash_is_its_rules_and_not_its_name():
    suite = Suite(name="s", checks=(CHECK,))
    assert Suite(name="t", checks=(CHECK,)).hash == suite.hash
    stricter = Check.from_dict({**CHECK.to_dict(), "kwargs": {"column": "amount", "min_value": 1}})
    assert Suite(name="s", checks=(stricter,)).hash != suite.hash


def test_a_check_does_not_change_with_what_it_was_made_of():
    kwargs = {"column": "amount", "min_value": date(2013, 1, 1)}
    check = Check(kind=CHECK.kind, kwargs=kwargs)
    kwargs["column"] = "paid"
    assert check.columns == ("amount",)
    assert check.label == "amount: to be between (min_value '2013-01-01')"
    assert CHECK.label == "amounts"
    assert len({check, check, CHECK}) == 2
