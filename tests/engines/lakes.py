"""Iceberg tables that tests write, with PyIceberg's catalogue on SQLite."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.io.fsspec import FsspecFileIO
from pyiceberg.table import Table


class InMemory(FsspecFileIO):
    """Lets PyIceberg write into fsspec's memory."""

    def get_fs(self, scheme: str, hostname: str | None = None) -> Any:
        """Return that memory, whatever the scheme."""
        return fsspec.filesystem("memory")


@contextlib.contextmanager
def made(folder: Path, schema: Any, *, lake: str | None = None, **options: Any) -> Iterator[Table]:
    """Make an empty table, and let go of its catalogue afterwards.

    :param folder: where the catalogue is, and the table too unless ``lake`` says otherwise.
    :param lake: a URL in fsspec's memory.
    """
    kind = {"py-io-impl": f"{__name__}.InMemory"} if lake else {}
    catalog = SqlCatalog("local", uri=f"sqlite:///{folder}/catalog.db", warehouse=lake or f"file://{folder}", **kind)
    catalog.create_namespace("shop")
    with warnings.catch_warnings(), contextlib.closing(catalog):
        warnings.simplefilter("ignore")  # deleting what is not there warns
        yield catalog.create_table("shop.orders", schema=schema, **options)
