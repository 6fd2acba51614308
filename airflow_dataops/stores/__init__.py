"""REMEMBER: datasets, releases, evidence and usage, in SQLite or PostgreSQL through SQLAlchemy."""
