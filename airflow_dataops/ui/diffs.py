"""The page of one diff: what a release changes for those who read its dataset."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Request
from fastapi.responses import Response

from airflow_dataops.hooks.store import open_store
from airflow_dataops.ui.access import NOT_FOUND, ReaderDep
from airflow_dataops.ui.rendering import LARGEST, page

diffs = APIRouter()


@diffs.get("/diffs/{number}")
def one(request: Request, reader: ReaderDep, number: Annotated[int, Path(lt=LARGEST)]) -> Response:
    """Show one diff: what it refuses, then columns, rows, keys and values."""
    found = open_store().diffs.get(number)
    if found is None:
        raise HTTPException(404, NOT_FOUND)
    reader.open(found.key.dag_id)
    return page(request, "diff.html", run=found)
