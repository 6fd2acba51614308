"""What a query reads: its tables, and the columns that it names.

A column counts as read where the statement needs it to be there, whatever becomes of it. What this cannot follow is
``Unreadable``: a statement counts as not parsed rather than as one that reads less than it does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from sqlglot import exp

from airflow_dataops.lineage.scopes import Environment, Names, Scope, Source, resolve
from airflow_dataops.lineage.sources import NO_NAMES, Sources, as_table, is_join, is_query, part
from airflow_dataops.lineage.touching import Unreadable

_SQL_IN_TEXT = re.compile(
    r"dblink\w*|query|query_table|query_to_xml\w*|external_query|openquery|openrowset|table_changes"
    r"|(postgres|mysql|sqlite|odbc)_(query|execute|scan\w*)"
)
"""Functions that take SQL, or a table's name, as a text."""
_QUERIES = (exp.Select, exp.SetOperation, exp.Subquery, exp.Values)
_ELSEWHERE = {  # of SELECT: what is looked at by itself, or reads nothing
    "with", "from", "joins", "laterals", "expressions", "where", "group", "having", "qualify", "order", "distinct",
    "into", "locks", "hint", "match",
}  # fmt: skip


class Queries(Sources):
    """Reads the queries of one statement."""

    def change(self, node: exp.Expression, env: Environment) -> Names | None:
        """Read a statement that changes data, and return the columns that it returns."""
        raise Unreadable(type(node).__name__)

    # --- queries

    def query(
        self, node: exp.Expression, env: Environment, outer: Scope | None = None, *, rows_alone: bool = False
    ) -> Names | None:
        """Read a query, and return the columns that it makes, ``None`` where they are not known.

        :param outer: the query around it, whose columns it can name.
        :param rows_alone: only whether there are rows matters: ``SELECT *`` reads no column.
        """
        if isinstance(node, exp.Select):
            return self._select(node, env, outer, rows_alone)
        if isinstance(node, exp.SetOperation):
            return self._set_operation(node, env, outer)
        if isinstance(node, exp.Subquery) and not is_join(node):
            env = self.with_ctes(node, env, outer)
            made = self.query(node.this, env, outer, rows_alone=rows_alone)
            blind = Scope(env)
            for key in ("order", "limit", "offset"):
                self.walk(node.args.get(key), blind)
            return None if node.args.get("pivots") else made
        if isinstance(node, exp.Values | exp.Table | exp.Subquery):
            scope = Scope(env, outer)
            self.add_source(node, scope)
            for source in scope.sources:
                source.read_all()
            return None
        return self.change(node, env)

    def with_ctes(self, node: exp.Expression, env: Environment, outer: Scope | None) -> Environment:
        """Read the CTEs of a statement, and return the environment with them."""
        found = part(node, "with")
        if found is None:
            return env
        env = dict(env)
        names = [self.folding.name(cte.args["alias"].this) for cte in found.expressions]
        ahead = self.habits.ahead or (self.habits.ahead_if_recursive and found.args.get("recursive"))
        for index, (name, cte) in enumerate(zip(names, found.expressions, strict=True)):
            columns = self.columns_of_alias(cte)
            body = cte.this
            inner = {**env, **dict.fromkeys(names[index + 1 :])} if ahead else env
            union = isinstance(body, exp.SetOperation)
            itself = bool(found.args.get("recursive")) or (self.habits.recursive and union)
            if itself:
                inner = {**inner, name: columns}
            if itself and union and columns is None:
                made = self._set_operation(body, inner, outer, itself=name)
            else:
                made = self.query(body, inner, outer)
            env[name] = columns or made
        return env

    def _set_operation(
        self, node: exp.SetOperation, env: Environment, outer: Scope | None, *, itself: str = ""
    ) -> Names | None:
        """Read UNION and the like; a long chain of them leans to the left and is no deep recursion.

        :param itself: the CTE that it is, whose columns are those of its first part.
        """
        branches: list[tuple[exp.Expression, Environment]] = []
        first: exp.Expression = node
        while isinstance(first, exp.SetOperation):
            env = self.with_ctes(first, env, outer)
            branches.append((first.expression, env))
            for key in ("order", "limit", "offset"):  # their names are the result's
                self.walk(first.args.get(key), Scope(env))
            first = first.this
        made = self.query(first, env, outer)
        for branch, its in reversed(branches):
            self.query(branch, {**its, itself: made} if itself else its, outer)
        return made

    def _select(self, node: exp.Select, env: Environment, outer: Scope | None, rows_alone: bool) -> Names | None:
        scope = Scope(self.with_ctes(node, env, outer), outer)
        begin = part(node, "from")
        if begin is not None:
            self.add_source(begin.this, scope)
        self.add_joins(node, scope)
        aliases = frozenset(self.folding.name(each.args["alias"]) for each in node.expressions if _named(each))
        habits = self.habits
        scope.doubtful = aliases if habits.where else NO_NAMES
        self.walk_all(scope.later, scope)
        self.walk(node.args.get("where"), scope)
        scope.doubtful = NO_NAMES
        scope.sources[:] = [source for source in scope.sources if not source.hidden]
        if node.args.get("match"):
            self._match(node, scope)
        outputs = self._projections(node, scope, rows_alone)
        self.walk(node.args.get("group"), scope, aliases if habits.group else NO_NAMES)
        self.walk(node.args.get("having"), scope, aliases if habits.having else NO_NAMES)
        self.walk(node.args.get("qualify"), scope, aliases)
        for key in ("distinct", "order"):
            self._ordered(node.args.get(key), scope, aliases)
        for key, value in node.args.items():
            if key.rstrip("_") not in _ELSEWHERE:
                for each in value if isinstance(value, list) else [value]:
                    self.walk(each, scope, aliases)
        for key in ("locks", "hint"):  # they name tables that FROM has
            for each in node.args.get(key) or () if key == "locks" else [node.args.get(key)]:
                self.skip(each)
        if node.args.get("into") is not None:
            self.into(node.args["into"], outputs)
        return outputs

    def into(self, node: exp.Expression, outputs: Names | None) -> None:
        """Read what SELECT INTO makes."""
        raise Unreadable("INTO")

    def _match(self, node: exp.Select, scope: Scope) -> None:
        """MATCH_RECOGNIZE gives other columns than its table has, and names in it are its own."""
        for source in scope.sources:
            source.read_unknown()
        scope.sources[:] = [Source("")]

    def _ordered(self, node: Any, scope: Scope, aliases: Names) -> None:
        """Read ORDER BY or DISTINCT ON: an output's name goes first, in some dialects only where it stands alone."""
        if not isinstance(node, exp.Expression):
            return
        if not self.habits.order_alone:
            self.walk(node, scope, aliases)
            return
        on = node.args.get("on")
        for item in on.expressions if isinstance(on, exp.Expression) and on.expressions else node.expressions:
            key = item.this if isinstance(item, exp.Ordered) else item
            self.walk(key, scope, aliases if isinstance(key, exp.Column) else NO_NAMES)

    def _projections(self, node: exp.Select, scope: Scope, rows_alone: bool) -> Names | None:
        """Read the list of SELECT, and return its columns' names if all are known."""
        names: set[str] = set()
        known = True
        for each in node.expressions:
            starred = isinstance(each, exp.Star) or (isinstance(each, exp.Column) and isinstance(each.this, exp.Star))
            if isinstance(each, exp.Star):
                made = self._star(each, scope, rows_alone)
                known &= made is not None
                names |= made or frozenset()
                continue
            self.walk(each, scope)
            if starred or not (_named(each) or isinstance(each, exp.Column | exp.Dot)):
                known = False
                continue
            alias = (
                each.args.get("alias")
                if _named(each)
                else each.args["expression" if isinstance(each, exp.Dot) else "this"]
            )
            if not isinstance(alias, exp.Identifier):
                known = False
                continue
            names.add(self.folding.name(alias))
            if _named(each) and self.habits.select:
                scope.doubtful |= {self.folding.name(alias)}
        scope.doubtful = NO_NAMES
        return frozenset(names) if known else None

    def _star(self, star: exp.Star, scope: Scope, rows_alone: bool) -> Names | None:
        """Read ``*``; what EXCEPT leaves out must be there, too, and counts with the rest."""
        made: set[str] = set()
        known = not star.args.get("rename")
        for source in scope.sources:
            if not rows_alone:
                source.read_all()
            known &= source.columns is not None
            made |= source.columns or frozenset()
        for each in star.args.get("replace") or ():
            self.walk(each, scope)
        return frozenset(made) if known else None

    # --- expressions

    def walk(self, node: Any, scope: Scope, hidden: Names = NO_NAMES) -> None:
        """Read an expression: its columns, and the queries in it.

        :param hidden: names of outputs, which go before columns here.
        """
        stack = [node] if isinstance(node, exp.Expression) else []
        while stack:
            each = stack.pop()
            if isinstance(each, exp.Column):
                self._column(each, scope, hidden)
            elif isinstance(each, exp.Exists) and is_query(each.this):
                self.query(each.this, scope.env, scope, rows_alone=True)
            elif isinstance(each, _QUERIES):
                self.query(each, scope.env, scope)
            elif isinstance(each, exp.Star):
                for source in scope.sources:
                    source.read_all()
            elif isinstance(each, exp.Comprehension):
                own = frozenset(map(self.folding.name, each.expression.find_all(exp.Identifier)))
                self.walk(each.args.get("iterator"), scope, hidden)
                self.walk_all((each.this, each.args.get("condition")), scope, hidden | own)
            elif not (isinstance(each, exp.Count) and isinstance(each.this, exp.Star)):
                stack.extend(self._inside(each, scope))

    def _inside(self, node: exp.Expression, scope: Scope) -> Iterable[exp.Expression]:
        """Return the parts of an expression; one that is more than it seems is looked at here.

        :raises Unreadable: it is SQL in a text.
        """
        if isinstance(node, exp.Anonymous) and _SQL_IN_TEXT.fullmatch(str(node.this).lower()):
            raise Unreadable(node.this)
        if isinstance(node, exp.In) and self.habits.name == "sqlite" and isinstance(node.args.get("field"), exp.Column):
            self.named_table(as_table(node.args["field"]), scope.env).read_all()  # SQLite's ``v IN t``
            return [node.this]
        if isinstance(node, exp.Columns) and not isinstance(node.this, exp.Star):
            for source in scope.sources:
                source.read_unknown()
        return node.iter_expressions()

    def _column(self, node: exp.Column, scope: Scope, hidden: Names) -> None:
        parts = node.parts
        if not all(isinstance(each, exp.Identifier | exp.Star) for each in parts):
            return  # a position in a file
        name = self.folding.name(parts[0])
        if len(parts) == 1 and name in self.habits.pseudo:
            return
        if name in hidden and (len(parts) == 1 or not scope.qualified(self.folding.path(parts))):
            return
        resolve(parts, scope, self.folding, self.habits)


def _named(node: exp.Expression) -> bool:
    return isinstance(node, exp.Alias) and isinstance(node.args.get("alias"), exp.Identifier)
