-- all rows
SELECT
  COUNT(*) AS m0
FROM "SHOP"."ORDERS"

-- count: null, NaN too
SELECT
  COUNT(*) - COUNT(NULLIF("amount", CAST('NaN' AS DOUBLE))) AS m0
FROM "SHOP"."ORDERS"

-- count: not null
SELECT
  COUNT("name") AS m0
FROM "SHOP"."ORDERS"

-- count: compared with a number
SELECT
  COUNT(CASE WHEN NULLIF("amount", CAST('NaN' AS DOUBLE)) > 1.5 THEN 1 END) AS m0
FROM "SHOP"."ORDERS"

-- count: compared with a decimal
SELECT
  COUNT(CASE WHEN "price" >= 0.10 THEN 1 END) AS m0
FROM "SHOP"."ORDERS"

-- count: compared with a text
SELECT
  COUNT(CASE WHEN "name" = 'it\'s 100% \\ "here"\nand ! there' THEN 1 END) AS m0
FROM "SHOP"."ORDERS"

-- count: compared with a truth
SELECT
  COUNT(CASE WHEN "paid" = TRUE THEN 1 END) AS m0
FROM "SHOP"."ORDERS"

-- count: a date, with a date
SELECT
  COUNT(CASE WHEN "day" < CAST('2013-01-31' AS DATE) THEN 1 END) AS m0
FROM "SHOP"."ORDERS"

-- count: a date, with its text
SELECT
  COUNT(CASE WHEN "day" <= '2013-01-31' THEN 1 END) AS m0
FROM "SHOP"."ORDERS"

-- count: a time, with a date
SELECT
  COUNT(CASE WHEN "at" < CAST('2013-01-31' AS DATE) THEN 1 END) AS m0
FROM "SHOP"."ORDERS"

-- count: a time, with its text
SELECT
  COUNT(CASE WHEN "at" <> '2013-01-31 08:00:00.000005' THEN 1 END) AS m0
FROM "SHOP"."ORDERS"

-- count: a time with a zone, with a time
SELECT
  COUNT(CASE WHEN "seen" < CAST('2013-01-31 08:00:00.000005' AS TIMESTAMPNTZ) THEN 1 END) AS m0
FROM "SHOP"."ORDERS"

-- count: a time with a zone, with one
SELECT
  COUNT(CASE WHEN "seen" < CAST('2013-01-31 08:00:00+00:00' AS TIMESTAMPTZ) THEN 1 END) AS m0
FROM "SHOP"."ORDERS"

-- count: two columns
SELECT
  COUNT(CASE WHEN NULLIF("amount", CAST('NaN' AS DOUBLE)) >= "price" THEN 1 END) AS m0
FROM "SHOP"."ORDERS"

-- count: two texts
SELECT
  COUNT(CASE WHEN "name" = "name" THEN 1 END) AS m0
FROM "SHOP"."ORDERS"

-- count: length
SELECT
  COUNT(CASE WHEN LENGTH("name") > 3 THEN 1 END) AS m0
FROM "SHOP"."ORDERS"

-- count: sum of columns
SELECT
  COUNT(CASE WHEN "id" + NULLIF("amount", CAST('NaN' AS DOUBLE)) + "price" = 10 THEN 1 END) AS m0
FROM "SHOP"."ORDERS"

-- count: z-score
SELECT
  COUNT(CASE WHEN (CAST(NULLIF("amount", CAST('NaN' AS DOUBLE)) AS DOUBLE) - 10.25) / 2.5 > 3 THEN 1 END) AS m0
FROM "SHOP"."ORDERS"

-- count: one of numbers
SELECT
  COUNT(CASE WHEN "id" IN (1, 2) THEN 1 END) AS m0
FROM "SHOP"."ORDERS"

-- count: one of texts
SELECT
  COUNT(CASE WHEN "name" IN ('ann', 'it\'s 100% \\ "here"\nand ! there') THEN 1 END) AS m0
FROM "SHOP"."ORDERS"

-- count: regex
SELECT
  COUNT(CASE WHEN REGEXP_INSTR("name", '^a.[0-9]+[ \\t\\n\\r\\f\\v]?(b|c)[a-zA-Z0-9_-]{2}\\.$') > 0 THEN 1 END) AS m0
FROM "SHOP"."ORDERS"

-- count: regex, whatever the case
SELECT
  COUNT(CASE WHEN REGEXP_INSTR("name", '^ann', 1, 1, 0, 'i') > 0 THEN 1 END) AS m0
FROM "SHOP"."ORDERS"

-- count: regex with a word's edge
SELECT
  COUNT(CASE WHEN REGEXP_INSTR("name", '\\bann\\b') > 0 THEN 1 END) AS m0
FROM "SHOP"."ORDERS"

