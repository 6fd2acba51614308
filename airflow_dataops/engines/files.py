"""Files (Parquet, CSV, JSON lines; one or a glob) measured where they are, by an embedded DuckDB."""

from __future__ import annotations

import contextlib
import glob
from collections.abc import Iterator
from pathlib import Path

from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.engines.dbapi import DbApiSession

_READERS = {
    ".parquet": "read_parquet",
    ".csv": "read_csv",
    ".tsv": "read_csv",
    ".jsonl": "read_json",
    ".ndjson": "read_json",
    ".json": "read_json",
}


def query_of(path: str | Path) -> str:
    """Return the SELECT that reads the file or files.

    :raises ConfigurationError: there is no such file, or its kind is not known.
    """
    text = str(path)
    suffixes = Path(text).suffixes
    suffix = suffixes[-2] if len(suffixes) > 1 and suffixes[-1] in (".gz", ".zst") else "".join(suffixes[-1:])
    reader = _READERS.get(suffix.lower())
    if reader is None:
        raise ConfigurationError(
            f"Files of kind {suffix or text!r} cannot be read: expected {', '.join(_READERS)}. "
            "A table's name needs connection=."
        )
    if not glob.glob(text, recursive=True):
        raise ConfigurationError(f"There is no file {text} (looked at {Path(text).absolute()}).")
    quoted = text.replace("'", "''")
    # All of a text file's rows decide its columns' types: a sample would be wrong about a late one without a word.
    options = "" if reader == "read_parquet" else ", sample_size = -1"
    return f"SELECT * FROM {reader}('{quoted}', union_by_name = true{options})"


@contextlib.contextmanager
def opened() -> Iterator[DbApiSession]:
    """Open an empty database in which files can be read."""
    import duckdb

    with contextlib.closing(duckdb.connect(":memory:")) as connection:
        yield DbApiSession(connection, "duckdb")
