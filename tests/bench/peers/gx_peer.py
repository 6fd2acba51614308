"""Great Expectations on PostgreSQL and pandas: the suite as it is."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

os.environ["GX_ANALYTICS_ENABLED"] = "false"

import great_expectations as gx
from serving import Outcomes, serve


def prepare(
    checks: list[dict[str, Any]],
    result_format: str | None,
    engine: str,
    host: str | None = None,
    table: str | None = None,
    frame: str | None = None,
) -> Callable[[], Outcomes]:
    """Connect, or read the frame, and build the suite.

    :param result_format: ``None`` leaves GX's default.
    :param engine: ``postgres``, with the folder of the server's socket and a table, or ``pandas``, with a Parquet file.
    """
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    expectations = []
    for number, check in enumerate(checks):
        kind = "".join(word.capitalize() for word in check["type"].split("_"))
        arguments = {key: value for key, value in check.items() if key != "type"}
        expectations.append(getattr(gx.expectations, kind)(**arguments, meta={"number": number}))
    suite = gx.ExpectationSuite(name="trips", expectations=expectations)
    options = {"result_format": result_format} if result_format else {}
    if engine == "pandas":
        import pandas as pd

        asset = context.data_sources.add_pandas("frames").add_dataframe_asset("trips")
        definition = asset.add_batch_definition_whole_dataframe("all")
        parameters = {"dataframe": pd.read_parquet(frame)}
    else:
        url = f"postgresql+psycopg2://postgres@localhost/postgres?host={host}"
        database = context.data_sources.add_postgres("database", connection_string=url)
        asset = database.add_table_asset("trips", table_name=table)
        definition = asset.add_batch_definition_whole_table("all")
        parameters = None

    def run() -> Outcomes:
        result = definition.get_batch(parameters).validate(suite, **options)
        return {one.expectation_config.meta["number"]: bool(one.success) for one in result.results}

    return run


serve(gx.__version__, prepare)
