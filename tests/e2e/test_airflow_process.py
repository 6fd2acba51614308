"""The runner that the demo, its UI and the end-to-end tests share."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from dags_examples.demo.airflow_process import AirflowFailed, RunningAirflow, free_port


def test_a_taken_port_is_named_before_anything_is_started(tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(AirflowFailed, match=rf"Port {port} is taken\. Stop what listens there"):
            RunningAirflow(tmp_path / "home", port=port).start()
    assert list((tmp_path / "home").glob("*.db")) == []


def test_a_free_port_can_be_listened_on() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", free_port()))


def test_the_components_share_secrets_that_only_their_owner_can_read(tmp_path: Path) -> None:
    first, second = RunningAirflow(tmp_path), RunningAirflow(tmp_path)
    assert first.env["AIRFLOW__API_AUTH__JWT_SECRET"] == second.env["AIRFLOW__API_AUTH__JWT_SECRET"]
    assert (tmp_path / ".jwt_secret").stat().st_mode & 0o077 == 0
