"""Checks of text against patterns: regular expressions in Python's syntax, and LIKE, one or a list of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from airflow_dataops.core.checks import Check
from airflow_dataops.core.errors import SuiteError
from airflow_dataops.core.predicates import And, Like, Matches, Not, Or, Predicate
from airflow_dataops.core.vocabulary.arguments import Parameter, one_of, pattern
from airflow_dataops.core.vocabulary.compiled import CompiledCheck, Term
from airflow_dataops.core.vocabulary.rows import EACH, TEXT_LIKE, compile_values

# What GX asks for where no regex is given, (?s).*, every text matches; this says so in every engine's syntax.
_ANYTHING = "^"
_WILDCARDS = "%_"


def _list_of(read: Callable[[Any], str], what: str) -> Callable[[Any], tuple[str, ...]]:
    """Return the reader of a list, not empty, of what ``read`` reads."""

    def read_list(value: Any) -> tuple[str, ...]:
        if isinstance(value, str) or not isinstance(value, list | tuple | set | frozenset) or not value:
            raise SuiteError(f"expected a list of {what}, got {value!r}")
        items = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        return tuple(dict.fromkeys(read(item) for item in items))

    return read_list


def _like(value: Any) -> str:
    """A LIKE pattern as it is written."""
    if not isinstance(value, str):
        raise SuiteError(f"expected a LIKE pattern, got {value!r}")
    return value


def _escape(value: Any) -> str:
    """The one character that makes the wildcard behind it an ordinary one."""
    if not isinstance(value, str) or len(value) != 1:
        raise SuiteError(f"expected a single character, got {value!r}")
    return value


def canonical(written: str, escape: str | None) -> str:
    r"""Return a LIKE pattern in the one form that all engines compile (see :class:`Like`).

    :raises SuiteError: it holds a backslash and no ``escape`` was given: PostgreSQL and MySQL take it for an escape,
        SQLite and Snowflake for itself.
    """
    if escape is None and "\\" in written:
        raise SuiteError(
            f"the pattern {written} holds a backslash, which databases read differently; "
            "say with escape: which character escapes (escape: '\\' if the backslash does)"
        )
    found, letters = "", iter(written)
    for letter in letters:
        escaped = letter == escape
        taken = next(letters, None) if escaped else letter
        if taken is None or (escaped and taken not in (*_WILDCARDS, escape)):
            raise SuiteError(f"the pattern {written} escapes what is neither %, _ nor {escape} itself")
        found += f"!{taken}" if taken == "!" or (escaped and taken in _WILDCARDS) else taken
    return found


def _compile(
    check: Check, arguments: dict[str, Any], *, found: tuple[Predicate, ...], words: str, wanted: bool
) -> CompiledCheck:
    """Return a check of patterns that are to be found or, if not ``wanted``, none of which is."""
    every = arguments.get("match_on") == "all"
    matching = found[0] if len(found) == 1 else And(found) if every else Or(found)
    return compile_values(
        check,
        arguments,
        kinds=TEXT_LIKE,
        broken=Not(matching) if wanted else matching,
        wanted=f"{'matching' if wanted else 'not matching'} {words}",
        breaks="do not match" if wanted else "match",
    )


def _listed(patterns: tuple[str, ...], *, wanted: bool, match_on: str | None) -> str:
    quantity = ("all" if match_on == "all" else "one") if wanted else "any"
    return f"{quantity} of the patterns {', '.join(patterns)}"


def _regex(check: Check, arguments: dict[str, Any], *, wanted: bool) -> CompiledCheck:
    found = (Matches(arguments["column"], arguments["regex"]),)
    return _compile(check, arguments, found=found, words=f"the pattern {arguments['regex']}", wanted=wanted)


def _regexes(check: Check, arguments: dict[str, Any], *, wanted: bool) -> CompiledCheck:
    patterns = arguments["regex_list"]
    found = tuple(Matches(arguments["column"], each) for each in patterns)
    words = _listed(patterns, wanted=wanted, match_on=arguments.get("match_on"))
    return _compile(check, arguments, found=found, words=words, wanted=wanted)


def _like_pattern(check: Check, arguments: dict[str, Any], *, wanted: bool) -> CompiledCheck:
    written = arguments["like_pattern"]
    found = (Like(arguments["column"], canonical(written, arguments["escape"])),)
    return _compile(check, arguments, found=found, words=f"the LIKE pattern {written}", wanted=wanted)


def _like_patterns(check: Check, arguments: dict[str, Any], *, wanted: bool) -> CompiledCheck:
    patterns = arguments["like_pattern_list"]
    found = tuple(Like(arguments["column"], canonical(each, arguments["escape"])) for each in patterns)
    words = _listed(patterns, wanted=wanted, match_on=arguments.get("match_on")).replace("patterns", "LIKE patterns")
    return _compile(check, arguments, found=found, words=words, wanted=wanted)


_REGEXES = {**EACH, "regex_list": Parameter(_list_of(pattern, "regular expressions"))}
_LIKE = {**EACH, "like_pattern": Parameter(_like), "escape": Parameter(_escape, None)}
_LIKES = {
    **EACH,
    "like_pattern_list": Parameter(_list_of(_like, "LIKE patterns")),
    "escape": Parameter(_escape, None),
}
_MATCH_ON = {"match_on": Parameter(one_of("any", "all"), "any")}

TERMS = {
    "expect_column_values_to_match_regex": Term(
        {**EACH, "regex": Parameter(pattern, _ANYTHING)}, partial(_regex, wanted=True)
    ),
    "expect_column_values_to_not_match_regex": Term(
        {**EACH, "regex": Parameter(pattern)}, partial(_regex, wanted=False)
    ),
    "expect_column_values_to_match_regex_list": Term({**_REGEXES, **_MATCH_ON}, partial(_regexes, wanted=True)),
    "expect_column_values_to_not_match_regex_list": Term(_REGEXES, partial(_regexes, wanted=False)),
    "expect_column_values_to_match_like_pattern": Term(_LIKE, partial(_like_pattern, wanted=True)),
    "expect_column_values_to_not_match_like_pattern": Term(_LIKE, partial(_like_pattern, wanted=False)),
    "expect_column_values_to_match_like_pattern_list": Term(
        {**_LIKES, **_MATCH_ON}, partial(_like_patterns, wanted=True)
    ),
    "expect_column_values_to_not_match_like_pattern_list": Term(_LIKES, partial(_like_patterns, wanted=False)),
}
