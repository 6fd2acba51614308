"""How long work takes: machines differ and are noisy, so only ratios of medians over interleaved runs count."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping

# Does its work once and returns how many seconds that took: a peer in a process of its own knows it best itself.
Timed = Callable[[], float]


def timed(work: Callable[[], object]) -> Timed:
    """Return ``work`` with a clock around it."""

    def run() -> float:
        started = time.perf_counter()
        work()
        return time.perf_counter() - started

    return run


def interleaved(runs: int, variants: Mapping[str, Timed]) -> dict[str, float]:
    """Return each variant's median seconds, run in turns, after one turn that only warms up."""
    taken: dict[str, list[float]] = {name: [] for name in variants}
    for turn in range(runs + 1):
        for name, run in variants.items():
            seconds = run()
            if turn:
                taken[name].append(seconds)
    return {name: statistics.median(seconds) for name, seconds in taken.items()}
