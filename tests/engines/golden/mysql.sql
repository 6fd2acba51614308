-- all rows
SELECT
  COUNT(*) AS m0
FROM `shop`.`orders`

-- count: null, NaN too
SELECT
  COUNT(*) - COUNT(`amount`) AS m0
FROM `shop`.`orders`

-- count: not null
SELECT
  COUNT(`name`) AS m0
FROM `shop`.`orders`

-- count: compared with a number
SELECT
  COUNT(CASE WHEN `amount` > 1.5 THEN 1 END) AS m0
FROM `shop`.`orders`

-- count: compared with a decimal
SELECT
  COUNT(CASE WHEN `price` >= 0.10 THEN 1 END) AS m0
FROM `shop`.`orders`

-- count: compared with a text
SELECT
  COUNT(CASE WHEN CAST(CONVERT(`name` USING utf8mb4) AS BINARY) = _utf8mb4 X'697427732031303025205C202268657265220A616E642021207468657265' THEN 1 END) AS m0
FROM `shop`.`orders`

-- count: compared with a truth
SELECT
  COUNT(CASE WHEN `paid` = TRUE THEN 1 END) AS m0
FROM `shop`.`orders`

-- count: a date, with a date
SELECT
  COUNT(CASE WHEN CASE WHEN DAYOFMONTH(`day`) > 0 THEN `day` END < CAST('2013-01-31' AS DATE) THEN 1 END) AS m0
FROM `shop`.`orders`

-- count: a date, with its text
SELECT
  COUNT(CASE WHEN CASE WHEN DAYOFMONTH(`day`) > 0 THEN `day` END <= CAST('2013-01-31' AS DATE) THEN 1 END) AS m0
FROM `shop`.`orders`

-- count: a time, with a date
SELECT
  COUNT(CASE WHEN CASE WHEN DAYOFMONTH(`at`) > 0 THEN `at` END < CAST('2013-01-31' AS DATE) THEN 1 END) AS m0
FROM `shop`.`orders`

-- count: a time, with its text
SELECT
  COUNT(CASE WHEN CASE WHEN DAYOFMONTH(`at`) > 0 THEN `at` END <> TIMESTAMP '2013-01-31 08:00:00.000005' THEN 1 END) AS m0
FROM `shop`.`orders`

-- count: a time with a zone, with a time
SELECT
  COUNT(CASE WHEN CASE WHEN DAYOFMONTH(`seen`) > 0 THEN `seen` END < TIMESTAMP '2013-01-31 08:00:00.000005' THEN 1 END) AS m0
FROM `shop`.`orders`

-- count: a time with a zone, with one
SELECT
  COUNT(CASE WHEN CASE WHEN DAYOFMONTH(`seen`) > 0 THEN `seen` END < TIMESTAMP '2013-01-31 08:00:00' THEN 1 END) AS m0
FROM `shop`.`orders`

-- count: two columns
SELECT
  COUNT(CASE WHEN `amount` >= `price` THEN 1 END) AS m0
FROM `shop`.`orders`

-- count: two texts
SELECT
  COUNT(CASE WHEN CAST(CONVERT(`name` USING utf8mb4) AS BINARY) = CAST(CONVERT(`name` USING utf8mb4) AS BINARY) THEN 1 END) AS m0
FROM `shop`.`orders`

-- count: length
SELECT
  COUNT(CASE WHEN CHAR_LENGTH(`name`) > 3 THEN 1 END) AS m0
FROM `shop`.`orders`

-- count: sum of columns
SELECT
  COUNT(CASE WHEN CAST(`id` AS DECIMAL(38, 0)) + `amount` + `price` = 10 THEN 1 END) AS m0
FROM `shop`.`orders`

-- count: z-score
SELECT
  COUNT(CASE WHEN (CAST(`amount` AS DOUBLE) - 10.25) / 2.5 > 3 THEN 1 END) AS m0
FROM `shop`.`orders`

-- count: one of numbers
SELECT
  COUNT(CASE WHEN `id` IN (1, 2) THEN 1 END) AS m0
FROM `shop`.`orders`

-- count: one of texts
SELECT
  COUNT(CASE WHEN CAST(CONVERT(`name` USING utf8mb4) AS BINARY) IN ('ann', _utf8mb4 X'697427732031303025205C202268657265220A616E642021207468657265') THEN 1 END) AS m0
FROM `shop`.`orders`

-- count: regex
SELECT
  COUNT(CASE WHEN (CONVERT(`name` USING utf8mb4) COLLATE utf8mb4_bin REGEXP _utf8mb4 X'5E615B5E0A5D5B302D395D2B5B205C745C6E5C725C665C7830625D3F283F3A627C63295B612D7A412D5A302D395F2D5D7B327D5B2E5D283F21283F733A2E2929') THEN 1 END) AS m0
