-- all rows
SELECT
  COUNT(*) AS m0
FROM `shop`.`orders`

-- count: null, NaN too
SELECT
  COUNT(*) - COUNT(NULLIF(`amount`, CAST('NaN' AS DOUBLE))) AS m0
FROM `shop`.`orders`

-- count: not null
SELECT
  COUNT(`name`) AS m0
FROM `shop`.`orders`

-- count: compared with a number
SELECT
  COUNT(*) FILTER(WHERE NULLIF(`amount`, CAST('NaN' AS DOUBLE)) > 1.5) AS m0
FROM `shop`.`orders`

-- count: compared with a decimal
SELECT
  COUNT(*) FILTER(WHERE `price` >= 0.10) AS m0
FROM `shop`.`orders`

-- count: compared with a text
SELECT
  COUNT(*) FILTER(WHERE `name` = 'it\'s 100% \\ "here"\nand ! there') AS m0
FROM `shop`.`orders`

-- count: compared with a truth
SELECT
  COUNT(*) FILTER(WHERE `paid` = TRUE) AS m0
FROM `shop`.`orders`

-- count: a date, with a date
SELECT
  COUNT(*) FILTER(WHERE `day` < CAST('2013-01-31' AS DATE)) AS m0
FROM `shop`.`orders`

-- count: a date, with its text
SELECT
  COUNT(*) FILTER(WHERE `day` <= CAST('2013-01-31' AS DATE)) AS m0
FROM `shop`.`orders`

-- count: a time, with a date
SELECT
  COUNT(*) FILTER(WHERE `at` < CAST('2013-01-31' AS DATE)) AS m0
FROM `shop`.`orders`

-- count: a time, with its text
SELECT
  COUNT(*) FILTER(WHERE `at` <> CAST('2013-01-31 08:00:00.000005' AS TIMESTAMP_NTZ)) AS m0
FROM `shop`.`orders`

-- count: a time with a zone, with a time
SELECT
  COUNT(*) FILTER(WHERE `seen` < CAST('2013-01-31 08:00:00.000005' AS TIMESTAMP_NTZ)) AS m0
FROM `shop`.`orders`

-- count: a time with a zone, with one
SELECT
  COUNT(*) FILTER(WHERE `seen` < CAST('2013-01-31 08:00:00+00:00' AS TIMESTAMP)) AS m0
FROM `shop`.`orders`

-- count: two columns
SELECT
  COUNT(*) FILTER(WHERE NULLIF(`amount`, CAST('NaN' AS DOUBLE)) >= `price`) AS m0
FROM `shop`.`orders`

-- count: two texts
SELECT
  COUNT(*) FILTER(WHERE `name` = `name`) AS m0
FROM `shop`.`orders`

-- count: length
SELECT
  COUNT(*) FILTER(WHERE LENGTH(`name`) > 3) AS m0
FROM `shop`.`orders`

-- count: sum of columns
SELECT
  COUNT(*) FILTER(WHERE CAST(`id` AS DECIMAL(38, 0)) + NULLIF(`amount`, CAST('NaN' AS DOUBLE)) + `price` = 10) AS m0
FROM `shop`.`orders`

-- count: z-score
SELECT
  COUNT(*) FILTER(WHERE (CAST(NULLIF(`amount`, CAST('NaN' AS DOUBLE)) AS DOUBLE) - 10.25) / 2.5 > 3) AS m0
FROM `shop`.`orders`

-- count: one of numbers
SELECT
  COUNT(*) FILTER(WHERE `id` IN (1, 2)) AS m0
FROM `shop`.`orders`

-- count: one of texts
SELECT
  COUNT(*) FILTER(WHERE `name` IN ('ann', 'it\'s 100% \\ "here"\nand ! there')) AS m0
FROM `shop`.`orders`

-- count: regex
SELECT
  COUNT(*) FILTER(WHERE (`name` RLIKE '^a[^\\n][0-9]+[ \\t\\n\\r\\f\\x0b]?(?:b|c)[a-zA-Z0-9_-]{2}\\.\\z')) AS m0
FROM `shop`.`orders`

-- count: regex, whatever the case
SELECT
  COUNT(*) FILTER(WHERE (`name` RLIKE '(?i)^ann')) AS m0
FROM `shop`.`orders`

