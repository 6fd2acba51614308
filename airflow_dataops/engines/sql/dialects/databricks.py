"""Databricks' own ways: Spark's, in catalogs; generated, and not run by our tests."""

from __future__ import annotations

from sqlglot import exp

from airflow_dataops.core.predicates import Kind, Scalar
from airflow_dataops.engines.sql import patterns
from airflow_dataops.engines.sql.dialects.catalogs import InCatalogs
from airflow_dataops.engines.sql.dialects.spark import Spark
from airflow_dataops.engines.sql.kinds import moment_of


class Databricks(InCatalogs, Spark):
    """Databricks SQL warehouses and clusters."""

    name = "databricks"
    label = "Databricks"

    def compared(self, value: Scalar, type_name: str) -> exp.Expression:
        """Return the literal; what a time is compared with must be one: outside ANSI mode all else would be null."""
        if isinstance(value, str) and self.kind_of(type_name) is Kind.TIME:
            return self.moment(moment_of(value))
        return self.literal(value)

    def matches(self, column: exp.Expression, pattern: str) -> exp.Expression:
        """Return ``RLIKE``, which is Java's."""
        found = self.sql(exp.Literal.string(patterns.rewritten(pattern, patterns.java, self.label)))
        return exp.Paren(this=exp.Var(this=f"{self.sql(column)} RLIKE {found}"))
