"""A report on usage in Markdown: what nobody reads, and who has not yet read what is live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow_dataops.core.readers import Adopter
from airflow_dataops.core.still_used import Standing, StillUsed
from airflow_dataops.core.values import plain

LONGEST = 100
"""Lines of a table in the text; of more the first ones are shown, and the others counted."""
_KINDS = ("dataset", "release", "column")


@dataclass(frozen=True, kw_only=True)
class Adoption:
    """Who reads a dataset, and whether it is what is live.

    :param live: the live release's number; ``None`` where nothing is.
    :param adopters: those on an old release first.
    """

    dataset: str
    live: int | None
    adopters: tuple[Adopter, ...]

    @property
    def behind(self) -> tuple[Adopter, ...]:
        """Who read another release last, where one is live."""
        return tuple(one for one in self.adopters if not one.adopted and self.live is not None)


@dataclass(frozen=True, kw_only=True)
class UsageReport:
    """What is known of the usage of some datasets.

    :param watched: what was watched: the window, and how much of what was run then is known.
    :param standings: of datasets, kept releases and columns of live ones, in that order for each dataset.
    """

    at: datetime
    watched: str
    standings: tuple[StillUsed, ...]
    adoptions: tuple[Adoption, ...]

    def of(self, standing: Standing) -> list[StillUsed]:
        return [each for each in self.standings if each.standing is standing]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values: names by their standing, adoption, and the report as Markdown."""
        return {
            "at": self.at.isoformat(),
            "watched": self.watched,
            **{str(standing): [each.name for each in self.of(standing)] for standing in Standing},
            "behind": {each.dataset: [one.consumer for one in each.behind] for each in self.adoptions if each.behind},
            "markdown": self.markdown,
        }

    @property
    def markdown(self) -> str:
        """The report as it is sent to people."""
        parts = [f"# Usage until {self.at:%Y-%m-%d %H:%M} UTC", f"Watched {self.watched}."]
        for title, standing in (("Unused", Standing.UNUSED), ("Not known", Standing.UNKNOWN)):
            found = sorted(self.of(standing), key=lambda each: _KINDS.index(each.kind))
            parts += _table(title, ("What", "Last read", "Why"), [_line(each) for each in found], "unused")
        behind = [(each, one) for each in self.adoptions for one in each.behind]
        lines = [
            (plain(each.dataset), f"r{each.live}", plain(one.consumer), _release(one.release), _day(one.last_read))
            for each, one in behind
        ]
        parts += _table(
            "Not yet on the live release", ("Dataset", "Live", "Consumer", "Read", "On"), lines, "adoption DATASET"
        )
        used, every = len(self.of(Standing.USED)), len(self.standings)
        parts.append(f"Of {every:,} datasets, releases and columns {used:,} are read.")
        return "\n\n".join(parts)


def _line(each: StillUsed) -> tuple[str, ...]:
    return plain(each.name), _day(each.last_read), plain(each.why)


def _day(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d}" if at else "never"


def _release(number: int | None) -> str:
    return "before its first release" if number is None else f"r{number}"


def _table(title: str, heads: Sequence[str], lines: Sequence[Sequence[str]], command: str) -> list[str]:
    """Return a title and a table.

    :param command: that of ``airflow dataops usage`` which prints every line.
    """
    if not lines:
        return []
    rows = [heads, ["---"] * len(heads), *lines[:LONGEST]]
    left = len(lines) - LONGEST
    more = [f"And {left:,} more: `airflow dataops usage {command}` prints all."] if left > 0 else []
    return [f"## {title} ({len(lines)})", "\n".join(f"| {' | '.join(row)} |" for row in rows), *more]