-- count: regex with a word's edge
SELECT
  COUNT(*) FILTER(WHERE (`name` RLIKE '(?:(?<=[a-zA-Z0-9_])(?![a-zA-Z0-9_])|(?<![a-zA-Z0-9_])(?=[a-zA-Z0-9_]))ann(?:(?<=[a-zA-Z0-9_])(?![a-zA-Z0-9_])|(?<![a-zA-Z0-9_])(?=[a-zA-Z0-9_]))')) AS m0
FROM `shop`.`orders`

-- count: regex with a look ahead
SELECT
  COUNT(*) FILTER(WHERE (`name` RLIKE '^(?=a)')) AS m0
FROM `shop`.`orders`

-- count: like
SELECT
  COUNT(*) FILTER(WHERE `name` LIKE 'a%_') AS m0
FROM `shop`.`orders`

-- count: like with an escape
SELECT
  COUNT(*) FILTER(WHERE `name` LIKE '50!%_!!\\' ESCAPE '!') AS m0
FROM `shop`.`orders`

-- count: the user's own
SELECT
  COUNT(*) FILTER(WHERE (amount > 0 -- always
)) AS m0
FROM `shop`.`orders`

-- count: both, and not
SELECT
  COUNT(*) FILTER(WHERE NOT `id` = 1 AND COALESCE(`id` < 9, FALSE)) AS m0
FROM `shop`.`orders`

-- count: one or the other
SELECT
  COUNT(*) FILTER(WHERE `id` IS NULL OR `id` = 1) AS m0
FROM `shop`.`orders`

-- count: of a kind
-- refused: asked only where columns have no types

-- min
SELECT
  MIN(NULLIF(`amount`, CAST('NaN' AS DOUBLE))) AS m0
FROM `shop`.`orders`

-- max
SELECT
  MAX(NULLIF(`amount`, CAST('NaN' AS DOUBLE))) AS m0
FROM `shop`.`orders`

-- mean
SELECT
  AVG(NULLIF(`amount`, CAST('NaN' AS DOUBLE))) AS m0
FROM `shop`.`orders`

-- sum
SELECT
  SUM(NULLIF(`amount`, CAST('NaN' AS DOUBLE))) AS m0
FROM `shop`.`orders`

-- median
SELECT
  MEDIAN(NULLIF(`amount`, CAST('NaN' AS DOUBLE))) AS m0
FROM `shop`.`orders`

-- standard deviation
SELECT
  STDDEV_SAMP(NULLIF(`amount`, CAST('NaN' AS DOUBLE))) AS m0
FROM `shop`.`orders`

-- min of some
SELECT
  MIN(`price`) FILTER(WHERE `id` > 0) AS m0
FROM `shop`.`orders`

-- max of some
SELECT
  MAX(`price`) FILTER(WHERE `id` > 0) AS m0
FROM `shop`.`orders`

-- mean of some
SELECT
  AVG(`price`) FILTER(WHERE `id` > 0) AS m0
FROM `shop`.`orders`

-- sum of some
SELECT
  SUM(`price`) FILTER(WHERE `id` > 0) AS m0
FROM `shop`.`orders`

-- median of some
SELECT
  MEDIAN(`price`) FILTER(WHERE `id` > 0) AS m0
FROM `shop`.`orders`

-- standard deviation of some
SELECT
  STDDEV_SAMP(`price`) FILTER(WHERE `id` > 0) AS m0
FROM `shop`.`orders`

-- smallest day
SELECT
  MIN(`day`) AS m0
FROM `shop`.`orders`

-- latest time
SELECT
  MAX(`at`) AS m0
FROM `shop`.`orders`

-- latest time with a zone
SELECT
  MAX(UNIX_MICROS(`seen`)) AS m0
FROM `shop`.`orders`

-- distinct
SELECT
  COUNT(*) AS m0
FROM (SELECT COUNT(*) AS members FROM `shop`.`orders` WHERE `name` IS NOT NULL GROUP BY `name`) AS grouped

-- distinct, of two columns
SELECT
  COUNT(*) AS m0
FROM (SELECT COUNT(*) AS members FROM `shop`.`orders` GROUP BY `id`, NULLIF(`amount`, CAST('NaN' AS DOUBLE))) AS grouped

-- repeats
SELECT
  COALESCE(SUM(members), 0) AS m0
FROM (SELECT COUNT(*) AS members FROM `shop`.`orders` WHERE `id` IS NOT NULL GROUP BY `id` HAVING COUNT(*) > 1) AS grouped

-- repeats of two columns
SELECT
  COALESCE(SUM(members), 0) AS m0
