"""Great Expectations over the same table: on pandas, SQLite and PostgreSQL, each check with counts or its exception."""

from __future__ import annotations

import contextlib
import itertools
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tests.agreement.asked import Asked
from tests.agreement.engines import Place, pandas_frame, postgres_table, sqlite_file
from tests.agreement.tables import Table

GX_ENGINES = ("pandas", "sqlite", "postgres")


@dataclass(frozen=True)
class Said:
    """What GX says of one check.

    :param raised: the exception's message, where it has no answer.
    """

    success: bool
    result: dict[str, Any]
    raised: str | None = None

    @property
    def counts(self) -> tuple[int, int] | None:
        """How many rows break the check, and of how many that it looked at."""
        if not {"unexpected_count", "element_count"} <= set(self.result):
            return None
        return self.result["unexpected_count"], self.result["element_count"] - (self.result.get("missing_count") or 0)


class GreatExpectations:
    """One ephemeral context for a whole run; importing GX costs seconds."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._number = itertools.count(1)
        with _quiet():
            import great_expectations as gx

            self._gx = gx
            self._context = gx.get_context(mode="ephemeral")
            self._context.variables.progress_bars = {"globally": False, "metric_calculations": False}
            self._frames = (
                self._context.data_sources.add_pandas("pandas")
                .add_dataframe_asset("frame")
                .add_batch_definition_whole_dataframe("all")
            )

    def say(self, engine: str, table: Table, asked: Sequence[Asked]) -> list[Said]:
        """Return what GX says of each check: all in one run, and those that raised there each alone.

        One exception in a run's shared statement is otherwise that of every check.
        """
        with _quiet(), self._batch(engine, table) as batch:
            said = self._run(batch, asked)
            for index, one in enumerate(said):
                if one.raised and len(asked) > 1:
                    said[index] = self._run(batch, [asked[index]])[0]
            return said

    def _run(self, batch: Any, asked: Sequence[Asked]) -> list[Said]:
        from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

        said: list[Said | None] = [None] * len(asked)
        expectations = []
        for index, one in enumerate(asked):
            try:
                written = ExpectationConfiguration(type=one.kind, kwargs=dict(one.kwargs), meta={"index": index})
                expectations.append(written.to_domain_obj())
            except Exception as error:  # GX's own validation of arguments
                said[index] = Said(False, {}, f"{type(error).__name__}: {error}")
        suite = self._gx.ExpectationSuite(name="agreement", expectations=expectations)
        try:
            results = batch.validate(suite, result_format="BASIC").results
        except Exception as error:  # an exception on the way to the first metric is that of the whole run
            results, raised = [], f"{type(error).__name__}: {error}"
            said = [one or Said(False, {}, raised) for one in said]
        for result in results:
            said[result.expectation_config.meta["index"]] = _said(result)
        return [one for one in said if one is not None]

    @contextlib.contextmanager
    def _batch(self, engine: str, table: Table) -> Iterator[Any]:
        if engine == "pandas":
            yield self._frames.get_batch({"dataframe": pandas_frame(table)})
        elif engine == "sqlite":
            with self._source(f"sqlite:///{sqlite_file(table, self._place)}") as source:
                yield _whole(source, "t")
        else:
            url = self._place.postgres.replace("postgresql://", "postgresql+psycopg2://")
            with postgres_table(table, self._place) as name, self._source(url) as source:
                yield _whole(source, name)

    @contextlib.contextmanager
    def _source(self, url: str) -> Iterator[Any]:
        name = f"source{next(self._number)}"
        source = self._context.data_sources.add_sql(name, connection_string=url)
        try:
            yield source
        finally:
            source.get_engine().dispose()
            self._context.data_sources.delete(name)


def _whole(source: Any, table: str) -> Any:
    return source.add_table_asset(table, table_name=table).add_batch_definition_whole_table("all").get_batch()


def _said(result: Any) -> Said:
    info = result.exception_info or {}
    # One of two shapes: the exception itself, or one for each metric.
    entries = [info] if "raised_exception" in info else [entry for entry in info.values() if isinstance(entry, dict)]
    raised = [str(entry.get("exception_message")) for entry in entries if entry.get("raised_exception")]
    return Said(bool(result.success), dict(result.result or {}), raised[0] if raised else None)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what GX imports and how it calls pandas and SQLAlchemy
        yield
