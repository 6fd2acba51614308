"""How right the reader of SQL is, beside openlineage-sql: ``python -m tests.lineage``; with ``--write`` into docs."""

from __future__ import annotations

import argparse

from tests.lineage import page
from tests.lineage.figures import seconds


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.lineage", description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"put the table into docs/{page.PAGE.name}")
    arguments = parser.parse_args()
    print(page.table())
    median, high = seconds()
    print(f"\nOurs takes {median * 1e3:.1f} ms a text (median), {high * 1e3:.1f} ms (99th percentile).")
    if arguments.write:
        page.PAGE.write_text(page.rewritten(page.PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
