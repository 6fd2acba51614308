"""Random suites over random tables: Great Expectations and we say the same, or the difference is named and intended.

``AGREEMENT_TABLES`` sets how many tables are tried, ``AGREEMENT_SEED`` which is the first: a failure names its seed.
"""

from __future__ import annotations

import os
import time

import pytest

from airflow_dataops.core.vocabulary import VOCABULARY
from tests.agreement import page
from tests.agreement.checks import ELSEWHERE, GENERATORS, OURS_ALONE
from tests.agreement.differences import RULES
from tests.agreement.trial import Tally, Trial
from tests.agreement.witnesses import WITNESSES

TABLES = int(os.environ.get("AGREEMENT_TABLES", "16"))
FIRST = int(os.environ.get("AGREEMENT_SEED", "0"))
CHECKS = len(GENERATORS)  # of each type one, for each table
# Three engines' worth of them, less those that GX has not, or not there.
LEAST = TABLES * 130


@pytest.fixture(scope="module")
def tally(gx, place):
    tally, started = Tally(), time.perf_counter()
    for seed in range(FIRST, FIRST + TABLES):
        trial, before = Trial.random(gx, place, seed, CHECKS), len(tally.failures)
        trial.tell(tally)
        if before < len(tally.failures) <= 5:
            tally.failures[before:] = [trial.smaller(failure) for failure in tally.failures[before:]]
    print(f"\n{sum(tally.compared.values()):,} results compared with GX in {time.perf_counter() - started:.0f} s")
    return tally


def test_every_type_is_compared():
    assert set(VOCABULARY) == set(GENERATORS) | set(ELSEWHERE), "write a generator in tests/agreement/checks.py"
    assert set(GENERATORS) >= OURS_ALONE


def test_gx_says_the_same_or_the_difference_is_intended(tally):
    told = "\n\n".join(str(failure) for failure in tally.failures[:10])
    assert not tally.failures, f"{len(tally.failures)} contradictions:\n{told}"


def test_thousands_are_compared(tally):
    assert sum(tally.compared.values()) >= LEAST, tally.compared


@pytest.mark.parametrize("name", RULES)
def test_each_difference_is_a_real_one(gx, place, name):
    engine, table, asked = WITNESSES[name]
    trial, rules = Trial(gx, place, table, [asked], name), []
    case = trial.case(engine, 0)
    assert case is not None
    left = trial.unexcused(case, 0, rules)
    assert left is None, left
    assert name in rules, f"GX and we say the same: {case.ours.message}; {case.said}"


def test_the_page_tells_the_differences():
    text = page.PAGE.read_text(encoding="utf-8")
    assert text == page.rewritten(text), "run: python -m tests.agreement"
