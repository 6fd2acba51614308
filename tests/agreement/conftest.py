"""Where the databases of a run live, and Great Expectations, imported once."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

import psycopg
import pytest

from tests.agreement.engines import Place
from tests.agreement.theirs import GreatExpectations


@pytest.fixture(scope="module")
def place(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Yield a folder and a database of the module's own."""
    name = f"agreement_{os.getpid()}"
    server = f"postgresql://postgres@/{{}}?host={postgres_server}"
    with psycopg.connect(server.format("postgres"), autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')
    logging.disable(logging.WARNING)  # each refused statement is logged, by GX and by us
    yield Place(folder=tmp_path_factory.mktemp("agreement"), postgres=server.format(name))
    logging.disable(logging.NOTSET)
    with psycopg.connect(server.format("postgres"), autocommit=True) as admin:
        admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="module")
def gx(place: Place) -> GreatExpectations:
    """Return Great Expectations with one ephemeral context."""
    return GreatExpectations(place)
