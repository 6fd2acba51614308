"""What importing costs: nothing of what measures is loaded before something is measured."""

from __future__ import annotations

import subprocess
import sys

HEAVY = {"great_expectations", "pandas", "duckdb", "sqlglot", "polars", "pyarrow"}


def test_importing_loads_nothing_that_measures():
    code = (
        "import sys, airflow_dataops, airflow_dataops.core.vocabulary, airflow_dataops.core.judging;"
        "import airflow_dataops.services.judging, airflow_dataops.services.validating;"
        f"print(sorted({HEAVY!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