FROM `shop`.`orders`

-- count: regex, whatever the case
SELECT
  COUNT(CASE WHEN (CONVERT(`name` USING utf8mb4) COLLATE utf8mb4_bin REGEXP '(?i)^ann') THEN 1 END) AS m0
FROM `shop`.`orders`

-- count: regex with a word's edge
SELECT
  COUNT(CASE WHEN (CONVERT(`name` USING utf8mb4) COLLATE utf8mb4_bin REGEXP '(?:(?<=[a-zA-Z0-9_])(?![a-zA-Z0-9_])|(?<![a-zA-Z0-9_])(?=[a-zA-Z0-9_]))ann(?:(?<=[a-zA-Z0-9_])(?![a-zA-Z0-9_])|(?<![a-zA-Z0-9_])(?=[a-zA-Z0-9_]))') THEN 1 END) AS m0
FROM `shop`.`orders`

-- count: regex with a look ahead
SELECT
  COUNT(CASE WHEN (CONVERT(`name` USING utf8mb4) COLLATE utf8mb4_bin REGEXP '^(?=a)') THEN 1 END) AS m0
FROM `shop`.`orders`

-- count: like
SELECT
  COUNT(CASE WHEN (CONVERT(`name` USING utf8mb4) COLLATE utf8mb4_bin LIKE 'a%_') THEN 1 END) AS m0
FROM `shop`.`orders`

-- count: like with an escape
SELECT
  COUNT(CASE WHEN (CONVERT(`name` USING utf8mb4) COLLATE utf8mb4_bin LIKE _utf8mb4 X'353021255F21215C' ESCAPE '!') THEN 1 END) AS m0
FROM `shop`.`orders`

-- count: the user's own
SELECT
  COUNT(CASE WHEN (amount > 0 -- always
) THEN 1 END) AS m0
FROM `shop`.`orders`

-- count: both, and not
SELECT
  COUNT(CASE WHEN NOT `id` = 1 AND COALESCE(`id` < 9, FALSE) THEN 1 END) AS m0
FROM `shop`.`orders`

-- count: one or the other
SELECT
  COUNT(CASE WHEN `id` IS NULL OR `id` = 1 THEN 1 END) AS m0
FROM `shop`.`orders`

-- count: of a kind
-- refused: asked only where columns have no types

-- min
SELECT
  MIN(`amount`) AS m0
FROM `shop`.`orders`

-- max
SELECT
  MAX(`amount`) AS m0
FROM `shop`.`orders`

-- mean
SELECT
  AVG(CAST(`amount` AS DOUBLE)) AS m0
FROM `shop`.`orders`

-- sum
SELECT
  SUM(`amount`) AS m0
FROM `shop`.`orders`

-- median
SELECT
  MAX(last_place) AS m0,
  MAX(CASE WHEN place <= last_place * CAST('0.5' AS DOUBLE) AND last_place * CAST('0.5' AS DOUBLE) < place + 1 THEN value END) AS m1,
  MAX(CASE WHEN place - 1 < last_place * CAST('0.5' AS DOUBLE) AND last_place * CAST('0.5' AS DOUBLE) <= place THEN value END) AS m2
FROM (SELECT value, ROW_NUMBER() OVER (ORDER BY value) - 1 AS place, COUNT(*) OVER () - 1 AS last_place FROM (SELECT `amount` AS value FROM `shop`.`orders` WHERE `amount` IS NOT NULL) AS data) AS ranked

-- standard deviation
SELECT
  STDDEV_SAMP(CAST(`amount` AS DOUBLE)) AS m0
FROM `shop`.`orders`

-- min of some
SELECT
  MIN(CASE WHEN `id` > 0 THEN `price` END) AS m0
FROM `shop`.`orders`

-- max of some
SELECT
  MAX(CASE WHEN `id` > 0 THEN `price` END) AS m0
FROM `shop`.`orders`

-- mean of some
SELECT
  AVG(CASE WHEN `id` > 0 THEN CAST(`price` AS DOUBLE) END) AS m0
FROM `shop`.`orders`

-- sum of some
SELECT
  SUM(CASE WHEN `id` > 0 THEN `price` END) AS m0
FROM `shop`.`orders`

-- median of some
SELECT
  MAX(last_place) AS m0,
  MAX(CASE WHEN place <= last_place * CAST('0.5' AS DOUBLE) AND last_place * CAST('0.5' AS DOUBLE) < place + 1 THEN value END) AS m1,
  MAX(CASE WHEN place - 1 < last_place * CAST('0.5' AS DOUBLE) AND last_place * CAST('0.5' AS DOUBLE) <= place THEN value END) AS m2
