"""The same random tables in every engine of ours: the same outcome, counts and observed values of every check."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from tests.agreement.apart import APART, REFERENCE, Pair
from tests.agreement.checks import GENERATORS, random_checks
from tests.agreement.comparing import between_ours
from tests.agreement.engines import ENGINES, kept, ours
from tests.agreement.tables import random_table
from tests.agreement.trial import shown, suite_of
from tests.agreement.witnesses import APART_WITNESSES

TABLES = int(os.environ.get("AGREEMENT_TABLES", "12"))
FIRST = int(os.environ.get("AGREEMENT_SEED", "0"))
OTHERS = [engine for engine in ENGINES if engine != REFERENCE]


def pairs(place, table, asked, engine):
    """Yield each check's results on the reference and on another engine, where both have one."""
    suite = suite_of(asked)
    results = zip(asked, ours(REFERENCE, table, suite, place), ours(engine, table, suite, place), strict=True)
    for one, reference, result in results:
        if reference is not None and result is not None:
            yield Pair(table, one, engine, reference, result)


@pytest.fixture
def spark_session(spark_connect_url):
    """Yield a session in which names are quoted as everywhere else."""
    from pyspark.sql import SparkSession

    session = SparkSession.builder.remote(spark_connect_url).create()
    session.conf.set("spark.sql.ansi.doubleQuotedIdentifiers", "true")
    session.conf.set("spark.sql.session.timeZone", "UTC")
    yield session
    session.stop()


@pytest.mark.parametrize("engine", OTHERS)
def test_our_engines_say_the_same(place, engine, request):
    tables = TABLES
    if engine == "mysql":
        place = replace(place, mysql=request.getfixturevalue("mysql_url"))
    elif engine == "spark":
        place, tables = replace(place, spark=request.getfixturevalue("spark_session")), -(-TABLES // 3)
    failures, compared = [], Counter()
    for seed in range(FIRST, FIRST + tables):
        random = Random(seed)
        table = kept(engine, random_table(random))
        for pair in pairs(place, table, random_checks(random, table, len(GENERATORS)), engine):
            compared[engine] += 1
            why = between_ours(pair.table, pair.asked, pair.reference, pair.result)
            if why and not any(apart.applies(pair) for apart in APART.values()):
                failures.append(
                    f"seed {seed}, {engine}: {why}\n  {pair.asked.kind} {pair.asked.kwargs}\n"
                    f"  {REFERENCE}: {pair.reference.outcome}: {pair.reference.message}\n"
                    f"  {engine}: {pair.result.outcome}: {pair.result.message}\n{shown(table, pair.asked)}"
                )
    told = "\n\n".join(failures[:10])
    assert not failures, f"{len(failures)} contradictions:\n{told}"
    assert compared[engine] >= tables * (len(GENERATORS) - 10)


@pytest.mark.parametrize("name", APART)
def test_each_difference_between_engines_is_a_real_one(place, name):
    engine, table, asked = APART_WITNESSES[name]
    (pair,) = pairs(place, table, [asked], engine)
    assert between_ours(table, asked, pair.reference, pair.result)
    assert APART[name].applies(pair)
