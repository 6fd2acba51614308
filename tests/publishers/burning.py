"""Files that PyIceberg writes as steps of an operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyiceberg.io.pyarrow import PyArrowFileIO

burn: Callable[[], None] = lambda: None  # noqa: E731 - what a test puts in its place


class BurningIO(PyArrowFileIO):
    """Burns a step for each file that is written."""

    def new_output(self, location: str) -> Any:
        """Return where a file is written to."""
        burn()
        return super().new_output(location)
