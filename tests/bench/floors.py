"""What a person who knows each engine would write by hand for the twenty checks: what a gate is measured against."""

from __future__ import annotations

from typing import Any

from tests.bench.trips import CHECKS

_AGGREGATES = """count(*), count(id), count(pickup), count(vendor), count(fare),
  count(tip), count(tolls), count(promotion),
  count(*) FILTER (WHERE distance NOT BETWEEN 0 AND 100), count(distance),
  count(*) FILTER (WHERE fare NOT BETWEEN 0 AND 1000),
  count(*) FILTER (WHERE latitude NOT BETWEEN 40 AND 42), count(latitude),
  count(*) FILTER (WHERE passengers NOT BETWEEN 1 AND 8), count(passengers),
  count(*) FILTER (WHERE payment NOT IN ('card', 'cash', 'free', 'dispute')), count(payment),
  count(*) FILTER (WHERE rate NOT IN ('standard', 'airport', 'shared')), count(rate),
  count(*) FILTER (WHERE NOT {licence}), count(licence), count(*) FILTER (WHERE NOT {email}), count(email),
  avg(fare), max(pickup)"""
_LICENCE, _EMAIL = "^LIC-[0-9]{6}$", r"^[a-z0-9]+@[a-z]+\.example$"
_MATCHES = {"duckdb": "regexp_matches({column}, '{pattern}')", "postgres": "{column} ~ '{pattern}'"}
_IDS = {
    "duckdb": "SELECT count(*) FROM (SELECT 1 FROM trips GROUP BY id) AS ids",
    "postgres": "SELECT count(DISTINCT id) FROM trips",
}
_PAIRS = "SELECT count(*) FROM (SELECT 1 FROM trips GROUP BY vehicle, pickup) AS pairs"


def statements(dialect: str) -> dict[str, tuple[str, ...]]:
    """Return the hand-written variants by name, each as its statements."""
    match = _MATCHES[dialect]
    aggregates = _AGGREGATES.format(
        licence=match.format(column="licence", pattern=_LICENCE), email=match.format(column="email", pattern=_EMAIL)
    )
    ids = _IDS[dialect]
    one = f"SELECT {aggregates}, count(DISTINCT id), count(DISTINCT (vehicle, pickup)) FROM trips"
    return {
        "aggregates, distinct counts apart": (f"SELECT {aggregates} FROM trips", ids, _PAIRS),
        "the same as sub-selects of one SELECT": (f"SELECT {aggregates}, ({ids}), ({_PAIRS}) FROM trips",),
        "one pass with COUNT(DISTINCT)": (one,),
    }


# The columns of the twenty checks.
_CHECKED = list(
    dict.fromkeys(name for check in CHECKS for name in (check.get("column"), *check.get("column_list", ())) if name)
)


def polars_holds(frame: Any) -> bool:
    """Return whether the twenty checks hold, by one lazy query of polars.

    :param frame: a polars frame.
    """
    import polars as pl

    column = pl.col
    between = {"distance": (0, 100), "fare": (0, 1000), "latitude": (40, 42), "passengers": (1, 8)}
    accepted = {"payment": ["card", "cash", "free", "dispute"], "rate": ["standard", "airport", "shared"]}
    rows = frame.lazy()
    held = rows.select(
        (pl.len() >= 1).alias("rows"),
        *(column(name).is_not_null().all().alias(f"{name} there") for name in ("id", "pickup", "vendor", "fare")),
        *(
            (column(name).is_not_null().mean() >= 0.95).alias(f"{name} mostly there")
            for name in ("tip", "tolls", "promotion")
        ),
        *(column(name).is_between(*bounds).all().alias(f"{name} in range") for name, bounds in between.items()),
        *(column(name).is_in(values).all().alias(f"{name} accepted") for name, values in accepted.items()),
        (column("id").n_unique() == pl.len()).alias("id unique"),
        column("licence").str.contains(_LICENCE).all().alias("licence matches"),
        column("email").str.contains(_EMAIL).all().alias("email matches"),
        column("fare").mean().is_between(1, 100).alias("mean"),
        (column("pickup").max() >= pl.datetime(2013, 1, 1)).alias("fresh"),
    )
    # A third of the time of n_unique over both columns.
    pairs = rows.group_by("vehicle", "pickup").agg().select(pl.len())
    answers, counted = pl.collect_all([held, pairs])
    return all(answers.row(0)) and counted.item() == frame.height


def pandas_holds(frame: Any) -> bool:
    """Return whether the twenty checks hold, by pandas.

    :param frame: a pandas frame.
    """
    import pandas as pd

    between = {"distance": (0, 100), "fare": (0, 1000), "latitude": (40, 42), "passengers": (1, 8)}
    accepted = {"payment": ["card", "cash", "free", "dispute"], "rate": ["standard", "airport", "shared"]}
    held = [
        len(frame) >= 1,
        *(frame[name].notna().all() for name in ("id", "pickup", "vendor", "fare")),
        *(frame[name].notna().mean() >= 0.95 for name in ("tip", "tolls", "promotion")),
        *(frame[name].between(*bounds).all() for name, bounds in between.items()),
        *(frame[name].isin(values).all() for name, values in accepted.items()),
        frame["id"].is_unique,
        not frame.duplicated(["vehicle", "pickup"]).any(),
        frame["licence"].str.match(_LICENCE).all(),
        frame["email"].str.match(_EMAIL).all(),
        1 <= frame["fare"].mean() <= 100,
        frame["pickup"].max() >= pd.Timestamp("2013-01-01"),
    ]
    return all(held)


def pandas_to_polars_holds(frame: Any) -> bool:
    """Return whether the twenty checks hold, by polars, the conversion of the pandas frame's columns included."""
    import polars as pl

    return polars_holds(pl.from_pandas(frame[_CHECKED]))
