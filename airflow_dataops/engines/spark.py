"""Spark frames and sessions as databases: the distributed engine, for those who outgrow one machine."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from typing import Any

from airflow_dataops.core.relations import Relation
from airflow_dataops.engines.dbapi import DbApiSession
from airflow_dataops.engines.drivers.spark import SparkConnection


def is_spark_frame(data: Any) -> bool:
    """Whether ``data`` is a frame of Spark, classic or Connect; imports neither."""
    return _is(data, "DataFrame")


def is_spark_session(connection: Any) -> bool:
    """Whether ``connection`` is a session of Spark, classic or Connect; imports neither."""
    return _is(connection, "SparkSession")


def _is(thing: Any, name: str) -> bool:
    return any(cls.__name__ == name and cls.__module__.split(".")[0] == "pyspark" for cls in type(thing).__mro__)


def from_session(session: Any) -> DbApiSession:
    """Return a session of the port ``Database`` over a ``SparkSession``, which stays its owner's."""
    return DbApiSession(SparkConnection(session), "spark")


@contextlib.contextmanager
def opened(frame: Any) -> Iterator[tuple[DbApiSession, Relation]]:
    """Open the frame's own session, in which the frame is a temporary view for the block.

    Nothing is cached: a frame that is dear to compute is best cached by its owner, as each statement reads it.
    """
    view = Relation(name=f"dataops_{uuid.uuid4().hex}")
    frame.createOrReplaceTempView(view.name)
    try:
        yield from_session(frame.sparkSession), view
    finally:
        frame.sparkSession.catalog.dropTempView(view.name)
