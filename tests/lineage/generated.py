"""Queries by chance over three tables, for databases to judge: many are refused, the others are the test.

Names collide on purpose: tables share columns, CTEs are named as tables, aliases as columns, and inner aliases hide
outer ones.
"""

from __future__ import annotations

from random import Random

TABLES = {"t1": ("a", "b", "c"), "t2": ("a", "d", "e"), "t3": ("b", "d", "f")}
_NAMES = ("a", "b", "c", "d", "e", "f")
_OUTPUTS = ("x", "y", "z", *_NAMES)
Known = dict[str, tuple[str, ...]]
"""Columns by the name of a table, a CTE or an alias."""


class Writer:
    """Writes one query after the other; ``outputs`` are the aliases of columns in the last one.

    :param using: whether tables are joined by USING and NATURAL, too.
    """

    def __init__(self, random: Random, *, using: bool = True) -> None:
        self.random = random
        self.using = using
        self.outputs: set[str] = set()

    def query(self) -> str:
        """Return a query."""
        self.outputs = set()
        ctes: Known = {}
        texts: dict[str, str] = {}
        for name in self.random.sample(("q1", "q2", "t1", "t3"), self.random.choice((0, 0, 1, 2))):
            texts[name], ctes[name] = self._select(2, ctes, {})
        body, _ = self._select(3, ctes, {})
        for name in texts:  # what nobody reads, not every database looks at
            if f" {name}" not in body:
                return self.query()
        begin = ", ".join(f"{name} AS ({text})" for name, text in texts.items())
        return f"WITH {begin} {body}" if texts else body

    def change(self) -> str:
        """Return an INSERT, UPDATE or DELETE, sometimes with a CTE."""
        self.outputs = set()
        ctes: Known = {}
        begin = ""
        if self._chance(0.3):
            text, ctes["q1"] = self._select(1, {}, {})
            begin = f"WITH q1 AS ({text}) "
        table = self.random.choice(list(TABLES))
        own: Known = {table: TABLES[table]}
        columns = self.random.sample(TABLES[table], 2)
        kind = self.random.random()
        if kind < 0.3:
            text = f"INSERT INTO {table} ({', '.join(columns)}) SELECT 1, x FROM ({self._output(ctes)}) AS s2"
        elif kind < 0.7:
            source = f" FROM {self._source(1, ctes, own)}" if self._chance(0.5) else ""
            values = ", ".join(f"{column} = {self._value(1, ctes, own)}" for column in columns)
            text = f"UPDATE {table} SET {values}{source} WHERE {self._condition(2, ctes, own)}"
        else:
            text = f"DELETE FROM {table} WHERE {self._condition(2, ctes, own)}"
        return begin + text if not begin or " q1" in text else self.change()

    def _output(self, ctes: Known) -> str:
        item = self.random.choice(("1", "s1.a", "max(b)"))
        return f"SELECT {item} AS x FROM ({self._select(2, ctes, {})[0]}) AS s1"

    def _chance(self, part: float) -> bool:
        return self.random.random() < part

    def _select(self, depth: int, ctes: Known, around: Known) -> tuple[str, tuple[str, ...]]:
        own: Known = {}
        tables = self._source(depth, ctes, own)
        for _ in range(self.random.choice((0, 0, 1, 1, 2))):
            tables += self._join(depth, ctes, own)
        known = {**around, **own}
        items, columns = self._items(depth, ctes, known, own)
        text = f"SELECT {items} FROM {tables}"
        if self._chance(0.6):
            text += f" WHERE {self._condition(depth, ctes, known)}"
        if self._chance(0.15):
            text += f" GROUP BY {self._name(known)}"
        if self._chance(0.3):
            text += f" ORDER BY {self.random.choice((*columns, self._name(known)))}"
        return text, columns

    def _items(self, depth: int, ctes: Known, known: Known, own: Known) -> tuple[str, tuple[str, ...]]:
        kind = self.random.random()
        if kind < 0.1:
            return "*", tuple({column: 0 for columns in own.values() for column in columns})
        if kind < 0.2:
            alias = self.random.choice(list(own))
            return f"{alias}.*", own[alias]
        if kind < 0.3:
            return "count(*) AS n", ("n",)
        items = {}
        for output in self.random.sample(_OUTPUTS, self.random.choice((1, 2, 3))):
            value = self._value(depth, ctes, known)
            if self._chance(0.5):
                self.outputs.add(output)
                items[output] = f"{value} AS {output}"
            else:
                items[value.rpartition(".")[2]] = value
        return ", ".join(items.values()), tuple(items)

    def _source(self, depth: int, ctes: Known, own: Known) -> str:
        alias = self.random.choice([each for each in ("s1", "s2", "s3", "s4") if each not in own])
        if depth and self._chance(0.25):
            text, own[alias] = self._select(depth - 1, ctes, {})
            return f"({text}) AS {alias}"
        there = {**TABLES, **ctes}
        table = self.random.choice(list(there))
        alias = table if self._chance(0.5) and table not in own else alias
        own[alias] = there[table]
        return table if alias == table else f"{table} AS {alias}"

    def _join(self, depth: int, ctes: Known, own: Known) -> str:
        before = dict(own)
        source = self._source(depth, ctes, own)
        (alias,) = own.keys() - before.keys()
        kind = self.random.random()
        if kind < 0.2:
            return f", {source}"
        shared = [column for column in own[alias] if any(column in columns for columns in before.values())]
        if self.using and shared and kind < 0.45:
            return f" JOIN {source} USING ({self.random.choice(shared)})"
        if self.using and kind < 0.5:
            return f" NATURAL JOIN {source}"
        return f" {self.random.choice(('JOIN', 'LEFT JOIN'))} {source} ON {self._name(before)} = {self._name(own)}"

    def _condition(self, depth: int, ctes: Known, known: Known) -> str:
        kind = self.random.random()
        if depth and kind < 0.2:
            return f"EXISTS ({self._inner(depth - 1, ctes, known, '1')})"
        if depth and kind < 0.45:
            return f"{self._name(known)} IN ({self._inner(depth - 1, ctes, known)})"
        return f"{self._name(known)} > {self._value(depth, ctes, known)}"

    def _inner(self, depth: int, ctes: Known, known: Known, item: str = "") -> str:
        """Return a subquery of one column, which can name those of the queries around it."""
        own: Known = {}
        source = self._source(depth, ctes, own)
        inner = {**known, **own}
        return f"SELECT {item or self._name(inner)} FROM {source} WHERE {self._condition(depth, ctes, inner)}"

    def _value(self, depth: int, ctes: Known, known: Known) -> str:
        kind = self.random.random()
        if depth and kind < 0.1:
            return f"({self._inner(depth - 1, ctes, known)} LIMIT 1)"
        if kind < 0.3:
            return f"coalesce({self._name(known)}, {self._name(known)})"
        return self._name(known)

    def _name(self, known: Known) -> str:
        alias = self.random.choice(list(known))
        name = self.random.choice(known[alias] or ("a",)) if self._chance(0.95) else self.random.choice(_OUTPUTS)
        name = name if name.isalnum() else "a"
        return f"{alias}.{name}" if self._chance(0.7) else name
