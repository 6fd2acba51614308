"""A browser window on a running Airflow, and what it must not do meanwhile."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from dags_examples.demo.airflow_process import RunningAirflow

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

expect.set_options(timeout=30_000)  # a busy machine is slow, not wrong


def find_chromium() -> str:
    """Return Debian's Chromium, installed where it may be; else skip, which under ``CI=true`` is a failure."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        for command in (["apt-get", "update"], ["apt-get", "install", "-y", "chromium"]):
            subprocess.run(
                command, check=False, capture_output=True, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
            )
        found = shutil.which("chromium")
    if found is None:
        reason = (
            "No Chromium, so nobody looked at the pages in a browser. Install it (Debian: apt-get install chromium)."
        )
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@dataclass
class Visit:
    """A window.

    :param elsewhere: requests that left the host.
    :param complaints: errors on the console that our pages caused.
    """

    page: Page
    elsewhere: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@contextmanager
def visit(browser: Browser, airflow: RunningAirflow, *, user: str | None = None, **options: Any) -> Iterator[Visit]:
    """Open a window of ``user``, else of an admin, who is logged in to Airflow."""
    context = browser.new_context(base_url=f"{airflow.url}/", **options)
    context.add_cookies([{"name": "_token", "value": airflow.token(user), "url": airflow.url}])
    window = Visit(page=context.new_page())

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error" and "/dataops/" in message.location.get("url", ""):
            window.complaints.append(message.text)

    context.on("console", heard)
    context.on("weberror", lambda error: window.complaints.append(str(error.error)))
    context.on("request", lambda sent: window.elsewhere.append(sent.url) if _leaves(sent.url, airflow.url) else None)
    try:
        yield window
    finally:
        context.close()


def _leaves(url: str, home: str) -> bool:
    return not url.startswith((f"{home}/", "data:", "blob:", "about:"))
