"""The pages over a store with a history: in this process under a real auth manager, and in a browser."""

from __future__ import annotations

import json
import socket
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

from airflow_dataops.stores.store import Store
from tests.ui.browsing import ARGUMENTS, find_chromium

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Starlette's announcement that its client will want another HTTP library
    from fastapi import FastAPI
    from fastapi.testclient import TestClient

Login = Callable[..., TestClient]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Make an empty store and define the connection by which the pages find it."""
    path = tmp_path / "dataops.db"
    monkeypatch.setenv("AIRFLOW_CONN_DATAOPS_DEFAULT", json.dumps({"conn_type": "sqlite", "host": str(path)}))
    return Store.open(f"sqlite:///{path}", create=True)


@dataclass(frozen=True, kw_only=True)
class Served:
    """The pages where Airflow has them, and who may see them.

    :param token: makes the cookie of a user who is logged in, by name and role.
    """

    app: FastAPI
    token: Callable[[str, str], str]


@pytest.fixture
def served(airflow_database: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """Mount the pages under Airflow's own authorization."""
    from airflow.api_fastapi.app import create_auth_manager, purge_cached_app
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    from airflow_dataops.ui.plugin import URL_PREFIX, LazyApp

    monkeypatch.setenv("AIRFLOW__CORE__AUTH_MANAGER", "tests.ui.auth.PerDagAuthManager")
    monkeypatch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", "0" * 64)
    monkeypatch.delenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS", raising=False)
    purge_cached_app()
    manager = create_auth_manager()
    server = FastAPI()
    server.mount(URL_PREFIX, LazyApp())

    yield Served(
        app=server,
        token=lambda name, role: manager.generate_jwt(SimpleAuthManagerUser(username=name, role=role)),
    )
    purge_cached_app()


@pytest.fixture
def login(served: Served) -> Login:
    """Return a function that logs a user in (``""``: nobody) to the application under Airflow's own authorization."""
    from airflow_dataops.ui.plugin import URL_PREFIX

    def as_user(name: str, role: str = "viewer") -> TestClient:
        cookies = {"_token": served.token(name, role)} if name else {}
        base = f"http://testserver{URL_PREFIX}"
        return TestClient(served.app, cookies=cookies, base_url=base, follow_redirects=False)

    return as_user


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Start Debian's Chromium without a screen.

    For one module: while Playwright runs, its event loop is this thread's, and other tests want one of their own.
    """
    path = find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


# The pages alone, under Airflow's own authorization, which is quicker than all of Airflow.


@pytest.fixture
def site(served: Served) -> Iterator[str]:
    """Serve the pages and return their address."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(served.app, log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            while not server.started:
                time.sleep(0.05)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def window(
    chromium: Browser, served: Served, site: str, *, name: str = "viewer", role: str = "viewer", **options: Any
) -> Iterator[Page]:
    """Open a window of a user; at the end nothing may have gone wrong in it."""
    context = chromium.new_context(base_url=f"{site}/dataops/", **options)
    context.add_cookies([{"name": "_token", "value": served.token(name, role), "url": site}])
    complaints: list[str] = []
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    context.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    try:
        yield context.new_page()
        assert complaints == []
    finally:
        context.close()
