"""Trials of our results against Great Expectations': every contradiction is a rule's, or a failure to report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random

from airflow_dataops.core.checks import Check, Suite
from airflow_dataops.core.results import CheckResult
from tests.agreement.asked import Asked
from tests.agreement.checks import OURS_ALONE, random_checks
from tests.agreement.comparing import contradiction, shrunk
from tests.agreement.differences import RULES
from tests.agreement.engines import Place, ours
from tests.agreement.excuses import Case
from tests.agreement.tables import Table, random_table
from tests.agreement.theirs import GX_ENGINES, GreatExpectations, Said


@dataclass(frozen=True)
class Failure:
    """A contradiction that no rule excuses.

    :param origin: where it comes from, so that it can be had again: the seed.
    """

    origin: str
    case: Case

    def __str__(self) -> str:
        table, asked, said = self.case.table, self.case.asked, self.case.said
        return (
            f"{self.origin}, {self.case.engine}: {self.case.why[:200]}\n  {asked.kind} {asked.kwargs}\n"
            f"  ours: {self.case.ours.outcome}: {self.case.ours.message}\n"
            f"  GX:   {'holds' if said.success else 'does not hold'}, {str(said.raised or said.result)[:300]}\n"
            f"{shown(table, asked)}"
        )


def shown(table: Table, asked: Asked) -> str:
    """Return the columns that a check names, as a person reads them."""
    columns = [column for column in table.columns if column.name in asked.named]
    lines = (f"    {column.name!r} {column.type}: {str(list(column.values))[:400]}" for column in columns)
    return "\n".join((f"  {table.rows} rows", *lines))


@dataclass
class Tally:
    """What was compared, and what nobody excuses."""

    compared: Counter[str] = field(default_factory=Counter)
    used: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)


def suite_of(asked: Sequence[Asked]) -> Suite:
    """Return the checks as a suite, each with a name of its own."""
    checks = (Check(kind=one.kind, kwargs=one.kwargs, name=str(index)) for index, one in enumerate(asked))
    return Suite(name="agreement", checks=tuple(checks))


class Trial:
    """One table and its checks, before GX and our engines."""

    def __init__(self, gx: GreatExpectations, place: Place, table: Table, asked: Sequence[Asked], origin: str) -> None:
        self.gx, self.place, self.table, self.asked, self.origin = gx, place, table, asked, origin
        self._said: dict[str, list[Said]] = {}
        self._ours: dict[str, list[CheckResult | None]] = {}

    @classmethod
    def random(cls, gx: GreatExpectations, place: Place, seed: int, checks: int) -> Trial:
        """Return the trial that ``seed`` stands for."""
        random = Random(seed)
        table = random_table(random)
        return cls(gx, place, table, random_checks(random, table, checks), f"seed {seed}")

    def said(self, engine: str) -> list[Said]:
        """Return what GX says of each check on an engine."""
        if engine not in self._said:
            self._said[engine] = self.gx.say(engine, self.table, self.asked)
        return self._said[engine]

    def ours(self, engine: str) -> list[CheckResult | None]:
        """Return what our engine says of each check."""
        if engine not in self._ours:
            self._ours[engine] = ours(engine, self.table, suite_of(self.asked), self.place)
        return self._ours[engine]

    def case(self, engine: str, index: int) -> Case | None:
        """Return one check on one engine; ``None`` where either side has nothing to say."""
        asked, result = self.asked[index], self.ours(engine)[index]
        if result is None or asked.kind in OURS_ALONE or "order_by" in asked.kwargs:
            return None
        return Case(self.table, asked, engine, result, self.said(engine)[index])

    def tell(self, tally: Tally) -> None:
        """Add what came of it to ``tally``."""
        for engine in GX_ENGINES:
            for index in range(len(self.asked)):
                case = self.case(engine, index)
                if case is None:
                    continue
                tally.compared[engine] += 1
                rules: list[str] = []
                left = self.unexcused(case, index, rules)
                if left:  # a metric that GX kept from another check of the run is not an answer: ask for this one alone
                    alone = Trial(self.gx, self.place, self.table, [self.asked[index]], self.origin)
                    left = alone.unexcused(replace(case, said=alone.said(engine)[0]), 0, rules)
                tally.used.update(rules)
                if left:
                    tally.failures.append(Failure(self.origin, left))

    def unexcused(self, case: Case, index: int, rules: list[str]) -> Case | None:
        """Return the contradiction that no rule excuses; ``rules`` gets the names of those that were used."""
        why = contradiction(case.table, case.asked, case.ours, case.said)
        if why is None:
            return None
        case = replace(case, why=why)
        name = next((name for name, rule in RULES.items() if rule.applies(case)), None)
        if name is None:
            return case
        rule, again = RULES[name], name in rules
        rules.append(name)
        if rule.instead is None or again:  # nobody is left to ask
            return None
        plain = case.plain or rule.instead == "plain"
        engine = case.engine if rule.instead == "plain" else rule.instead
        said = self.plainly(engine, index) if plain else self.said(engine)[index]
        return self.unexcused(replace(case, engine=engine, said=said, plain=plain), index, rules)

    def plainly(self, engine: str, index: int) -> Said:
        """Return what GX says of a check where the columns have plain names."""
        names = {name: f"c{number}" for number, name in enumerate(self.table.names)}
        table = Table(tuple(replace(column, name=names[column.name]) for column in self.table.columns))
        return self.gx.say(engine, table, [self.asked[index].renamed(names)])[0]

    def smaller(self, failure: Failure) -> Failure:
        """Return the failure on the smallest table that still shows one."""
        asked, engine = failure.case.asked, failure.case.engine

        def fails(table: Table) -> Failure | None:
            tally = Tally()
            trial = Trial(self.gx, self.place, table, [asked], failure.origin)
            trial.tell(tally)
            return next((one for one in tally.failures if one.case.engine == engine), None)

        return fails(shrunk(self.table, asked, lambda table: fails(table) is not None)) or failure
