"""Incremental: a candidate keeps the live release's rows, but for the part that is built anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.core.relations import Relation
from airflow_dataops.core.releases import Release

if TYPE_CHECKING:
    from airflow_dataops.core.ports import Database


@dataclass(frozen=True, kw_only=True)
class Part:
    """The part of a dataset that a stage builds anew.

    :param where: a SQL condition on its rows; a row for which it is null is not of the part.
    :param base: the live release that the other rows are kept of.
    """

    where: str
    base: Release

    def sql(self, db: Database, sql: str) -> str:
        """Return the SELECT of the whole: the rows that are kept, and those of ``sql``.

        :raises ConfigurationError: ``sql`` has other columns than the release whose rows are kept.
        """
        names, rows = self._rows(db, sql)
        return f"SELECT {names} FROM {_outside(db, self.base.relation, self.where)}\nUNION ALL\n{rows}"

    def rows(self, db: Database, sql: str) -> str:
        """Return the SELECT of the rows of ``sql``, with their columns as those that are kept have them.

        :raises ConfigurationError: ``sql`` has other columns than the release whose rows are kept.
        """
        return self._rows(db, sql)[1]

    def _rows(self, db: Database, sql: str) -> tuple[str, str]:
        from airflow_dataops.engines.sql.dialects import rules_of
        from airflow_dataops.engines.sql.sources import source_of

        rows = source_of(db.dialect, query=sql)
        kept = [column.name for column in db.columns(self.base.relation)]
        _refuse_other_columns(self.base, kept, [column.name for column in db.describe(rows.query or "")])
        names = ", ".join(rules_of(db.dialect).quoted(name) for name in kept)
        return names, f"SELECT {names} FROM {rows.sql}"

    def verify(self, db: Database, release: Release) -> None:
        """Refuse a candidate whose new rows lie outside of the part: they would stand beside those that are kept.

        :raises ConfigurationError: says how many they are.
        """
        counts = [
            db.execute(f"SELECT COUNT(*) FROM {_outside(db, relation, self.where)}")[0][0]
            for relation in (release.relation, self.base.relation)
        ]
        strays = counts[0] - counts[1]
        if strays < 0:
            raise ConfigurationError(
                f"{release} was not staged: {self.base.relation} was written to while its rows were kept. Stop what "
                "writes to it, and clear this task."
            )
        if strays:
            raise ConfigurationError(
                f"{release} was not staged: {strays:,} rows of sql= do not meet replace_where, and would stand beside "
                f"the rows that are kept of {self.base}. Let sql= select the rows of that part alone, or widen it."
            )


def _outside(db: Database, relation: Relation, where: str) -> str:
    """Return the rows that are not of the part, as they stand behind FROM."""
    from airflow_dataops.engines.sql.sources import source_of

    return source_of(db.dialect, relation=relation, where=f"CASE WHEN {where}\nTHEN 0 ELSE 1 END = 1").sql


def _refuse_other_columns(base: Release, kept: list[str], built: list[str]) -> None:
    folded = [{name.casefold() for name in names} for names in (kept, built)]
    lacking = [name for name in kept if name.casefold() not in folded[1]]
    strange = [name for name in built if name.casefold() not in folded[0]]
    if lacking or strange:
        told = [f"lacks {', '.join(lacking)}" if lacking else "", f"adds {', '.join(strange)}" if strange else ""]
        raise ConfigurationError(
            f"sql= {' and '.join(filter(None, told))}, and with replace_where the other rows are kept of {base}, with "
            "its columns. To change columns, stage the whole once, without replace_where."
        )
