"""The bench itself: it runs, it says what is missed, and a verdict that differs is not overlooked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench import peering, switching
from tests.bench.__main__ import CASES, DOCS, PARTS, conclusion, marks, written, written_parts
from tests.bench.peering import Peer, RunningPeer
from tests.bench.targets import TARGETS, Figure
from tests.bench.timing import interleaved
from tests.bench.trips import BROKEN, CHECKS

_TREE = Path(__file__).parents[2]
_PEER = """
import sys
sys.path.insert(0, {peers!r})
from serving import serve

def prepare(checks, engine, table):
    assert (engine, len(checks)) == ("none", 20), engine
    print("libraries talk")
    return lambda: {{number: number != 7 for number in range(20) if number != 8}}

serve("1.2.3", prepare)
"""


def _figure(key: str, value: float) -> Figure:
    return Figure(key=key, case="PostgreSQL", what="ours", value=value, unit="x best by hand", seconds=1.5)


@pytest.mark.parametrize(
    ("key", "value", "reached"),
    [
        ("postgres/ours", 1.21, "**missed**"),
        ("postgres/ours", 1.2, "yes, not the aim"),
        ("postgres/ours", 0.85, "yes, and the aim"),
        ("postgres/gx", 2.99, "**missed**"),
        ("postgres/gx", 3.0, "yes"),
        ("polars/ours", 1.11, "the aim is not"),
        ("polars/ours", 1.1, "yes, and the aim"),
        ("nobody/asks", 99.0, ""),
    ],
)
def test_a_figure_says_how_it_stands(key: str, value: float, reached: str) -> None:
    assert _figure(key, value).reached == reached


def test_what_is_missed_is_said_behind_the_table() -> None:
    text = conclusion([_figure("postgres/ours", 1.3), _figure("duckdb/ours", 1.0)], runs=3)
    assert "Bounds: 2, missed: 1.\n- missed: PostgreSQL, ours: 1.30 x best by hand" in text
    assert "| 1.30x best by hand | ≤ 1.2 | ≤ 0.85 | **missed**" in text


def test_variants_take_turns_and_the_first_turn_does_not_count() -> None:
    order: list[str] = []

    def takes(name: str, *seconds: float) -> object:
        left = list(seconds)
        return lambda: (order.append(name), left.pop(0))[1]

    medians = interleaved(3, {"a": takes("a", 90, 1, 5, 2), "b": takes("b", 90, 7, 7, 8)})  # type: ignore[dict-item]
    assert order == ["a", "b"] * 4
    assert medians == {"a": 2, "b": 7}


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A peer that finds check 7 broken and says nothing of check 8."""
    (tmp_path / "fake_peer.py").write_text(_PEER.format(peers=str(_TREE / "tests" / "bench" / "peers")))
    monkeypatch.setattr(peering, "_SCRIPTS", tmp_path)
    monkeypatch.setattr(peering, "CACHE", tmp_path / "cache")
    return tmp_path


def test_a_peers_different_verdict_is_found(fake: Path) -> None:
    peer = RunningPeer(Peer(name="Fake", script="fake"), {"engine": "none", "table": "trips"})
    try:
        assert 0 <= peer.run() < 1
        found = peer.differences(dict.fromkeys(range(len(CHECKS)), True))
        assert len(found) == 2
        assert found[0].startswith("Fake (1.2.3): check 7 {'type': 'expect_column_values_to_not_be_null'")
        assert found[0].endswith("does not hold; ours: holds")
        assert found[1].endswith("was not answered; ours: holds")
        assert peer.differences({7: False}) == []
    finally:
        peer.close()


def test_a_peer_that_dies_ends_the_bench_with_its_own_words(fake: Path) -> None:
    with pytest.raises(SystemExit, match=r"Fake ended with 1 when asked to prepare:[\s\S]*AssertionError: other"):
        RunningPeer(Peer(name="Fake", script="fake"), {"engine": "other", "table": "trips"})


@pytest.mark.parametrize("part", PARTS)
def test_the_docs_have_a_place_for_the_figures(part: str) -> None:
    page = DOCS.read_text()
    renewed = written(page, part, "new figures")
    begin, end = marks(part)
    assert f"{begin}\nnew figures\n\n{end}" in renewed
    assert renewed.partition(begin)[0] == page.partition(begin)[0]
    assert renewed.partition(end)[2] == page.partition(end)[2]
    with pytest.raises(SystemExit, match="lost its marks"):
        written("# no marks", part, "new figures")


def test_only_whole_parts_are_written() -> None:
    assert written_parts(CASES) == ["figures", "switching", "usage"]
    assert written_parts(["switching"]) == ["switching"]
    assert written_parts(PARTS["figures"]) == ["figures"]
    assert written_parts(["switching", "duckdb"]) == written_parts(["duckdb"]) == []


def test_the_bench_runs_on_few_rows() -> None:
    """Hand-written and ours alone, everything but the memory, whose processes each import Airflow."""
    cases = ["duckdb", "frames", "postgres", "wide", "failing", "parquet", "import"]
    sizes = ["--rows", "3000", "--parquet-rows", "20000", "--runs", "1", "--no-peers"]
    command = [sys.executable, "-m", "tests.bench", *sizes, "--cases", *cases]
    run = subprocess.run(command, cwd=_TREE, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stdout + run.stderr
    whole = run.stdout.rpartition("interleaved runs.")[2]
    for case in ("DuckDB file", "pandas frame", "polars frame", "PostgreSQL", "Parquet", "import in a DAG file"):
        assert f"| {case}" in whole
    # Time cannot be promised of three thousand rows, the number of scans can.
    assert "scans of the table" in whole
    assert "missed: PostgreSQL, 60 not-null" not in whole


def test_the_switching_runs_on_few_rows(postgres_server: str) -> None:
    """How long a wait is depends on the machine; that nothing fails does not, and what ours is compared with does."""
    report = switching.on_postgres(postgres_server, rows=1_000, runs=1, hold=0.8)
    found = {figure.key.removeprefix("switching/"): figure for figure in report.figures}
    ways = ("view", "pointer-view", "new", "insert", "rename")
    assert list(found) == [f"{way}-{figure}" for way in ways for figure in ("own", "wait", "failed")]
    assert [found[f"{way}-failed"].value for way in ("view", "pointer-view", "new")] == [0, 0, 0]
    assert found["insert-wait"].value > 300  # readers stood in line behind TRUNCATE, which waited for the transaction
    assert found["view-wait"].seconds > 0.3  # it let them read in between
    assert all(figure.value > 0 for key, figure in found.items() if not key.endswith("failed"))


def test_every_target_has_a_figure_to_stand_against() -> None:
    """Each key is one that the cases make."""
    made = {"postgres", "duckdb", "pandas", "polars", "parquet", "failing", "wide", "memory", "import"}
    made |= {"switching", "usage"}
    assert {key.partition("/")[0] for key in TARGETS} == made
    assert len(BROKEN) == 5
