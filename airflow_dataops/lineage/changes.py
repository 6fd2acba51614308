"""What INSERT, UPDATE, DELETE and MERGE write, and what they read for that.

The table that is changed is read, too, where its columns decide or give values: ``WHERE``, ``SET v = v + 1``, MERGE.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlglot import exp

from airflow_dataops.lineage.dialects import Habits
from airflow_dataops.lineage.queries import Queries
from airflow_dataops.lineage.scopes import Environment, Names, Scope, Source
from airflow_dataops.lineage.sources import Temporaries, part
from airflow_dataops.lineage.touching import Folding, Unreadable, Use


class Changes(Queries):
    """Reads the statements that change rows.

    Afterwards ``made`` are the temporary tables that they make, and ``dropped`` those that are gone.
    """

    def __init__(self, folding: Folding, habits: Habits, temporaries: Temporaries) -> None:
        super().__init__(folding, habits, temporaries)
        self.made: Temporaries = {}
        self.dropped: set[tuple[str, ...]] = set()

    # --- what is written

    def written(self, node: exp.Expression | None) -> Use | None:
        """Return where writes of a table are counted; ``None`` where it is temporary or no table."""
        source = self._target(node)
        return self._written_through(source) if source is not None else None

    def _target(self, node: exp.Expression | None) -> Source | None:
        """Return the table that is changed, as a source of expressions; ``None`` for a place of files."""
        table = node.this if isinstance(node, exp.Schema) else node
        if not isinstance(table, exp.Table):
            raise Unreadable(type(table).__name__)
        self.seen.add(id(table))
        this, alias = table.this, table.args.get("alias")
        if isinstance(this, exp.Var | exp.Literal) or (isinstance(this, exp.Identifier) and this.name.startswith("@")):
            return None
        if type(this).__name__ == "DynamicIdentifier":
            table = self.spelled(table)
        elif not isinstance(this, exp.Identifier | exp.Dot) or isinstance(table.parts[-1], exp.Func):
            raise Unreadable(type(this).__name__)
        path = self.folding.path(table.parts)
        if path == ("top",) and not this.args.get("quoted"):
            raise Unreadable("TOP")  # SQL Server's DELETE TOP (10) FROM t
        temporary = self.temporary(table)
        source = Source(path[-1], path)
        if temporary is None:
            source.use = self.reading(table, own=True)
        else:
            source.columns = self.temporaries.get(temporary)
        if alias is not None and alias.this is not None:
            source.alias = self.folding.name(alias.this)
        return source

    def _written_through(self, source: Source) -> Use | None:
        """Return where writes of a source are counted; ``None`` where it is temporary."""
        if source.use is None:
            if not source.path:
                raise Unreadable("target")  # a query or CTE that is written through
            return None
        source.use.own = True
        return self.writes.of(source.use)

    def write_all(self, node: exp.Expression | None) -> None:
        """Count a write of all columns of a table."""
        everything(self.written(node))

    def write(self, use: Use | None, columns: Iterable[exp.Expression]) -> None:
        """Count writes of columns."""
        for column in columns:
            identifier = column if isinstance(column, exp.Identifier) else column.this
            if use is not None:
                use.columns.setdefault(self.folding.name(identifier), identifier.name)

    def keep_temporary(self, node: exp.Expression, columns: Names | None) -> None:
        """Remember a temporary table for the statements that follow."""
        table = node.this if isinstance(node, exp.Schema) else node
        self.skip(node)
        self.made[self.folding.path(table.parts)] = columns

    # --- INSERT

    def insert(self, node: exp.Expression, env: Environment) -> Names | None:
        """Read INSERT, and return the columns that it returns."""
        target = node.this
        if node.args.get("is_function"):
            raise Unreadable("function")
        own = None if type(target).__name__ == "Directory" else self._target(target)
        use = self._written_through(own) if own is not None else None
        if isinstance(target, exp.Schema):
            self.write(use, target.expressions)
        elif node.args.get("by_name"):
            if use is not None:
                use.unknown = True
        else:
            everything(use)
        source = node.args.get("expression") or node.args.get("source")
        if isinstance(source, exp.Expression):
            self.query(source, env)
        if own is None:
            return frozenset()
        self._conflict(node, own, source, env)
        self.walk(node.args.get("where"), Scope(env, None, [own]))  # REPLACE WHERE
        return self._returned(node, Scope(env, None, [Source(own.alias)]), Source(own.alias))

    def _conflict(self, node: exp.Expression, own: Source, source: Any, env: Environment) -> None:
        """Read what happens to rows that are there already."""
        conflict = node.args.get("conflict")
        if conflict is None:
            return
        scope = Scope(env, None, [own, Source("excluded", columns=frozenset())])
        alias = source.args.get("alias") if isinstance(source, exp.Values) else None
        if alias is not None:
            scope.sources.append(Source(self.folding.name(alias.this), columns=frozenset()))
        elif self.habits.name == "mysql" and not isinstance(source, exp.Values):
            scope.sources.append(Source(""))  # the query's columns can be named, too
        self._assignments(conflict.expressions, [own], scope)
        self.walk(conflict.args.get("where"), scope)

    def insert_all(self, node: exp.Expression, env: Environment) -> Names | None:
        """Snowflake's INSERT into several tables: what is named in its branches is of the query's result."""
        self.query(node.args["source"], env)
        for branch in node.expressions:
            target, values = branch.this.this, branch.this.args.get("expression")
            if isinstance(target, exp.Schema):
                self.write(self.written(target), target.expressions)
            else:
                self.write_all(target)
            self.walk_all([branch.args.get("expression"), *(values.expressions if values else ())], Scope(env))
        return None

    # --- UPDATE, DELETE, MERGE

    def update(self, node: exp.Expression, env: Environment) -> Names | None:
        """Read UPDATE, and return the columns that it returns."""
        scope = Scope(env)
        begin = part(node, "from")
        if begin is not None:
            self.add_source(begin.this, scope)
        before = len(scope.sources)
        own = self._changed(node.this, scope)
        self._assignments(node.expressions, [own, *scope.sources[before + 1 :]], scope)
        return self._conditions(node, scope, own)

    def delete(self, node: exp.Expression, env: Environment) -> Names | None:
        """Read DELETE, and return the columns that it returns."""
        scope = Scope(env)
        for item in node.args.get("using") or ():
            self.add_source(item, scope)
        named = node.args.get("tables")
        if named:
            self.add_source(node.this, scope)
        targets = [self._changed(table, scope) for table in named or [node.this]]
        for target in targets:
            self._written_through(target)
        return self._conditions(node, scope, targets[0])

    def _conditions(self, node: exp.Expression, scope: Scope, own: Source) -> Names | None:
        self.walk_all(scope.later, scope)
        for key in ("where", "order", "limit"):
            self.walk(node.args.get(key), scope)
        return self._returned(node, scope, own)

    def _changed(self, table: exp.Expression, scope: Scope) -> Source:
        """Return the source that is changed: the one that FROM has under that name or alias, or one of its own."""
        if not isinstance(table, exp.Table):
            raise Unreadable(type(table).__name__)
        path = self.folding.path(table.parts)
        for source in scope.sources:
            if not table.alias and source.alias == path[-1] and (len(path) == 1 or source.path == path):
                self.seen.add(id(table))
                return source
        if self.habits.name == "tsql" and len(path) == 1 and path[0] in scope.env:
            raise Unreadable("target")  # written through a CTE
        own = self._target(table)
        if own is None:
            raise Unreadable("target")
        scope.sources.append(own)
        self.add_joins(table, scope)
        return own

    def _assignments(self, items: list[exp.Expression], targets: list[Source], scope: Scope) -> None:
        """Read ``SET a = b``: on its left what is written, in the first target or, where several are joined, any."""
        for item in items:
            if not isinstance(item, exp.EQ):
                raise Unreadable(type(item).__name__)
            for column in item.this.expressions if isinstance(item.this, exp.Tuple) else [item.this]:
                self._assigned(column, targets, scope)
            self.walk(item.expression, scope)

    def _assigned(self, column: exp.Expression, targets: list[Source], scope: Scope) -> None:
        while isinstance(column, exp.Dot | exp.Bracket | exp.Paren):
            column = column.this  # a field or an element of it
        if not isinstance(column, exp.Column | exp.Identifier):
            raise Unreadable(type(column).__name__)
        parts = column.parts if isinstance(column, exp.Column) else [column]
        source, length = scope.qualified(self.folding.path(parts)) or (None, 0)
        if source is None and len(targets) == 1 and (len(parts) == 1 or self.habits.fields):
            source = targets[0]
        if source is None or not any(source is each for each in targets):
            raise Unreadable("SET")  # any of the joined tables can be the one that is written
        self.write(self._written_through(source), [parts[length]])

    def merge(self, node: exp.Expression, env: Environment) -> Names | None:
        """Read MERGE, and return the columns that it returns."""
        target = self._target(node.this)
        if target is None:
            raise Unreadable("target")
        use = self._written_through(target)
        scope = Scope(env)
        self.add_source(node.args["using"], scope)
        sources = list(scope.sources)
        scope.sources.append(target)
        if target.use is not None:
            target.use.own = False  # its rows are looked at, whichever columns are
        self.walk_all([*scope.later, node.args.get("on")], scope)
        for name in node.args.get("using_cond") or ():
            self.add_using(name, [target], sources, scope)
        inside = {"both": scope, "target": Scope(env, None, [target]), "source": Scope(env, None, sources)}
        for when in part(node, "whens").expressions:
            place = "both" if when.args.get("matched") else "target" if when.args.get("source") else "source"
            self.walk(when.args.get("condition"), inside[place])
            self._then(when.args.get("then"), use, target, inside[place])
        return self._returned(node, scope, target)

    def _then(self, then: Any, use: Use | None, target: Source, scope: Scope) -> None:
        """Read what MERGE does to a row."""
        given = [source for source in scope.sources if source is not target]
        if isinstance(then, exp.Update):
            if any(isinstance(each, exp.Star) for each in then.expressions):
                _copy_rows(use, given)
            elif then.expressions:
                self._assignments(then.expressions, [target], scope)
                if target.use is not None:
                    target.use.own = False
            else:
                raise Unreadable("UPDATE")
        elif isinstance(then, exp.Insert):
            columns, values = then.this, then.args.get("expression")
            if isinstance(columns, exp.Star) or _is_row(columns) or _is_row(values):
                _copy_rows(use, given)
            elif isinstance(columns, exp.Tuple | exp.Schema):
                self.write(use, columns.expressions)
            else:
                everything(use)
            self.walk_all(values.expressions if isinstance(values, exp.Values) else [values], scope)
        elif not isinstance(then, exp.Var):
            raise Unreadable(type(then).__name__)

    def _returned(self, node: exp.Expression, scope: Scope, own: Source) -> Names | None:
        """Read RETURNING or OUTPUT, and return its columns' names; of inserted rows nothing is read."""
        returning = node.args.get("returning")
        if returning is None:
            return frozenset()
        if returning.args.get("into"):
            raise Unreadable("OUTPUT INTO")
        rows = [Source(name, use=own.use, columns=frozenset()) for name in ("old", "new", "inserted", "deleted")]
        inside = Scope(scope.env, None, [*scope.sources, *(each for each in rows if each.alias != own.alias)])
        names: set[str] = set()
        known = True
        for each in returning.expressions:
            if isinstance(each, exp.Star):
                for source in scope.sources:
                    source.read_all()
            else:
                self.walk(each, inside)
            alias = each.args.get("alias") or each.this
            known &= isinstance(alias, exp.Identifier)
            names |= {self.folding.name(alias)} if isinstance(alias, exp.Identifier) else set()
        return frozenset(names) if known else None


def everything(use: Use | None) -> None:
    """Count a touch of all columns."""
    if use is not None:
        use.all = True


def _copy_rows(use: Use | None, sources: Iterable[Source]) -> None:
    """Whole rows are taken over."""
    everything(use)
    for source in sources:
        source.read_all()


def _is_row(node: Any) -> bool:
    return isinstance(node, exp.Var) and node.name.upper() == "ROW"
