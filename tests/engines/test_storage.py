"""Files in an fsspec filesystem, read by DuckDB's many threads."""

from __future__ import annotations

import io
import random
import threading
from concurrent.futures import ThreadPoolExecutor

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from upath import UPath

from airflow_dataops import validate
from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.engines import files
from airflow_dataops.engines.storage import Storage


@pytest.fixture
def bucket():
    filesystem = fsspec.filesystem("memory")
    yield filesystem
    filesystem.store.clear()


def parquet(**columns) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file, row_group_size=5_000)
    return file.getvalue()


SUM = [{"type": "column_sum_to_be_between", "column": "a", "min_value": 4, "max_value": 4}]


@pytest.mark.parametrize("as_path", [str, UPath])
def test_every_kind_of_file_is_read(bucket, as_path):
    bucket.pipe("/b/p/day=1/x.parquet", parquet(a=[1]))
    bucket.pipe("/b/p/day=2/x.parquet", parquet(a=[3]))
    bucket.pipe("/b/p/_temporary/x.parquet", parquet(a=[9]))
    bucket.pipe("/b/t.csv", b"a\n1\n3\n")
    bucket.pipe("/b/t.jsonl", b'{"a": 1}\n{"a": 3}\n')
    for url in ("memory://b/p", "memory://b/p/**/x.parquet", "memory://b/t.csv", "memory://b/t.jsonl"):
        gate = validate(as_path(url), SUM)
        assert (gate.results[0].message, str(gate.verdict)) == ("a: sum is 4; expected equal to 4", "PASS")
        assert gate.source == f"file {url}"


def test_footers_are_read_there_too(bucket):
    bucket.pipe("/b/x.parquet", parquet(a=[1, 3]))
    gate = validate("memory://b/x.parquet", [{"type": "column_values_to_not_be_null", "column": "a"}])
    assert gate.results[0].proved_by == "Parquet footers"


def test_threads_that_share_a_file_do_not_read_each_others_bytes(bucket):
    content = random.Random(7).randbytes(200_000)
    bucket.pipe("/b/bytes", content)
    file = Storage(bucket).open("dataops:///b/bytes", "rb")
    together = threading.Barrier(8)

    def read(number: int) -> bool:
        together.wait()
        places = random.Random(number)
        for _ in range(500):
            start = places.randrange(len(content))
            file.seek(start)
            if file.read(100) != content[start : start + 100] or file.tell() != min(start + 100, len(content)):
                return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(read, range(8)))
    assert file.seek(-10, 2) == len(content) - 10
    assert file.read() == content[-10:]


def test_many_threads_of_duckdb_sum_up_the_same(bucket):
    rows = 200_000
    columns = {name: [float(number % 97) for number in range(rows)] for name in "abcdef"}
    bucket.pipe("/b/x.parquet", parquet(**columns))
    with files.opened("memory://b/x.parquet") as opened:
        opened.db.execute("SET threads = 8")
        opened.db.execute("SET enable_external_file_cache = false")
        sums = ", ".join(f"SUM({name})" for name in columns)
        for _ in range(5):
            assert opened.db.execute(f"SELECT {sums} FROM ({opened.query})") == [(sum(columns["a"]),) * 6]


class Refusing(MemoryFileSystem):
    """A storage that refuses to list, or to read."""

    protocol = "refusing"
    cachable = False

    def __init__(self, error: type[Exception]) -> None:
        super().__init__()
        self.error = error

    def find(self, path, **options):
        raise self.error("no route")


@pytest.mark.parametrize(("error", "retryable"), [(PermissionError, False), (OSError, True)])
def test_a_storage_that_does_not_answer_is_an_error(error, retryable):
    class Path:
        fs, path = Refusing(error), "/b/x.parquet"

        def __str__(self):
            return "refusing://b/x.parquet"

    (result,) = validate(Path(), SUM).results
    assert (str(result.outcome), result.retryable) == ("ERROR", retryable)
    assert f"refusing://b/x.parquet cannot be listed: {error.__name__}: no route" in result.message


class Failing(MemoryFileSystem):
    """A storage that fails after so many files were opened."""

    protocol = "failing"
    cachable = False

    def __init__(self, error: type[Exception], opens: int) -> None:
        super().__init__()
        self.error, self.opens = error, opens

    def open(self, *arguments, **options):
        self.opens -= 1
        if self.opens < 0:
            raise self.error("no route")
        return super().open(*arguments, **options)


@pytest.mark.parametrize("opens", [0, 1])
@pytest.mark.parametrize("name", ["x.parquet", "x.csv"])
@pytest.mark.parametrize(("error", "retryable"), [(PermissionError, False), (OSError, True)])
def test_a_storage_that_fails_while_it_is_read_is_told_in_its_own_words(bucket, name, error, retryable, opens):
    bucket.pipe(f"/b/{name}", parquet(a=[1.5]) if name == "x.parquet" else b"a\n1.5\n")

    class Path:
        fs, path = Failing(error, opens), f"/b/{name}"

        def __str__(self):
            return f"failing://b/{name}"

    (result,) = validate(Path(), SUM).results
    assert (str(result.outcome), result.retryable) == ("ERROR", retryable)
    assert result.message == (
        f"a: could not be measured: failing://b/{name} cannot be read: {error.__name__}: no route"
    )


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("memory://b/none.csv", "There is no file memory://b/none.csv"),
        ("memory://b/none.xlsx", "Files of kind '.xlsx' cannot be read"),
        ("nope://b/x.csv", "nope://b/x.csv cannot be opened: Protocol not known: nope"),
    ],
)
def test_what_leads_nowhere_is_said(bucket, url, message):
    with pytest.raises(ConfigurationError, match=message):
        validate(url, SUM)
