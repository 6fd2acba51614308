"""A diff in words: Markdown for logs, approvals and the command line, and one line for lists."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from airflow_dataops.core.diffs import Diff, SampledKey
from airflow_dataops.core.values import counted, percent

_LONGEST = 120
_UNWRITTEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
# An underscore inside of a word is none.
_MARKUP = re.compile(r"([\\`*\[\]<>|])")


def headline_of(diff: Diff) -> str:
    """Return the diff in one line: ``60 keys added, 12 changed; 1 breaking change of the schema``."""
    if diff.base is None:
        return f"first release: {counted(diff.rows, 'row')}"
    if diff.keys is not None:
        told = [f"{getattr(diff.keys, event):,} {event}" for event in ("added", "removed", "changed")]
        parts = [f"keys: {', '.join(told)}" if diff.keys.differing else "no key differs"]
    else:
        parts = [_row_change(diff)]
    if diff.breaking:
        parts.append(f"{counted(len(diff.breaking), 'breaking change')} of the schema")
    elif diff.schema:
        parts.append(f"{counted(len(diff.schema), 'change')} of the schema, none breaking")
    return "; ".join(parts)


def markdown_of(diff: Diff, limit: int, *, samples: bool) -> str:
    """Return the diff as Markdown.

    :param limit: the most lines of a list or a table.
    :param samples: with the sampled keys.
    """
    if diff.base_name is None:
        lines = [
            f"### {diff.release}: a first release",
            "",
            f"Nothing of {diff.release.dataset} was live before it, so there is nothing to compare with: "
            f"{counted(diff.rows, 'row')}.",
        ]
    else:
        lines = [f"### {diff.release} against {diff.base_name}", "", *_told(diff, limit)]
    if samples and diff.samples:
        lines += ["", "Some of the keys:", "", *_bullets([_sampled(key) for key in diff.samples], limit)]
    return "\n".join(lines)


def _told(diff: Diff, limit: int) -> Iterator[str]:
    yield from _bullets([f"**refused:** {_text(line)}" for line in diff.refused], limit)
    if diff.policy and not diff.refused:
        yield f"- nothing is refused by {', '.join(code(asked) for asked in diff.policy)}"
    yield f"- rows: {_row_change(diff)}"
    yield from _schema(diff, limit)
    if not diff.key:
        yield "- keys: not compared, as no key was given"
    elif diff.keys is None:
        yield f"- keys: not compared, as {', '.join(code(name) for name in diff.key)} does not tell rows apart"
    else:
        yield from _keys(diff, limit)


def _row_change(diff: Diff) -> str:
    before, after = diff.base_rows or 0, diff.rows
    if before == after:
        return f"{counted(after, 'row')}, as many as before"
    share = f", {percent(abs(after - before), before)} {'more' if after > before else 'fewer'}" if before else ""
    return f"{before:,} → {after:,} ({after - before:+,}{share})"


def _schema(diff: Diff, limit: int) -> Iterator[str]:
    if not diff.schema:
        yield "- schema: no change"
        return
    yield f"- schema: {counted(len(diff.schema), 'change')}, {len(diff.breaking) or 'none'} breaking"
    lines = [
        f"{'**breaking** ' if change.breaking else ''}{code(change.column)} {change.event}"
        f"{f' ({code(change.detail)})' if change.detail else ''}: {_text(change.why)}"
        for change in diff.schema
    ]
    yield from (f"  {line}" for line in _bullets(lines, limit))


def _keys(diff: Diff, limit: int) -> Iterator[str]:
    keys = diff.keys
    assert keys is not None  # who calls has seen to it
    share = f" ({percent(keys.differing, keys.live)} of the live keys)" if keys.live and keys.differing else ""
    named = ", ".join(code(name) for name in diff.key)
    yield (
        f"- keys ({named}): {keys.added:,} added, {keys.removed:,} removed, {keys.changed:,} changed, "
        f"{keys.same:,} the same{share}"
    )
    left = [f"not compared: {code(column.column)}: {_text(column.reason)}" for column in diff.not_compared]
    yield from _bullets(left, limit)
    if diff.columns and not diff.changed_columns and keys.both:
        yield f"- values: no difference in {counted(diff.unchanged, 'column')}"
    if diff.changed_columns:
        yield from _columns(diff, keys.both, limit)


def _columns(diff: Diff, rows: int, limit: int) -> Iterator[str]:
    yield from ["", f"| column | changed | of {counted(rows, 'row')} |", "|---|---:|---:|"]
    for column in diff.changed_columns[:limit]:
        changed = column.changed or 0
        yield f"| {code(column.column, in_table=True)} | {changed:,} | {percent(changed, rows)} |"
    more = len(diff.changed_columns) - limit
    rest = [f"{counted(more, 'more column')} changed"] if more > 0 else []
    rest += [f"no difference in {counted(diff.unchanged, 'column')}"] if diff.unchanged else []
    if rest:
        yield from ["", "; ".join(rest) + "."]


def _sampled(key: SampledKey) -> str:
    values = ", ".join(code(str(value)) for value in key.values)
    columns = f" in {', '.join(code(name) for name in key.columns)}" if key.columns else ""
    return f"{key.event} {values}{columns}"


def _bullets(lines: Sequence[str], limit: int) -> Iterable[str]:
    yield from (f"- {line}" for line in lines[:limit])
    if len(lines) > limit:
        yield f"- … {len(lines) - limit:,} more"


def code(text: str, *, in_table: bool = False) -> str:
    """Return a name or a value as a code span, in which nothing is markup; long ones are cut.

    :param in_table: where a bar would end the cell.
    """
    shown = _UNWRITTEN.sub(" ", text)
    shown = shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"
    if in_table:
        shown = shown.replace("|", "\\|")
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    space = " " if not shown.strip() or shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{space}{shown}{space}{fence}"


def _text(text: str) -> str:
    """Return text that holds names of the user's, so that none of it is markup."""
    return _MARKUP.sub(r"\\\1", _UNWRITTEN.sub(" ", text))
