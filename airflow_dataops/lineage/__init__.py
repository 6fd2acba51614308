"""WATCH: what SQL reads. Parsing only; nothing here runs a statement or keeps a literal."""
