"""A real Airflow in a directory of its own: started, spoken to through its REST API, and stopped whole."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import psutil

COMPONENTS = ("api-server", "scheduler", "dag-processor", "triggerer")
FINISHED = frozenset({"success", "failed"})
_FOLDER = {"name": "dags-folder", "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle", "kwargs": {}}
EXAMPLES = Path(__file__).resolve().parent.parent


class AirflowFailed(RuntimeError):
    """Airflow did not start, or did not do what was waited for; the message holds the end of the log that says why."""


def free_port() -> int:
    """Return a TCP port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RunningAirflow:
    """Airflow's api-server, scheduler (LocalExecutor), dag-processor and triggerer, for the length of a ``with`` block.

    The state stays in ``home`` (metadata, logs, settings), so that a later block on the same home goes on
    with the same history.

    :param home: ``AIRFLOW_HOME``; made if it is not there.
    :param port: where the UI and the API listen; a free one if not given.
    :param users: user name → role (``admin``, ``op``, ``user``, ``viewer``). Each one's password is its name.
        Without users everybody is admin, without logging in.
    :param dags: the folder of DAG files.
    :param expect: DAG ids to wait for before the block begins; all that parse if not given.
    :param env: further environment, such as ``AIRFLOW_CONN_WAREHOUSE``; wins over the defaults here.
    :param say: is told a line for each step of the start.
    """

    def __init__(
        self,
        home: Path,
        *,
        port: int | None = None,
        users: Mapping[str, str] | None = None,
        dags: Path = EXAMPLES,
        expect: Collection[str] = (),
        env: Mapping[str, str] | None = None,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.home = home.resolve()
        self.port = port or free_port()
        self.url = f"http://localhost:{self.port}"
        self.users = dict(users or {})
        self.expect = frozenset(expect)
        self.env = {**os.environ, **self._settings(dags), **(env or {})}
        self._say = say
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._http = httpx.Client(base_url=self.url, timeout=30, trust_env=False)
        self._tokens: dict[str, str] = {}

    # -- life ----------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, timeout: float = 180) -> None:
        """Migrate the database, start every component at once, and return when all are healthy and the DAGs parsed.

        :raises AirflowFailed: a component ended, the port is taken, a DAG file does not import, or time is over.
        """
        self._check_port()
        (self.home / "logs").mkdir(parents=True, exist_ok=True)
        self._write_passwords()
        self._say("creating or upgrading Airflow's database")
        self._run_to_end("db", "migrate")
        self._say(f"starting {', '.join(COMPONENTS)}")
        for component in COMPONENTS:
            self._spawn(component)
        deadline = time.monotonic() + timeout
        self._until(self._healthy, deadline, "the components to be healthy")
        self._say("healthy; reading the DAG files")
        self._until(self._parsed, deadline, "the DAG files to be read")

    def stop(self) -> None:
        """Stop every process that was started, children in sessions of their own included."""
        self._http.close()
        family = [child for p in self._processes.values() if p.poll() is None for child in _descendants(p.pid)]
        # The api-server goes last: the others say goodbye to it, and wait long where nobody answers.
        for component in (*COMPONENTS[1:], COMPONENTS[0]):
            if component in self._processes:
                _end(self._processes.pop(component))
        for child in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()

    # -- its REST API --------------------------------------------------------------------------------------

    def token(self, user: str | None = None) -> str:
        """Return a bearer token of ``user``; without one that of the first admin, or of everybody's admin."""
        if self.users and user is None:
            user = next(name for name, role in self.users.items() if role == "admin")
        key = user or ""
        if key not in self._tokens:
            answer = (
                self._http.post("/auth/token", json={"username": user, "password": user})
                if user
                else self._http.get("/auth/token")
            )
            answer.raise_for_status()
            self._tokens[key] = answer.json()["access_token"]
        return self._tokens[key]

    def call(self, method: str, path: str, body: Any = None, *, user: str | None = None) -> Any:
        """Return the JSON answer of ``/api/v2/<path>``.

        :raises AirflowFailed: the answer is an error; says which.
        """
        answer = self._ask(method, path, body, user)
        if answer.is_error:
            raise AirflowFailed(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json() if answer.content else None

    def status(self, method: str, path: str, body: Any = None, *, user: str | None = None) -> int:
        """Return only the HTTP status of ``/api/v2/<path>``: whether this user may."""
        return self._ask(method, path, body, user).status_code

    def _ask(self, method: str, path: str, body: Any, user: str | None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token(user)}"}
        return self._http.request(method, f"/api/v2/{path}", json=body, headers=headers)

    def unpause(self, dag_id: str) -> None:
        """Let the scheduler run ``dag_id``."""
        self.call("PATCH", f"dags/{dag_id}", {"is_paused": False})

    def trigger(self, dag_id: str, conf: Mapping[str, Any] | None = None) -> str:
        """Start a run by hand, unpausing the DAG first, and return its run id."""
        self.unpause(dag_id)
        run = self.call("POST", f"dags/{dag_id}/dagRuns", {"logical_date": None, "conf": dict(conf or {})})
        return str(run["dag_run_id"])

    def run_ids(self, dag_id: str) -> list[str]:
        """Return the ids of the DAG's runs, oldest first."""
        found = self.call("GET", f"dags/{dag_id}/dagRuns?limit=100")["dag_runs"]
        return [str(run["dag_run_id"]) for run in sorted(found, key=lambda run: str(run["run_after"]))]

    def wait(
        self,
        dag_id: str,
        run_id: str,
        timeout: float = 180,
        watch: Callable[[Mapping[str, str]], None] = lambda tasks: None,
    ) -> str:
        """Return the state a run ends in, ``success`` or ``failed``.

        :param watch: is told the state of each task, again and again.
        :raises AirflowFailed: it has not ended in time; says what its tasks are doing.
        """
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            self._check_alive()
            state = str(self.call("GET", f"dags/{dag_id}/dagRuns/{run_id}")["state"])
            if state in FINISHED:
                return state
            watch(self.tasks(dag_id, run_id))
            time.sleep(0.3)
        raise AirflowFailed(f"{dag_id} {run_id} has not ended after {timeout:.0f} s: {self.tasks(dag_id, run_id)}")

    def next_run(self, dag_id: str, known: Collection[str], timeout: float = 60) -> str:
        """Return the id of the first run that is not in ``known``, once there is one.

        :raises AirflowFailed: there is none in time.
        """
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            self._check_alive()
            if found := [run_id for run_id in self.run_ids(dag_id) if run_id not in known]:
                return found[0]
            time.sleep(0.3)
        raise AirflowFailed(f"No run of {dag_id} began within {timeout:.0f} s.")

    def tasks(self, dag_id: str, run_id: str) -> dict[str, str]:
        """Return the state of each task of a run; of a mapped task, of its last instance."""
        found = self.call("GET", f"dags/{dag_id}/dagRuns/{run_id}/taskInstances")["task_instances"]
        return {t["task_id"]: str(t["state"]) for t in found}

    def xcom(self, dag_id: str, run_id: str, task_id: str, key: str = "return_value") -> Any:
        """Return what a task pushed under ``key``."""
        path = f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/{key}"
        return self.call("GET", f"{path}?deserialize=true")["value"]

    def log(self, dag_id: str, run_id: str, task_id: str, try_number: int = 1) -> str:
        """Return a try's log as text, one event a line."""
        path = f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{try_number}"
        content = self.call("GET", f"{path}?full_content=true")["content"]
        return "\n".join(entry["event"] if isinstance(entry, dict) else str(entry) for entry in content)

    def cli(self, *arguments: str) -> str:
        """Return what ``airflow <arguments>`` prints, run in this Airflow's environment.

        :raises AirflowFailed: it ended with an error.
        """
        done = self._airflow(*arguments)
        if done.returncode:
            raise AirflowFailed(f"airflow {' '.join(arguments)} ended with {done.returncode}: {done.stderr[-2000:]}")
        return done.stdout

    # -- inside --------------------------------------------------------------------------------------------

    def _settings(self, dags: Path) -> dict[str, str]:
        """Return the settings as environment: local, quiet, and quick to notice what changes."""
        role_of = ",".join(f"{name}:{role}" for name, role in self.users.items())
        return {
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(dags.resolve()),
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps([_FOLDER]),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__PARALLELISM": "2",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": str(not self.users),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": role_of or "admin:admin",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self.home / "passwords.json"),
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self.port),
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API_AUTH__JWT_SECRET": self._secret("jwt"),
            "AIRFLOW__API__SECRET_KEY": self._secret("api"),
            "AIRFLOW__CORE__FERNET_KEY": "",
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5",
            "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "2",
            "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.3",
            "AIRFLOW__SCHEDULER__PARSING_CLEANUP_INTERVAL": "3600",
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            "NO_PROXY": "localhost,127.0.0.1",
            "no_proxy": "localhost,127.0.0.1",
        }

    def _secret(self, name: str) -> str:
        """Return a secret that all components share, made at the first start of this home."""
        path = self.home / f".{name}_secret"
        if not path.exists():
            self.home.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(48))
        return path.read_text()

    def _write_passwords(self) -> None:
        path = self.home / "passwords.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps({name: name for name in self.users}))

    def _command(self, arguments: Sequence[str]) -> list[str]:
        return [sys.executable, "-m", "airflow", *arguments]

    def _airflow(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self._command(arguments), env=self.env, text=True, capture_output=True, check=False)

    def _run_to_end(self, *arguments: str) -> None:
        done = self._airflow(*arguments)
        (self.home / "logs" / f"{'-'.join(arguments)}.log").write_text(done.stdout + done.stderr)
        if done.returncode:
            raise AirflowFailed(f"airflow {' '.join(arguments)} failed:\n{done.stderr[-3000:]}")

    def _spawn(self, component: str) -> None:
        """Start a component at the head of a process group of its own, so that Ctrl-C reaches only us."""
        with self._log_file(component).open("wb") as log:
            self._processes[component] = subprocess.Popen(
                self._command([component]), env=self.env, stdout=log, stderr=log, start_new_session=True
            )

    def _log_file(self, component: str) -> Path:
        return self.home / "logs" / f"{component}.log"

    def _check_port(self) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", self.port))
            except OSError:
                raise AirflowFailed(f"Port {self.port} is taken. Stop what listens there, or choose another.") from None

    def _check_alive(self) -> None:
        for component, process in self._processes.items():
            if process.poll() is not None:
                tail = self._log_file(component).read_text(errors="replace")[-3000:]
                raise AirflowFailed(f"Airflow's {component} ended with {process.returncode}:\n{tail}")

    def _until(self, condition: Callable[[], bool], deadline: float, what: str) -> None:
        while not condition():
            self._check_alive()
            if time.monotonic() > deadline:
                raise AirflowFailed(f"Gave up waiting for {what}. The logs are in {self.home / 'logs'}.")
            time.sleep(0.3)

    def _healthy(self) -> bool:
        try:
            answer = self._http.get("/api/v2/monitor/health")
        except httpx.TransportError:
            return False
        parts = answer.json() if answer.status_code == 200 else {}
        needed = ("metadatabase", "scheduler", "dag_processor", "triggerer")
        return all((parts.get(name) or {}).get("status") == "healthy" for name in needed)

    def _parsed(self) -> bool:
        errors = self.call("GET", "importErrors")["import_errors"]
        if errors:
            raise AirflowFailed(f"{errors[0]['filename']} does not import:\n{errors[0]['stack_trace']}")
        known = {dag["dag_id"] for dag in self.call("GET", "dags?limit=100")["dags"]}
        return self.expect <= known if self.expect else bool(known)


def _descendants(pid: int) -> list[psutil.Process]:
    try:
        found: list[psutil.Process] = psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    return found


def _end(process: subprocess.Popen[bytes], patience: float = 5) -> None:
    """Ask a process to end, and end it where asking does not help."""
    process.terminate()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
