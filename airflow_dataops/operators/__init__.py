"""Thin adapters: build from the hook, call one service, record, raise. Importing them loads no engine."""
