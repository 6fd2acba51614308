"""Statements of every kind: what defines, copies and moves tables, and which statements touch no data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from sqlglot import exp

from airflow_dataops.lineage.changes import Changes, everything
from airflow_dataops.lineage.scopes import Environment, Names, Scope
from airflow_dataops.lineage.sources import is_query
from airflow_dataops.lineage.touching import Unreadable

_QUIET = {
    "Transaction", "Commit", "Rollback", "Use", "Grant", "Revoke", "Comment", "Pragma", "Attach", "Detach", "Show",
    "Kill", "Analyze", "Describe", "Install", "EndStatement",
}  # fmt: skip
"""Kinds of statements that touch no rows."""
_RELATIONS = {"TABLE", "VIEW", "MATERIALIZED VIEW", "DYNAMIC TABLE"}
_CHANGED_COLUMNS = {"ColumnDef", "AlterColumn", "RenameColumn"}
_MOVES = {"AlterRename", "SwapTable"}


class Statements(Changes):
    """Reads one statement of any kind."""

    def statement(self, root: exp.Expression) -> None:
        """Read a statement.

        :raises Unreadable: what it touches cannot be told.
        """
        if type(root).__name__ in _QUIET:
            return
        if is_query(root) or isinstance(root, exp.Values):
            self.query(root, {})
        else:
            self.change(root, {})
        if any(id(table) not in self.seen for table in root.find_all(exp.Table)):
            raise Unreadable(type(root).__name__)  # there is a place where nobody has looked

    def change(self, node: exp.Expression, env: Environment) -> Names | None:
        """Read a statement that is no query, and return the columns that it returns."""
        method = self._kinds.get(type(node).__name__)
        if method is None:
            raise Unreadable(type(node).__name__)
        return method(self, node, self.with_ctes(node, env, None))

    # --- definitions

    def _create(self, node: exp.Expression, env: Environment) -> Names | None:
        kind = str(node.args.get("kind") or "").upper()
        target, query = node.this, node.args.get("expression")
        if kind not in _RELATIONS:
            if is_query(query):  # a model is made of it
                self.query(query, env)
            self.skip(node)
            return None
        made = None
        if isinstance(query, exp.Expression):
            if not (is_query(query) or isinstance(query, exp.Values | exp.Table | exp.Subquery)):
                raise Unreadable(type(query).__name__)
            made = self.query(query, env)
        clone = node.args.get("clone")
        likes = [each for each in node.find_all(exp.LikeProperty) if isinstance(each.this, exp.Table)]
        for each in (*likes, *([clone] if clone is not None else [])):
            self._read_all(each.this, env)
        schema = target if isinstance(target, exp.Schema) else None
        if schema is not None and not likes:
            defined = [each for each in schema.expressions if isinstance(each, exp.ColumnDef | exp.Identifier)]
            names = frozenset(
                self.folding.name(each if isinstance(each, exp.Identifier) else each.this) for each in defined
            )
            made = names or made
        properties = node.args.get("properties")
        if self._is_temporary(target, properties):
            self.keep_temporary(target, made)
        else:
            self.write_all(target)
        self.skip(target)
        self.skip(properties)
        return None

    def _is_temporary(self, target: exp.Expression, properties: exp.Expression | None) -> bool:
        """Whether a table is made for the session alone."""
        table = target.this if isinstance(target, exp.Schema) else target
        name = table.this if isinstance(table, exp.Table) else None
        if isinstance(name, exp.Identifier) and (name.args.get("temporary") or name.name.startswith("#")):
            return True
        said = properties is not None and any(
            isinstance(each, exp.TemporaryProperty) for each in properties.expressions
        )
        return said or (isinstance(table, exp.Table) and table.db.lower() in self.habits.temporary_schemas)

    def _read_all(self, table: exp.Expression, env: Environment) -> None:
        scope = Scope(env)
        self.add_source(table, scope)
        for source in scope.sources:
            source.read_all()

    def into(self, node: exp.Expression, outputs: Names | None) -> None:
        """Read what SELECT INTO makes."""
        target = node.this
        if isinstance(target, exp.Table) and (node.args.get("temporary") or self._is_temporary(target, None)):
            self.keep_temporary(target, outputs)
        else:
            self.write_all(target)

    def _drop(self, node: exp.Expression, env: Environment) -> Names | None:
        kind = str(node.args.get("kind") or "").upper()
        for table in node.args.get("tables") or [node.this]:
            if kind in _RELATIONS and isinstance(table, exp.Table):
                temporary = self.temporary(table)
                if temporary is not None:
                    self.dropped.add(temporary)
                self.write_all(table)
        self.skip(node)
        return None

    def _alter(self, node: exp.Expression, env: Environment) -> Names | None:
        if str(node.args.get("kind") or "").upper() not in _RELATIONS:
            self.skip(node)
            return None
        use = self.written(node.this)
        temporary = self.temporary(node.this)
        for action in node.args.get("actions") or ():
            kind = type(action).__name__
            if is_query(action):
                self.query(action, env)
                everything(use)
            elif kind == "AddConstraint":
                self.skip(action)
            elif kind in _MOVES and temporary is not None:
                self.keep_temporary(action.this, self.temporaries.get(temporary))
            elif kind in _MOVES:
                everything(use)
                self.write_all(action.this)
            elif kind in _CHANGED_COLUMNS:
                self.write(use, [each for each in (action.this, action.args.get("to")) if each is not None])
            elif isinstance(action, exp.Drop) and str(action.args.get("kind")).upper() == "COLUMN":
                self.write(use, action.args.get("tables") or [action.this])
        return None

    def _truncate(self, node: exp.Expression, env: Environment) -> Names | None:
        for table in node.expressions:
            self.written(table)
        return None

    # --- other movements

    def _copy(self, node: exp.Expression, env: Environment) -> Names | None:
        """COPY in both directions: on Snowflake the place that is written stands first either way."""
        place, files = node.this, [each for each in node.args.get("files") or () if isinstance(each, exp.Expression)]
        comes_in = node.args.get("kind")
        if comes_in:
            if isinstance(place, exp.Schema):
                self.write(self.written(place), place.expressions)
            else:
                self.write_all(place)
            for each in files:
                if isinstance(each, exp.Table):
                    self._read_all(each, env)
                elif is_query(each):
                    self.query(each, env)
        elif is_query(place):
            self.query(place, env)
        elif isinstance(place, exp.Schema):
            scope = Scope(env)
            self.add_source(place.this, scope)
            for column in place.expressions:
                scope.sources[0].read(self.folding.name(column), column.name)
        else:
            self._read_all(place, env)
        return None

    def _load(self, node: exp.Expression, env: Environment) -> Names | None:
        self.write_all(node.this)
        return None

    def _cache(self, node: exp.Expression, env: Environment) -> Names | None:
        """Spark's CACHE TABLE t AS makes a view of the session; without a query it reads the table."""
        query = node.args.get("expression")
        if is_query(query):
            self.keep_temporary(node.this, self.query(query, env))
        else:
            self._read_all(node.this, env)
        return None

    def _queries_alone(self, node: exp.Expression, env: Environment) -> Names | None:
        """SET and DECLARE: their names are no columns, and the queries in them run."""
        for each in self._outermost(node):
            self.query(each, env)
        self.skip(node)
        return None

    @staticmethod
    def _outermost(node: exp.Expression) -> Iterator[exp.Expression]:
        stack = [node]
        while stack:
            each = stack.pop()
            if is_query(each):
                yield each
            else:
                stack.extend(each.iter_expressions())

    def _export(self, node: exp.Expression, env: Environment) -> Names | None:
        self.query(node.this, env)
        return None

    def _whole(self, node: exp.Expression, env: Environment) -> Names | None:
        """SUMMARIZE and DuckDB's PIVOT look at every column."""
        self._read_all(node.this, env)
        return None

    _kinds: ClassVar[dict[str, Callable[[Any, Any, Environment], Names | None]]] = {
        "Insert": Changes.insert,
        "MultitableInserts": Changes.insert_all,
        "Update": Changes.update,
        "Delete": Changes.delete,
        "Merge": Changes.merge,
        "Create": _create,
        "Drop": _drop,
        "Alter": _alter,
        "TruncateTable": _truncate,
        "Copy": _copy,
        "LoadData": _load,
        "Cache": _cache,
        "Set": _queries_alone,
        "Declare": _queries_alone,
        "Export": _export,
        "Summarize": _whole,
        "Pivot": _whole,
    }
