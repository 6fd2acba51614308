"""What every figure must reach and what it aims at: the one table of both, and how a figure stands against it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Target:
    """A bound that must hold and, perhaps, a narrower one that is aimed at.

    :param most: whether the figure must be at most the bound, not at least.
    """

    must: float | None = None
    aim: float | None = None
    most: bool = True

    def met(self, value: float, bound: float | None) -> bool:
        """Whether ``value`` reaches ``bound``; none is always reached."""
        return bound is None or (value <= bound if self.most else value >= bound)


def _at_most(must: float | None, *, aim: float | None = None) -> Target:
    return Target(must=must, aim=aim)


def _at_least(must: float) -> Target:
    return Target(must=must, most=False)


# By the figure's key. Ours is measured against the fastest hand-written variant, and peers against ours.
TARGETS = {
    "postgres/ours": _at_most(1.2, aim=0.85),
    "postgres/gx": _at_least(3.0),
    "postgres/gx-boolean": _at_least(1.7),
    "postgres/soda": _at_least(2.0),
    "postgres/common-sql": _at_least(1.8),
    "duckdb/ours": _at_most(1.2, aim=1.0),
    "duckdb/soda": _at_least(1.6),
    "pandas/ours": _at_most(1.2, aim=1.0),
    "pandas/pandera": _at_least(2.5),
    "pandas/gx": _at_least(5.0),
    "polars/ours": _at_most(None, aim=1.1),
    "polars/pandera": _at_least(1.0),
    "parquet/pages": _at_most(0.0),
    "parquet/seconds": _at_most(None, aim=0.1),
    "failing/postgres": _at_most(2.0, aim=1.3),
    "failing/duckdb": _at_most(2.0, aim=1.3),
    "wide/scans": _at_most(1.0),
    "memory/postgres": _at_most(40.0),
    "memory/duckdb": _at_most(40.0),
    "import/ours": _at_most(0.1),
    "switching/view-own": _at_most(10.0),
    "switching/view-wait": _at_most(100.0),
    "switching/view-failed": _at_most(0.0),
    "switching/pointer-view-own": _at_most(10.0),
    "switching/pointer-view-wait": _at_most(100.0),
    "switching/pointer-view-failed": _at_most(0.0),
    "switching/new-wait": _at_most(100.0),
    "switching/new-failed": _at_most(0.0),
    "usage/answer": _at_most(500.0),
    "usage/prepared-nothing": _at_most(5.0),
    "usage/prepared-storing": _at_most(5.0),
    "usage/prepared-whole": _at_most(50.0),
}


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One row of the table.

    :param key: which target it stands against, if any.
    :param case: what was measured on, such as the engine and the rows.
    :param what: which of the variants.
    :param value: in ``unit``, which says against what: ``"x best by hand"``, ``"MB above Airflow"``.
    :param seconds: the median, where time is what was measured.
    """

    key: str
    case: str
    what: str
    value: float
    unit: str
    seconds: float | None = None

    @property
    def target(self) -> Target:
        """What it must reach; an empty target for a figure that only informs."""
        return TARGETS.get(self.key, Target())

    @property
    def bound(self) -> bool:
        """Whether there is something that it must reach."""
        return self.target.must is not None

    @property
    def missed(self) -> bool:
        """Whether it does not reach what it must."""
        return not self.target.met(self.value, self.target.must)

    @property
    def reached(self) -> str:
        """How it stands against its target, in a word or two."""
        if self.key not in TARGETS:
            return ""
        if self.missed:
            return "**missed**"
        if self.target.aim is None:
            return "yes"
        if self.target.met(self.value, self.target.aim):
            return "yes, and the aim"
        return "the aim is not" if self.target.must is None else "yes, not the aim"


HEAD = ("measured on", "variant", "median", "figure", "must", "aim", "reached")


def rows(figures: Iterable[Figure]) -> list[tuple[str, ...]]:
    """Return the table's rows under ``HEAD``; a case that goes on is named once."""
    table, case = [], ""
    for figure in figures:
        sign = "≤" if figure.target.most else "≥"
        must, aim = ("" if bound is None else f"{sign} {bound:g}" for bound in (figure.target.must, figure.target.aim))
        median = "" if figure.seconds is None else f"{figure.seconds:.3f} s"
        value = f"{figure.value:.2f}".removesuffix(".00") + ("" if figure.unit.startswith("x") else " ")
        shown = "" if figure.case == case else figure.case
        table.append((shown, figure.what, median, value + figure.unit, must, aim, figure.reached))
        case = figure.case
    return table


def markdown(figures: Iterable[Figure]) -> str:
    """Return the table as Markdown, its columns aligned, so that it reads as well on a terminal."""
    lines = [HEAD, *rows(figures)]
    widths = [max(len(line[index]) for line in lines) for index in range(len(HEAD))]
    padded = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([padded[0], rule, *padded[1:]])
