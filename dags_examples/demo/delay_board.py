"""A board in the departures hall, outside of Airflow: it asks the warehouse under a role of its own.

python -m demo.delay_board "host=… dbname=… user=board"
"""

from __future__ import annotations

import sys

import psycopg


def main(place: str) -> None:
    """Print the airlines with the longest ways.

    :param place: where the warehouse is, as libpq takes it.
    """
    with psycopg.connect(place, application_name="board") as session:
        for carrier, miles in session.execute(
            "SELECT carrier, round(avg(distance)) FROM nyc.flights GROUP BY carrier ORDER BY 2 DESC LIMIT 3"
        ):
            print(f"{carrier}: {miles} miles")


if __name__ == "__main__":
    main(sys.argv[1])
