"""``python -m dags_examples.demo``: the main job, told as it happens. ``… demo ui``: Airflow with its history."""

from __future__ import annotations

import argparse
import fcntl
import json
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from dags_examples.demo.airflow_process import AirflowFailed, RunningAirflow
from dags_examples.demo.story import COMMANDS, DAGS, StoryFailed, read_history, tell_story
from dags_examples.demo.telling import Teller

STATE = Path(__file__).resolve().parents[2] / ".demo"
HOME, WAREHOUSE, COMPLETE = STATE / "airflow", STATE / "warehouse.duckdb", STATE / "complete"

# Title → the rows' name in the history, and the columns to show with their headings.
TABLES: dict[str, tuple[str, dict[str, str]]] = {
    "Every gate with its verdict": (
        "gates",
        {"gate": "gate", "judged": "judged", "rows": "rows", "verdict": "verdict", "not_held": "checks not held"},
    ),
    "Every release with its state": (
        "releases",
        {"release": "release", "state": "state", "relation": "relation", "created_at": "staged at"},
    ),
    "Who reads it, and which release last": (
        "usage",
        {
            "consumer": "consumer",
            "reads": "dataset",
            "release": "release",
            "times": "reads",
            "last_read": "last read",
        },
    ),
}


def airflow_of_the_demo(
    home: Path,
    warehouse: Path,
    *,
    port: int | None = None,
    users: Mapping[str, str] | None = None,
    teller: Teller,
) -> RunningAirflow:
    """Return the Airflow that the story is told on, not yet started."""
    folder, lake, catalogue = _beside(warehouse)
    folder.mkdir(parents=True, exist_ok=True)
    tables = {"type": "sql", "warehouse": lake.as_uri()}
    connections = {
        "WAREHOUSE": {"conn_type": "duckdb", "host": str(warehouse)},
        "FOLDER": {"conn_type": "fs", "extra": {"path": str(folder)}},
        "LAKE": {"conn_type": "iceberg", "host": f"sqlite:///{catalogue}", "extra": tables},
    }
    env = {f"AIRFLOW_CONN_{name}": json.dumps(connection) for name, connection in connections.items()}
    return RunningAirflow(home, port=port, users=users, expect=DAGS, env=env, say=teller.fine)


def _beside(warehouse: Path) -> tuple[Path, Path, Path]:
    """Return where the examples that need no warehouse keep their data: a folder, an Iceberg lake, its catalogue."""
    return warehouse.parent / "folder", warehouse.parent / "lake", warehouse.parent / "lake.db"


def demo(teller: Teller) -> None:
    """Tell the story from the beginning, and end with what the store has kept of it.

    :raises StoryFailed: a step turned out differently.
    """
    for leftover in (HOME, WAREHOUSE, WAREHOUSE.with_name(f"{WAREHOUSE.name}.wal"), *_beside(WAREHOUSE), COMPLETE):
        shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink(missing_ok=True)
    with airflow_of_the_demo(HOME, WAREHOUSE, teller=teller) as airflow:
        teller.fine("ready")
        tell_story(airflow, WAREHOUSE, teller)
        history = read_history(airflow)
    for title, (name, columns) in TABLES.items():
        teller.table(f"{title}  (airflow dataops {' '.join(COMMANDS[name])})", getattr(history, name), columns)
    COMPLETE.touch()
    teller.done("The story held, step by step. Look at it in Airflow: make ui")
    teller.done("Ask it on the command line: make airflow ARGS='dataops gate list'")


def ui(teller: Teller, port: int) -> None:
    """Run Airflow with the demo's history until Ctrl-C; the demo goes first where there is no history."""
    if not COMPLETE.exists():
        demo(teller)
    with airflow_of_the_demo(HOME, WAREHOUSE, port=port, teller=teller) as airflow:
        teller.done(f"Airflow with the demo's history: {airflow.url}   (Ctrl-C ends it)")
        while True:
            time.sleep(3600)


def command_line(teller: Teller, arguments: list[str]) -> None:
    """Print what ``airflow …`` says in the demo's environment.

    :raises AirflowFailed: it ended with an error.
    """
    print(airflow_of_the_demo(HOME, WAREHOUSE, teller=teller).cli(*arguments), end="")


@contextmanager
def sole_owner() -> Iterator[None]:
    """Keep a second demo off the same state.

    :raises AirflowFailed: there is one already.
    """
    STATE.mkdir(exist_ok=True)
    with (STATE / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AirflowFailed(f"A demo or its UI is running on {STATE}. End it first.") from None
        yield


def main() -> int:
    """Return 0 if all went as told, 1 if not, 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m dags_examples.demo", description=__doc__)
    parser.add_argument("what", nargs="?", choices=("demo", "ui", "airflow"), default="demo")
    parser.add_argument("words", nargs="*", help="after `airflow`: the command, such as dataops gate list")
    parser.add_argument("--port", type=int, default=8080, help="where the UI listens")
    chosen, options = parser.parse_known_args()
    # Without this a SIGTERM or a closed terminal would end us and leave every process we started behind.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, frame: sys.exit(128 + number))
    teller = Teller()
    try:
        if chosen.what == "airflow":
            command_line(teller, [*chosen.words, *options])
            return 0
        with sole_owner():
            ui(teller, chosen.port) if chosen.what == "ui" else demo(teller)
    except KeyboardInterrupt:
        teller.done("Stopped.")
        return 0 if chosen.what == "ui" else 130
    except (AirflowFailed, StoryFailed) as error:
        teller.failed(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
