"""The vocabulary: every supported type of Great Expectations, what it lacks, and what a check compiles to."""

from __future__ import annotations

from difflib import get_close_matches

from airflow_dataops.core.checks import Check
from airflow_dataops.core.errors import SuiteError
from airflow_dataops.core.vocabulary import (
    aggregates,
    commonest,
    deviations,
    divergence,
    foreign,
    freshness,
    ordered,
    pairs,
    patterns,
    quantiles,
    queries,
    reconciling,
    references,
    rows,
    sets,
    table,
    types,
    unique,
    written,
)
from airflow_dataops.core.vocabulary.arguments import read_arguments
from airflow_dataops.core.vocabulary.compiled import CompiledCheck, Finding, Need, Term
from airflow_dataops.core.vocabulary.limits import with_limits

__all__ = ["VOCABULARY", "CompiledCheck", "Finding", "Need", "Term", "compile_check"]

VOCABULARY: dict[str, Term] = {
    **table.TERMS,
    **rows.TERMS,
    **pairs.TERMS,
    **patterns.TERMS,
    **sets.TERMS,
    **types.TERMS,
    **unique.TERMS,
    **aggregates.TERMS,
    **quantiles.TERMS,
    **deviations.TERMS,
    **commonest.TERMS,
    **ordered.TERMS,
    **queries.TERMS,
    **divergence.TERMS,
    **foreign.TERMS,
    # What Great Expectations lacks, in the same form.
    **freshness.TERMS,
    **references.TERMS,
    **reconciling.TERMS,
    **written.TERMS,
}


def compile_check(check: Check) -> CompiledCheck:
    """Return the metrics and the judge of ``check``.

    :raises SuiteError: its type is not known, or its arguments are not what the type takes; the message names them.
    """
    term = VOCABULARY.get(check.kind)
    if term is None:
        close = get_close_matches(check.kind, VOCABULARY, n=1, cutoff=0.7)
        hint = f"did you mean {close[0]}?" if close else f"{len(VOCABULARY)} types are known, see the documentation"
        raise SuiteError(f"{check.kind} is not a known check; {hint}")
    try:
        compiled = term.compile(check, read_arguments(term.parameters, check.kwargs))
        return with_limits(compiled, lambda kwargs: term.compile(check, read_arguments(term.parameters, kwargs)))
    except SuiteError as error:
        raise SuiteError(f"{check.kind}: {error}") from None
