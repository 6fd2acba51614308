"""OpenLineage's schemas, as ``openlineage-python`` ships them: classes made from them. Does a document keep to one?

Strictly: every key is one of the schema's, none that it requires is missing, and every value is of its type.
"""

from __future__ import annotations

import importlib
import pkgutil
import typing
from enum import Enum
from types import NoneType, UnionType
from typing import Any

import attr
import openlineage.client.generated as generated

_BASE = {"_producer": str, "_schemaURL": str, "_deleted": bool}


def schemas() -> dict[str, type]:
    """Return the class of each published schema, by its address."""
    found = {}
    for module in pkgutil.iter_modules(generated.__path__):
        for value in vars(importlib.import_module(f"{generated.__name__}.{module.name}")).values():
            if isinstance(value, type) and attr.has(value) and "_get_schema" in vars(value):
                found[value._get_schema()] = value
    return found


def faults(document: Any, kind: type, at: str = "") -> list[str]:
    """Return where a document does not keep to a schema."""
    if not isinstance(document, dict):
        return [f"{at}: {type(document).__name__} in place of {kind.__name__}"]
    hints = typing.get_type_hints(kind)
    fields = {field.name: field for field in attr.fields(kind) if field.name not in _BASE}
    wanted = [name for name, field in fields.items() if field.default is attr.NOTHING]
    found = [f"{at}.{name}: missing" for name in wanted if name not in document]
    for name, value in document.items():
        if name in _BASE:
            found += [] if isinstance(value, _BASE[name]) else [f"{at}.{name}: {type(value).__name__}"]
        elif name not in fields:
            found.append(f"{at}.{name}: not of {kind.__name__}")
        elif name not in ("facets", "inputFacets", "outputFacets"):
            found += _faults(value, hints[name], f"{at}.{name}")
    return found


def _faults(value: Any, hint: Any, at: str) -> list[str]:
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, UnionType):
        each = [_faults(value, one, at) for one in inside]
        return [] if [] in each else each[0]
    if hint is Any:
        return []
    if hint in (None, NoneType):
        return [] if value is None else [f"{at}: not null"]
    if origin is list:
        if not isinstance(value, list):
            return [f"{at}: {type(value).__name__} in place of a list"]
        return [fault for n, one in enumerate(value) for fault in _faults(one, inside[0], f"{at}[{n}]")]
    if origin is dict:
        if not isinstance(value, dict):
            return [f"{at}: {type(value).__name__} in place of an object"]
        return [fault for key, one in value.items() for fault in _faults(one, inside[1], f"{at}.{key}")]
    if attr.has(hint):
        return faults(value, hint, at)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return [] if value in [each.value for each in hint] else [f"{at}: none of {hint.__name__}"]
    if hint is float:
        hint = (int, float)
    right = isinstance(value, hint) and not (isinstance(value, bool) and hint is not bool)
    return [] if right else [f"{at}: {type(value).__name__} in place of {hint}"]


def faults_of_facets(dataset: dict[str, Any], producer: str) -> list[str]:
    """Return what is wrong with the facets that somebody has given a dataset."""
    known, found = schemas(), []
    for place in ("facets", "inputFacets", "outputFacets"):
        for name, facet in (dataset.get(place) or {}).items():
            if facet.get("_producer") != producer:
                continue
            kind = known.get(facet.get("_schemaURL"))
            found += [f"{name}: of no published schema"] if kind is None else faults(facet, kind, name)
    return found