FROM (SELECT value, ROW_NUMBER() OVER (ORDER BY value) - 1 AS place, COUNT(*) OVER () - 1 AS last_place FROM (SELECT `price` AS value FROM `shop`.`orders` WHERE `id` > 0 AND `price` IS NOT NULL) AS data) AS ranked

-- standard deviation of some
SELECT
  STDDEV_SAMP(CASE WHEN `id` > 0 THEN CAST(`price` AS DOUBLE) END) AS m0
FROM `shop`.`orders`

-- smallest day
SELECT
  MIN(CASE WHEN DAYOFMONTH(`day`) > 0 THEN `day` END) AS m0
FROM `shop`.`orders`

-- latest time
SELECT
  MAX(CASE WHEN DAYOFMONTH(`at`) > 0 THEN `at` END) AS m0
FROM `shop`.`orders`

-- latest time with a zone
SELECT
  MAX(CASE WHEN DAYOFMONTH(`seen`) > 0 THEN `seen` END) AS m0
FROM `shop`.`orders`

-- distinct
SELECT
  COUNT(DISTINCT value) AS m0
FROM (SELECT CAST(CONVERT(`name` USING utf8mb4) AS BINARY) AS value FROM `shop`.`orders` WHERE `name` IS NOT NULL) AS data

-- distinct, of two columns
SELECT
  COUNT(*) AS m0
FROM (SELECT SQL_BIG_RESULT COUNT(*) AS members FROM `shop`.`orders` GROUP BY `id`, `amount`) AS grouped

-- repeats
SELECT
  COUNT(`id`) AS m0
FROM `shop`.`orders`;
SELECT
  COUNT(DISTINCT value) AS m0
FROM (SELECT `id` AS value FROM `shop`.`orders` WHERE `id` IS NOT NULL) AS data

-- repeats of two columns
SELECT
  COUNT(*) AS m0
FROM `shop`.`orders`;
SELECT
  COUNT(*) AS m0
FROM (SELECT SQL_BIG_RESULT COUNT(*) AS members FROM `shop`.`orders` GROUP BY CAST(CONVERT(`name` USING utf8mb4) AS BINARY), CASE WHEN DAYOFMONTH(`day`) > 0 THEN `day` END) AS grouped

-- quantiles
SELECT
  MAX(last_place) AS m0,
  MAX(CASE WHEN place <= last_place * CAST('0.25' AS DOUBLE) AND last_place * CAST('0.25' AS DOUBLE) < place + 1 THEN value END) AS m1,
  MAX(CASE WHEN place - 1 < last_place * CAST('0.25' AS DOUBLE) AND last_place * CAST('0.25' AS DOUBLE) <= place THEN value END) AS m2,
  MAX(CASE WHEN place <= last_place * CAST('0.5' AS DOUBLE) AND last_place * CAST('0.5' AS DOUBLE) < place + 1 THEN value END) AS m3,
  MAX(CASE WHEN place - 1 < last_place * CAST('0.5' AS DOUBLE) AND last_place * CAST('0.5' AS DOUBLE) <= place THEN value END) AS m4
FROM (SELECT value, ROW_NUMBER() OVER (ORDER BY value) - 1 AS place, COUNT(*) OVER () - 1 AS last_place FROM (SELECT `amount` AS value FROM `shop`.`orders` WHERE `amount` IS NOT NULL) AS data) AS ranked

-- quantiles that are values
SELECT
  MAX(last_place) AS m0,
  MAX(CASE WHEN place <= last_place * CAST('0.9' AS DOUBLE) AND last_place * CAST('0.9' AS DOUBLE) < place + 1 THEN value END) AS m1,
  MAX(CASE WHEN place - 1 < last_place * CAST('0.9' AS DOUBLE) AND last_place * CAST('0.9' AS DOUBLE) <= place THEN value END) AS m2
FROM (SELECT value, ROW_NUMBER() OVER (ORDER BY value) - 1 AS place, COUNT(*) OVER () - 1 AS last_place FROM (SELECT `price` AS value FROM `shop`.`orders` WHERE `id` > 0 AND `price` IS NOT NULL) AS data) AS ranked

-- most common
SELECT
  MAX(times) AS m0,
  COUNT(*) AS m1,
  COUNT(named) AS m2,
  MIN(named) AS m3
FROM (SELECT named, times, MAX(times) OVER () AS most FROM (SELECT SQL_BIG_RESULT MAX(CASE WHEN CAST(CONVERT(`name` USING utf8mb4) AS BINARY) = 'ann' THEN 0 WHEN CAST(CONVERT(`name` USING utf8mb4) AS BINARY) = 'bob' THEN 1 END) AS named, COUNT(*) AS times FROM `shop`.`orders` WHERE `name` IS NOT NULL GROUP BY CAST(CONVERT(`name` USING utf8mb4) AS BINARY)) AS grouped) AS ranked WHERE times = most

