"""Which paths are Iceberg tables, and which of a table's metadata files is the newest."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from airflow_dataops.core.errors import ConfigurationError, MeasureError
from airflow_dataops.engines.files import located

_METADATA = ".metadata.json"
_NUMBERED = re.compile(r"(?:v(\d+)|(\d+)-.*?)(?:\.gz)?\.metadata\.json")
_HINT = "version-hint.text"
_FILE_OR_GLOB = re.compile(r"[*?\[]|\.(parquet|[ct]sv|jsonl?|ndjson)(\.gz|\.zst)?$", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Found:
    """An Iceberg table.

    :param name: the path as a person gave it.
    :param metadata: the metadata file.
    :param filesystem: where it is, an fsspec filesystem; ``None`` for this machine's.
    """

    name: str
    metadata: str
    filesystem: Any


def found(data: Any) -> Found | None:
    """Return the Iceberg table that a path stands for; ``None`` if it is none.

    :param data: a metadata file, or the table's folder, which holds ``metadata/``; what :func:`files.opened` takes.
    :raises ConfigurationError: the folder does not say which of its metadata files is the newest.
    :raises MeasureError: the folder cannot be listed.
    """
    path, filesystem = located(data)
    if path.endswith(_METADATA):
        return Found(name=str(data), metadata=path, filesystem=filesystem)
    if _FILE_OR_GLOB.search(path):
        return None
    folder = posixpath.join(path.rstrip("/") or "/", "metadata")
    names = _names(folder, filesystem, str(data))
    versions = [name for name in names if name.endswith(_METADATA)]
    if not versions:
        return None
    hint = _read(posixpath.join(folder, _HINT), filesystem, str(data)) if _HINT in names else ""
    newest = _newest(versions, hint.strip(), str(data))
    return Found(name=str(data), metadata=posixpath.join(folder, newest), filesystem=filesystem)


def _names(folder: str, filesystem: Any, name: str) -> list[str]:
    """Return the names of the files in a folder; none if there is no such folder."""
    if filesystem is None:
        return os.listdir(folder) if os.path.isdir(folder) else []
    try:
        filesystem.invalidate_cache(folder)  # a listing kept from before may lack the newest
        return [posixpath.basename(file) for file in filesystem.ls(folder, detail=False)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except Exception as error:  # each storage has exceptions of its own
        raise refusal(name, "listed", error) from error


def _read(path: str, filesystem: Any, name: str) -> str:
    try:
        if filesystem is None:
            with open(path, encoding="utf-8") as file:
                return file.read()
        return str(filesystem.cat_file(path).decode())
    except Exception as error:
        raise refusal(name, "read", error) from error


def _newest(names: Sequence[str], hint: str, name: str) -> str:
    """Return the newest metadata file: what the hint says and what was committed since, else the highest number."""
    meant = {hint, hint + _METADATA, f"v{hint}{_METADATA}", f"v{hint}.gz{_METADATA}"}
    hinted = next((file for file in names if file in meant), None) if hint else None
    if hinted is not None:
        # A table without a catalogue commits a version by naming its file, and writes the hint afterwards.
        while later := [file for file in names if _number(file) == _number(hinted) + 1 and hinted.startswith("v")]:
            hinted = later[0]
        return hinted
    highest = max(map(_number, names))
    newest = sorted(file for file in names if _number(file) == highest)
    if len(newest) > 1:
        raise ConfigurationError(
            f"{name} holds several newest metadata files ({', '.join(newest[:3])}): "
            "name the one that the table's catalogue names."
        )
    return newest[0]


def _number(file: str) -> int:
    match = _NUMBERED.fullmatch(file)
    return int(match[1] or match[2]) if match else -1


def refusal(name: str, done: str, error: Exception) -> MeasureError:
    """Return what a storage or PyIceberg refuses, on one line."""
    refused = isinstance(error, PermissionError | FileNotFoundError) or not isinstance(error, OSError)
    said = (str(error).splitlines() or [""])[0]
    return MeasureError(f"{name} cannot be {done}: {type(error).__name__}: {said}", retryable=not refused)
