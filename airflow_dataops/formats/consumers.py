"""Declared consumers from a YAML file of ours, or from dbt's exposures (``target/manifest.json``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from airflow_dataops.core.declared import Declaration, Declared
from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.formats.suites import load

_FIELDS = ("name", "kind", "owner", "url", "reads")
_RELATIONS = ("nodes", "sources")
_BETWEEN = ("metrics", "semantic_models", "saved_queries")
"""What exposures may depend on that is no relation, but depends on some."""


def read_consumers(path: Path) -> Declaration:
    """Return what a file declares.

    :raises ConfigurationError: there is no such file, it does not parse, or something in it is not as expected; says
        where, what was found, and what was expected.
    """
    if not path.exists():
        raise ConfigurationError(f"{path.absolute()}: there is no such file. Nothing was declared.")
    data = load(path)
    if isinstance(data, Mapping) and "metadata" in data and "exposures" in data:
        project = _of(data["metadata"]).get("project_name")
        origin = f"dbt {project}" if project else str(path.absolute())
        return Declaration(origin=origin, consumers=tuple(_exposed(data, path.name)))
    if isinstance(data, Mapping) and "exposures" in data:
        raise ConfigurationError(
            f"{path.name}: exposures name dbt's models by ref(), which only dbt can resolve. Run dbt, and declare its "
            "target/manifest.json."
        )
    listed = data.get("consumers") if isinstance(data, Mapping) else None
    if not isinstance(listed, list):
        raise ConfigurationError(
            f"{path.name}: expected 'consumers:', a list, or dbt's manifest.json with its exposures"
        )
    found = [each for number, one in enumerate(listed) for each in _written(one, f"{path.name}: consumers[{number}]")]
    return Declaration(origin=str(path.absolute()), consumers=tuple(found))


def _written(one: Any, place: str) -> Iterator[Declared]:
    """Yield what a consumer of our own form reads."""
    if not isinstance(one, Mapping):
        raise ConfigurationError(f"{place} is a {type(one).__name__}: expected name and reads")
    unknown = [str(name) for name in one if name not in _FIELDS]
    if unknown:
        raise ConfigurationError(f"{place} has {', '.join(unknown)}: expected {', '.join(_FIELDS)}")
    given = {name: _text(one.get(name), f"{place}.{name}") for name in ("kind", "owner", "url")}
    name = _text(one.get("name"), f"{place}.name")
    reads = one.get("reads")
    if name is None or not isinstance(reads, list) or not reads:
        raise ConfigurationError(f"{place} needs a name, and reads: a list of datasets or tables")
    for number, read in enumerate(reads):
        table, columns = _read(read, f"{place}.reads[{number}]")
        yield Declared(consumer=name, name=table, columns=columns, **given)


def _read(read: Any, place: str) -> tuple[str, tuple[str, ...] | None]:
    if isinstance(read, str) and read.strip():
        return read.strip(), None
    if isinstance(read, Mapping) and set(read) <= {"table", "columns"}:
        table, columns = _text(read.get("table"), f"{place}.table"), read.get("columns")
        named = isinstance(columns, list) and columns and all(isinstance(each, str) for each in columns)
        if table and (columns is None or named):
            return table, tuple(sorted(set(columns))) if columns else None
    raise ConfigurationError(f"{place}: expected a dataset or table by name, or table: with columns:, a list of names")


def _exposed(manifest: Mapping[str, Any], file: str) -> Iterator[Declared]:
    """Yield what dbt's exposures read."""
    for key, exposure in _of(manifest["exposures"]).items():
        place = f"{file}: {key}"
        fields = _of(exposure)
        owner = _of(fields.get("owner"))
        name = _text(fields.get("label") or fields.get("name"), f"{place}.name")
        if name is None:
            raise ConfigurationError(f"{place} has no name")
        for table in sorted(set(_relations(manifest, key, fields, place))):
            yield Declared(
                consumer=name,
                name=table,
                kind=_text(fields.get("type"), f"{place}.type"),
                owner=_text(owner.get("name") or owner.get("email"), f"{place}.owner"),
                url=_text(fields.get("url"), f"{place}.url"),
            )


def _relations(manifest: Mapping[str, Any], key: str, fields: Mapping[str, Any], place: str) -> Iterator[str]:
    """Yield the tables that stand behind an exposure, through the metrics between."""
    waiting, seen = list(_of(fields.get("depends_on")).get("nodes") or ()), {key}
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        relation, between = (_found(manifest, kinds, node) for kinds in (_RELATIONS, _BETWEEN))
        if relation is not None and _of(relation.get("config")).get("materialized") == "ephemeral":
            relation, between = None, relation  # it is no table, but part of the statements that use it
        if relation is not None:
            schema, alias = relation.get("schema"), relation.get("alias") or relation.get("identifier")
            yield f"{schema}.{alias}" if schema else str(alias)
        elif between is not None:
            waiting += _of(between.get("depends_on")).get("nodes") or ()
        else:
            raise ConfigurationError(f"{place} depends on {node!r}, which the manifest does not have: run dbt anew")


def _found(manifest: Mapping[str, Any], kinds: Sequence[str], node: str) -> Mapping[str, Any] | None:
    return next((_of(_of(manifest.get(kind))[node]) for kind in kinds if node in _of(manifest.get(kind))), None)


def _of(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any, place: str) -> str | None:
    if value is None:
        return None
    if isinstance(value, str) and value.strip():
        return value.strip()
    raise ConfigurationError(f"{place} is a {type(value).__name__}: expected a text")
