"""Who says that a statement is theirs, and by how much counters have grown."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from airflow_dataops.core.harvest import MARK, Ran, grown, named_in


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("SELECT 1", None),
        ("SELECT '-- Metabase:: userID: 1'", None),
        ("/* just a note */ SELECT 1", None),
        ("-- it's a note\nSELECT 1", None),
        ('/* {"app": "dbt", "node_id": "model.shop.orders"} */ SELECT 1', "dbt model.shop.orders"),
        ('SELECT 1\n/* {"app": "dbt", "profile_name": "shop"} */;', "dbt shop"),
        ('/* {"app": "other"} */ SELECT 1', None),
        ("/* [1] */ SELECT 1", None),
        ("/* {broken */ SELECT 1", None),
        ("SELECT 1 /*application='shop',route='%2Fcheckout'*/", "shop /checkout"),
        ("SELECT 1 /*controller='carts',action='show',framework='rails'*/", "rails carts/show"),
        ("SELECT 1 /*dag_id='report',task_id='build'*/", "report.build"),
        ("-- Metabase:: userID: 12 queryType: native queryHash: ab\nSELECT 1", "Metabase user 12"),
        ('-- Looker Query Context \'{"user_id":7,"history_slug":"x"}\'\nSELECT 1', "Looker user 7"),
        ("-- 6dcd92a0\n-- user: a@b.c\n-- chart_id: 3\n-- dashboard_id: 9\nSELECT 1", "Superset dashboard 9"),
    ],
)
def test_a_comment_names_whose_a_statement_is(sql: str, named: str | None) -> None:
    assert named_in(sql) == named


def test_a_consumer_is_named_by_comment_else_application_else_role() -> None:
    told = {"role": "ana", "at": datetime(2026, 3, 1, tzinfo=UTC)}
    assert Ran(sql="SELECT 1", **told).consumer == "ana"
    assert Ran(sql="SELECT 1", application="psql", **told).consumer == "psql (ana)"
    assert Ran(sql="SELECT 1 /*application='shop'*/", application="psql", **told).consumer == "shop"
    assert Ran(sql=f"SELECT 1\n{MARK}", **told).own
    assert Ran(sql="SELECT 1", application="airflow-dataops", **told).own
    assert not Ran(sql="SELECT 1", application="airflow", **told).own


def test_counters_grow_begin_anew_appear_and_vanish() -> None:
    assert grown({"same": 2, "more": 5, "anew": 1, "new": 4}, {"same": 2, "more": 3, "anew": 9, "gone": 8}) == {
        "more": 2,
        "anew": 1,
        "new": 4,
    }
