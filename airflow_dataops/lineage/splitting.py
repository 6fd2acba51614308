"""A text of SQL into its statements, as tokens: one that cannot be read does not sink its neighbours.

Procedural code stays in one piece: what stands in a block or in the body of a function is not run for certain, and the
semicolons in it end nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import Dialect
from sqlglot.errors import TokenError
from sqlglot.tokens import Token, TokenType

LONGEST = 200_000
"""Characters of a statement; a longer one is not parsed."""
_LONGEST_TEXT = 10 * LONGEST
"""Characters of a text; in a longer one not even the ends of statements are looked for."""

_PARAMETERS = re.compile(r"\$(\d+),")
"""``$1,$2`` of PostgreSQL's drivers and counters, which sqlglot takes for the begin of a text in dollars."""
_TRIES = 20
"""Semicolons that are taken for part of a quoted text, where a text breaks off."""

_TRANSACTION = {
    "TRANSACTION", "TRAN", "WORK", "ISOLATION", "READ", "NOT", "DEFERRED", "IMMEDIATE", "EXCLUSIVE", "DEFERRABLE",
}  # fmt: skip
_PROCEDURAL = {"IF", "WHILE", "LOOP", "FOR", "REPEAT", "CASE"}
_ROUTINES = {"PROCEDURE", "PROC", "FUNCTION", "MACRO", "TRIGGER", "PACKAGE", "EVENT"}
_OTHERS = {"TABLE", "VIEW", "INDEX", "SCHEMA", "DATABASE", "MODEL", "TASK", "STREAM", "SEQUENCE", "TYPE"}
_STATEMENT_FOLLOWS = {";", "THEN", "ELSE", "BEGIN", "DO", "LOOP"}


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement: the text that it is in, and its tokens; ``None`` where they cannot be told."""

    text: str
    tokens: list[Token] | None
    defines: bool = False  # a function, procedure or trigger: its body is not run
    procedural: bool = False

    @property
    def source(self) -> str:
        """What is written from the first token to the last."""
        return self.text[self.tokens[0].start : self.tokens[-1].end + 1] if self.tokens else ""

    def words(self, count: int = 12) -> list[str]:
        """Return the first tokens in capitals."""
        return [token.text.upper() for token in (self.tokens or [])[:count]]


def statements_in(text: str, dialect: Dialect) -> Iterator[Statement]:
    """Yield the statements of a text; comments and empty ones are none."""
    if len(text) > _LONGEST_TEXT:
        yield Statement(text="", tokens=None)
        return
    text = _PARAMETERS.sub(r"$\1 ,", text)
    try:
        yield from _split(text, dialect.tokenize(text), dialect)
    except TokenError:
        yield from _before_the_break(text, dialect)


def _before_the_break(text: str, dialect: Dialect) -> Iterator[Statement]:
    """Yield the statements that end before something that is never closed, and the rest as one that is unknown."""
    piece, tries = "", 0
    for part in text[:LONGEST].split(";"):
        piece += part
        tries += 1
        try:
            tokens = dialect.tokenize(piece)
        except TokenError:
            if tries == _TRIES:
                break
            piece += ";"  # it may stand in quotes that are closed later
            continue
        yield from _split(piece, tokens, dialect)
        piece, tries = "", 0
    if piece or len(text) > LONGEST:
        yield Statement(text="", tokens=None)


def _split(text: str, tokens: list[Token], dialect: Dialect) -> Iterator[Statement]:
    """Yield what stands between semicolons, and blocks and definitions whole."""
    start = 0
    while start < len(tokens):
        if tokens[start].token_type is TokenType.SEMICOLON:
            start += 1
            continue
        head = Statement(text=text, tokens=tokens[start : start + 12]).words()
        defines, procedural = _defines(head), _is_block(head)
        batch = defines and _is_tsql(dialect)  # a routine's body goes on to the end of the batch
        end = len(tokens) if batch else _end(tokens, start, dialect, nested=defines or procedural)
        found = tokens[start:end]
        length = found[-1].end - found[0].start
        start = end + 1
        if length > LONGEST:
            yield Statement(text="", tokens=None)
        else:
            yield Statement(text=text, tokens=found, defines=defines, procedural=procedural)


def _is_tsql(dialect: Dialect) -> bool:
    return type(dialect).__name__ in ("TSQL", "Fabric")


def _defines(head: list[str]) -> bool:
    """Whether a statement defines a routine (in ``CREATE TABLE event`` that word is a name)."""
    if head[0] not in ("CREATE", "ALTER", "REPLACE"):
        return False
    kinds = [word for word in head[1:6] if word in _ROUTINES or word in _OTHERS]
    return kinds[:2] == ["TABLE", "FUNCTION"] or (bool(kinds) and kinds[0] in _ROUTINES)


def _is_block(head: list[str]) -> bool:
    """Whether a statement begins a block of a scripting language (``BEGIN`` alone begins a transaction)."""
    if head[0] == "BEGIN":
        return len(head) > 1 and head[1] != ";" and head[1] not in _TRANSACTION
    return head[0] in _PROCEDURAL


def _end(tokens: list[Token], start: int, dialect: Dialect, *, nested: bool) -> int:
    """Return the index of the semicolon that ends the statement, or of the end."""
    depth, before = 0, ";"
    for index in range(start, len(tokens)):
        token = tokens[index]
        if token.token_type is TokenType.SEMICOLON and depth <= 0:
            return index
        behind = index > start and tokens[index - 1].token_type in dialect.tokenizer_class.COMMANDS
        for word in _words(token, behind) if nested else ():
            if word == "END":
                depth -= 1
            elif before != "END" and _opens(word, before, dialect):
                depth += 1
            before = word
    return len(tokens)


def _words(token: Token, behind: bool) -> list[str]:
    """Return the words of a token: none of a quoted one, several of the text that stands ``behind`` a command."""
    if token.token_type is TokenType.STRING:
        return re.findall(r"\w+", re.sub(r"'[^']*'", "", token.text.upper())) if behind else [""]
    return ["" if token.token_type is TokenType.IDENTIFIER else token.text.upper()]


def _opens(word: str, before: str, dialect: Dialect) -> bool:
    if word in ("BEGIN", "CASE"):
        return True
    return word in _PROCEDURAL and before in _STATEMENT_FOLLOWS and not _is_tsql(dialect)
