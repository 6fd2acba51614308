"""The table of docs/checks.md, expectation by engine: ``python -m tests.docs.vocabulary`` writes it.

Nothing of it is typed: a sample check of each type is compiled, and the planner of each dialect is asked what it would
run.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airflow_dataops.core.checks import Check
from airflow_dataops.core.judging import lacks_order, refused_by_schema
from airflow_dataops.core.metrics import Elsewhere, ExpectationResult, Schema
from airflow_dataops.core.relations import Column, Relation
from airflow_dataops.core.vocabulary import VOCABULARY, CompiledCheck, compile_check
from airflow_dataops.core.vocabulary.arguments import REQUIRED
from airflow_dataops.engines.sql.compiling import Expressions
from airflow_dataops.engines.sql.dialects import DIALECTS, Rules, rules_of
from airflow_dataops.engines.sql.foreign import refusal
from airflow_dataops.engines.sql.planning import plan
from airflow_dataops.engines.sql.sources import Source

PAGE = Path(__file__).parents[2] / "docs" / "checks.md"
BEGIN, END = "<!-- made by python -m tests.docs.vocabulary -->", "<!-- end of what is made -->"

PLANNER, IN_ORDER, FOREIGN, NOWHERE = "planner", "planner, with `order_by`", "GX", "–"

_COLUMNS = {"number": "INTEGER", "amount": "INTEGER", "text": "VARCHAR(20)", "day": "DATE", "moment": "TIMESTAMP"}
# A value of each argument that a type of the vocabulary cannot do without.
_ARGUMENTS: dict[str, Any] = {
    "base_query": "SELECT number FROM {batch}",
    "column_A": "number",
    "column_B": "amount",
    "column_list": ["number", "amount"],
    "column_set": ["number", "text"],
    "comparison_data_source_name": "other",
    "comparison_query": "SELECT number FROM other",
    "condition": "number > 0",
    "json_schema": {"type": "object"},
    "like_pattern": "a%",
    "like_pattern_list": ["a%"],
    "max_age": "1 day",
    "other_table_name": "other",
    "partition_by": ["text"],
    "partition_object": {"bins": [0, 1], "weights": [1]},
    "quantile_ranges": {"quantiles": [0.5], "value_ranges": [[0, 1]]},
    "regex_list": ["a"],
    "strftime_format": "%Y-%m-%d",
    "sum_total": 1,
    "threshold": 1,
    "type_": "INTEGER",
    "type_list": ["INTEGER"],
    "unexpected_rows_query": "SELECT * FROM {batch} WHERE number < 0",
    "value": 1,
    "value_pairs_set": [[1, 1]],
    "value_set": [1],
}
# Of a type that must have one of several arguments, none of which is needed by itself; and a plain pattern.
_ONE_OF = {"min_value": 1, "other_table": "other", "regex": "a"}


@dataclass(frozen=True, kw_only=True)
class Engine:
    """A column of the table.

    :param ordered: whether rows have an order of their own.
    """

    label: str
    dialect: str
    ordered: bool = False

    @property
    def schema(self) -> Schema:
        """The columns that the samples speak of, as this engine has them."""
        rules = rules_of(self.dialect)
        columns = tuple(Column(name=name, type=kind) for name, kind in _COLUMNS.items())
        kinds = {column.name: rules.kind_of(column.type) for column in columns}
        return Schema(columns=columns, kinds=kinds, typed=rules.typed, truth_is_number=rules.truth_is_number)


def _label(rules: type[Rules]) -> str:
    return rules.label


ENGINES = (
    *(Engine(label=rules.label, dialect=rules.name) for rules in sorted(DIALECTS, key=_label)),
    Engine(label="frames and files", dialect="duckdb", ordered=True),
)


def sample(kind: str, schema: Schema, **more: Any) -> CompiledCheck:
    """Return a check of the type, compiled, on a column that it can look at."""
    parameters = VOCABULARY[kind].parameters
    needed = {name for name, parameter in parameters.items() if parameter.default is REQUIRED} - {"column"}
    kwargs = {**{name: value for name, value in _ONE_OF.items() if name in parameters}, **more}
    kwargs |= {name: _ARGUMENTS[name] for name in needed - set(kwargs)}
    for column in schema.names if "column" in parameters else ("",):
        named = {"column": column} if column else {}
        compiled = compile_check(Check(kind=kind, kwargs={**named, **kwargs}))
        if refused_by_schema(compiled, schema) is None:
            return compiled
    raise LookupError(f"{kind} looks at no column of {', '.join(schema.names)}: add one to _COLUMNS")


def how(kind: str, engine: Engine) -> str:
    """Return what measures a type on an engine."""
    schema = engine.schema
    compiled, answer = sample(kind, schema), PLANNER
    if lacks_order(compiled) and not engine.ordered:
        compiled, answer = sample(kind, schema, order_by=["day"]), IN_ORDER
    foreign = [metric for metric in compiled.metrics if isinstance(metric, ExpectationResult)]
    if foreign:
        return NOWHERE if any(refusal(engine.dialect, metric) for metric in foreign) else FOREIGN
    source = Source(dialect=engine.dialect, relation=Relation(name="data"))
    here = (metric for metric in compiled.metrics if not isinstance(metric, Elsewhere))
    return NOWHERE if plan(source, Expressions(engine.dialect, schema), here).refused else answer


def of_great_expectations() -> set[str]:
    """Return the types that the installed Great Expectations has."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what it imports
        import great_expectations  # noqa: F401 - this is what registers them
        from great_expectations.expectations.registry import list_registered_expectation_implementations
    return set(list_registered_expectation_implementations())


def _rows(kinds: set[str]) -> Iterator[str]:
    yield f"| type | {' | '.join(engine.label for engine in ENGINES)} |"
    yield f"|---|{'---|' * len(ENGINES)}"
    for kind in sorted(kinds):
        yield f"| `{kind}` | {' | '.join(how(kind, engine) for engine in ENGINES)} |"


def table() -> str:
    """Return what stands between the page's two markers."""
    theirs = of_great_expectations()
    own = set(VOCABULARY) - theirs
    lines = [*_rows(set(VOCABULARY) & theirs), "", "What Great Expectations lacks, in the same form:", "", *_rows(own)]
    return "\n".join(lines)


def rewritten(page: str) -> str:
    """Return the page with the table as it is now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"{PAGE} is up to date.")
