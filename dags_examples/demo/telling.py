"""How the story reaches the terminal: in colour with live progress lines, or as plain text where nobody watches."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

_MARKS = {
    "success": "[green]✓[/]",
    "failed": "[bold red]✗[/]",
    "running": "[cyan]…[/]",
    "upstream_failed": "[yellow]never ran[/]",
}
_COLOURS = {
    "PASS": "green",
    "WARN": "yellow",
    "ERROR": "magenta",
    "FAIL": "bold red",
    "LIVE": "bold green",
    "ROLLED_BACK": "yellow",
    "REJECTED": "red",
    "what to do:": "bold cyan",
}


class Teller:
    """Tells lines, progress and tables.

    :param quiet: say nothing; for tests.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        plain = Console()
        width = None if plain.is_terminal else 140
        self._console = Console(quiet=quiet, width=width, highlight=False)
        self._began = time.monotonic()

    def line(self, text: str) -> None:
        """Tell a line."""
        indent = 3 + len(text) - len(text.lstrip())
        self._console.print(Padding(_coloured(text.strip()), (0, 0, 0, indent), expand=False))

    def fine(self, text: str) -> None:
        """Tell a line of the machinery, with the seconds since the beginning."""
        self._console.print(f"[dim]{time.monotonic() - self._began:5.0f} s  {escape(text)}[/]")

    def chapter(self, title: str, command: str) -> None:
        """Open a chapter, with the command that does the same by hand."""
        self._console.print(f"\n[bold]{escape(title)}[/]\n   [dim]$ {escape(command)}[/]")

    def gate_line(self, text: str) -> None:
        """Tell a line of a gate's own log; the SQL that shows the rows stays there."""
        if not text.lstrip().startswith("see the rows:"):
            self.line(text)

    @contextmanager
    def progress(self, what: str, tasks: Iterable[str]) -> Iterator[Callable[[Mapping[str, str]], None]]:
        """Keep a line on the state of a run's tasks for a block, and leave the last one standing.

        :param tasks: the tasks in the order to show them.
        """
        began = time.monotonic()
        last = dict.fromkeys(tasks, "")

        def shown() -> str:
            marks = "  ".join(f"{task} {_MARKS.get(state, '·')}" for task, state in last.items())
            return f"   {escape(what)}:  {marks}  [dim]{time.monotonic() - began:.0f} s[/]"

        if not self._console.is_terminal:
            self._console.print(f"   {escape(what)}: started")
        with self._console.status(f"   {escape(what)}") as status:

            def watch(states: Mapping[str, str]) -> None:
                last.update(states)
                status.update(shown())

            yield watch
        self._console.print(shown())

    def table(self, title: str, rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> None:
        """Tell rows as a table.

        :param columns: key in the row → the column's title.
        """
        table = Table()
        for heading in columns.values():
            table.add_column(heading, overflow="fold")
        for row in rows:
            table.add_row(*(_coloured(_shown(row.get(key))) for key in columns))
        self._console.print(f"\n[bold]{escape(title)}[/]")
        self._console.print(table)

    def failed(self, text: str) -> None:
        """Tell why it ended early."""
        self._console.print(f"\n[bold red]{escape(text)}[/]")

    def done(self, text: str) -> None:
        """Tell the end."""
        self._console.print(f"\n[bold green]{escape(text)}[/]")


def _coloured(text: str) -> str:
    shown = escape(text)
    for word, colour in _COLOURS.items():
        if shown.lstrip().startswith(word):
            return shown.replace(word, f"[{colour}]{word}[/]", 1)
    return shown


def _shown(value: Any) -> str:
    if value is None:
        return ""
    text = str(value)
    if text.isdigit():
        return f"{int(text):,}"
    # A time as ISO 8601: to the second is enough for people.
    return re.sub(r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)\S*$", r"\1 \2", text)
