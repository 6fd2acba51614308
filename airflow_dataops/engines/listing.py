"""Which files a path stands for: a file, a glob, or all files below a folder; and the columns in their paths."""

from __future__ import annotations

import glob
import logging
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote

from airflow_dataops.core.errors import ConfigurationError, MeasureError
from airflow_dataops.core.proofs import Bounds

log = logging.getLogger(__name__)

PARQUET, CSV, JSON = "Parquet", "CSV", "JSON"
_FORMATS = {
    ".parquet": PARQUET,
    ".csv": CSV,
    ".tsv": CSV,
    ".jsonl": JSON,
    ".ndjson": JSON,
    ".json": JSON,
}
_COMPRESSED = (".gz", ".zst")
_MAGIC = re.compile(r"[*?\[]")
# What Hive, Spark and DuckDB write for a partition without a value.
_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
_WHOLE = re.compile(r"-?(0|[1-9]\d{0,17})")


@dataclass(frozen=True, kw_only=True)
class Partition:
    """A column that stands in the files' paths (``year=2013/``).

    :param type: ``BIGINT``, ``DATE`` or ``VARCHAR``, by what all its values are.
    """

    type: str
    bounds: Bounds


@dataclass(frozen=True, kw_only=True)
class Listing:
    """The files of one path, all of one format, sorted."""

    name: str
    format: str
    files: tuple[str, ...]
    size: int
    partitions: Mapping[str, Partition] = field(default_factory=dict)


def listing(path: str, filesystem: Any = None, *, name: str) -> Listing:
    """Return the files that ``path`` stands for; hidden ones and what jobs leave beside their data are not among them.

    :param filesystem: an fsspec filesystem; ``None`` for local files.
    :param name: the path as a person gave it.
    :raises ConfigurationError: there is no such file, or files are of several or of unknown kinds.
    """
    sizes = _local(path) if filesystem is None else _remote(path, filesystem, name)
    base = _fixed_part(path)
    files = sorted(file for file in sizes if not _hidden(file, base))
    if not files:
        if not sizes and not _MAGIC.search(path) and (_ending(path) or "/" not in path) and not os.path.isdir(path):
            _format(name)  # of a kind that cannot be read; a bare word may be meant for a table
        raise ConfigurationError(
            _nothing(name if filesystem else path, base, hidden=len(sizes), local=filesystem is None)
        )
    formats = {_format(file): file for file in files}
    if len(formats) > 1:
        found = "; ".join(f"{format_}: {file}" for format_, file in sorted(formats.items()))
        raise ConfigurationError(f"{name} holds files of several kinds ({found}): name those of one, as in *.parquet.")
    return Listing(
        name=name,
        format=next(iter(formats)),
        files=tuple(files),
        size=sum(sizes[file] for file in files),
        partitions=_partitions(files),
    )


def _local(path: str) -> dict[str, int]:
    if os.path.isfile(path):
        return {path: os.path.getsize(path)}
    if os.path.isdir(path):
        found = [os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names]
    else:
        found = [file for file in glob.glob(path, recursive=True) if os.path.isfile(file)]
    return {file: os.path.getsize(file) for file in found}


def _remote(path: str, filesystem: Any, name: str) -> dict[str, int]:
    try:
        found = filesystem.glob(path, detail=True) if _MAGIC.search(path) else filesystem.find(path, detail=True)
    except FileNotFoundError:
        return {}
    except Exception as error:  # each storage has exceptions of its own
        refused = isinstance(error, PermissionError)
        raise MeasureError(
            f"{name} cannot be listed: {type(error).__name__}: {error}", retryable=not refused
        ) from error
    return {name: info.get("size") or 0 for name, info in found.items() if info.get("type") == "file"}


def _fixed_part(path: str) -> str:
    """Return the folder above which nothing was searched for."""
    pattern = _MAGIC.search(path)
    return os.path.dirname(path[: pattern.start()] if pattern else path.rstrip("/") + "/")


