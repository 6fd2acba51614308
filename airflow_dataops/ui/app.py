"""The application that the api-server mounts: pages, static files, and the answers when something is in the way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from airflow_dataops.core.errors import DataOpsError
from airflow_dataops.ui.access import MAY_READ_RESULTS, NOT_FOUND
from airflow_dataops.ui.actions import NOT_SAME_ORIGIN, actions
from airflow_dataops.ui.answers import answers
from airflow_dataops.ui.diffs import diffs
from airflow_dataops.ui.gates import gates
from airflow_dataops.ui.releases import releases
from airflow_dataops.ui.rendering import page
from airflow_dataops.ui.usage import usage

HEADERS = {
    # Nothing from elsewhere, nothing inline; framed by Airflow only.
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'self'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
TITLES = {401: "You are not logged in", 403: "Not permitted", 404: "Not found"}
ADVICE = {
    401: "Log in to Airflow, then reload this page.",
    403: "Reading these results needs read access to the DAG's XComs, acting on a release the right to edit its DAG.",
}


def create_app() -> FastAPI:
    """Return the application, without the schema pages that FastAPI would open to everybody."""
    app = FastAPI(title="DataOps", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.middleware("http")(_guard)
    app.add_exception_handler(DataOpsError, _obstacle)
    app.add_exception_handler(HTTPException, _refusal)
    app.add_exception_handler(RequestValidationError, _nonsense)
    app.include_router(gates, dependencies=[MAY_READ_RESULTS])
    app.include_router(releases, dependencies=[MAY_READ_RESULTS])
    app.include_router(usage, dependencies=[MAY_READ_RESULTS])
    app.include_router(answers, dependencies=[MAY_READ_RESULTS])  # before what takes any deed
    app.include_router(actions, dependencies=[MAY_READ_RESULTS])
    app.include_router(diffs, dependencies=[MAY_READ_RESULTS])
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")
    return app


async def _guard(request: Request, proceed: Callable[[Request], Awaitable[Response]]) -> Response:
    """Put the security headers on every answer, and keep pages out of shared caches."""
    answer = await proceed(request)
    answer.headers.update(HEADERS)
    if "/static/vendor/" in request.url.path and answer.status_code == 200:  # its name holds its version
        answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    elif not request.url.path.endswith((".css", ".js", ".svg")):
        answer.headers["Cache-Control"] = "no-store"
    return answer


def _obstacle(request: Request, error: Exception) -> Response:
    """Show an error of ours as it reads: it names the thing and the way out."""
    return page(request, "message.html", status=503, title="The history cannot be shown", text=str(error))


def _refusal(request: Request, error: Exception) -> Response:
    """Answer 401, 403 and 404 with a page that says what to do."""
    assert isinstance(error, HTTPException)  # what this handler is registered for
    status = error.status_code
    text = error.detail if error.detail in (NOT_FOUND, NOT_SAME_ORIGIN) else ADVICE.get(status, NOT_FOUND)
    return page(request, "message.html", status=status, title=TITLES.get(status, "Not possible"), text=text)


def _nonsense(request: Request, _error: Exception) -> Response:
    """Treat an address that cannot be as one that is not there."""
    return page(request, "message.html", status=404, title=TITLES[404], text=NOT_FOUND)