-- count: regex with a look ahead
-- refused: the pattern ^(?=a) uses (?=, which Snowflake lacks or reads differently; write the pattern without it

-- count: like
SELECT
  COUNT(CASE WHEN "name" LIKE 'a%_' THEN 1 END) AS m0
FROM "SHOP"."ORDERS"

-- count: like with an escape
SELECT
  COUNT(CASE WHEN "name" LIKE '50!%_!!\\' ESCAPE '!' THEN 1 END) AS m0
FROM "SHOP"."ORDERS"

-- count: the user's own
SELECT
  COUNT(CASE WHEN (amount > 0 -- always
) THEN 1 END) AS m0
FROM "SHOP"."ORDERS"

-- count: both, and not
SELECT
  COUNT(CASE WHEN NOT "id" = 1 AND COALESCE("id" < 9, FALSE) THEN 1 END) AS m0
FROM "SHOP"."ORDERS"

-- count: one or the other
SELECT
  COUNT(CASE WHEN "id" IS NULL OR "id" = 1 THEN 1 END) AS m0
FROM "SHOP"."ORDERS"

-- count: of a kind
-- refused: asked only where columns have no types

-- min
SELECT
  MIN(NULLIF("amount", CAST('NaN' AS DOUBLE))) AS m0
FROM "SHOP"."ORDERS"

-- max
SELECT
  MAX(NULLIF("amount", CAST('NaN' AS DOUBLE))) AS m0
FROM "SHOP"."ORDERS"

-- mean
SELECT
  AVG(CAST(NULLIF("amount", CAST('NaN' AS DOUBLE)) AS DOUBLE)) AS m0
FROM "SHOP"."ORDERS"

-- sum
SELECT
  SUM(NULLIF("amount", CAST('NaN' AS DOUBLE))) AS m0
FROM "SHOP"."ORDERS"

-- median
SELECT
  MEDIAN(CAST(NULLIF("amount", CAST('NaN' AS DOUBLE)) AS DOUBLE)) AS m0
FROM "SHOP"."ORDERS"

-- standard deviation
SELECT
  STDDEV_SAMP(CAST(NULLIF("amount", CAST('NaN' AS DOUBLE)) AS DOUBLE)) AS m0
FROM "SHOP"."ORDERS"

-- min of some
SELECT
  MIN(CASE WHEN "id" > 0 THEN "price" END) AS m0
FROM "SHOP"."ORDERS"

-- max of some
SELECT
  MAX(CASE WHEN "id" > 0 THEN "price" END) AS m0
FROM "SHOP"."ORDERS"

-- mean of some
SELECT
  AVG(CASE WHEN "id" > 0 THEN CAST("price" AS DOUBLE) END) AS m0
FROM "SHOP"."ORDERS"

-- sum of some
SELECT
  SUM(CASE WHEN "id" > 0 THEN "price" END) AS m0
FROM "SHOP"."ORDERS"

-- median of some
SELECT
  MEDIAN(CASE WHEN "id" > 0 THEN CAST("price" AS DOUBLE) END) AS m0
FROM "SHOP"."ORDERS"

-- standard deviation of some
SELECT
  STDDEV_SAMP(CASE WHEN "id" > 0 THEN CAST("price" AS DOUBLE) END) AS m0
FROM "SHOP"."ORDERS"

-- smallest day
SELECT
  MIN("day") AS m0
FROM "SHOP"."ORDERS"

-- latest time
SELECT
  MAX("at") AS m0
FROM "SHOP"."ORDERS"

-- latest time with a zone
SELECT
  MAX("seen") AS m0
FROM "SHOP"."ORDERS"

-- distinct
SELECT
  COUNT(*) AS m0
FROM (SELECT COUNT(*) AS members FROM "SHOP"."ORDERS" WHERE "name" IS NOT NULL GROUP BY "name") AS grouped

-- distinct, of two columns
SELECT
  COUNT(*) AS m0
FROM (SELECT COUNT(*) AS members FROM "SHOP"."ORDERS" GROUP BY "id", NULLIF("amount", CAST('NaN' AS DOUBLE))) AS grouped

-- repeats
SELECT
  COALESCE(SUM(members), 0) AS m0
FROM (SELECT COUNT(*) AS members FROM "SHOP"."ORDERS" WHERE "id" IS NOT NULL GROUP BY "id" HAVING COUNT(*) > 1) AS grouped

-- repeats of two columns
SELECT
  COALESCE(SUM(members), 0) AS m0
FROM (SELECT COUNT(*) AS members FROM "SHOP"."ORDERS" GROUP BY "name", "day" HAVING COUNT(*) > 1) AS grouped

-- quantiles
SELECT
  PERCENTILE_CONT(0.25) WITHIN GROUP (ORDER BY CAST(value AS DOUBLE)) AS m0,
  PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY CAST(value AS DOUBLE)) AS m1
FROM (SELECT NULLIF("amount", CAST('NaN' AS DOUBLE)) AS value FROM "SHOP"."ORDERS" WHERE NULLIF("amount", CAST('NaN' AS DOUBLE)) IS NOT NULL) AS data

