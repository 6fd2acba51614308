"""An Iceberg catalogue: what it raises are errors of this package, and a commit is refused, never rebased."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from airflow_dataops.core.errors import ConfigurationError, DataOpsError, LockTimeout, MeasureError
from airflow_dataops.core.relations import Relation

_AWAY = ("CommitStateUnknownException", "ServerError", "ServiceUnavailableError", "TooManyRequestsError")


class Catalogue:
    """A PyIceberg catalogue, as releases need it.

    :param label: the connection as a person names it.
    """

    def __init__(self, catalog: Any, label: str) -> None:
        self._catalog = catalog
        self.label = label

    def table(self, relation: Relation) -> Any | None:
        """Return the table as it is now, as PyIceberg has it; ``None`` if there is none.

        :raises MeasureError: the catalogue, or the table's metadata, cannot be read.
        """
        from pyiceberg.exceptions import NoSuchNamespaceError, NoSuchTableError

        with _understood(self.label):
            try:
                return self._catalog.load_table((relation.schema, relation.name))
            except (NoSuchTableError, NoSuchNamespaceError):
                return None

    def begun(self, relation: Relation, schema: Any) -> Any:
        """Return PyIceberg's transaction that would create a table, of which nothing is to be seen yet.

        :param schema: the columns, in Arrow's types.
        """
        with _understood(self.label):
            self._catalog.create_namespace_if_not_exists((relation.schema,))
            return self._catalog.create_table_transaction((relation.schema, relation.name), schema)

    def commit(self, table: Any, requirements: Sequence[Any], updates: Sequence[Any]) -> bool:
        """Commit to the table as the catalogue has it by now, at once; ``False`` if a requirement is not met.

        :raises LockTimeout: another commit holds the catalogue; nothing was changed.
        :raises MeasureError: whether it has been committed is not known where ``retryable``.
        """
        from pyiceberg.exceptions import CommitFailedException, TableAlreadyExistsError

        with _understood(self.label):
            try:
                self._catalog.commit_table(table, tuple(requirements), tuple(updates))
            except (CommitFailedException, TableAlreadyExistsError):
                return False
        return True


@contextlib.contextmanager
def opened_catalogue(label: str, name: str, properties: Mapping[str, str]) -> Iterator[Catalogue]:
    """Open the catalogue for a block and close it.

    :param name: the catalogue's own name: a SQL catalogue keeps its tables by that.
    :param properties: PyIceberg's own.
    :raises ConfigurationError: PyIceberg is not installed, or the properties are not a catalogue's.
    :raises MeasureError: it cannot be reached.
    """
    with _understood(label, opening=True):
        from pyiceberg.catalog import load_catalog

        catalog = load_catalog(name, **properties)
    with contextlib.closing(catalog):
        yield Catalogue(catalog, label)


@contextlib.contextmanager
def _understood(label: str, *, opening: bool = False) -> Iterator[None]:
    """Raise what PyIceberg, and what is below it, raise in the block as errors of this package."""
    try:
        yield
    except DataOpsError:
        raise
    except ImportError as error:
        raise ConfigurationError(
            f"Connection {label!r} is an Iceberg catalogue: install airflow-dataops[iceberg], and what PyIceberg needs "
            f"for a catalogue of its type ({error})."
        ) from error
    except Exception as error:
        raise _refused(label, error, opening) from error


def _refused(label: str, error: Exception, opening: bool) -> DataOpsError:
    """Return what was refused, on one line."""
    from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

    said = str(error.orig) if isinstance(error, DBAPIError) else str(error)
    line = f"Iceberg catalogue {label!r}: {type(error).__name__}: {(said.splitlines() or [''])[0]}"
    if isinstance(error, OperationalError) and "database is locked" in said:
        return LockTimeout(line)
    denied = isinstance(error, PermissionError | FileNotFoundError)
    away = isinstance(error, OperationalError | InterfaceError | OSError) or type(error).__name__ in _AWAY
    if opening and not away:
        return ConfigurationError(
            f"Connection {label!r} cannot be opened as an Iceberg catalogue: {type(error).__name__}: "
            f"{(said.splitlines() or [''])[0]}. Check its host and extra: they are PyIceberg's properties."
        )
    return MeasureError(line, retryable=away and not denied)
