"""Warehouses whose tables stand in schemas of several catalogs: ``catalog.schema.table``."""

from __future__ import annotations

from airflow_dataops.core.relations import Relation
from airflow_dataops.engines.sql.dialects.rules import Rules


def parts_of(relation: Relation) -> tuple[str | None, str | None, str]:
    """Return a relation's catalog, schema and name.

    A relation parts at its first dot; a name of three parts has another one.
    """
    *places, name = [relation.schema, *relation.name.split(".")] if relation.schema else relation.name.split(".")
    catalog, schema = [None, None, *places][-2:]
    return catalog, schema, name


class InCatalogs(Rules):
    """A relation's name may have three parts."""

    def relation(self, relation: Relation) -> str:
        """Return the name for FROM, each of its parts quoted."""
        return ".".join(self.quoted(self.stored(part)) for part in parts_of(relation) if part is not None)
