"""What publishers share in whose targets nothing holds several switches together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NoReturn

from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.core.ports import Database
from airflow_dataops.core.switching import Switch


class OneByOne:
    """Switches one dataset at a time, and freezes what it builds in its own way alone."""

    one_by_one: str | None
    """Why several datasets cannot be switched together here."""
    unchanging: str
    """Why there is nothing to ask for that would freeze a release."""

    def freezing(self, by: str) -> NoReturn:
        """Refuse.

        :raises ConfigurationError: always; says why.
        """
        raise ConfigurationError(f"frozen_by={by!r:.80} is for databases: {self.unchanging}. Leave it out.")

    def switch_all(self, switches: Sequence[tuple[Switch, Callable[[Database], None]]]) -> NoReturn:
        """Refuse.

        :raises ConfigurationError: always; says why.
        """
        raise ConfigurationError(f"Nothing was switched: {self.one_by_one}. Switch one dataset at a time.")
