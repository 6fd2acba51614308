"""Which columns each column of a query is made from, and how.

sqlglot follows them through CTEs, subqueries and unions, given the columns of the tables that the query reads. A column
of which one origin stays unknown has none here: half of what it is made from would be taken for the whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlglot import exp
from sqlglot.lineage import Node, lineage
from sqlglot.optimizer.scope import find_all_in_scope

_HERE = "unqualified"
"""In place of the schema that a name does not have: sqlglot wants all names to have as many parts."""
_NOT_FOLLOWED = (exp.Pivot, exp.Lateral, exp.UDTF, exp.MatchRecognize)


class Kind(StrEnum):
    """How a column goes into another, from the plainest on, as OpenLineage names it."""

    IDENTITY = "IDENTITY"
    TRANSFORMATION = "TRANSFORMATION"
    AGGREGATION = "AGGREGATION"
    CONDITIONAL = "CONDITIONAL"
    SORT = "SORT"
    WINDOW = "WINDOW"

    @property
    def direct(self) -> bool:
        """Whether its values go in, and do not only decide which others do."""
        return self not in (Kind.CONDITIONAL, Kind.SORT, Kind.WINDOW)


@dataclass(frozen=True, order=True)
class Origin:
    """A column that another one is made from.

    :param relation: as ``tables`` names it.
    """

    relation: str
    column: str
    kind: Kind


def origins(sql: str, dialect: str, tables: Mapping[str, Sequence[str]]) -> list[tuple[Origin, ...]]:
    """Return for each column of a SELECT, in order, what it is made from; nothing where that is not known.

    :param dialect: sqlglot's name of the SQL.
    :param tables: the columns of what is read, by ``table`` or ``schema.table``.
    """
    names = {tuple(name.casefold().split(".")): name for name in tables}
    schema: dict[str, dict[str, dict[str, str]]] = {}
    for path, name in names.items():
        place = schema.setdefault(path[0] if len(path) > 1 else _HERE, {})
        place[path[-1]] = dict.fromkeys(tables[name], "unknown")
    try:
        root = exp.maybe_parse(sql, dialect=dialect)
        if any(root.find(kind) for kind in _NOT_FOLLOWED):
            return []
        found = lineage(None, root, schema, dialect=dialect, db=_HERE, trim_selects=False)
    except Exception:  # a parser's errors are of any kind, and lineage is no reason to fail
        return []
    return [_made_from(node, tables, names) for node in found.values()]


def _made_from(
    node: Node, tables: Mapping[str, Sequence[str]], names: Mapping[tuple[str, ...], str]
) -> tuple[Origin, ...]:
    made = set()
    for leaf, kind in _leaves(node, Kind.IDENTITY):
        table = leaf.expression
        if not isinstance(table, exp.Table):
            return ()
        path = (table.db.casefold(), table.name.casefold())
        relation = names.get(path[1:] if path[0] == _HERE else path)
        column = exp.maybe_parse(leaf.name).name.casefold()
        known = [name for name in tables.get(relation or "", ()) if name.casefold() == column]
        if relation is None or not known:
            return ()
        made.add(Origin(relation, known[0], kind))
    return tuple(sorted(made))


def _leaves(node: Node, kind: Kind) -> Iterator[tuple[Node, Kind]]:
    """Yield what a column is made from in the end, and how; what is neither a table's nor made of nothing, as well."""
    uses = _uses(node.expression)
    as_is = isinstance(node.source, exp.SetOperation) or isinstance(node.expression.unalias(), exp.Column)
    for below in node.downstream:
        for its in (Kind.IDENTITY,) if as_is else uses.get(below.name, {Kind.TRANSFORMATION}):
            then = max(kind, its, key=list(Kind).index)
            if isinstance(below.expression, exp.Table | exp.Placeholder | exp.Star):
                yield below, then
            else:
                yield from _leaves(below, then)


def _uses(select: Any) -> dict[str, set[Kind]]:
    """Return how an expression uses each column, by its qualified name."""
    uses: dict[str, set[Kind]] = {}
    for column in find_all_in_scope(select, exp.Column):
        for name in {column.sql(comments=False), f"{column.table}.{column.name}"}:
            uses.setdefault(name, set()).add(_kind(column, select))
    return uses


def _kind(column: exp.Expression, select: exp.Expression) -> Kind:
    kind, below, node = Kind.IDENTITY, column, column.parent
    while node is not None and below is not select:
        if isinstance(node, exp.Window) and below.arg_key != "this":
            return Kind.WINDOW
        if isinstance(node, exp.If | exp.Case) and below.arg_key == "this":
            return Kind.CONDITIONAL
        if isinstance(node, exp.Filter) and below.arg_key == "expression":
            return Kind.CONDITIONAL
        if isinstance(node, exp.Order) and below.arg_key == "expressions" and isinstance(node.parent, exp.AggFunc):
            return Kind.SORT
        if isinstance(node, exp.AggFunc | exp.WithinGroup):
            kind = Kind.AGGREGATION
        elif kind is Kind.IDENTITY and not isinstance(node, exp.Alias | exp.Paren | exp.Select):
            kind = Kind.TRANSFORMATION
        below, node = node, node.parent
    return kind
