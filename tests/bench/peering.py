"""The peers: each in an environment and a process of its own, so that one run can take turns between them and us."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from tests.bench.trips import CHECKS

_SCRIPTS = Path(__file__).with_name("peers")
# What the bench makes and keeps: environments, logs, byte code.
CACHE = Path(__file__).parents[2] / ".bench"


@dataclass(frozen=True, kw_only=True)
class Peer:
    """What to run and how.

    :param name: as the table says it; the version is added.
    :param script: ``peers/<script>_peer.py``, in the environment that ``peers/<script>.txt`` lists; without such a
        list in this one, which has Airflow.
    :param options: what the script is asked to prepare with, beside the checks.
    """

    name: str
    script: str
    options: Mapping[str, Any] = field(default_factory=dict)


class RunningPeer:
    """A peer's process, ready to run the suite on one table or frame.

    :param data: where that is, as the script wants it.
    """

    def __init__(self, peer: Peer, data: Mapping[str, Any]) -> None:
        self.name = peer.name
        logs = CACHE / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        self._log = logs / f"{''.join(c if c.isalnum() else '-' for c in peer.name)}.log"
        command = [str(_python(peer.script)), "-W", "ignore", str(_SCRIPTS / f"{peer.script}_peer.py")]
        environment = {**os.environ, "PYTHONPATH": "", "AIRFLOW_HOME": str(CACHE / "airflow")}
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, env=environment
            )
        prepared = self._ask({"ask": "prepare", "with": {"checks": CHECKS, **peer.options, **data}})
        self.name = f"{peer.name} ({prepared['version']})"
        self.outcomes: dict[int, bool] = {}

    def run(self) -> float:
        """Run the suite once; return the seconds and keep each check's outcome in ``outcomes``."""
        answer = self._ask({"ask": "run"})
        self.outcomes = {int(number): held for number, held in answer["outcomes"].items()}
        return float(answer["seconds"])

    def differences(self, ours: Mapping[int, bool]) -> list[str]:
        """Return where this peer's last verdict differs from ours, one line a check."""
        found = []
        for number, held in ours.items():
            theirs = self.outcomes.get(number)
            if theirs is not held:
                said = {True: "holds", False: "does not hold", None: "was not answered"}
                what = {key: value for key, value in CHECKS[number].items() if key in ("type", "column")}
                found.append(f"{self.name}: check {number} {what} {said[theirs]}; ours: {said[held]}")
        return found

    def close(self) -> None:
        """End the process."""
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(BrokenPipeError):
                _opened(pipe).close()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        with contextlib.suppress(BrokenPipeError):  # its end is told below, in its own words
            _opened(self._process.stdin).write(json.dumps(request) + "\n")
            _opened(self._process.stdin).flush()
        line = _opened(self._process.stdout).readline()
        if not line:
            code = self._process.wait()
            self.close()
            tail = "\n".join(self._log.read_text().splitlines()[-15:])
            raise SystemExit(f"The peer {self.name} ended with {code} when asked to {request['ask']}:\n{tail}")
        answer: dict[str, Any] = json.loads(line)
        return answer


def _opened(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe


def _python(script: str) -> Path:
    """Return the interpreter of a peer's environment, made when it is not there as its list says."""
    listed = _SCRIPTS / f"{script}.txt"
    if not listed.exists():
        return Path(sys.executable)
    folder = CACHE / script
    python, made = folder / "bin" / "python", folder / "made-from"
    wanted = hashlib.sha256(listed.read_bytes() + sys.version.encode()).hexdigest()
    if not made.exists() or made.read_text() != wanted:
        print(f"Making the environment of {script} in {folder.relative_to(CACHE.parent)} (once)", flush=True)
        uv = str(Path(sys.executable).with_name("uv"))
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)], check=True)
        subprocess.run([uv, "pip", "install", "--quiet", "--python", str(python), "-r", str(listed)], check=True)
        made.write_text(wanted)
    return python
