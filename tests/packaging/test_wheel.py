"""The built wheel in a clean environment beside Airflow: discovered once, and its pages open."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from dags_examples.demo.airflow_process import free_port

TREE = Path(__file__).parents[2]


class Installed:
    """A virtual environment with the wheel and what it requires, and nothing of this tree."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = folder / "venv" / "bin"
        home = folder / "airflow"
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "PYTHON", "PYTEST"))},
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        }

    def run(self, *words: str) -> str:
        """Run a program of the environment, outside of the tree, and return what it prints."""
        done = subprocess.run(
            [str(self.bin / words[0]), *words[1:]],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @contextlib.contextmanager
    def api_server(self) -> Iterator[httpx.Client]:
        """Serve Airflow's UI and API for a block; give a client of it."""
        port = free_port()
        with (self.folder / "api-server.log").open("w") as log:
            server = subprocess.Popen(
                [str(self.bin / "airflow"), "api-server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"],
                cwd=self.folder,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            try:
                with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
                    wait_for(client)
                    yield client
            finally:
                server.terminate()
                server.wait(30)


def wait_for(client: httpx.Client) -> None:
    end = time.monotonic() + 120
    while True:
        with contextlib.suppress(httpx.TransportError):
            if client.get("/api/v2/version").status_code == 200:
                return
        assert time.monotonic() < end, "the api-server did not answer"
        time.sleep(0.5)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(TREE)],
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], check=True)
    uv = str(Path(sys.executable).with_name("uv"))
    python = str(folder / "venv" / "bin" / "python")
    versions = str(without_hashes(TREE / "requirements.lock", folder / "versions.txt"))
    install = [uv, "pip", "install", "--quiet", "--python", python, "--constraint", versions, str(wheel)]
    subprocess.run(install, check=True)
    return Installed(folder)


def without_hashes(lock: Path, versions: Path) -> Path:
    """Write the lock's versions alone: a wheel of our own has no hash to require."""
    lines = [line.split(" \\")[0] for line in lock.read_text().splitlines() if not line.startswith((" ", "#"))]
    versions.write_text("\n".join(lines))
    return versions


def test_airflow_discovers_the_provider_and_the_plugin_once(installed: Installed) -> None:
    installed.run("airflow", "db", "migrate")
    providers = json.loads(installed.run("airflow", "providers", "list", "-o", "json"))
    assert [p["version"] for p in providers if p["package_name"] == "airflow-dataops"] == ["0.1.0"]
    plugins = json.loads(installed.run("airflow", "plugins", "-o", "json"))
    assert [p["name"] for p in plugins].count("dataops") == 1
    assert "Staged promotion" in installed.run("airflow", "dataops", "--help")
    assert json.loads(installed.run("airflow", "dataops", "gate", "list", "--output", "json")) == []


def test_its_pages_open(installed: Installed) -> None:
    with installed.api_server() as client:
        usage = client.get("/dataops/usage")
        assert usage.status_code == 200
        files = re.findall(r'(?:src|href)="(static/[^"]+)"', usage.text)
        assert any("vendor/" in file for file in files)
        for file in (*files, "static/usage.svg", "static/usage-dark.svg", "static/vendor/README.txt"):
            assert client.get(f"/dataops/{file}").status_code == 200, file
        assert client.get("/dataops/usage/graph.json").json() == {"nodes": [], "flows": []}
        page = client.get("/dataops/gates")
        assert page.status_code == 200
        assert "No gate has run yet" in page.text
        assert client.get("/api/v2/plugins/importErrors").json()["import_errors"] == []
