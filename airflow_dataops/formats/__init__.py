"""Suites from YAML and JSON, Great Expectations' stored form included."""
