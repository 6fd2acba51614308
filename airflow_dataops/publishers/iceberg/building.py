"""Building: rows become data files, of which nothing is to be seen until one commit makes them a tagged snapshot."""

from __future__ import annotations

import contextlib
import itertools
import uuid
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from airflow_dataops.core.errors import ConfigurationError, DataOpsError, MeasureError, PublishConflict
from airflow_dataops.core.ports import Run
from airflow_dataops.core.relations import Relation
from airflow_dataops.publishers.iceberg.lake import Rows, tag_of
from airflow_dataops.publishers.iceberg.pointer import Change, of_same_table, tagged, unmoved
from airflow_dataops.publishers.iceberg.schemas import columns_of, wanted

_CHUNK = 256 * 2**20
"""Bytes of rows in memory at a time; a data file has as many at the most."""


@dataclass(kw_only=True)
class Build:
    """One release's data files, and where they belong.

    :param table: the table as PyIceberg has it; one that is not there yet, where ``creates``.
    :param metadata: the table's, with the release's columns as the current ones.
    :param creates: the updates that create the table.
    :param base: the snapshot whose rows are kept, but for those that meet ``replaces``, a row filter.
    """

    relation: Relation
    table: Any
    metadata: Any
    files: list[Any]
    creates: tuple[Any, ...] = ()
    base: int | None = None
    replaces: Any = None

    def change(self, table: Any) -> Change:
        """Return the change of ``table`` that makes the files a snapshot, of their own or upon others, with its tag.

        The table's columns stay as they are for its readers.
        """
        from pyiceberg.table import Transaction
        from pyiceberg.table.update import AddSnapshotUpdate, AssertCreate, SetCurrentSchemaUpdate

        transaction = Transaction(table)
        schema = self.metadata.schema()
        before = table.metadata.current_schema_id
        with_schema = [] if self.creates else changes_schema(table.metadata, schema)
        transaction._updates = tuple(with_schema)
        tag = tag_of(self.relation)
        if self.base is not None:
            _delete(transaction, tag, self.base, self.replaces)
        # On a branch that is not there: a snapshot without a parent, of these files alone.
        append = transaction.update_snapshot(branch=tag).fast_append()
        for file in self.files:
            append.append_data_file(file)
        made = [*transaction._updates, *append._commit()[0]]
        added = [update for update in made if isinstance(update, AddSnapshotUpdate)]
        updates = [*self.creates, *with_schema, *added, tagged(tag, added[-1].snapshot.snapshot_id)]
        if with_schema:
            updates.append(SetCurrentSchemaUpdate(schema_id=before))
        if self.creates:
            return [AssertCreate()], updates
        return [of_same_sequence(table), of_same_table(table), *unmoved_tags(table, tag)], updates

    def discard(self) -> None:
        """Delete the files of a build that has failed; those of a killed one Iceberg's own maintenance removes."""
        for file in self.files:
            with contextlib.suppress(Exception):
                self.table.io.delete(file.file_path)


def _delete(transaction: Any, branch: str, base: int, replaces: Any) -> None:
    """Delete the rows that meet a filter on a branch from ``base``: files without any are kept as they are."""
    from pyiceberg.table.refs import SnapshotRefType
    from pyiceberg.table.update import SetSnapshotRefUpdate

    start = SetSnapshotRefUpdate(ref_name=branch, type=SnapshotRefType.BRANCH, snapshot_id=base)
    transaction._updates = (*transaction._updates, start)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that there is no such row
        transaction.delete(replaces, branch=branch)


def unmoved_tags(table: Any, *tags: str) -> list[Any]:
    """Return the requirements that these tags are where they are, which a table without a snapshot cannot be asked."""
    return [unmoved(table, tag) for tag in tags] if table.metadata.snapshots else []


def changes_schema(metadata: Any, schema: Any) -> list[Any]:
    """Return the updates that make a schema the current one.

    :raises PublishConflict: the table has another schema under its number by now.
    """
    from pyiceberg.table.update import AddSchemaUpdate, SetCurrentSchemaUpdate

    if schema.schema_id == metadata.current_schema_id:
        return []
    known = next((each for each in metadata.schemas if each.schema_id == schema.schema_id), None)
    if known is not None and known.fields != schema.fields:
        raise PublishConflict("The table's columns were changed while the release was built. Run this again.")
    return [*([] if known else [AddSchemaUpdate(schema_=schema)]), SetCurrentSchemaUpdate(schema_id=schema.schema_id)]


