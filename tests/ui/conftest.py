"""The pages over a store with a history: in this process under a real auth manager, and in a browser."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from airflow_dataops.stores.store import Store
from tests.ui.browsing import ARGUMENTS, find_chromium

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Starlette's announcement that its client will want another HTTP library
    from fastapi import FastAPI
    from fastapi.testclient import TestClient

Login = Callable[[str], TestClient]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Make an empty store and define the connection by which the pages find it."""
    path = tmp_path / "dataops.db"
    monkeypatch.setenv("AIRFLOW_CONN_DATAOPS_DEFAULT", json.dumps({"conn_type": "sqlite", "host": str(path)}))
    return Store.open(f"sqlite:///{path}", create=True)


@dataclass(frozen=True, kw_only=True)
class Served:
    """The pages where Airflow has them, and who may see them.

    :param token: makes the cookie of a user who is logged in.
    """

    app: FastAPI
    token: Callable[[str], str]


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
        token=lambda name: manager.generate_jwt(SimpleAuthManagerUser(username=name, role="viewer")),
    )
    purge_cached_app()


@pytest.fixture
def login(served: Served) -> Login:
    """Return a function that logs a user in (``""``: nobody) to the application under Airflow's own authorization."""
    from airflow_dataops.ui.plugin import URL_PREFIX

    def as_user(name: str) -> TestClient:
        cookies = {"_token": served.token(name)} if name else {}
        base = f"http://testserver{URL_PREFIX}"
        return TestClient(served.app, cookies=cookies, base_url=base, follow_redirects=False)

    return as_user


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Start Debian's Chromium without a screen."""
    path = find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()
