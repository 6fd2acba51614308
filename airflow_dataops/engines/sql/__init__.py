"""Metrics as SQL: predicates compile through sqlglot, a plan groups them, and one snapshot measures them."""