def of_same_sequence(table: Any) -> Any:
    """Return the requirement that the table has got no other snapshot: those are numbered in their order.

    To a server it says what :class:`AssertTableUUID` does, and the server compares the numbers itself.
    """
    from pyiceberg.exceptions import CommitFailedException
    from pyiceberg.table.update import AssertTableUUID

    last = table.metadata.last_sequence_number
    schemas = len(table.metadata.schemas)

    class AssertNothingAdded(AssertTableUUID):
        def validate(self, base_metadata: Any) -> None:
            super().validate(base_metadata)
            if (base_metadata.last_sequence_number, len(base_metadata.schemas)) != (last, schemas):
                raise CommitFailedException("Requirement failed: a snapshot or a schema was added concurrently")

    return AssertNothingAdded(uuid=table.metadata.table_uuid)


def written(
    db: Rows, relation: Relation, sql: str, run: Run, begun: Callable[[Any], tuple[Any, tuple[Any, ...]]]
) -> Build:
    """Write the rows of a SELECT as data files of the table.

    :param begun: returns of the columns in Arrow's types the table, and the updates that create it if it is not there.
    :raises ConfigurationError: the columns cannot be the table's.
    """
    from pyiceberg.table.update import update_table_metadata

    query = f"SELECT * FROM (\n{sql.strip().rstrip(';')}\n) AS built"
    arrow = db.stream(f"{query} LIMIT 0", lambda reader: reader.schema)
    columns = columns_of(arrow)
    table, creates = begun(arrow)
    metadata = table.metadata
    if not creates:
        metadata = update_table_metadata(metadata, tuple(changes_schema(metadata, wanted(metadata, columns))))
    build = Build(relation=relation, table=table, metadata=metadata, files=[], creates=creates)
    try:
        run(_Writing(db, build), query)
    except BaseException:
        build.discard()
        raise
    return build


class _Writing:
    """A session whose SELECT is written into a table: what runs, watches and cancels it knows no difference."""

    def __init__(self, db: Rows, build: Build) -> None:
        self.dialect = db.dialect
        self.cancel = db.cancel
        self._db = db
        self._build = build

    def execute(self, sql: str, parameters: Any = ()) -> list[tuple[Any, ...]]:
        """Run the SELECT and write its rows."""
        self._db.stream(sql, self._write)
        return []

    def _write(self, reader: Any) -> None:
        from pyarrow import ArrowInvalid
        from pyiceberg.io.pyarrow import _dataframe_to_data_files, schema_to_pyarrow

        build, write_uuid, counter = self._build, uuid.uuid4(), itertools.count()
        types = schema_to_pyarrow(build.metadata.schema(), include_field_ids=False)
        for rows in _chunks(reader):
            try:
                rows = rows.cast(types)
            except (ArrowInvalid, ValueError) as error:
                raise ConfigurationError(
                    f"The rows of sql= do not fit the columns of {build.relation}: {str(error).splitlines()[0]}"
                ) from error
            files = _dataframe_to_data_files(
                table_metadata=build.metadata, df=rows, io=build.table.io, write_uuid=write_uuid, counter=counter
            )
            with _writing(build.relation):
                build.files.extend(files)


@contextlib.contextmanager
def _writing(relation: Relation) -> Iterator[None]:
    try:
        yield
    except DataOpsError:
        raise
    except Exception as error:
        refused = isinstance(error, PermissionError | FileNotFoundError) or not isinstance(error, OSError)
        said = (str(error).splitlines() or [""])[0]
        raise MeasureError(
            f"{relation} cannot be written: {type(error).__name__}: {said}", retryable=not refused
        ) from error


def _chunks(reader: Any) -> Iterator[Any]:
    """Yield the rows as Arrow tables, none much larger than :data:`_CHUNK`."""
    from pyarrow import Table

    batches: list[Any] = []
    size = 0
    for batch in reader:
        batches.append(batch)
        size += batch.nbytes
        if size >= _CHUNK:
            yield Table.from_batches(batches)
            batches, size = [], 0
    if batches:
        yield Table.from_batches(batches)
