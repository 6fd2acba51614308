"""A PostgreSQL server that counts and logs statements: Debian's, as the wheel that other tests use has no extension."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

_SETTINGS = """
listen_addresses = ''
unix_socket_directories = '{folder}'
shared_preload_libraries = 'pg_stat_statements'
fsync = off
logging_collector = on
log_destination = 'csvlog,jsonlog'
log_directory = '{folder}/log'
log_filename = 'server.log'
log_file_mode = 0644
log_statement = 'all'
log_timezone = 'Europe/Berlin'
"""


@dataclass(frozen=True)
class Counting:
    """The running server, in which every role may log in."""

    folder: Path
    binaries: Path
    user: str | None

    def run(self, role: str, *statements: str, application: str = "", database: str = "shop") -> list[tuple[Any, ...]]:
        """Run statements in a session of a role that then ends; return the last one's rows."""
        rows: list[tuple[Any, ...]] = []
        place = {"host": str(self.folder), "dbname": database, "user": role}
        with psycopg.connect(**place, application_name=application, autocommit=True) as session:
            for statement in statements:
                cursor = session.execute(statement)
                rows = cursor.fetchall() if cursor.description else []
        return rows

    def command(self, name: str, *arguments: str) -> None:
        """Run one of the server's own programs as its user."""
        subprocess.run(
            [str(self.binaries / name), *arguments],
            check=True,
            user=self.user,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            timeout=60,
        )

    def restart(self) -> None:
        self.command("pg_ctl", "restart", "-w", "-m", "fast", "-D", str(self.folder / "data"))


def _find() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/lib/pg_stat_statements.so"))
    return found[-1].parents[1] / "bin" if found else None


def find_binaries() -> Path:
    """Return where Debian's PostgreSQL is, installed where it may be; else skip, where ``CI`` is true fail."""
    found = _find()
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        for command in (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", "postgresql"]):
            subprocess.run(
                command, check=False, capture_output=True, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
            )
        found = _find()
    if found is None:
        reason = "No PostgreSQL with pg_stat_statements. Install it (Debian: apt-get install postgresql)."
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@contextmanager
def counting_server() -> Iterator[Counting]:
    """Run a server of our own on a socket, with a database ``shop`` whose statements are counted."""
    binaries = find_binaries()
    folder = Path(tempfile.mkdtemp(prefix="dataops-counting-"))
    user = "postgres" if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root
    if user:
        shutil.chown(folder, user)
    folder.chmod(0o755)
    server = Counting(folder, binaries, user)
    data = str(folder / "data")
    try:
        server.command("initdb", "-D", data, "-U", "postgres", "--auth=trust", "--no-sync")
        with (folder / "data" / "postgresql.conf").open("a") as file:
            file.write(_SETTINGS.format(folder=folder))
        server.command("pg_ctl", "start", "-w", "-D", data, "-l", str(folder / "start.log"))
        try:
            server.run("postgres", "CREATE DATABASE shop", database="postgres")
            server.run("postgres", "CREATE EXTENSION pg_stat_statements")
            yield server
        finally:
            server.command("pg_ctl", "stop", "-w", "-m", "immediate", "-D", data)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
