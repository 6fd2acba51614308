"""WATCH: what SQL reads and writes. Parsing only; nothing here runs a statement or keeps a literal."""
