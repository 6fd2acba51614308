"""An auth manager that knows single DAGs, as large installations have them: a user's role lists what they may read."""

from __future__ import annotations

from typing import Any

from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

DAGS_OF = {"flights-reader": {"flights_release"}, "hotels-reader": {"hotels_release"}, "nobody": set()}


class PerDagAuthManager(SimpleAuthManager):
    """Airflow's simple auth manager, with rights for each DAG to users named in ``DAGS_OF``; others have all."""

    def is_authorized_dag(self, *, method: Any, user: Any, access_entity: Any = None, details: Any = None) -> bool:
        """Return whether the user may read that DAG; without a DAG, whether there is one they may read."""
        dags = DAGS_OF.get(user.get_id())
        if dags is None:
            return super().is_authorized_dag(method=method, user=user, access_entity=access_entity, details=details)
        return bool(dags) if details is None or details.id is None else details.id in dags

    def get_authorized_dag_ids(self, *, user: Any, method: Any = "GET", **_: Any) -> set[str]:
        """Return the DAGs the user may read."""
        return DAGS_OF[user.get_id()]
