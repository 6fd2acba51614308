"""Thin adapters that wait."""