def _hidden(file: str, base: str) -> bool:
    """Whether the file, or a folder that was searched, is hidden: ``_SUCCESS``, ``.part.crc``, ``_temporary/``."""
    below = os.path.relpath(file, base) if base else file
    parts = PurePosixPath(below).parts
    return any(part.startswith(".") or (part.startswith("_") and "=" not in part) for part in parts)


def _nothing(path: str, base: str, *, hidden: int, local: bool) -> str:
    if hidden:
        return f"{path} holds hidden files only ({hidden}, such as _SUCCESS): name the folder or the files of the data."
    if not local:
        return f"There is no file {path}."
    if os.path.isdir(path):
        return f"The folder {path} is empty (looked at {os.path.abspath(path)})."
    if _MAGIC.search(path):
        return f"No file is like {path} (looked in {os.path.abspath(base)})."
    return f"There is no file {path} (looked at {os.path.abspath(path)})."


def _ending(file: str) -> str:
    suffixes = [suffix.lower() for suffix in PurePosixPath(file).suffixes]
    return suffixes[-2] if len(suffixes) > 1 and suffixes[-1] in _COMPRESSED else "".join(suffixes[-1:])


def _format(file: str) -> str:
    ending = _ending(file)
    if ending not in _FORMATS:
        raise ConfigurationError(
            f"Files of kind {ending or file!r} cannot be read: expected {', '.join(_FORMATS)} ({file}). "
            "A table's name needs connection=."
        )
    return _FORMATS[ending]


def _partitions(files: Sequence[str]) -> dict[str, Partition]:
    """Return the columns that stand in the paths of all files.

    :raises ConfigurationError: a file lacks one that others have.
    """
    below = [_keys(file) for file in files]
    names = list(below[0])
    for file, keys in zip(files, below, strict=True):
        if list(keys) != names:
            raise ConfigurationError(
                f"Files lie in different partitions: {files[0]} in {'/'.join(names) or 'none'}, "
                f"{file} in {'/'.join(keys) or 'none'}. Name files of the same partitions."
            )
    return {name: _partition([keys[name] for keys in below]) for name in names}


def _keys(path: str) -> dict[str, str]:
    folders = PurePosixPath(path).parts[:-1]
    return {unquote(name): unquote(value) for name, found, value in (part.partition("=") for part in folders) if found}


def _partition(values: Iterable[str]) -> Partition:
    found = set(values)
    there = found - {_NO_VALUE}
    # How many rows a file has is for its footer to say: so null is either impossible or of unknown number.
    nulls = 0 if found == there else None
    if there and all(_WHOLE.fullmatch(value) for value in there):
        return Partition(type="BIGINT", bounds=_limits([int(value) for value in there], nulls))
    days = [_day(value) for value in there]
    if there and None not in days:
        return Partition(type="DATE", bounds=_limits(days, nulls))
    return Partition(type="VARCHAR", bounds=Bounds(among=frozenset(there), nulls=nulls))


def _limits(values: list[Any], nulls: int | None) -> Bounds:
    # Not exact: the file of the least value may hold no row.
    return Bounds(low=min(values), high=max(values), exact=False, among=frozenset(values), nulls=nulls)


def _day(value: str) -> date | None:
    try:
        return date.fromisoformat(value) if re.fullmatch(r"\d{4}-\d\d-\d\d", value) else None
    except ValueError:
        return None


def warn_of_missing(groups: Sequence[tuple[Sequence[str], Iterable[str]]], found: Listing) -> None:
    """Tell of columns that some files lack.

    :param groups: files, and the names of the columns that they have.
    """
    names = {name.casefold(): name for _, columns in reversed(groups) for name in columns}
    having = [(files, {name.casefold() for name in columns}) for files, columns in groups]
    for folded in names.keys() - {name.casefold() for name in found.partitions}:
        lacking = [file for files, columns in having if folded not in columns for file in files]
        if lacking:
            log.warning(
                "Column %s is missing in %d of %d files, such as %s: it is null there.",
                names[folded],
                len(lacking),
                len(found.files),
                lacking[0],
            )
