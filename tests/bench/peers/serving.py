"""What every peer's script speaks: JSON lines, "prepare" once, then "run" as often as the bench says.

A peer runs in an environment of its own, so this is the standard library only.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

# The number of a check of the suite -> whether it holds. Checks that the peer cannot express are not in it.
Outcomes = dict[int, bool]


def serve(version: str, prepare: Callable[..., Callable[[], Outcomes]]) -> None:
    """Answer until the input ends.

    :param version: the peer's own version.
    :param prepare: takes ``checks`` (as the suite has them) and what else the bench sends; returns what runs them
        once.
    """
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print is no answer
    run: Callable[[], Outcomes] | None = None
    for line in sys.stdin:
        request: dict[str, Any] = json.loads(line)
        if request["ask"] == "prepare":
            run = prepare(**request["with"])
            answer: dict[str, Any] = {"version": version}
        else:
            assert run is not None, "prepare comes first"
            started = time.perf_counter()
            outcomes = run()
            answer = {"seconds": time.perf_counter() - started, "outcomes": outcomes}
        answers.write(json.dumps(answer) + "\n")
