"""Asks the store again and again, in the triggerer."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_dataops.core.errors import StoreUnavailable


class PollingTrigger(BaseTrigger):
    """Fire when a look into the store finds something; a store that is away for a moment is asked again.

    :param poll_seconds: how often the store is asked.
    :param look: what to look for; values that can be serialized.
    """

    def __init__(self, *, poll_seconds: float, **look: Any) -> None:
        super().__init__()
        self.poll_seconds = poll_seconds
        self.looks_for = look

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class's path and its arguments."""
        path = f"{type(self).__module__}.{type(self).__name__}"
        return path, {"poll_seconds": self.poll_seconds, **self.looks_for}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Ask until there is something."""
        while True:
            try:
                found = await asyncio.to_thread(self.look, **self.looks_for)
            except StoreUnavailable as error:
                self.log.warning("%s Asking again in %s s.", error, self.poll_seconds)
                found = None
            if found:
                yield TriggerEvent(found)
                return
            await asyncio.sleep(self.poll_seconds)

    @abstractmethod
    def look(self, **look: Any) -> dict[str, Any] | None:
        """Return what is found, or nothing yet."""
