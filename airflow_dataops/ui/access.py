"""Who may see what: Airflow's own authorization, asked the way Airflow's own pages ask it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.base_auth_manager import ResourceMethod
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag
from airflow.configuration import conf
from airflow.models.dag import DagModel
from fastapi import Depends, HTTPException

NOT_FOUND = "There is no such page, or it belongs to a DAG that you may not read."
EVERY_DAG = "~"
"""Airflow's word for all DAGs: no DAG has this id, so only who may read whatever DAG there is may read this one."""


@dataclass(frozen=True, kw_only=True)
class Reader:
    """One user, as far as these pages ask.

    A gate's result belongs to its DAG, a release to the DAG that staged it. What was made outside of Airflow, or by a
    DAG that Airflow does not know any more, is shown to those who may read every DAG, in multi-team mode to nobody.

    :param dag_ids: the DAGs that the user may read; ``None`` for every DAG.
    """

    user: BaseUser
    dag_ids: frozenset[str] | None

    def may_read(self, dag_id: str | None) -> bool:
        """Return whether a row of this DAG may be shown in a list."""
        return self.dag_ids is None or (dag_id is not None and dag_id in self.dag_ids)

    def open(self, dag_id: str | None) -> None:
        """Let the user open a page of this DAG, or answer 404: the same as for a page that is not there.

        :raises HTTPException: 404.
        """
        if not self.may_read(dag_id) or not _may_read_results(self.user, dag_id or EVERY_DAG):
            raise HTTPException(404, NOT_FOUND)

    def may_change(self, dag_id: str | None) -> bool:
        """Return whether the user may change the DAG: then its releases, too."""
        return _authorized(self.user, dag_id or EVERY_DAG, method="PUT", access_entity=None)

    def may_answer(self, dag_id: str) -> bool:
        """Return whether the user may answer what a task of the DAG asks people."""
        return _authorized(self.user, dag_id, method="PUT", access_entity=DagAccessEntity.HITL_DETAIL)


def reader(user: GetUserDep) -> Reader:
    """Return who asks; answers 401 to the anonymous."""
    if not _multi_team() and _may_read_results(user, EVERY_DAG):
        return Reader(user=user, dag_ids=None)
    return Reader(user=user, dag_ids=frozenset(get_auth_manager().get_authorized_dag_ids(user=user, method="GET")))


def _may_read_results(user: BaseUser, dag_id: str) -> bool:
    return _authorized(user, dag_id, method="GET", access_entity=DagAccessEntity.XCOM)


def _authorized(user: BaseUser, dag_id: str, *, method: ResourceMethod, access_entity: DagAccessEntity | None) -> bool:
    team = {"team_name": DagModel.get_team_name(dag_id)} if _multi_team() else {}
    return get_auth_manager().is_authorized_dag(
        method=method, access_entity=access_entity, details=DagDetails(id=dag_id, **team), user=user
    )


def _multi_team() -> bool:
    return conf.getboolean("core", "multi_team", fallback=False)


ReaderDep = Annotated[Reader, Depends(reader)]
"""The user of a list: rows are filtered by the DAGs that the user may read."""

MAY_READ_RESULTS = Depends(requires_access_dag("GET", DagAccessEntity.XCOM))
"""Airflow's right to read results: of the DAG that the address names, or of DAGs at all where it names none."""
