"""Waiting for a lock: jittered, backing off, and never longer than told."""

from __future__ import annotations

import random
import time

_FIRST, _LONGEST, _GROWTH = 0.05, 2.0, 1.6


class Patience:
    """A deadline that one operation shares between all its attempts.

    :param seconds: from now on.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds
        self._pause = _FIRST

    def wait(self) -> bool:
        """Sleep before the next attempt; return ``False``, at once, when the deadline leaves no time for one."""
        # Jitter, so that two that collided do not meet again; the pause lets readers who queued behind us through.
        pause = self._pause * random.uniform(0.5, 1.5)  # noqa: S311 - not a secret
        if time.monotonic() + pause >= self._end:
            return False
        time.sleep(pause)
        self._pause = min(self._pause * _GROWTH, _LONGEST)
        return True
