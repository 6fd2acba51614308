"""Alembic's migrations of the store, and the one way to run them."""
