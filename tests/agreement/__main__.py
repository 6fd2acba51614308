"""Writes the intended differences into the documentation: ``python -m tests.agreement``."""

from __future__ import annotations

from tests.agreement.page import PAGE, rewritten

PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