-- quantiles that are values
SELECT
  MAX(last_place) AS m0,
  MAX(CASE WHEN place <= last_place * CAST('0.9' AS DOUBLE) AND last_place * CAST('0.9' AS DOUBLE) < place + 1 THEN value END) AS m1,
  MAX(CASE WHEN place - 1 < last_place * CAST('0.9' AS DOUBLE) AND last_place * CAST('0.9' AS DOUBLE) <= place THEN value END) AS m2
FROM (SELECT value, ROW_NUMBER() OVER (ORDER BY value) - 1 AS place, COUNT(*) OVER () - 1 AS last_place FROM (SELECT "price" AS value FROM "SHOP"."ORDERS" WHERE "id" > 0 AND "price" IS NOT NULL) AS data) AS ranked

-- most common
SELECT
  MAX(times) AS m0,
  COUNT(*) AS m1,
  COUNT(named) AS m2,
  MIN(named) AS m3
FROM (SELECT named, times, MAX(times) OVER () AS most FROM (SELECT MAX(CASE WHEN "name" = 'ann' THEN 0 WHEN "name" = 'bob' THEN 1 END) AS named, COUNT(*) AS times FROM "SHOP"."ORDERS" WHERE "name" IS NOT NULL GROUP BY "name") AS grouped) AS ranked WHERE times = most

-- which values are there
SELECT
  CASE WHEN "name" = 'ann' THEN 0 WHEN "name" = 'bob' THEN 1 END AS m0
FROM (SELECT DISTINCT "name" AS "name" FROM "SHOP"."ORDERS" WHERE "id" > 0 AND "name" IN ('ann', 'bob')) AS different

-- entropy
SELECT
  LN(SUM(CAST(members AS DOUBLE))) - SUM(CAST(members AS DOUBLE) * LN(CAST(members AS DOUBLE))) / SUM(CAST(members AS DOUBLE)) AS m0
FROM (SELECT COUNT(*) AS members FROM "SHOP"."ORDERS" WHERE "id" > 0 GROUP BY "name") AS grouped

-- out of order
SELECT
  COUNT(CASE WHEN value < dataops_before THEN 1 END) AS m0
FROM (SELECT NULLIF("amount", CAST('NaN' AS DOUBLE)) AS value, LAG(NULLIF("amount", CAST('NaN' AS DOUBLE))) OVER (ORDER BY "day", "id", NULLIF("amount", CAST('NaN' AS DOUBLE)) ASC) AS dataops_before FROM "SHOP"."ORDERS" WHERE "id" > 0) AS pairs

-- out of order, downwards
SELECT
  COUNT(CASE WHEN value >= dataops_before THEN 1 END) AS m0
FROM (SELECT NULLIF("amount", CAST('NaN' AS DOUBLE)) AS value, LAG(NULLIF("amount", CAST('NaN' AS DOUBLE))) OVER (ORDER BY "day", NULLIF("amount", CAST('NaN' AS DOUBLE)) DESC NULLS LAST) AS dataops_before FROM "SHOP"."ORDERS") AS pairs

-- rows of a query
SELECT
  COUNT(*) AS m0
FROM (SELECT id FROM "SHOP"."ORDERS" WHERE id > 1) AS data

-- all rows of a query
SELECT * FROM (SELECT id FROM "SHOP"."ORDERS") AS data LIMIT 10001

-- orphans
SELECT
  COUNT(*) AS m0
FROM (SELECT "id" AS dataops_key0, "name" AS dataops_key1 FROM "SHOP"."ORDERS" WHERE "id" > 0) AS data WHERE NOT EXISTS (SELECT 1 FROM "SHOP"."CUSTOMERS" AS partner WHERE partner."KEY" = data.dataops_key0 AND partner."NAME" = data.dataops_key1)

-- rows that break a condition
SELECT * FROM "SHOP"."ORDERS" WHERE "id" > 0 LIMIT 100

-- rows that repeat
SELECT * FROM (SELECT *, COUNT(*) OVER (PARTITION BY "name", "day") AS dataops_times FROM "SHOP"."ORDERS" WHERE "id" > 0) AS repeated WHERE dataops_times > 1 ORDER BY "name", "day" LIMIT 100

-- rows out of order
SELECT * FROM (SELECT *, LAG(NULLIF("amount", CAST('NaN' AS DOUBLE))) OVER (ORDER BY "day", NULLIF("amount", CAST('NaN' AS DOUBLE)) ASC) AS dataops_before FROM "SHOP"."ORDERS") AS pairs WHERE NULLIF("amount", CAST('NaN' AS DOUBLE)) < dataops_before LIMIT 100

-- rows without a partner
SELECT * FROM (SELECT * FROM "SHOP"."ORDERS") AS data WHERE NOT EXISTS (SELECT 1 FROM "SHOP"."CUSTOMERS" AS partner WHERE partner."KEY" = data."id") LIMIT 100

