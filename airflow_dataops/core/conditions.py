"""``row_condition`` as a predicate: GX's ``col("x") > 5``, its stored Condition, simple pandas queries and Spark SQL.

Text is read with Python's own grammar, after SQL's words have been spelled in it, and never evaluated. What is not a
comparison of a column with a value, joined by and / or / not, is refused: it would mean something else elsewhere.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from airflow_dataops.core.errors import SuiteError
from airflow_dataops.core.predicates import And, Compare, InSet, IsNull, Not, Or, Predicate, Scalar, Value

PARSERS = ("great_expectations", "great_expectations__experimental__", "pandas", "spark")

_OPERATORS = {"==": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_MIRRORED = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_SYNTAX = {
    ast.Eq: "=",
    ast.NotEq: "<>",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
_NULL_TESTS = {"isnull": True, "isna": True, "notnull": False, "notna": False}
# What pandas and SQL write otherwise than Python; & and | bind in a pandas query as and / or do.
_SPELLINGS = re.compile(
    r"""(?P<text>'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.)*")|`(?P<name>[^`]+)`|(?P<null>\bis\s+(?P<no>not\s+)?null\b)"""
    r"""|(?P<word>\b(?:and|or|not|in|true|false)\b)|(?P<sign><>|&&?|\|\|?|(?<![<>=!])=(?!=))""",
    re.IGNORECASE,
)
_SIGNS = {"<>": "!=", "=": "==", "&": " and ", "&&": " and ", "|": " or ", "||": " or "}
_WORDS = {"true": "True", "false": "False"}


def read_condition(condition: Any) -> Predicate | None:
    """Return the predicate that a ``row_condition`` stands for; ``None`` for none.

    :raises SuiteError: it cannot be translated faithfully.
    """
    if condition is None or condition == "":
        return None
    if isinstance(condition, str):
        return _from_text(condition)
    if isinstance(condition, Mapping):
        return _from_mapping(condition)
    raise SuiteError(f'row_condition is {type(condition).__name__}; expected text such as col("x") > 5')


def _from_mapping(condition: Mapping[str, Any]) -> Predicate:
    try:
        kind = condition["type"]
        if kind in ("and", "or"):
            terms = tuple(_from_mapping(term) for term in condition["conditions"])
            return And(terms) if kind == "and" else Or(terms)
        if kind == "pass_through":
            return _from_text(condition["pass_through_filter"])
        column = condition["column"]["name"]
        if kind == "nullity":
            return IsNull(column) if condition["is_null"] else Not(IsNull(column))
        operator, parameter = condition["operator"], condition["parameter"]
        if operator in ("IN", "NOT_IN"):
            found = InSet(column, tuple(parameter))
            return _in(found, wanted=operator == "IN")
        return Compare(Value(column), _OPERATORS[operator], parameter)
    except (KeyError, TypeError) as error:
        raise SuiteError(f"row_condition is not a condition as GX stores it: {error} is missing or wrong") from error


def _in(found: InSet, *, wanted: bool) -> Predicate:
    if not found.values:
        raise SuiteError(f"row_condition asks whether {found.column} is in an empty list")
    return found if wanted else Not(found)


def _from_text(text: str) -> Predicate:
    source = _SPELLINGS.sub(_in_python, text)
    try:
        tree = ast.parse(source.strip(), mode="eval").body
    except (SyntaxError, ValueError) as error:
        raise _refused(text) from error
    return _Reader(text).predicate(tree)


def _in_python(found: re.Match[str]) -> str:
    """Return one piece of a condition as Python writes it."""
    if found["text"]:
        return "'" + found["text"][1:-1].replace("''", "\\'") + "'" if found["text"][0] == "'" else found["text"]
    if found["name"]:
        return f"col({found['name']!r})"
    if found["null"]:
        return "is not None" if found["no"] else "is None"
    word = (found["word"] or "").lower()
    return _WORDS.get(word, word) or _SIGNS[found["sign"]]


def _refused(text: str) -> SuiteError:
    return SuiteError(
        f"row_condition {text!r} cannot be translated; write comparisons such as "
        'col("x") > 5, col("x").notNull(), x is null or x in [1, 2], joined by and / or'
    )


class _Reader:
    """Reads one condition's syntax tree."""

    def __init__(self, text: str) -> None:
        self.text = text

    def predicate(self, node: ast.expr) -> Predicate:
        match node:
            case ast.BoolOp(op=ast.And(), values=values):
                return And(tuple(self.predicate(value) for value in values))
            case ast.BoolOp(op=ast.Or(), values=values):
                return Or(tuple(self.predicate(value) for value in values))
            case ast.BinOp(op=ast.BitAnd(), left=left, right=right):
                return And((self.predicate(left), self.predicate(right)))
            case ast.BinOp(op=ast.BitOr(), left=left, right=right):
                return Or((self.predicate(left), self.predicate(right)))
            case ast.UnaryOp(op=ast.Not() | ast.Invert(), operand=operand):
                return Not(self.predicate(operand))
            case ast.Compare(left=left, ops=operators, comparators=others):
                pairs = zip([left, *others], operators, others, strict=False)
                terms = tuple(self.comparison(*pair) for pair in pairs)
                return terms[0] if len(terms) == 1 else And(terms)
            case ast.Call(func=ast.Attribute(value=target, attr=test), args=[], keywords=[]):
                column = self.column(target)
                if column is not None and test.lower() in _NULL_TESTS:
                    null = IsNull(column)
                    return null if _NULL_TESTS[test.lower()] else Not(null)
        raise _refused(self.text)

    def comparison(self, left: ast.expr, operator: ast.cmpop, right: ast.expr) -> Predicate:
        column, other = self.column(left), self.column(right)
        if isinstance(operator, ast.In | ast.NotIn):
            # One value in parentheses is a list of one in SQL.
            items = right.elts if isinstance(right, ast.List | ast.Tuple | ast.Set) else [right]
            if column is None:
                raise _refused(self.text)
            found = InSet(column, tuple(self.scalar(item) for item in items))
            return _in(found, wanted=isinstance(operator, ast.In))
        if isinstance(operator, ast.Is | ast.IsNot):
            if column is None or not isinstance(right, ast.Constant) or right.value is not None:
                raise _refused(self.text)
            return IsNull(column) if isinstance(operator, ast.Is) else Not(IsNull(column))
        symbol = _SYNTAX.get(type(operator))
        if symbol is None:
            raise _refused(self.text)
        if column is not None:
            return Compare(Value(column), symbol, Value(other) if other is not None else self.scalar(right))
        if other is not None:
            return Compare(Value(other), _MIRRORED[symbol], self.scalar(left))
        raise _refused(self.text)

    def column(self, node: ast.expr) -> str | None:
        match node:
            case ast.Name(id=name):
                return name
            case ast.Call(func=ast.Name(id="col"), args=[ast.Constant(value=str(name))], keywords=[]):
                return name
        return None

    def scalar(self, node: ast.expr) -> Scalar:
        match node:
            case ast.Constant(value=bool() | int() | float() | str() as value):
                return value
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
                return -value
            case ast.Call(func=ast.Name(id="date"), args=[ast.Constant(value=str(text))], keywords=[]):
                try:
                    return datetime.fromisoformat(text)
                except ValueError as error:
                    raise _refused(self.text) from error
        raise _refused(self.text)
