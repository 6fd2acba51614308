"""Child processes that cost little: forked from one that has imported everything and opened nothing."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from processes import forked

PATIENCE = 120
"""Seconds until a child that neither ends nor stops fails the test."""


@dataclass(frozen=True, kw_only=True)
class Child:
    """What has become of a child process.

    :param code: its exit code, or the negative number of the signal that ended it; ``None`` while it stands still.
    :param said: what its function returned.
    """

    pid: int
    code: int | None
    said: str = ""

    @property
    def killed(self) -> bool:
        return self.code == -signal.SIGKILL

    @property
    def stands_still(self) -> bool:
        return self.code is None


class Nursery:
    """Runs functions in children of a child, one at a time, and tells how each ended."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def run(self, function: Callable[..., str], *arguments: Any, after: float | None = None) -> Child:
        """Run until the child ends or stands still.

        :param after: kill it then, in seconds, wherever it is.
        """
        return self._ask("run", (function, arguments, after))

    def resume(self, child: Child) -> Child:
        """Let a child that stands still go on, to its end."""
        return self._ask("resume", (child.pid,))

    def _ask(self, what: str, arguments: tuple[Any, ...]) -> Child:
        self._connection.send((what, arguments))
        assert self._connection.poll(PATIENCE), f"a child has not ended within {PATIENCE} s"
        found = self._connection.recv()
        assert isinstance(found, Child)
        assert found.code in (None, 0, -signal.SIGKILL), found
        return found


@contextlib.contextmanager
def nursery() -> Iterator[Nursery]:
    """Open a nursery for a block."""
    ours, theirs = forked().Pipe()
    process = forked().Process(target=_attend, args=(theirs,))
    process.start()
    theirs.close()  # else the end would not be seen
    try:
        yield Nursery(ours)
    finally:
        ours.close()
        process.join(PATIENCE)


def _attend(connection: Connection) -> None:
    """Serve until the other side is closed; whoever stands still then is killed."""
    still: dict[int, int] = {}
    while True:
        try:
            what, arguments = connection.recv()
        except (EOFError, ConnectionError):
            break
        if what == "run":
            function, given, after = arguments
            pid, pipe = _fork(function, given)
            if after is not None:
                time.sleep(after)
                os.kill(pid, signal.SIGKILL)
        else:
            (pid,) = arguments
            pipe = still.pop(pid)
            os.kill(pid, signal.SIGCONT)
        _, status = os.waitpid(pid, os.WUNTRACED)
        if os.WIFSTOPPED(status):
            still[pid] = pipe
            connection.send(Child(pid=pid, code=None))
            continue
        with os.fdopen(pipe, "rb") as read:
            said = read.read().decode()
        connection.send(Child(pid=pid, code=os.waitstatus_to_exitcode(status), said=said))
    for pid in still:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _fork(function: Callable[..., str], arguments: tuple[Any, ...]) -> tuple[int, int]:
    """Start a child; return its process id and where it will say what its function returned."""
    reads, writes = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writes)
        return pid, reads
    code = 1
    try:
        said = function(*arguments)
        code = 0
    except BaseException as error:
        said = repr(error)
    # A pipe holds as much before anybody reads.
    os.write(writes, said[:4000].encode())
    os._exit(code)
