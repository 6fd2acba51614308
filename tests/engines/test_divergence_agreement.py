"""The KL divergence that counts make is the one that Great Expectations makes with numpy, on every engine.

Named difference: a column of nulls only fails here, and there is divided by zero.
"""

from __future__ import annotations

import contextlib
import math
import random
import sqlite3
import warnings

import pandas as pd
import psycopg
import pytest

from airflow_dataops import validate
from airflow_dataops.formats.suites import read_suite

KIND = "expect_column_kl_divergence_to_be_less_than"
INFINITY = math.inf


def weights(rng: random.Random, count: int, whole: float = 1.0) -> list[float]:
    """Return shares that sum to ``whole``, now and then one of them nothing."""
    drawn = [rng.choice((0.0, 1.0, 1.0, 2.0, 5.0)) for _ in range(count)]
    drawn[rng.randrange(count)] += 1.0
    return [whole * one / sum(drawn) for one in drawn]


def of_bins(rng: random.Random) -> dict:
    """Return a partition of bins, some with tails or infinite edges, and what may go with it."""
    edges: list[float] = sorted(rng.sample(range(-6, 7), rng.randint(2, 6)))
    left, right = rng.random() < 0.3, rng.random() < 0.3
    edges = [-INFINITY] * left + edges + [INFINITY] * right
    holdouts = {}
    if rng.random() < 0.4:
        holdouts["internal_weight_holdout"] = 0.1
    if not left and not right and rng.random() < 0.3:
        share = weights(rng, len(edges) - 1, 0.8)
        return {"partition_object": {"bins": edges, "weights": share, "tail_weights": [0.15, 0.05]}, **holdouts}
    if not (left and right) and rng.random() < 0.7:
        holdouts["tail_weight_holdout"] = rng.choice((0.05, 0.2))
    return {"partition_object": {"bins": edges, "weights": weights(rng, len(edges) - 1)}, **holdouts}


def of_values(rng: random.Random, values: list) -> dict:
    """Return a partition of some of the values, and of some that are not there."""
    chosen = rng.sample(values, rng.randint(1, len(values)))
    holdouts = {"tail_weight_holdout": rng.choice((0.05, 0.3))} if rng.random() < 0.7 else {}
    return {"partition_object": {"values": chosen, "weights": weights(rng, len(chosen))}, **holdouts}


def checks(rng: random.Random) -> list[dict]:
    """Return checks of a frame's three columns."""
    asked = [{"column": rng.choice(("real", "whole")), **of_bins(rng)} for _ in range(12)]
    asked += [{"column": "whole", **of_values(rng, [-2, -1, 0, 1, 2, 9])} for _ in range(6)]
    asked += [{"column": "word", **of_values(rng, ["a", "b", "c", "d", "Ü", "it's"])} for _ in range(6)]
    return [{"type": KIND, "kwargs": {"threshold": rng.choice((0.05, 0.3, 1, 3)), **one}} for one in asked]


def frame(rng: random.Random) -> pd.DataFrame:
    """Return rows with nulls, values on edges and values that occur once."""
    rows = rng.choice((1, 7, 60))
    return pd.DataFrame(
        {
            "real": [rng.choice((None, rng.gauss(0, 3), float(rng.randint(-6, 6)))) for _ in range(rows - 1)] + [0.5],
            "whole": [rng.randint(-3, 3) for _ in range(rows)],
            "word": [rng.choice(("a", "a", "a", "b", "c", "e", "f", "Ü", "it's", None)) for _ in range(rows - 1)]
            + ["a"],
        }
    )


SEEDS = range(8)
CASES = {seed: (frame(random.Random(seed)), checks(random.Random(seed))) for seed in SEEDS}


@pytest.fixture(scope="module")
def theirs() -> dict[int, list[dict]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what GX imports, and of numpy where a share is nothing
        import great_expectations as gx
        from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

        found = {}
        for seed, (rows, asked) in CASES.items():
            context = gx.get_context(mode="ephemeral")
            context.variables.progress_bars = {"globally": False, "metric_calculations": False}
            asset = context.data_sources.add_pandas("pandas").add_dataframe_asset("frame")
            batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": rows})
            expectations = [
                ExpectationConfiguration(**one, meta={"index": index}).to_domain_obj()
                for index, one in enumerate(asked)
            ]
            suite = gx.ExpectationSuite(name=f"suite {seed}", expectations=expectations)
            results = [one.to_json_dict() for one in batch.validate(suite).results]
            found[seed] = sorted(results, key=lambda one: one["expectation_config"]["meta"]["index"])
        return found


def ours(seed: int, data, **options) -> list[tuple[bool, float | None]]:
    suite = read_suite([{**one, "name": str(index)} for index, one in enumerate(CASES[seed][1])])
    results = sorted(validate(data, suite, **options).results, key=lambda one: int(one.check.name))
    assert {str(one.outcome) for one in results} <= {"PASS", "FAIL"}
    return [(str(one.outcome) == "PASS", one.observed) for one in results]


def same(mine: tuple[bool, float | None], success: bool, observed: float | None) -> bool:
    return mine == (success, observed if observed is None else pytest.approx(observed, abs=1e-9))


@pytest.mark.parametrize("seed", SEEDS)
def test_gx_says_the_same(theirs, seed):
    found = ours(seed, CASES[seed][0])
    for mine, one, asked in zip(found, theirs[seed], CASES[seed][1], strict=True):
        assert "observed_value" in one["result"], one["exception_info"]
        assert same(mine, one["success"], one["result"]["observed_value"]), (asked, mine, one["result"])


def test_the_cases_are_of_all_sorts(theirs):
    results = [one for seed in SEEDS for one in theirs[seed]]
    infinite = [one for one in results if one["result"]["observed_value"] is None]
    passed = [one for one in results if one["success"]]
    assert len(results) == 24 * len(SEEDS)
    assert min(len(infinite), len(passed), len(results) - len(infinite)) > 20


@pytest.mark.parametrize("seed", SEEDS[:4])
@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_every_engine_says_the_same(engine, seed, request, tmp_path):
    rows = [tuple(None if pd.isna(v) else v for v in row) for row in CASES[seed][0].itertuples(index=False)]
    rows = [(real, int(whole), word) for real, whole, word in rows]
    create = "CREATE TABLE t (real DOUBLE PRECISION, whole INTEGER, word TEXT)"
    url = request.getfixturevalue("postgres_url") if engine == "postgres" else f"sqlite:///{tmp_path / 'w.db'}"
    if engine == "postgres":
        with psycopg.connect(url) as connection:
            connection.execute(create)
            connection.cursor().executemany("INSERT INTO t VALUES (%s, %s, %s)", rows)
    else:
        with contextlib.closing(sqlite3.connect(tmp_path / "w.db")) as connection, connection:
            connection.execute(create)
            connection.executemany("INSERT INTO t VALUES (?, ?, ?)", rows)
    embedded = ours(seed, CASES[seed][0])
    assert all(same(mine, *other) for mine, other in zip(ours(seed, "t", connection=url), embedded, strict=True))


def test_a_row_condition_is_heeded_and_nulls_alone_fail():
    data = pd.DataFrame({"n": [1.0, 1.0, 5.0, None], "g": [1, 1, 2, 3]})
    coin = {"type": KIND, "column": "n", "threshold": 0.01, "partition_object": {"values": [1], "weights": [1]}}
    verdicts = [str(validate(data, [{**coin, "row_condition": f"g == {g}"}]).verdict) for g in (1, 2, 3)]
    assert verdicts == ["PASS", "FAIL", "FAIL"]
