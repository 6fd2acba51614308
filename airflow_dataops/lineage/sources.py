"""The items of FROM: tables, joins, queries, functions, and what PIVOT makes of them."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any

from sqlglot import exp

from airflow_dataops.lineage.dialects import Habits
from airflow_dataops.lineage.scopes import Environment, Names, Scope, Source, attribute
from airflow_dataops.lineage.touching import Folding, Unreadable, Use, Uses

Temporaries = dict[tuple[str, ...], Names | None]
"""Temporary tables of the sequence by name, with their columns; ``None`` where those are not known."""
NO_NAMES: Names = frozenset()
_FILE = re.compile(r"[/\\*]|\.(parquet|csv|tsv|json|jsonl|ndjson|xlsx|db|gz|zst)$")


def part(node: exp.Expression, name: str) -> Any:
    """Return an argument whose name has an underscore in newer versions (``from_``)."""
    return node.args.get(f"{name}_") or node.args.get(name)


def is_query(node: Any) -> bool:
    """Whether a node makes rows by itself."""
    return (isinstance(node, exp.Subquery) and not is_join(node)) or isinstance(node, exp.Select | exp.SetOperation)


def is_join(node: exp.Subquery) -> bool:
    """Whether what stands in parentheses is a table or a join, and not a query."""
    inner = node.this
    while isinstance(inner, exp.Subquery) and not inner.alias:
        inner = inner.this
    return isinstance(inner, exp.Table) or (isinstance(inner, exp.Subquery) and bool(inner.args.get("joins")))


class Sources(ABC):
    """Adds what stands behind FROM to a scope.

    :param temporaries: of the statements before; they are no relations.
    """

    def __init__(self, folding: Folding, habits: Habits, temporaries: Temporaries) -> None:
        self.folding = folding
        self.habits = habits
        self.temporaries = temporaries
        self.writes = Uses()
        self._read: list[Use] = []
        self.seen: set[int] = set()

    @property
    def reads(self) -> Iterator[Use]:
        """What has been read; the table that is changed only if columns of it are."""
        return (use for use in self._read if not use.own or use.columns or use.all or use.unknown)

    @abstractmethod
    def query(
        self, node: exp.Expression, env: Environment, outer: Scope | None = None, *, rows_alone: bool = False
    ) -> Names | None:
        """Read a query, and return the columns that it makes, ``None`` where they are not known."""

    @abstractmethod
    def walk(self, node: Any, scope: Scope, hidden: Names = NO_NAMES) -> None:
        """Read an expression."""

    def walk_all(self, nodes: Iterable[Any], scope: Scope, hidden: Names = NO_NAMES) -> None:
        """Read several expressions."""
        for node in nodes:
            self.walk(node, scope, hidden)

    def skip(self, node: Any) -> None:
        """Take the tables under a node as looked at: they name what is read or written elsewhere."""
        if isinstance(node, exp.Expression):
            self.seen.update(id(table) for table in node.find_all(exp.Table))

    def add_source(self, node: exp.Expression, scope: Scope) -> None:
        """Add an item of FROM to a scope, with the joins that hang on it."""
        if isinstance(node, exp.Table):
            self._table(node, scope)
        elif isinstance(node, exp.Subquery) and is_join(node):
            self._joined(node, scope)
        elif isinstance(node, exp.Subquery):
            made = self.query(node, scope.env, scope.parent)
            self._pivots(node, self._derived(node, made, scope), scope)
        elif isinstance(node, exp.Lateral):
            inner = node.this
            made = self.query(inner, scope.env, scope) if is_query(inner) else self._function(inner, scope)
            self._derived(node, made, scope)
        elif isinstance(node, exp.Unnest):
            self.walk_all(node.expressions, scope)
            self._one_column(self._derived(node, None, scope))
        elif isinstance(node, exp.Values):
            self.walk_all(node.expressions, scope)
            self._derived(node, None, scope)
        elif isinstance(node, exp.TableFromRows):
            self._derived(node, self._function(node.this, scope), scope)
        elif is_query(node):
            self._derived(node, self.query(node, scope.env, scope.parent), scope)
        elif type(node).__name__ == "Stream":
            self.add_source(node.this, scope)
        else:
            raise Unreadable(type(node).__name__)
        if not isinstance(node, exp.Select | exp.SetOperation):
            self.add_joins(node, scope)

    def add_joins(self, node: exp.Expression, scope: Scope) -> None:
        """Add what is joined; conditions wait until all sources are there."""
        start = 0
        for join in node.args.get("joins") or ():
            if not any(join.args.get(key) for key in ("on", "using", "kind", "side", "method")):
                start = len(scope.sources)  # a comma: USING reaches no further back
            before = len(scope.sources)
            self.add_source(join.this, scope)
            left, right = scope.sources[start:before], scope.sources[before:]
            for source in right:
                source.hidden = join.kind in ("SEMI", "ANTI")
            if str(join.args.get("method") or "").upper() == "NATURAL":
                for source in (*left, *right):
                    source.read_unknown()
            for name in join.args.get("using") or ():
                self.add_using(name, left, right, scope)
            scope.later += [
                each for key in ("on", "match_condition", "expressions") for each in _listed(join.args.get(key))
            ]
        for lateral in node.args.get("laterals") or ():
            self.add_source(lateral, scope)

    def add_using(self, node: exp.Expression, left: list[Source], right: list[Source], scope: Scope) -> None:
        """USING reads the column on both sides."""
        identifier = node if isinstance(node, exp.Identifier) else node.this
        name = self.folding.name(identifier)
        sides = (right,) if name in scope.merged else (left, right)
        for side in sides:
            if not any(source.owns(name) for source in side):
                attribute([source for source in side if source.columns is None], name, identifier.name)
        scope.merged.add(name)

    def _table(self, node: exp.Table, scope: Scope) -> None:
        self.seen.add(id(node))
        this = node.this
        for each in node.args.get("rows_from") or ():
            self.seen.add(id(each))
            self.walk(each.this, scope)
        if isinstance(this, exp.Identifier | exp.Dot) and not isinstance(node.parts[-1], exp.Func):
            source = self.named_table(node, scope.env)
        elif _is_file(this) or this is None:
            source = Source("")
        elif type(this).__name__ == "DynamicIdentifier":
            source = self.named_table(self.spelled(node), scope.env)
        elif isinstance(this, exp.Func | exp.Dot):
            source = Source("", columns=self._function(node.parts[-1], scope))
        else:
            raise Unreadable(type(this).__name__)
        alias = node.args.get("alias")
        if alias is not None:
            if alias.this is not None:
                if not isinstance(alias.this, exp.Identifier):
                    raise Unreadable("alias")
                source.alias = self.folding.name(alias.this)
            columns = self.columns_of_alias(node)
            if columns and source.use is None:
                source.columns = columns
            source.renamed = bool(columns)
            if isinstance(this, exp.Func):
                self._one_column(source)
        scope.sources.append(source)
        self._pivots(node, source, scope)

    def named_table(self, node: exp.Table, env: Environment) -> Source:
        """Return a table by name: a CTE, a temporary table, a file, or a relation."""
        path = self.folding.path(node.parts)
        if len(path) == 1:
            if path[0] in env:
                return Source(path[0], columns=env[path[0]])
            if path[0].lower() == "dual" and not node.this.args.get("quoted"):
                return Source(path[0], columns=NO_NAMES)
            name = node.this.name
            if name.startswith(("@", "#")) or (self.habits.name == "duckdb" and _FILE.search(name)):
                return Source(path[0])
        temporary = self.temporary(node)
        if temporary is not None:
            return Source(path[-1], path, columns=self.temporaries.get(temporary))
        return Source(path[-1], path, self.reading(node))

    def temporary(self, node: exp.Table) -> tuple[str, ...] | None:
        """Return the name under which a temporary table was made, if this is one."""
        path = self.folding.path(node.parts)
        if node.this.args.get("temporary") or node.this.args.get("global_"):
            return path
        for made in self.temporaries:
            length = min(len(made), len(path))
            if made == path or (self.habits.shared and made[-length:] == path[-length:]):
                return made
            if made[-1] == path[-1] and len(path) == 2 and path[0].lower() in self.habits.temporary_schemas:
                return made
        return path if len(path) == 2 and path[0].lower() in self.habits.temporary_schemas else None

    def spelled(self, node: exp.Table) -> exp.Table:
        """Return a table whose name is given as a text by that name.

        :raises Unreadable: it is given by a variable.
        """
        text = node.this.this
        if not isinstance(text, exp.Literal):
            raise Unreadable("IDENTIFIER")
        return exp.to_table(text.name, dialect=self.habits.name)

    def reading(self, node: exp.Table, *, own: bool = False) -> Use:
        """Return where the reads of one mention of a relation are counted."""
        use = Use(".".join(each.name for each in node.parts), self.folding.relation(node.parts), own=own)
        self._read.append(use)
        return use

    def _function(self, node: exp.Expression, scope: Scope) -> Names | None:
        """Read the arguments of a function that makes rows; one that takes a table's name or SQL as text is unknown."""
        if not isinstance(node, exp.Func):
            raise Unreadable(type(node).__name__)
        for each in list(node.find_all(exp.Anonymous)):
            if str(each.this).lower() == "table" and len(each.expressions) == 1 and not is_query(each.expressions[0]):
                self._argument(each, scope)
            elif str(each.this).lower() == "descriptor":
                each.set("expressions", [])
        if not any(each.sources for each in scope.chain()) and any(map(_can_be_a_table, node.find_all(exp.Column))):
            raise Unreadable("table")
        self.walk(node, scope)
        return None

    def _argument(self, node: exp.Anonymous, scope: Scope) -> None:
        """Read ``TABLE(t)``, a function's argument; where a function or a text stands in it, it is none."""
        (inner,) = node.expressions
        if _names_a_table(node):
            self.named_table(as_table(inner), scope.env).read_all()
            node.set("expressions", [])
        elif not isinstance(inner, exp.Func):
            raise Unreadable("TABLE")

    def _joined(self, node: exp.Subquery, scope: Scope) -> None:
        """Add a join in parentheses; by an alias it hides the names of what it joins."""
        alias = node.args.get("alias")
        if alias is None:
            self.add_source(node.this, scope)
            return
        inner = Scope(scope.env, scope.parent)
        self.add_source(node.this, inner)
        for condition in inner.later:
            self.walk(condition, inner)
        for source in inner.sources:
            source.read_unknown()
        self._derived(node, None, scope)

    def _derived(self, node: exp.Expression, made: Names | None, scope: Scope) -> Source:
        """Add what a query or a function makes."""
        alias = node.args.get("alias")
        columns = self.columns_of_alias(node) or made
        offset = node.args.get("offset")
        if isinstance(offset, exp.Identifier) and columns is not None:
            columns |= {self.folding.name(offset)}
        named = alias.this if isinstance(alias, exp.TableAlias) else None
        source = Source(self.folding.name(named) if named is not None else "", columns=columns)
        if not source.alias and columns and isinstance(node, exp.Unnest) and len(columns) == 1:
            source.alias = next(iter(columns))  # BigQuery: the element's name stands for its fields, too
        scope.sources.append(source)
        return source

    def _one_column(self, source: Source) -> None:
        """What a function makes has a column of the alias's name, where an alias alone is a value."""
        if self.habits.rows and source.columns is None and source.alias:
            source.made |= {source.alias}

    def columns_of_alias(self, node: exp.Expression) -> Names | None:
        alias = node.args.get("alias")
        columns = alias.args.get("columns") if isinstance(alias, exp.TableAlias) else None
        if not columns:
            return None
        return frozenset(self.folding.name(each if isinstance(each, exp.Identifier) else each.this) for each in columns)

    def _pivots(self, node: exp.Expression, source: Source, scope: Scope) -> None:
        """Read PIVOT, which groups by every column that it does not name, and UNPIVOT, which names its own."""
        for pivot in node.args.get("pivots") or ():
            before = Scope(scope.env, scope.parent, [source])
            fields = [each for each in pivot.args.get("fields") or () if isinstance(each, exp.In)]
            if pivot.args.get("unpivot"):
                items = (*pivot.expressions, *(field.this for field in fields))
                names = frozenset(self.folding.name(each) for item in items for each in item.find_all(exp.Identifier))
                for field in fields:
                    self.walk_all(field.expressions, before)
                source.made |= names
                source.columns = source.columns | names if source.columns is not None else None
            else:
                source.read_all()
                for each in pivot.iter_expressions():
                    if not isinstance(each, exp.TableAlias):
                        self.walk(each, before)
                source.use, source.columns = None, None
            alias = pivot.args.get("alias")
            if isinstance(alias, exp.TableAlias) and alias.this is not None:
                source.alias, source.path = self.folding.name(alias.this), ()


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _names_a_table(node: exp.Anonymous) -> bool:
    """Whether a function has a plain name for its only argument."""
    return (
        len(node.expressions) == 1
        and isinstance(node.expressions[0], exp.Column)
        and all(isinstance(each, exp.Identifier) for each in node.expressions[0].parts)
    )


def as_table(node: exp.Column) -> exp.Table:
    """Return a name that has been taken for a column's as the table that it is."""
    return exp.Table(
        **dict(zip(("this", "db", "catalog"), (each.copy() for each in reversed(node.parts)), strict=False))
    )


def _is_file(node: Any) -> bool:
    return isinstance(node, exp.Literal) or (isinstance(node, exp.Var) and node.name.startswith("@"))


def _can_be_a_table(node: exp.Column) -> bool:
    """Whether a name that no source can own is more than the name of an argument."""
    return not (isinstance(node.parent, exp.EQ | exp.Kwarg | exp.PropertyEQ) and node.arg_key == "this")
