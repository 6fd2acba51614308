"""The machine and the versions that figures were measured with: what a reader must know to compare."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

_PACKAGES = ("apache-airflow", "duckdb", "pandas", "polars", "pyarrow", "psycopg", "sqlglot")


def described() -> str:
    """Return the machine in a sentence."""
    processors = Path("/proc/cpuinfo")
    named = [line for line in processors.read_text().splitlines() if line.startswith("model name")]
    model = named[0].partition(":")[2].strip() if named else platform.machine()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores ({model}), {memory:.0f} GiB, {platform.system()}, Python {platform.python_version()}."
    )


def versions() -> str:
    """Return the versions of what the figures depend on; the server's stands with its figures."""
    return ", ".join(f"{name} {version(name)}" for name in _PACKAGES) + "."