FROM (SELECT COUNT(*) AS members FROM `shop`.`orders` GROUP BY `name`, `day` HAVING COUNT(*) > 1) AS grouped

-- quantiles
SELECT
  PERCENTILE(value, 0.25) AS m0,
  PERCENTILE(value, 0.5) AS m1
FROM (SELECT NULLIF(`amount`, CAST('NaN' AS DOUBLE)) AS value FROM `shop`.`orders` WHERE NULLIF(`amount`, CAST('NaN' AS DOUBLE)) IS NOT NULL) AS data

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
FROM (SELECT named, times, MAX(times) OVER () AS most FROM (SELECT MAX(CASE WHEN `name` = 'ann' THEN 0 WHEN `name` = 'bob' THEN 1 END) AS named, COUNT(*) AS times FROM `shop`.`orders` WHERE `name` IS NOT NULL GROUP BY `name`) AS grouped) AS ranked WHERE times = most

-- which values are there
SELECT
  CASE WHEN `name` = 'ann' THEN 0 WHEN `name` = 'bob' THEN 1 END AS m0
FROM (SELECT DISTINCT `name` AS `name` FROM `shop`.`orders` WHERE `id` > 0 AND `name` IN ('ann', 'bob')) AS different

-- entropy
SELECT
  LN(SUM(CAST(members AS DOUBLE))) - SUM(CAST(members AS DOUBLE) * LN(CAST(members AS DOUBLE))) / SUM(CAST(members AS DOUBLE)) AS m0
FROM (SELECT COUNT(*) AS members FROM `shop`.`orders` WHERE `id` > 0 GROUP BY `name`) AS grouped

-- out of order
SELECT
  COUNT(CASE WHEN value < dataops_before THEN 1 END) AS m0
FROM (SELECT NULLIF(`amount`, CAST('NaN' AS DOUBLE)) AS value, LAG(NULLIF(`amount`, CAST('NaN' AS DOUBLE))) OVER (ORDER BY `day` NULLS LAST, `id` NULLS LAST, NULLIF(`amount`, CAST('NaN' AS DOUBLE)) ASC NULLS LAST) AS dataops_before FROM `shop`.`orders` WHERE `id` > 0) AS pairs

-- out of order, downwards
SELECT
  COUNT(CASE WHEN value >= dataops_before THEN 1 END) AS m0
FROM (SELECT NULLIF(`amount`, CAST('NaN' AS DOUBLE)) AS value, LAG(NULLIF(`amount`, CAST('NaN' AS DOUBLE))) OVER (ORDER BY `day` NULLS LAST, NULLIF(`amount`, CAST('NaN' AS DOUBLE)) DESC) AS dataops_before FROM `shop`.`orders`) AS pairs

-- rows of a query
SELECT
  COUNT(*) AS m0
FROM (SELECT id FROM `shop`.`orders` WHERE id > 1) AS data

-- all rows of a query
SELECT * FROM (SELECT id FROM `shop`.`orders`) AS data LIMIT 10001

-- orphans
SELECT
  COUNT(*) AS m0
FROM (SELECT `id` AS dataops_key0, `name` AS dataops_key1 FROM `shop`.`orders` WHERE `id` > 0) AS data WHERE NOT EXISTS (SELECT 1 FROM `shop`.`customers` AS partner WHERE partner.`key` = data.dataops_key0 AND partner.`name` = data.dataops_key1)

-- rows that break a condition
SELECT * FROM `shop`.`orders` WHERE `id` > 0 LIMIT 100

-- rows that repeat
SELECT * FROM (SELECT *, COUNT(*) OVER (PARTITION BY `name`, `day`) AS dataops_times FROM `shop`.`orders` WHERE `id` > 0) AS repeated WHERE dataops_times > 1 ORDER BY `name`, `day` LIMIT 100

-- rows out of order
SELECT * FROM (SELECT *, LAG(NULLIF(`amount`, CAST('NaN' AS DOUBLE))) OVER (ORDER BY `day` NULLS LAST, NULLIF(`amount`, CAST('NaN' AS DOUBLE)) ASC NULLS LAST) AS dataops_before FROM `shop`.`orders`) AS pairs WHERE NULLIF(`amount`, CAST('NaN' AS DOUBLE)) < dataops_before LIMIT 100

-- rows without a partner
SELECT * FROM (SELECT * FROM `shop`.`orders`) AS data WHERE NOT EXISTS (SELECT 1 FROM `shop`.`customers` AS partner WHERE partner.`key` = data.`id`) LIMIT 100

