"""Every error this package raises on purpose.

::

    DataOpsError
    ├── ConfigurationError     what was asked for cannot be; nothing was done
    │   ├── RelationTaken      the name of what is to be built is in use
    │   ├── SuiteError         a suite that does not parse, or a check that is not known
    │   └── SchemaVersionError the store was written by another version
    ├── MeasureError           a metric could not be measured
    ├── MeasurementStopped     the task was killed while it measured
    ├── EvidenceMissing        a gate or an approval is missing, refused, or for other data
    ├── Frozen                 a freeze window holds: nothing is promoted now
    ├── SetRefused             a release set was refused; has every member's refusal
    ├── Stopped                a task was about to read what was found bad
    ├── IllegalTransition      a release cannot go from this state to that
    ├── ReleaseNotFound        no such dataset or release
    ├── PublishConflict        the pointer has moved: somebody else switched first
    ├── LockTimeout            the lock could not be had; names the blocker
    └── StoreUnavailable       the store cannot be reached

A message says what, which dataset and release, expected against found, and the next step.
``retryable`` says whether the same call can succeed later without anybody changing anything.
"""

from __future__ import annotations


class DataOpsError(Exception):
    """Base of all errors; ``retryable`` tells whether waiting can help."""

    retryable: bool = False


class ConfigurationError(DataOpsError):
    """What was asked for cannot be done as it is written."""


class RelationTaken(ConfigurationError):
    """There is a relation of the name that a release was to have; the next try takes another."""

    retryable = True


class SuiteError(ConfigurationError):
    """A suite that does not parse, or a check that is unknown or lacks what it needs."""


class SchemaVersionError(ConfigurationError):
    """The store's schema is older or newer than this package."""


class MeasureError(DataOpsError):
    """A metric could not be measured.

    :param message: the database's own words, without row values.
    :param retryable: a lost connection, a lock or a time-out; not a refused regex or a missing table.
    """

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable


class MeasurementStopped(DataOpsError):
    """The task was killed, or timed out, while it measured: nothing is known of the data."""

    retryable = True


class EvidenceMissing(DataOpsError):
    """Promotion was refused for want of evidence.

    :param missing: one line for each gate that is missing, and why.
    """

    def __init__(self, message: str, *, missing: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.missing = missing


class Frozen(DataOpsError):
    """A promotion was refused because a freeze window holds.

    :param window: the window, as it is written.
    """

    def __init__(self, message: str, *, window: str) -> None:
        super().__init__(message)
        self.window = window


class SetRefused(DataOpsError):
    """A release set was refused, and with it every member.

    :param refusals: why, each as its member alone would be refused.
    """

    def __init__(self, message: str, *, refusals: tuple[DataOpsError, ...]) -> None:
        super().__init__(message)
        self.refusals = refusals


class Stopped(DataOpsError):
    """A task was about to read what was found bad, and its readers are stopped."""


class IllegalTransition(DataOpsError):
    """A release cannot do this in its present state."""


class ReleaseNotFound(DataOpsError):
    """No dataset, or no release, of that name."""


class PublishConflict(DataOpsError):
    """The pointer's epoch is not the expected one: another switch came first."""

    retryable = True


class LockTimeout(DataOpsError):
    """A lock could not be had in time; the message names who holds it where the engine tells."""

    retryable = True


class StoreUnavailable(DataOpsError):
    """The store cannot be reached, so nothing was decided."""

    retryable = True
