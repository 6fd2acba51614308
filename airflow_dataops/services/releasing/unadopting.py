"""Unadopt: the plain table that was there before the dataset's releases is handed back to its name."""

from __future__ import annotations

from airflow_dataops.core.errors import IllegalTransition, ReleaseNotFound
from airflow_dataops.core.releases import Action, Operation, ReleaseName
from airflow_dataops.services.releasing.switching import Turn, reconcile, switch
from airflow_dataops.services.releasing.target import Outcome, Target


def unadopt(target: Target, dataset_name: str, op: Operation) -> Outcome:
    """Put the adopted table back under the reader-facing name; nothing is live then until the next promotion.

    Readers must have it already: to hand back other data than they read would change it unseen by any gate.

    :raises IllegalTransition: no table was adopted, or another release is live; says how to go back first.
    :raises ConfigurationError: its table is not there, or views depend on what is dropped.
    """
    releases = target.store.releases
    dataset = releases.dataset(dataset_name)
    reconcile(target, dataset)
    name = ReleaseName(dataset=dataset_name, number=0)
    live = releases.live(dataset_name)
    if live is not None and target.publisher.pointer(dataset_name, dataset.target).release is None:
        raise IllegalTransition(f"{dataset.reader} has not been adopted: it is the plain table that it was.")
    if live is None or live.number != 0:
        try:
            state = releases.get(name).state
        except ReleaseNotFound:
            raise IllegalTransition(
                f"{dataset_name} has adopted no table: {dataset.reader} was not there before its first release, so "
                "there is nothing to hand back."
            ) from None
        if live is None:
            raise IllegalTransition(f"{name} is {state}, and nothing is live: there is nothing to hand back.")
        raise IllegalTransition(
            f"{name} cannot be handed back: {live} is live, and readers would get other data. Go back to it first: "
            f"airflow dataops release rollback {dataset_name} --to {name} --reason '…'"
        )
    turn = Turn(release=live, live=live, op=op, leaves=Action.UNADOPT, verify=lambda db: None)
    seconds = switch(target, [turn])
    return Outcome(
        release=releases.get(name),
        switched=True,
        previous=live,
        message=(
            f"{dataset.reader} is a plain table again, as before {dataset_name} had releases. The next promotion "
            f"adopts it anew. Done in {seconds * 1000:.0f} ms."
        ),
    )
