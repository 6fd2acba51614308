"""Which columns a column is made from, by hand: each expectation was written from the SQL, not from an answer."""

from __future__ import annotations

import pytest

from airflow_dataops.lineage.columns import Kind, origins

TABLES = {
    "orders": ["id", "customer_id", "amount", "placed_at"],
    "customers": ["id", "name", "country"],
    "raw.rates": ["country", "rate", "amount"],
}
# What is made of what: `table.column`, behind it how, where that is not as it is; `?` where it cannot be known.
CORPUS = [
    ("postgres", "SELECT id, amount FROM orders", ["orders.id", "orders.amount"]),
    ("postgres", "SELECT id AS number FROM orders", ["orders.id"]),
    ("postgres", "SELECT * FROM customers", ["customers.id", "customers.name", "customers.country"]),
    ("postgres", "SELECT c.*, 1 AS one FROM customers c", ["customers.id", "customers.name", "customers.country", "?"]),
    ("postgres", "SELECT amount * 2 AS twice FROM orders", ["orders.amount TRANSFORMATION"]),
    ("postgres", "SELECT name || country AS both FROM customers",
     ["customers.country TRANSFORMATION, customers.name TRANSFORMATION"]),
    ("postgres", "SELECT customer_id, sum(amount) FROM orders GROUP BY 1",
     ["orders.customer_id", "orders.amount AGGREGATION"]),
    ("postgres", "SELECT count(*) AS n FROM orders", ["?"]),
    ("postgres", "SELECT max(amount * rate) AS m FROM orders JOIN raw.rates r USING (amount)",
     ["orders.amount AGGREGATION, raw.rates.amount AGGREGATION, raw.rates.rate AGGREGATION"]),
    ("postgres", "SELECT name, placed_at FROM orders o JOIN customers c ON c.id = o.customer_id",
     ["customers.name", "orders.placed_at"]),
    ("postgres", "SELECT rate FROM customers NATURAL JOIN raw.rates", ["raw.rates.rate"]),
    ("postgres", "SELECT r.rate FROM raw.rates AS r WHERE r.country = 'CH'", ["raw.rates.rate"]),
    ("postgres", "WITH big AS (SELECT id, amount AS a FROM orders WHERE amount > 9) SELECT a, id FROM big",
     ["orders.amount", "orders.id"]),
    ("postgres", "WITH a AS (SELECT id FROM orders), b AS (SELECT id + 1 AS next FROM a) SELECT next FROM b",
     ["orders.id TRANSFORMATION"]),
    ("postgres", "WITH orders AS (SELECT name FROM customers) SELECT name FROM orders", ["customers.name"]),
    ("postgres", "WITH RECURSIVE r(n) AS (SELECT id FROM orders UNION ALL SELECT n + 1 FROM r) SELECT n FROM r", ["?"]),
    ("postgres", "SELECT id FROM orders UNION ALL SELECT id FROM customers", ["customers.id, orders.id"]),
    ("postgres", "SELECT id, 'x' AS kind FROM orders UNION SELECT id, name FROM customers",
     ["customers.id, orders.id", "customers.name"]),
    ("postgres", "SELECT q.total FROM (SELECT sum(amount) AS total FROM orders) q", ["orders.amount AGGREGATION"]),
    ("postgres", "SELECT (SELECT max(rate) FROM raw.rates r WHERE r.country = c.country) AS top FROM customers c",
     ["raw.rates.rate AGGREGATION"]),
    ("postgres", "SELECT CASE WHEN country = 'CH' THEN name ELSE 'abroad' END AS shown FROM customers",
     ["customers.country CONDITIONAL, customers.name TRANSFORMATION"]),
    ("postgres", "SELECT row_number() OVER (PARTITION BY customer_id ORDER BY placed_at) AS n FROM orders",
     ["orders.customer_id WINDOW, orders.placed_at WINDOW"]),
    ("postgres", "SELECT sum(amount) OVER (ORDER BY placed_at) AS running FROM orders",
     ["orders.amount AGGREGATION, orders.placed_at WINDOW"]),
    ("postgres", "SELECT sum(amount) FILTER (WHERE customer_id > 1) AS s FROM orders",
     ["orders.amount AGGREGATION, orders.customer_id CONDITIONAL"]),
    ("postgres", "SELECT array_agg(id ORDER BY placed_at) AS ids FROM orders",
     ["orders.id AGGREGATION, orders.placed_at SORT"]),
    ("postgres", "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY amount) AS median FROM orders",
     ["orders.amount AGGREGATION"]),
    ("postgres", "SELECT q.n FROM (SELECT id AS n FROM orders UNION ALL SELECT id FROM customers) q",
     ["customers.id, orders.id"]),
    ("postgres", "SELECT q.name FROM (SELECT id AS name, name AS id FROM customers) q", ["customers.id"]),
    ("postgres", "SELECT * FROM customers JOIN raw.rates USING (country)",
     ["customers.country TRANSFORMATION, raw.rates.country TRANSFORMATION", "customers.id", "customers.name",
      "raw.rates.rate", "raw.rates.amount"]),
    ("postgres", "SELECT (SELECT name) AS n FROM customers", ["?"]),
    ("postgres", "SELECT id FROM orders WHERE customer_id IN (SELECT id FROM customers)", ["orders.id"]),
    ("postgres", "SELECT coalesce(o.amount, r.rate) AS v FROM orders o LEFT JOIN raw.rates r ON r.amount = o.amount",
     ["orders.amount TRANSFORMATION, raw.rates.rate TRANSFORMATION"]),
    ("postgres", "SELECT CAST(id AS text) AS id FROM orders", ["orders.id TRANSFORMATION"]),
    ("postgres", "SELECT a.name, b.name AS other FROM customers a JOIN customers b ON a.id < b.id",
     ["customers.name", "customers.name"]),
    ("postgres", "SELECT v FROM somewhere.unknown", ["?"]),
    ("postgres", "SELECT o.id, u.v FROM orders o JOIN unknown u ON u.id = o.id", ["orders.id", "?"]),
    ("postgres", "SELECT x.v, o.id FROM orders o, (VALUES (1), (2)) AS x(v)", None),
    ("postgres", "SELECT n FROM orders, generate_series(1, id) AS n", None),
    ("postgres", "this is no SQL (", None),
    ("duckdb", "SELECT * EXCLUDE (country) FROM customers", ["customers.id", "customers.name"]),
    ("duckdb", "SELECT * REPLACE (upper(name) AS name) FROM customers",
     ["customers.id", "customers.name TRANSFORMATION", "customers.country"]),
    ("duckdb", "SELECT amount AS a, a + 1 AS b FROM orders", ["orders.amount", "orders.amount TRANSFORMATION"]),
    ("duckdb", "FROM customers SELECT name", ["customers.name"]),
    ("bigquery", "SELECT * EXCEPT (id) FROM `raw`.`rates`",
     ["raw.rates.country", "raw.rates.rate", "raw.rates.amount"]),
    ("bigquery", "SELECT IF(amount > 1, rate, 0) AS v FROM raw.rates",
     ["raw.rates.amount CONDITIONAL, raw.rates.rate TRANSFORMATION"]),
    ("snowflake", 'SELECT ID, NAME FROM CUSTOMERS QUALIFY row_number() OVER (ORDER BY ID) = 1',
     ["customers.id", "customers.name"]),
    ("snowflake", "SELECT iff(country = 'CH', name, NULL) AS v FROM customers",
     ["customers.country CONDITIONAL, customers.name TRANSFORMATION"]),
    ("mysql", "SELECT `id`, IFNULL(name, 'none') AS n FROM `customers`",
     ["customers.id", "customers.name TRANSFORMATION"]),
    ("sqlite", 'SELECT "id", [amount] FROM "orders"', ["orders.id", "orders.amount"]),
    ("tsql", "SELECT TOP 5 id, amount FROM orders ORDER BY amount", ["orders.id", "orders.amount"]),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "sql", "expected"), CORPUS, ids=[sql for _, sql, _ in CORPUS])
def test_columns_come_from_where_a_person_says(dialect: str, sql: str, expected: list[str] | None) -> None:
    found = [", ".join(map(_told, made)) or "?" for made in origins(sql, dialect, TABLES)]
    if expected is None:
        assert set(found) <= {"?"}
    else:
        assert found == expected


def _told(origin: object) -> str:
    kind = "" if origin.kind is Kind.IDENTITY else f" {origin.kind}"
    return f"{origin.relation}.{origin.column}{kind}"
