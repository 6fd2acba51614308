"""Statements of ten dialects and what they touch, as a reader of SQL would say: written by hand, from their meaning.

Columns are words in one text (with commas where one has a space): ``"*"`` is all, ``""`` is rows alone, and ``None``
that SQL alone does not tell which, because a name can be of several tables. ``unknown`` is how many statements cannot
be told at all: dynamic SQL, calls, blocks, templates that were not filled in. Files, table functions and temporary
tables are no relations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Expected = Mapping[str, str | None]


@dataclass(frozen=True, kw_only=True)
class Case:
    """SQL and what it means."""

    dialect: str
    sql: str
    reads: Expected
    writes: Expected
    unknown: int = 0


_CASES: list[Case] = []


def case(
    dialect: str, sql: str, reads: Expected | None = None, writes: Expected | None = None, *, unknown: int = 0
) -> None:
    _CASES.append(Case(dialect=dialect, sql=sql, reads=reads or {}, writes=writes or {}, unknown=unknown))


# fmt: off
# --- PostgreSQL
P = "postgres"
case(P, "SELECT id, amount FROM sales.orders WHERE day >= '2024-01-01'", {"sales.orders": "id amount day"})
case(P, "SELECT o.id, c.name FROM orders o JOIN customers c ON c.id = o.customer_id",
     {"orders": "id customer_id", "customers": "id name"})
case(P, "SELECT count(*) FROM orders", {"orders": ""})
case(P, "SELECT 1 FROM a WHERE EXISTS (SELECT * FROM b WHERE b.a_id = a.id)", {"a": "id", "b": "a_id"})
case(P, "SELECT total FROM orders o JOIN lines l ON l.order_id = o.id", {"orders": None, "lines": None})
case(P, "SELECT o.*, c.region FROM orders o LEFT JOIN customers c USING (customer_id)",
     {"orders": "*", "customers": "customer_id region"})
case(P, "SELECT a.x FROM a JOIN b USING (k) JOIN c USING (k)", {"a": "x k", "b": "k", "c": "k"})
case(P, "SELECT a.x, b.y FROM a NATURAL JOIN b", {"a": None, "b": None})
case(P, "WITH orders AS (SELECT * FROM raw.orders) SELECT id FROM orders", {"raw.orders": "*"})
case(P, "WITH orders AS (SELECT id, day FROM orders) SELECT id FROM orders", {"orders": "id day"})
case(P, "WITH a AS (SELECT x FROM t1), b AS (WITH a AS (SELECT y FROM t2) SELECT y FROM a) SELECT a.x, b.y FROM a, b",
     {"t1": "x", "t2": "y"})
case(P, "WITH RECURSIVE tree AS (SELECT id, parent FROM nodes WHERE parent IS NULL UNION ALL "
        "SELECT n.id, n.parent FROM nodes n JOIN tree ON n.parent = tree.id) SELECT count(*) FROM tree",
     {"nodes": "id parent"})
case(P, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10) SELECT i FROM n")
case(P, "WITH gone AS (DELETE FROM live.events WHERE day < '2024-01-01' RETURNING *) "
        "INSERT INTO archive.events SELECT * FROM gone",
     {"live.events": "*"}, {"live.events": "", "archive.events": "*"})
case(P, "WITH up AS (UPDATE stock SET n = n - 1 WHERE sku = 'x' RETURNING sku) "
        "INSERT INTO log (sku) SELECT sku FROM up", {"stock": "n sku"}, {"stock": "n", "log": "sku"})
case(P, "WITH ins AS (INSERT INTO a (v) SELECT w FROM s RETURNING id) INSERT INTO b (a_id) SELECT id FROM ins",
     {"s": "w"}, {"a": "v", "b": "a_id"})
case(P, "SELECT * FROM customers c, LATERAL (SELECT o.total FROM orders o WHERE o.customer_id = c.id LIMIT 3) l",
     {"customers": "*", "orders": "total customer_id"})
case(P, "SELECT a FROM t UNION SELECT b FROM u EXCEPT SELECT c FROM v ORDER BY a", {"t": "a", "u": "b", "v": "c"})
case(P, "INSERT INTO target (a, b) SELECT x, y FROM source ON CONFLICT (a) DO UPDATE SET b = excluded.b, c = target.d",
     {"source": "x y", "target": "d"}, {"target": "a b c"})
case(P, "INSERT INTO t (a) VALUES (1), (2) RETURNING id", {}, {"t": "a"})
case(P, "INSERT INTO t SELECT * FROM s", {"s": "*"}, {"t": "*"})
case(P, "UPDATE orders o SET total = s.total, state = 'paid' FROM sums s WHERE s.order_id = o.id",
     {"orders": "id", "sums": "total order_id"}, {"orders": "total state"})
case(P, "UPDATE t SET v = 1", {}, {"t": "v"})
case(P, "UPDATE t SET v = v + 1", {"t": "v"}, {"t": "v"})
case(P, "DELETE FROM orders USING refunds r WHERE r.order_id = orders.id",
     {"orders": "id", "refunds": "order_id"}, {"orders": ""})
case(P, "MERGE INTO dim d USING stage s ON d.k = s.k WHEN MATCHED THEN UPDATE SET v = s.v "
        "WHEN NOT MATCHED THEN INSERT (k, v) VALUES (s.k, s.v)", {"dim": "k", "stage": "k v"}, {"dim": "k v"})
case(P, "COPY raw.events (id, at) FROM STDIN WITH (FORMAT csv)", {}, {"raw.events": "id at"})
case(P, "COPY raw.events TO STDOUT", {"raw.events": "*"})
case(P, "COPY raw.events (id) TO '/tmp/x.csv'", {"raw.events": "id"})
case(P, "COPY (SELECT id FROM raw.events WHERE kind = 'a') TO STDOUT WITH CSV", {"raw.events": "id kind"})
case(P, "CREATE TABLE mart.daily AS SELECT day, sum(amount) AS total FROM sales.orders GROUP BY day",
     {"sales.orders": "day amount"}, {"mart.daily": "*"})
case(P, "CREATE OR REPLACE VIEW mart.v AS SELECT o.id FROM sales.orders o", {"sales.orders": "id"}, {"mart.v": "*"})
case(P, "CREATE MATERIALIZED VIEW mart.m AS SELECT id FROM sales.orders", {"sales.orders": "id"}, {"mart.m": "*"})
case(P, "CREATE TEMP TABLE tmp AS SELECT id, v FROM base; INSERT INTO final (id) SELECT id FROM tmp; DROP TABLE tmp",
     {"base": "id v"}, {"final": "id"})
case(P, "CREATE TEMP TABLE orders AS SELECT * FROM orders; SELECT id FROM orders", {"orders": "*"})
case(P, "CREATE TEMP TABLE t AS SELECT a FROM x; DROP TABLE t; SELECT b FROM t", {"x": "a", "t": "b"})
case(P, "SELECT a, b INTO TEMP s FROM wide; SELECT a FROM s JOIN other ON other.k = s.b",
     {"wide": "a b", "other": "k"})
case(P, "SELECT a INTO kept FROM wide", {"wide": "a"}, {"kept": "*"})
case(P, "CREATE TEMP TABLE c (id int, v int); COPY c FROM STDIN; UPDATE d SET v = c.v FROM c WHERE c.id = d.id",
     {"d": "id"}, {"d": "v"})
case(P, 'SELECT "Id", name FROM "Sales"."Order Lines"', {"Sales.Order Lines": "Id name"})
case(P, 'SELECT "A".x, a.y FROM one a, two "A"', {"one": "y", "two": "x"})
case(P, "SELECT upper(name) AS name FROM people ORDER BY name", {"people": "name"})
case(P, "SELECT date_trunc('day', at) AS day, count(*) AS n FROM events GROUP BY day HAVING count(*) > 1 ORDER BY n",
     {"events": "at"})
case(P, "SELECT sum(v) OVER w, rank() OVER (PARTITION BY g ORDER BY at) FROM t WINDOW w AS (PARTITION BY h)",
     {"t": "v g at h"})
case(P, "SELECT e.name, m.name FROM staff e LEFT JOIN staff m ON m.id = e.manager", {"staff": "name id manager"})
case(P, "SELECT g FROM generate_series(1, 10) AS g")
case(P, "SELECT t.id, x FROM t, unnest(t.tags) AS x", {"t": "id tags"})
case(P, "SELECT (address).city FROM people", {"people": "address"})
case(P, "SELECT data->>'k', data @> '{}' FROM docs WHERE (data #>> '{a,b}') = 'c'", {"docs": "data"})
case(P, "SELECT to_jsonb(o) FROM orders o", {"orders": None})
case(P, "SELECT v.id FROM (VALUES (1, 'a')) AS v(id, name) JOIN real r ON r.id = v.id", {"real": "id"})
case(P, "SELECT id FROM a WHERE a.id IN (SELECT b.a_id FROM b) AND NOT EXISTS (SELECT 1 FROM c)",
     {"a": "id", "b": "a_id", "c": ""})
case(P, "SELECT o.id FROM o WHERE o.k IN (SELECT k FROM p)", {"o": None, "p": None})
case(P, "SELECT max(x) FROM (SELECT y AS x FROM t) s WHERE x > 1", {"t": "y"})
case(P, "SELECT s.x, u.z FROM (SELECT y AS x FROM t) s JOIN u ON u.k = x", {"t": "y", "u": "z k"})
case(P, "SELECT DISTINCT ON (g) g, v FROM t ORDER BY g, at DESC", {"t": "g v at"})
case(P, "SELECT a AS b FROM t ORDER BY b", {"t": "a"})
case(P, "SELECT sales.orders.id FROM sales.orders", {"sales.orders": "id"})
case(P, "SELECT id FROM jobs WHERE state = 'new' FOR UPDATE SKIP LOCKED", {"jobs": "id state"})
case(P, "TABLE sales.orders", {"sales.orders": "*"})
case(P, "TRUNCATE a, b", {}, {"a": "", "b": ""})
case(P, "ALTER TABLE mart.new RENAME TO daily", {}, {"mart.new": "*", "daily": "*"})
case(P, "ALTER TABLE t ADD COLUMN c int", {}, {"t": "c"})
case(P, "ALTER TABLE t OWNER TO bob", {}, {"t": ""})
case(P, "DROP TABLE IF EXISTS old.t CASCADE", {}, {"old.t": "*"})
case(P, "CREATE TABLE copy_of (LIKE orig INCLUDING ALL)", {"orig": "*"}, {"copy_of": "*"})
case(P, "EXPLAIN SELECT * FROM t")
case(P, "EXPLAIN ANALYZE SELECT a FROM t", {"t": "a"})
case(P, "EXPLAIN (ANALYZE, BUFFERS) DELETE FROM t WHERE a = 1", {"t": "a"}, {"t": ""})
case(P, "BEGIN; SET LOCAL search_path TO sales; SELECT id FROM orders; COMMIT", {"orders": "id"})
case(P, "GRANT SELECT ON sales.orders TO reader; REVOKE ALL ON sales.orders FROM bob")
case(P, "VACUUM ANALYZE sales.orders; COMMENT ON TABLE sales.orders IS 'SELECT * FROM nothing'")
case(P, "CREATE INDEX ON sales.orders (day)")
case(P, "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT count(*) FROM hidden $$; SELECT f()")
case(P, "-- SELECT * FROM commented\nSELECT a /* , b FROM other */ FROM t -- end\n", {"t": "a"})
case(P, "-- nothing but a comment")
case(P, "SELECT a FROM good; SELEC oops FROM bad; SELECT b FROM fine", {"good": "a", "fine": "b"}, unknown=1)
case(P, "SELECT a FROM good; SELECT 'never closed FROM bad", {"good": "a"}, unknown=1)
case(P, "DO $$ BEGIN EXECUTE 'DELETE FROM t'; DELETE FROM u; END $$", unknown=1)
case(P, "PREPARE q AS SELECT * FROM t WHERE a = $1; EXECUTE q(1)", unknown=1)
case(P, "CALL refresh_all()", unknown=1)
case(P, "EXECUTE 'INSERT INTO x SELECT 1; DELETE FROM y; SELECT * FROM z'", unknown=1)
case(P, "SELECT * FROM dblink('host=x', 'SELECT a FROM far') AS t(a int)", unknown=1)
case(P, "SELECT * FROM {{ ref('orders') }}", unknown=1)
case(P, "SELECT a FROM t WHERE day = {{ ds }}", unknown=1)
case(P, "{% if full %} SELECT a FROM t {% endif %}", unknown=1)
case(P, "SELECT a FROM t WHERE b = %s AND c = %(name)s", {"t": "a b c"})
case(P, "SELECT FROM WHERE (", unknown=1)
case(P, "GIBBERISH here", unknown=1)
case(P, "REFRESH MATERIALIZED VIEW mart.m", {}, {"mart.m": "*"})
case(P, "DECLARE c CURSOR FOR SELECT a FROM big; FETCH 100 FROM c; CLOSE c", {"big": "a"})
case(P, "SELECT q.title FROM docs q, plainto_tsquery('x') query WHERE q.body @@ query", {"docs": "title body"})
case(P, 'SELECT "order", "select" FROM "table"', {"table": "order select"})
case(P, "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY v) FILTER (WHERE ok) FROM t", {"t": "v ok"})
case(P, "SELECT CASE WHEN a THEN b END, coalesce(c, d), CAST(e AS text), f::int, extract(year FROM g) FROM t",
     {"t": "a b c d e f g"})
case(P, "SELECT x.a, y.b FROM (t1 x JOIN t2 y ON x.k = y.k) LEFT JOIN t3 z ON z.k = y.j",
     {"t1": "a k", "t2": "b k j", "t3": "k"})

# --- SQLite
S = "sqlite"
case(S, "SELECT id FROM main.orders WHERE rowid > 3", {"main.orders": "id"})
case(S, "INSERT OR REPLACE INTO kv (k, v) VALUES ('a', 1)", {}, {"kv": "k v"})
case(S, "REPLACE INTO kv SELECT k, v FROM old_kv", {"old_kv": "k v"}, {"kv": "*"})
case(S, "INSERT INTO n (w, c) VALUES ('x', 1) ON CONFLICT (w) DO UPDATE SET c = c + 1", {"n": "c"}, {"n": "w c"})
case(S, "UPDATE t SET v = (SELECT s.v FROM s WHERE s.id = t.id)", {"t": "id", "s": "v id"}, {"t": "v"})
case(S, "DELETE FROM t WHERE id NOT IN (SELECT s.t_id FROM s)", {"t": "id", "s": "t_id"}, {"t": ""})
case(S, "CREATE TEMPORARY VIEW x AS SELECT a FROM t; SELECT a FROM x", {"t": "a"})
case(S, "CREATE TEMP TABLE x AS SELECT a FROM t; SELECT a FROM temp.x", {"t": "a"})
case(S, "CREATE TRIGGER tr AFTER INSERT ON t BEGIN DELETE FROM y; INSERT INTO z SELECT 1; END; SELECT a FROM t",
     {"t": "a"})
case(S, "WITH x AS (SELECT a FROM t) SELECT a FROM x UNION ALL SELECT b FROM main.x", {"t": "a", "main.x": "b"})
case(S, "PRAGMA table_info('t'); SELECT [a b] FROM [my table]", {"my table": "a b,"})
case(S, "SELECT name FROM sqlite_master WHERE type = 'table'", {"sqlite_master": "name type"})
case(S, "ATTACH 'x.db' AS x; INSERT INTO x.t (a) SELECT a FROM main.t", {"main.t": "a"}, {"x.t": "a"})
case(S, "CREATE TABLE t (id INTEGER PRIMARY KEY, p INT REFERENCES parents (id))", {}, {"t": "*"})
case(S, "SELECT value FROM t, json_each(t.doc)", {"t": "doc"})
case(S, "SELECT j.value FROM t, json_each(t.doc) AS j", {"t": "doc"})

case(S, "SELECT a AS x FROM t WHERE x > 1", {"t": None})
case(S, "SELECT lower(a) AS a FROM t WHERE a > 'x'", {"t": "a"})

# --- DuckDB
D = "duckdb"
case(D, "FROM sales.orders", {"sales.orders": "*"})
case(D, "FROM orders SELECT id WHERE day > '2024'", {"orders": "id day"})
case(D, "SELECT * EXCLUDE (secret) FROM people", {"people": "*"})
case(D, "SELECT * FROM 'data/*.parquet'")
case(D, "SELECT a FROM read_csv('f.csv', header = true)")
case(D, "INSERT INTO t BY NAME SELECT a, b FROM s", {"s": "a b"}, {"t": None})
case(D, "CREATE OR REPLACE TABLE t AS SELECT a FROM read_parquet('x.parquet') JOIN dim USING (k)",
     {"dim": None}, {"t": "*"})
case(D, "SELECT a, row_number() OVER (PARTITION BY g ORDER BY at DESC) AS rn FROM t QUALIFY rn = 1", {"t": "a g at"})
case(D, "SELECT a + 1 AS b, b * 2 AS c FROM t WHERE c > 3", {"t": None})
case(D, "PIVOT sales ON month USING sum(amount)", {"sales": "*"})
case(D, "SELECT id, m, v FROM wide UNPIVOT (v FOR m IN (jan, feb))", {"wide": "id jan feb"})
case(D, "SUMMARIZE orders", {"orders": "*"})
case(D, "COPY orders TO 'out.parquet' (FORMAT parquet)", {"orders": "*"})
case(D, "COPY (SELECT id FROM orders) TO 'out.csv'", {"orders": "id"})
case(D, "COPY orders FROM 'in.csv'", {}, {"orders": "*"})
case(D, "SELECT list_transform(xs, x -> x + 1), s.city FROM t", {"t": "xs s"})
case(D, "SELECT {'a': a, 'b': b} FROM t", {"t": "a b"})
case(D, "SELECT * FROM query('SELECT 1 FROM hidden')", unknown=1)
case(D, "SELECT * FROM a ASOF JOIN b ON a.k = b.k AND a.at >= b.at", {"a": "*", "b": "*"})
case(D, "SELECT COLUMNS('^a') FROM t", {"t": None})
case(D, "INSTALL httpfs; LOAD httpfs; SELECT a FROM t", {"t": "a"})
case(D, "WITH t AS MATERIALIZED (SELECT a FROM main.t) SELECT a FROM t GROUP BY ALL ORDER BY ALL", {"main.t": "a"})
case(D, "SELECT count(DISTINCT a) FILTER (WHERE b) FROM t TABLESAMPLE 10%", {"t": "a b"})

# --- MySQL
M = "mysql"
case(M, "SELECT `id`, `key` FROM `shop`.`orders` WHERE `state` = \"new\"", {"shop.orders": "id key state"})
case(M, "INSERT INTO t (a, n) VALUES (1, 2) ON DUPLICATE KEY UPDATE n = n + VALUES(n)", {"t": "n"}, {"t": "a n"})
case(M, "INSERT INTO t SET a = 1, b = 2", {}, {"t": "a b"})
case(M, "REPLACE INTO t (a) SELECT x FROM s", {"s": "x"}, {"t": "a"})
case(M, "UPDATE a JOIN b ON a.id = b.id SET a.v = b.v", {"a": "id", "b": "id v"}, {"a": "v"})
case(M, "UPDATE a, b SET b.v = a.v WHERE a.id = b.id", {"a": "v id", "b": "id"}, {"b": "v"})
case(M, "DELETE o FROM orders o JOIN dead d ON d.id = o.id", {"orders": "id", "dead": "id"}, {"orders": ""})
case(M, "DELETE FROM a USING a JOIN b ON a.id = b.id", {"a": "id", "b": "id"}, {"a": ""})
case(M, "SELECT a AS b, count(*) AS n FROM t GROUP BY b HAVING n > 1", {"t": "a"})
case(M, "CREATE TEMPORARY TABLE tmp SELECT a FROM t; SELECT a FROM tmp", {"t": "a"})
case(M, "CREATE TABLE x LIKE y", {"y": "*"}, {"x": "*"})
case(M, "LOAD DATA INFILE '/x.csv' INTO TABLE t (a, b)", {}, {"t": "a b"})
case(M, "SELECT NOW() FROM dual")
case(M, "SET @n = (SELECT count(*) FROM t)", {"t": ""})
case(M, "SELECT a.x FROM a STRAIGHT_JOIN b ON a.k = b.k", {"a": "x k", "b": "k"})
case(M, "SELECT a FROM t USE INDEX (i) WHERE b = 1", {"t": "a b"})
case(M, "CALL nightly()", unknown=1)
case(M, "PREPARE s FROM 'DELETE FROM t'; EXECUTE s; DEALLOCATE PREPARE s", unknown=1)
case(M, "TRUNCATE TABLE shop.tmp", {}, {"shop.tmp": ""})
case(M, "RENAME TABLE live TO old, new TO live", {}, {"new": "*", "live": "*", "old": "*"})
case(M, "SELECT j.id FROM t, JSON_TABLE(t.doc, '$[*]' COLUMNS (id INT PATH '$.id')) AS j", {"t": "doc"})
case(M, "SHOW TABLES; USE shop; SELECT a FROM t # the end", {"t": "a"})

# --- Snowflake
F = "snowflake"
case(F, "SELECT ID FROM DB.SALES.ORDERS AT (TIMESTAMP => '2024-01-01'::timestamp)", {"DB.SALES.ORDERS": "ID"})
case(F, "SELECT id FROM orders BEFORE (STATEMENT => '8e5d0ca9')", {"orders": "id"})
case(F, "COPY INTO raw.events FROM @stage/events FILE_FORMAT = (TYPE = CSV)", {}, {"raw.events": "*"})
case(F, "COPY INTO raw.events (id, at) FROM (SELECT $1, $2 FROM @stage/events)", {}, {"raw.events": "id at"})
case(F, "COPY INTO @stage/out FROM (SELECT id FROM raw.events)", {"raw.events": "id"})
case(F, "COPY INTO @stage/out FROM raw.events", {"raw.events": "*"})
case(F, "SELECT f.value:id::int FROM raw.docs d, LATERAL FLATTEN(input => d.body:items) f", {"raw.docs": "body"})
case(F, "SELECT d.id, f.value FROM docs d, TABLE(FLATTEN(d.body)) f", {"docs": "id body"})
case(F, "SELECT a, b FROM t QUALIFY row_number() OVER (PARTITION BY a ORDER BY c) = 1", {"t": "a b c"})
case(F, "SELECT amount * 2 AS double, double + 1 AS more FROM t WHERE double > 3", {"t": None})
case(F, "CREATE OR REPLACE TEMPORARY TABLE s.tmp AS SELECT a FROM t; INSERT INTO u SELECT a FROM tmp",
     {"t": "a"}, {"u": "*"})
case(F, "CREATE TABLE backup CLONE orders", {"orders": "*"}, {"backup": "*"})
case(F, "ALTER TABLE a SWAP WITH b", {}, {"a": "*", "b": "*"})
case(F, "MERGE INTO t USING (SELECT s.k, s.v FROM s) x ON t.k = x.k WHEN MATCHED AND x.v IS NULL THEN DELETE "
        "WHEN NOT MATCHED THEN INSERT (k, v) VALUES (x.k, x.v)", {"t": "k", "s": "k v"}, {"t": "k v"})
case(F, "INSERT ALL INTO a INTO b (x) VALUES (y) SELECT y FROM c", {"c": "y"}, {"a": "*", "b": "x"})
case(F, "INSERT OVERWRITE INTO t SELECT a FROM s", {"s": "a"}, {"t": "*"})
case(F, "SELECT * FROM t PIVOT (sum(x) FOR m IN ('jan', 'feb')) AS p", {"t": "*"})
case(F, "EXECUTE IMMEDIATE 'DELETE FROM t; DELETE FROM u; SELECT 1 FROM v'", unknown=1)
case(F, "EXECUTE IMMEDIATE $$ BEGIN DELETE FROM t; END $$", unknown=1)
case(F, "CALL db.s.p('x')", unknown=1)
case(F, "SELECT a FROM IDENTIFIER('db.s.t')", {"db.s.t": "a"})
case(F, "SELECT a FROM IDENTIFIER($name)", unknown=1)
case(F, "USE SCHEMA sales; SELECT a FROM orders", {"orders": "a"})
case(F, "SELECT * FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))")
case(F, "SELECT DATEDIFF(day, a, b), DATEADD(month, 1, c), DATE_PART(year, d) FROM t", {"t": "a b c d"})
case(F, "SELECT OBJECT_CONSTRUCT(*) FROM t", {"t": "*"})
case(F, "SELECT $1 FROM @stage/file.csv (FILE_FORMAT => 'f')")
case(F, "CREATE TASK tk WAREHOUSE = w SCHEDULE = '1 minute' AS INSERT INTO y SELECT a FROM z", unknown=1)
case(F, 'SELECT "id", ID FROM "t"', {"t": "id ID"})
case(F, "DECLARE n INT; BEGIN SELECT count(*) INTO n FROM t; DELETE FROM u; END", unknown=1)
case(F, "CREATE OR REPLACE DYNAMIC TABLE d TARGET_LAG = '1 hour' WAREHOUSE = w AS SELECT a FROM t",
     {"t": "a"}, {"d": "*"})
case(F, "TRUNCATE TABLE IF EXISTS t; UNDROP TABLE u", {}, {"t": "", "u": "*"})
case(F, "WITH o AS (SELECT a, b FROM s.o) SELECT o.a, c.d FROM o ASOF JOIN c MATCH_CONDITION (o.b >= c.e)",
     {"s.o": "a b", "c": "d e"})

# --- BigQuery
B = "bigquery"
case(B, "SELECT id FROM `my-proj.sales.orders`", {"my-proj.sales.orders": "id"})
case(B, "SELECT id FROM my-proj.sales.orders AS o WHERE o.day > '2024-01-01'", {"my-proj.sales.orders": "id day"})
case(B, "SELECT id FROM sales.orders FOR SYSTEM_TIME AS OF TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 1 HOUR)",
     {"sales.orders": "id"})
case(B, "SELECT name FROM `p.d.events_*` WHERE _TABLE_SUFFIX > '20240101'", {"p.d.events_*": "name"})
case(B, "SELECT i.sku FROM sales.orders AS o, UNNEST(o.items) AS i", {"sales.orders": "items"})
case(B, "SELECT i.sku, o.id FROM sales.orders AS o, o.items AS i", {"sales.orders": "items id"})
case(B, "SELECT address.city, o.address.zip FROM sales.orders o", {"sales.orders": "address"})
case(B, "SELECT * EXCEPT (a), b AS c FROM d.t", {"d.t": "*"})
case(B, "SELECT AS STRUCT a, b FROM d.t", {"d.t": "a b"})
case(B, "SELECT t FROM d.t", {"d.t": None})
case(B, "MERGE d.t USING d.s ON FALSE WHEN NOT MATCHED THEN INSERT ROW", {"d.t": "", "d.s": "*"}, {"d.t": "*"})
case(B, "CREATE OR REPLACE TABLE d.t PARTITION BY day CLUSTER BY k AS SELECT day, k FROM d.s",
     {"d.s": "day k"}, {"d.t": "*"})
case(B, "CREATE TEMP TABLE x AS SELECT a FROM d.s; SELECT a FROM x; SELECT a FROM _SESSION.x", {"d.s": "a"})
case(B, "EXPORT DATA OPTIONS (uri = 'gs://b/*.csv', format = 'CSV') AS SELECT a FROM d.t", {"d.t": "a"})
case(B, "DECLARE m INT64 DEFAULT (SELECT max(id) FROM d.t); SELECT a FROM d.s", {"d.t": "id", "d.s": "a"})
case(B, "EXECUTE IMMEDIATE FORMAT('SELECT * FROM %s', t)", unknown=1)
case(B, "BEGIN INSERT INTO d.t SELECT a FROM d.s; EXCEPTION WHEN ERROR THEN SELECT 1; END", unknown=1)
case(B, "IF x > 1 THEN DELETE FROM d.t WHERE TRUE; END IF; SELECT a FROM d.s", {"d.s": "a"}, unknown=1)
case(B, "SELECT * FROM EXTERNAL_QUERY('conn', 'SELECT a FROM far')", unknown=1)
case(B, "FROM d.t |> WHERE a > 1 |> SELECT b", {"d.t": "a b"})
case(B, "DELETE FROM d.t WHERE day < '2024-01-01'", {"d.t": "day"}, {"d.t": ""})
case(B, "UPDATE d.t SET addr.city = 'x' WHERE id = 1", {"d.t": "id"}, {"d.t": "addr"})
case(B, "SELECT x, ARRAY(SELECT AS STRUCT u.a FROM UNNEST(t.us) AS u WHERE u.b > 1) FROM d.t AS t", {"d.t": "x us"})
case(B, "WITH Orders AS (SELECT 1 AS id) SELECT id FROM orders")
case(B, "LOAD DATA INTO d.t FROM FILES (format = 'CSV', uris = ['gs://b/x.csv'])", {}, {"d.t": "*"})
case(B, "SELECT DATE_TRUNC(day, MONTH) AS m, COUNT(DISTINCT u) FROM d.t GROUP BY m", {"d.t": "day u"})
case(B, "SELECT a FROM d.t WHERE b IN UNNEST(@ids)", {"d.t": "a b"})

# --- Spark and Databricks
K = "databricks"
case(K, "SELECT id FROM cat.sales.orders VERSION AS OF 12", {"cat.sales.orders": "id"})
case(K, "SELECT id FROM sales.orders TIMESTAMP AS OF '2024-01-01'", {"sales.orders": "id"})
case(K, "MERGE INTO t USING s ON t.k = s.k WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *",
     {"t": "k", "s": "*"}, {"t": "*"})
case(K, "INSERT INTO t REPLACE WHERE day = '2024-01-01' SELECT a, day FROM s", {"s": "a day", "t": "day"}, {"t": "*"})
case(K, "COPY INTO t FROM '/mnt/x' FILEFORMAT = PARQUET", {}, {"t": "*"})
case(K, "OPTIMIZE sales.orders ZORDER BY (day); VACUUM sales.orders RETAIN 168 HOURS")
case(K, "CREATE TABLE t SHALLOW CLONE s", {"s": "*"}, {"t": "*"})
case(K, "SELECT raw:items[0].price::double FROM docs", {"docs": "raw"})
case(K, "EXECUTE IMMEDIATE 'SELECT 1 FROM t'", unknown=1)
case(K, "SELECT a FROM delta.`/mnt/lake/t`", {"delta./mnt/lake/t": "a"})
case(K, "SELECT a, a + 1 AS b, b + 1 AS c FROM t", {"t": None})
case(K, "SELECT a, upper(a) AS a, a || b AS c FROM t", {"t": "a b"})
case(K, "RESTORE TABLE t TO VERSION AS OF 3", {}, {"t": "*"})
A = "spark"
case(A, "SELECT o.id, x.col FROM orders o LATERAL VIEW explode(o.items) x AS col", {"orders": "id items"})
case(A, "SELECT id, item FROM orders LATERAL VIEW explode(items) x AS item", {"orders": "id items"})
case(A, "INSERT OVERWRITE TABLE t PARTITION (day = '2024-01-01') SELECT a FROM s", {"s": "a"}, {"t": "*"})
case(A, "CREATE OR REPLACE TEMPORARY VIEW v AS SELECT a FROM t; INSERT INTO u SELECT a FROM v", {"t": "a"}, {"u": "*"})
case(A, "CACHE TABLE c AS SELECT a FROM t; SELECT a FROM c", {"t": "a"})
case(A, "SELECT /*+ BROADCAST(d) */ f.x FROM facts f JOIN dim d ON d.k = f.k", {"facts": "x k", "dim": "k"})
case(A, "SELECT transform(xs, x -> x + y) FROM t", {"t": "xs y"})
case(A, "SELECT s.a.b FROM t", {"t": "s"})
case(A, "FROM s INSERT INTO a SELECT x INSERT INTO b SELECT y", {"s": "x y"}, {"a": "*", "b": "*"})
case(A, "SELECT k, v FROM a LEFT ANTI JOIN b ON a.k = b.k", {"a": "k v", "b": "k"})
case(A, "CREATE TABLE t USING parquet PARTITIONED BY (day) AS SELECT * FROM s", {"s": "*"}, {"t": "*"})
case(A, "SELECT a FROM t DISTRIBUTE BY b SORT BY c", {"t": "a b c"})
case(A, "SELECT a FROM ${table}", unknown=1)
case(A, "MSCK REPAIR TABLE t; REFRESH TABLE t; ANALYZE TABLE t COMPUTE STATISTICS")
case(A, "ALTER TABLE t DROP PARTITION (day = '2024-01-01')", {}, {"t": ""})

# --- Trino
T = "trino"
case(T, "SELECT id FROM hive.sales.orders", {"hive.sales.orders": "id"})
case(T, "SELECT id FROM ice.s.t FOR VERSION AS OF 8954597067493422955", {"ice.s.t": "id"})
case(T, "SELECT id FROM ice.s.t FOR TIMESTAMP AS OF TIMESTAMP '2024-01-01 00:00:00 UTC'", {"ice.s.t": "id"})
case(T, "SELECT o.id, x FROM orders o CROSS JOIN UNNEST(o.items) WITH ORDINALITY AS u (x, n)", {"orders": "id items"})
case(T, "INSERT INTO t (a, b) SELECT x, y FROM s", {"s": "x y"}, {"t": "a b"})
case(T, "CREATE TABLE t WITH (format = 'ORC') AS SELECT a FROM s", {"s": "a"}, {"t": "*"})
case(T, "SELECT * FROM TABLE(sequence(1, 10))")
case(T, "SELECT * FROM TABLE(pg.system.query(query => 'SELECT a FROM far'))", unknown=1)
case(T, "SELECT g, grouping(g), count(*) FROM t GROUP BY GROUPING SETS ((g), (h), ())", {"t": "g h"})
case(T, "SELECT a FROM t WHERE a > ALL (SELECT u.b FROM u)", {"t": "a", "u": "b"})
case(T, "SELECT filter(xs, x -> x > 0), try_cast(y AS bigint) FROM t", {"t": "xs y"})
case(T, 'SELECT "$path", a FROM hive.s.t', {"hive.s.t": "$path a"})
case(T, "DELETE FROM t WHERE a = 1", {"t": "a"}, {"t": ""})
case(T, "MERGE INTO t USING s ON t.k = s.k WHEN MATCHED THEN UPDATE SET v = s.v", {"t": "k", "s": "k v"}, {"t": "v"})
case(T, "EXPLAIN ANALYZE SELECT a FROM t", {"t": "a"})
case(T, "SHOW TABLES FROM hive.s; DESCRIBE hive.s.t; USE hive.s")
case(T, "EXECUTE q USING 1", unknown=1)
case(T, "CREATE VIEW v AS SELECT a FROM t", {"t": "a"}, {"v": "*"})
case(T, "SELECT a FROM (VALUES 1, 2) AS v (a)")
case(T, "SELECT a.x FROM a WHERE (a.k, a.l) IN (SELECT b.k, b.l FROM b)", {"a": "x k l", "b": "k l"})

# --- SQL Server
Q = "tsql"
case(Q, "SELECT TOP 10 [id], [Order Date] FROM [dbo].[Orders] WITH (NOLOCK)", {"dbo.Orders": "id,Order Date"})
case(Q, "SELECT a INTO #tmp FROM t; SELECT a FROM #tmp; DROP TABLE #tmp", {"t": "a"})
case(Q, "SELECT a INTO kept FROM t", {"t": "a"}, {"kept": "*"})
case(Q, "UPDATE o SET o.total = s.total FROM dbo.orders o JOIN dbo.sums s ON s.id = o.id",
     {"dbo.orders": "id", "dbo.sums": "total id"}, {"dbo.orders": "total"})
case(Q, "DELETE o FROM dbo.orders o JOIN dead d ON d.id = o.id", {"dbo.orders": "id", "dead": "id"}, {"dbo.orders": ""})
case(Q, "SELECT o.id, x.v FROM orders o CROSS APPLY (SELECT TOP 1 l.v FROM lines l WHERE l.oid = o.id) x",
     {"orders": "id", "lines": "v oid"})
case(Q, "WITH c AS (SELECT id, boss FROM staff WHERE boss IS NULL UNION ALL "
        "SELECT s.id, s.boss FROM staff s JOIN c ON c.id = s.boss) SELECT id FROM c", {"staff": "id boss"})
case(Q, "EXEC dbo.nightly @day = '2024-01-01'", unknown=1)
case(Q, "EXEC('SELECT a FROM t')", unknown=1)
case(Q, "CREATE PROCEDURE p AS SELECT a FROM t; DELETE FROM u")
case(Q, "IF EXISTS (SELECT 1 FROM t) BEGIN DELETE FROM u; DELETE FROM v; END", unknown=1)
case(Q, "MERGE INTO t USING s ON t.k = s.k WHEN NOT MATCHED BY SOURCE THEN DELETE;", {"t": "k", "s": "k"}, {"t": ""})
case(Q, "WITH d AS (SELECT id FROM t) DELETE FROM d", {"t": "id"}, {"t": ""})

# --- Redshift
R = "redshift"
case(R, "COPY sales.orders FROM 's3://b/x' IAM_ROLE 'arn:aws:iam::1:role/r' FORMAT AS PARQUET",
     {}, {"sales.orders": "*"})
case(R, "UNLOAD ('SELECT id FROM sales.orders') TO 's3://b/x' IAM_ROLE 'r'", unknown=1)
case(R, "CREATE TABLE #t AS SELECT a FROM s; SELECT a FROM #t", {"s": "a"})
case(R, "CREATE TEMP TABLE stage (LIKE t); INSERT INTO stage SELECT * FROM raw; DELETE FROM t USING stage "
        "WHERE t.id = stage.id; INSERT INTO t SELECT * FROM stage",
     {"t": "*", "raw": "*"}, {"t": "*"})
case(R, "SELECT a + 1 AS b, b * 2 AS c FROM t", {"t": None})
case(R, "ALTER TABLE t APPEND FROM s", {"s": "*"}, {"t": "*", "s": ""})
case(R, "CREATE TABLE t DISTKEY(k) SORTKEY(day) AS SELECT k, day FROM s", {"s": "k day"}, {"t": "*"})

# --- what is easily taken for something else
case(P, "CREATE TABLE trigger AS SELECT a FROM t", {"t": "a"}, {"trigger": "*"})
case(P, "SELECT * FROM pg_temp.x")
case(P, 'SELECT U&"d\\0061ta" FROM t', unknown=1)
case(P, "SELECT dblink_exec('host=x', 'DELETE FROM t')", unknown=1)
case(P, "SELECT * FROM query_to_xml('SELECT a FROM t', true, true, '')", unknown=1)
case(P, "WITH t AS (SELECT a FROM s) INSERT INTO t SELECT a FROM t", {"s": "a"}, {"t": "*"})
case(P, "INSERT INTO t (a) SELECT s.a FROM s WHERE NOT EXISTS (SELECT 1 FROM t WHERE t.a = s.a)",
     {"s": "a", "t": "a"}, {"t": "a"})
case(P, "UPDATE t SET (a, b) = (SELECT s.c, s.d FROM s WHERE s.k = t.k)", {"t": "k", "s": "c d k"}, {"t": "a b"})
case(P, "SELECT E'it\\'s; DELETE FROM x', a FROM t", {"t": "a"})
case(P, "SELECT $q$; DELETE FROM x; $q$, a FROM t", {"t": "a"})
case(P, "SELECT a.* FROM a WHERE a.x IN (SELECT q.x FROM (SELECT y AS x FROM b) q)", {"a": "*", "b": None})
case(P, "SELECT m FROM t, (SELECT max(b) AS m FROM u) y", {"t": "", "u": "b"})
case(P, "SELECT z FROM t, (SELECT max(b) AS m FROM u) y", {"t": "z", "u": "b"})
case(P, "SELECT row_to_json(x) FROM (SELECT a, b FROM t) x", {"t": "a b"})
case(P, "SELECT x FROM t AS s (x, y)", {"t": None})
case(P, "SELECT EXISTS (SELECT FROM t WHERE a = 1)", {"t": "a"})
case(P, "SELECT coalesce(u.a, t.a) FROM t FULL JOIN u USING (a) WHERE a > 1", {"t": "a", "u": "a"})
case(P, "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT b FROM no; END; SELECT a FROM t", {"t": "a"})
case(P, "SELECT CASE a WHEN 1 THEN b END FROM t; SELECT c FROM u", {"t": "a b", "u": "c"})
case(P, "DELETE FROM t WHERE a = 1 RETURNING b", {"t": "a b"}, {"t": ""})
case(P, "WITH q AS (SELECT x FROM s) SELECT t.a FROM t WHERE EXISTS (SELECT 1 FROM q WHERE x = t.b)",
     {"s": "x", "t": "a b"})
case(P, "ALTER TABLE y ATTACH PARTITION x FOR VALUES IN ('a')", {}, {"y": "*"})
case(P, "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES u (id)", {}, {"t": ""})
case(P, "SELECT a FROM ONLY t TABLESAMPLE SYSTEM (1)", {"t": "a"})
case(P, "VALUES (1, (SELECT a FROM t))", {"t": "a"})
case(S, "SELECT a FROM t WHERE b IN u", {"t": "a b", "u": "*"})
case(S, "UPDATE OR IGNORE t SET a = 1", {}, {"t": "a"})
case(D, "SELECT [x + y FOR x IN xs IF x > z] FROM t", {"t": "y xs z"})
case(D, "SELECT a.* FROM a SEMI JOIN b USING (k)", {"a": "*", "b": "k"})
case(D, "CREATE MACRO m(x) AS (SELECT max(a) FROM hidden); SELECT m(1)")
case(D, "SELECT t.s.a, s.b, s['c'] FROM t", {"t": "s"})
case(D, "INSERT INTO t SELECT * FROM postgres_query('db', 'SELECT a FROM far')", {}, {"t": "*"}, unknown=1)
case(M, "SELECT 'a\\'; DELETE FROM x; -- ', a FROM t", {"t": "a"})
case(M, "WITH c AS (SELECT a FROM t) DELETE FROM u WHERE k IN (SELECT c.a FROM c)", {"t": "a", "u": "k"}, {"u": ""})
case(M, "SELECT GROUP_CONCAT(DISTINCT a ORDER BY b SEPARATOR ',') FROM t", {"t": "a b"})
case(F, "CREATE TABLE temp.x AS SELECT a FROM t", {"t": "a"}, {"temp.x": "*"})
case(F, "SELECT a FROM t START WITH b IS NULL CONNECT BY PRIOR c = d", {"t": "a b c d"})
case(F, "INSERT FIRST WHEN a > 1 THEN INTO x WHEN b > 1 THEN INTO y (k) VALUES (c) ELSE INTO z SELECT a, b, c FROM s",
     {"s": "a b c"}, {"x": "*", "y": "k", "z": "*"})
case(F, "INSERT INTO t SELECT a FROM s WHERE METADATA$ACTION = 'INSERT'", {"s": "a"}, {"t": "*"})
case(F, "BEGIN LET x := (SELECT max(a) FROM t); IF (x > 1) THEN DELETE FROM u; END IF; END; SELECT b FROM w",
     {"w": "b"}, unknown=1)
case(B, "LOOP IF x THEN LEAVE; END IF; DELETE FROM d.t WHERE TRUE; END LOOP; SELECT b FROM d.v",
     {"d.v": "b"}, unknown=1)
case(B, "CREATE MODEL d.m OPTIONS (model_type = 'x') AS SELECT a FROM d.t", {"d.t": "a"})
case(B, "CREATE TABLE FUNCTION d.f(x INT64) AS SELECT a FROM d.no; SELECT a FROM d.t", {"d.t": "a"})
case(B, "CREATE OR REPLACE PROCEDURE d.p() BEGIN DELETE FROM d.t WHERE TRUE; SELECT 1; END; SELECT a FROM d.u",
     {"d.u": "a"})
case(B, "MERGE d.t T USING d.s S ON T.k = S.k WHEN MATCHED THEN UPDATE SET v = S.v "
        "WHEN NOT MATCHED BY TARGET THEN INSERT (k, v) VALUES (k, v) WHEN NOT MATCHED BY SOURCE THEN DELETE",
     {"d.t": "k", "d.s": "k v"}, {"d.t": "k v"})
case(B, "SELECT d.t.a, t.b FROM d.t", {"d.t": "a b"})
case(B, "SELECT * FROM ML.PREDICT(MODEL d.m, (SELECT a FROM d.t))", {"d.t": "a"})
case(K, "SELECT * FROM table_changes('db.t', 2)", unknown=1)
case(K, "SELECT a FROM STREAM(y)", {"y": "a"})
case(A, "SELECT aggregate(xs, 0, (acc, x) -> acc + x, acc -> acc * y) FROM t", {"t": "xs y"})
case(A, "SELECT a FROM t LATERAL VIEW explode(b) x AS c LATERAL VIEW explode(c.d) y AS e WHERE e > 1", {"t": "a b"})
case(A, "CREATE GLOBAL TEMPORARY VIEW v AS SELECT a FROM t; SELECT a FROM global_temp.v", {"t": "a"})
case(T, "REFRESH MATERIALIZED VIEW v", {}, {"v": "*"})
case(T, "SELECT * FROM TABLE(exclude_columns(input => TABLE(orders), columns => DESCRIPTOR(a)))", {"orders": "*"})
case(T, "SELECT t.r.f, r.g FROM t", {"t": "r"})
case(Q, "DELETE TOP (10) FROM t WHERE a = 1", {"t": "a"}, {"t": ""})
case(Q, "SET NOCOUNT ON SELECT a FROM t", {"t": "a"})
case(Q, "SELECT a FROM t1 SELECT b FROM t2", {"t1": "a", "t2": "b"})
case(Q, "UPDATE dbo.t SET a = 1 OUTPUT deleted.b WHERE c = 1", {"dbo.t": "b c"}, {"dbo.t": "a"})
case(Q, "SELECT a INTO ##g FROM t; SELECT a FROM ##g", {"t": "a"})
case(Q, "WHILE @x < 3 BEGIN DELETE FROM t; SET @x = @x + 1; END; SELECT a FROM u", {"u": "a"}, unknown=1)
case(Q, "MERGE INTO t USING s ON t.k = s.k WHEN MATCHED THEN UPDATE SET a = s.a OUTPUT inserted.id;",
     {"t": "k id", "s": "k a"}, {"t": "a"})
case(R, "SELECT i.x FROM t, t.items i", {"t": "items"})
case(R, "INSERT INTO t (SELECT a FROM s)", {"s": "a"}, {"t": "*"})

# fmt: on
CORPUS = tuple(_CASES)