-- which values are there
SELECT
  CASE WHEN CAST(CONVERT(`name` USING utf8mb4) AS BINARY) = 'ann' THEN 0 WHEN CAST(CONVERT(`name` USING utf8mb4) AS BINARY) = 'bob' THEN 1 END AS m0
FROM (SELECT MIN(`name`) AS `name` FROM `shop`.`orders` WHERE `id` > 0 AND CAST(CONVERT(`name` USING utf8mb4) AS BINARY) IN ('ann', 'bob') GROUP BY CAST(CONVERT(`name` USING utf8mb4) AS BINARY)) AS different

-- entropy
SELECT
  LN(SUM(CAST(members AS DOUBLE))) - SUM(CAST(members AS DOUBLE) * LN(CAST(members AS DOUBLE))) / SUM(CAST(members AS DOUBLE)) AS m0
FROM (SELECT SQL_BIG_RESULT COUNT(*) AS members FROM `shop`.`orders` WHERE `id` > 0 GROUP BY CAST(CONVERT(`name` USING utf8mb4) AS BINARY)) AS grouped

-- out of order
SELECT
  COUNT(CASE WHEN value < dataops_before THEN 1 END) AS m0
FROM (SELECT `amount` AS value, LAG(`amount`) OVER (ORDER BY CASE WHEN CASE WHEN DAYOFMONTH(`day`) > 0 THEN `day` END IS NULL THEN 1 ELSE 0 END, CASE WHEN DAYOFMONTH(`day`) > 0 THEN `day` END, CASE WHEN `id` IS NULL THEN 1 ELSE 0 END, `id`, CASE WHEN `amount` IS NULL THEN 1 ELSE 0 END, `amount` ASC) AS dataops_before FROM `shop`.`orders` WHERE `id` > 0) AS pairs

-- out of order, downwards
SELECT
  COUNT(CASE WHEN value >= dataops_before THEN 1 END) AS m0
FROM (SELECT `amount` AS value, LAG(`amount`) OVER (ORDER BY CASE WHEN CASE WHEN DAYOFMONTH(`day`) > 0 THEN `day` END IS NULL THEN 1 ELSE 0 END, CASE WHEN DAYOFMONTH(`day`) > 0 THEN `day` END, `amount` DESC) AS dataops_before FROM `shop`.`orders`) AS pairs

-- rows of a query
SELECT
  COUNT(*) AS m0
FROM (SELECT id FROM `shop`.`orders` WHERE id > 1) AS data

-- all rows of a query
SELECT * FROM (SELECT id FROM `shop`.`orders`) AS data LIMIT 10001

-- orphans
SELECT
  COUNT(*) AS m0
FROM (SELECT `id` AS dataops_key0, `name` AS dataops_key1 FROM `shop`.`orders` WHERE `id` > 0) AS data WHERE NOT EXISTS (SELECT 1 FROM `shop`.`customers` AS partner WHERE partner.`key` = data.dataops_key0 AND partner.`name` = data.dataops_key1 AND CAST(CONVERT(partner.`name` USING utf8mb4) AS BINARY) = CAST(CONVERT(data.dataops_key1 USING utf8mb4) AS BINARY))

-- rows that break a condition
SELECT * FROM `shop`.`orders` WHERE `id` > 0 LIMIT 100

-- rows that repeat
SELECT * FROM (SELECT *, COUNT(*) OVER (PARTITION BY CAST(CONVERT(`name` USING utf8mb4) AS BINARY), CASE WHEN DAYOFMONTH(`day`) > 0 THEN `day` END) AS dataops_times FROM `shop`.`orders` WHERE `id` > 0) AS repeated WHERE dataops_times > 1 ORDER BY CAST(CONVERT(`name` USING utf8mb4) AS BINARY), CASE WHEN DAYOFMONTH(`day`) > 0 THEN `day` END LIMIT 100

-- rows out of order
SELECT * FROM (SELECT *, LAG(`amount`) OVER (ORDER BY CASE WHEN CASE WHEN DAYOFMONTH(`day`) > 0 THEN `day` END IS NULL THEN 1 ELSE 0 END, CASE WHEN DAYOFMONTH(`day`) > 0 THEN `day` END, CASE WHEN `amount` IS NULL THEN 1 ELSE 0 END, `amount` ASC) AS dataops_before FROM `shop`.`orders`) AS pairs WHERE `amount` < dataops_before LIMIT 100

-- rows without a partner
SELECT * FROM (SELECT * FROM `shop`.`orders`) AS data WHERE NOT EXISTS (SELECT 1 FROM `shop`.`customers` AS partner WHERE partner.`key` = data.`id`) LIMIT 100

