"""The freeze windows that ``airflow.cfg`` names."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_dataops.core.freezes import Window


def freeze_windows() -> tuple[Window, ...]:
    """Return the windows of ``[dataops] freeze_windows``.

    :raises ConfigurationError: a part of it is no window; names the part.
    """
    from airflow.configuration import conf

    from airflow_dataops.core.freezes import read_windows

    return read_windows(conf.get("dataops", "freeze_windows", fallback="") or "")
