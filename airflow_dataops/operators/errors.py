"""How this package's errors become Airflow's: what waiting cannot mend spends no retry."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from airflow.sdk.exceptions import AirflowFailException

from airflow_dataops.core.errors import DataOpsError


class DataOpsFailed(AirflowFailException):
    """The task failed, and a retry of the same would fail again."""


class GateFailed(DataOpsFailed):
    """Bad data: a gate's verdict is FAIL. Downstream tasks do not run, and no retry is spent."""


class DiffRefused(DataOpsFailed):
    """A release changes what its diff's policy does not let it change. No retry is spent."""


@contextmanager
def airflow_errors() -> Iterator[None]:
    """Let retryable errors through, for Airflow to retry; make the others fail at once.

    :raises DataOpsFailed: in place of an error that no retry mends, with its message.
    """
    try:
        yield
    except DataOpsError as error:
        if error.retryable:
            raise
        raise DataOpsFailed(str(error)) from None  # the message says it all; twice would hide it
