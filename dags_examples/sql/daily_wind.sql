SELECT origin, month, day, max(wind_speed) AS wind_speed
FROM raw.weather
WHERE wind_speed < 200
GROUP BY origin, month, day
