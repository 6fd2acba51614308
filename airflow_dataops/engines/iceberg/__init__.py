"""Iceberg tables, one snapshot of each: its Parquet files where they lie, or what PyIceberg makes of them.

PyIceberg is imported only in here and in the manifests' proofs, and only for a path that is an Iceberg table.
"""

from __future__ import annotations

import contextlib
import logging
import posixpath
from collections.abc import Iterator

from airflow_dataops.core.ports import Voucher
from airflow_dataops.engines.embedded import TABLE, Opened
from airflow_dataops.engines.files import connected
from airflow_dataops.engines.iceberg.finding import Found, found
from airflow_dataops.engines.iceberg.reading import reading_of
from airflow_dataops.engines.iceberg.snapshot import Snapshot, static, understood
from airflow_dataops.engines.proofs.footers import Footers

__all__ = ["Found", "found", "opened"]

log = logging.getLogger(__name__)


@contextlib.contextmanager
def opened(table: Found) -> Iterator[Opened]:
    """Open a database in which the table's current snapshot can be asked about.

    :raises ConfigurationError: PyIceberg is not installed, or two columns have one name.
    :raises MeasureError: the table cannot be read.
    """
    with understood(table.name):
        snapshot = Snapshot(static(table), table.name, table.filesystem)
        why = snapshot.refusal()
        vouchers: tuple[Voucher, ...] = () if snapshot.has_deletes else (snapshot.manifests(),)
    log.info("%s: metadata file %s", snapshot.label, posixpath.basename(table.metadata))
    if why is None:
        with connected(table.filesystem, name=table.name, spills=False) as (connection, db, prefix):
            read = reading_of(db, connection, snapshot, prefix)
            if read.query is not None:
                if read.by_name:
                    vouchers = (*vouchers, Footers(read.files.files, filesystem=table.filesystem))
                yield Opened(db=db, query=read.query, vouchers=vouchers, label=snapshot.label, ordered=False)
                return
            why = read.why
    with connected(None, name=table.name, spills=True) as (connection, db, _):
        log.info("%s: read whole through PyIceberg, once, because %s", snapshot.label, why)
        snapshot.load(db, connection)
        yield Opened(db=db, query=f"SELECT * FROM {TABLE}", vouchers=vouchers, label=snapshot.label, ordered=False)
