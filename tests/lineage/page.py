"""The table of docs/lineage.md, made of the corpus: ``python -m tests.lineage --write`` writes it."""

from __future__ import annotations

from pathlib import Path

from tests.lineage.corpus import CORPUS
from tests.lineage.figures import Figures, Score, openlineage, ours

PAGE = Path(__file__).parents[2] / "docs" / "lineage.md"
BEGIN, END = "<!-- made by python -m tests.lineage --write -->", "<!-- end of what is made -->"
_NAMES = {
    "postgres": "PostgreSQL", "sqlite": "SQLite", "duckdb": "DuckDB", "mysql": "MySQL", "snowflake": "Snowflake",
    "bigquery": "BigQuery", "databricks": "Databricks", "spark": "Spark", "trino": "Trino", "tsql": "SQL Server",
    "redshift": "Redshift",
}  # fmt: skip
_HEAD = (
    "dialect", "texts", "statements", "tables: precision / recall", "columns: precision / recall",
    "tables whose columns are not told", "statements not parsed", "silent", "openlineage-sql: precision / recall",
    "its errors", "its silent",
)  # fmt: skip


def table() -> str:
    """Return the table in Markdown: a line for each dialect, and one for all."""
    lines = [_HEAD, tuple("---" if not index else "---:" for index in range(len(_HEAD)))]
    for dialect, name in _NAMES.items():
        cases = [case for case in CORPUS if case.dialect == dialect]
        lines.append((name, *_cells(ours(cases), openlineage(cases))))
    lines.append(("all", *_cells(ours(CORPUS), openlineage(CORPUS))))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cells(our: Figures, their: Figures) -> tuple[str, ...]:
    return (
        str(our.texts), str(our.statements), _rates(our.tables), _rates(our.columns), str(our.untold),
        str(our.unparsed), str(our.silent), _rates(their.tables), str(their.errors), str(their.silent),
    )  # fmt: skip


def _rates(score: Score) -> str:
    return f"{_percent(score.right, score.told)} / {_percent(score.right, score.expected)}"


def _percent(part: int, whole: int) -> str:
    """Return a percentage that says 100 of all alone."""
    return f"{1000 * part // whole / 10 if whole else 100:g} %"


def rewritten(page: str) -> str:
    """Return the page with its table made anew."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"
