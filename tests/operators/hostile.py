"""Names and values that somebody would send who means harm, or whose data went wrong on the way."""

from __future__ import annotations

from hypothesis import strategies as st

CANARY = "canary"
CORPUS = (
    "",
    " ",
    ".",
    "..",
    "'",
    '"',
    "`",
    ";",
    "\\",
    "%",
    "%s",
    "?",
    ":name",
    "$1",
    "{}",
    "{0}",
    "{reason!r:>99999}",
    "{{ 7 * 7 }}",
    "{% for i in range(9) %}{{ dag }}{% endfor %}",
    "x'; DROP TABLE canary; --",
    'x"; DROP TABLE canary; --',
    'x" AS SELECT 1; DROP TABLE canary; --',
    "x); DROP TABLE canary; --",
    "x/*", "*/ DROP TABLE canary /*", "-- DROP TABLE canary",
    "x' OR '1'='1",
    "canary UNION SELECT 1",
    "../../../../etc/passwd",
    "..\\..\\windows",
    "file:///etc/passwd",
    "nyc.flights@r1; DROP TABLE canary",
    "nyc.flights@r١",
    "nyc.flights@r-1",
    "nyc.flights@r99999999999999999999999999",
    "nyc.flights@r1\n",
    "nyс.flights@r1",  # a Cyrillic letter
    "ｎｙｃ.flights",
    "nyc․flights",  # a one dot leader
    "nyc.flights\u202e",
    "a\u0000b",
    "a\u0000; DROP TABLE canary",
    "a\tb",
    "a\r\nSet-Cookie: x=1",
    "\x1b[2J\x1b]0;owned\x07",
    "\ud800",
    "x\udcff",
    "😀" * 20,
    "e\u0301" * 30,
    "A" * 64,
    "A" * 300,
    "A" * 100_000,
    "a.b.c.d.e",
    "None", "null", "NaN", "true", "0", "-1", "1e999",
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "${jndi:ldap://x}",
    "$(touch /tmp/owned)",
    "`touch /tmp/owned`",
    "sqlite_master",
    "pg_catalog.pg_class",
    "information_schema.tables",
    "dataops_pointer",
    "dataops_switch",
)  # fmt: skip
NO_TEXT = (0, -1, 10**30, 1.5, True, b"nyc.flights", ["nyc.flights"], {"a": 1}, object())

_SIGNS = ("'", '"', ";", "--", "/*", "*/", "\\", ".", "@r1", "\x00", "\n", "{{", "}}", "%s", "?", " ")
anything = st.one_of(
    st.text(max_size=40),
    st.text(alphabet=st.characters(exclude_categories=()), max_size=20),  # halves of characters, too
    st.lists(st.sampled_from([*_SIGNS, "DROP TABLE", CANARY]), max_size=8).map("".join),
    st.sampled_from(CORPUS),
)
