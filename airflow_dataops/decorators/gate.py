"""``@task.gate``: a function that returns a frame or a file's path, gated before anybody downstream sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk.bases.decorator import DecoratedOperator, TaskDecorator, task_decorator_factory

from airflow_dataops.operators.gate import GateOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_dataops.services.gating import Judged
    from airflow_dataops.stores.store import Store


class DecoratedGateOperator(DecoratedOperator, PythonOperator, GateOperator):
    """Call the function, judge what it returns, and pass it on if the verdict lets it through.

    Takes GateOperator's ``suite``, ``where``, ``on_fail``, ``block``, ``on_empty``, ``samples`` and ``parameters``.
    """

    template_fields: Sequence[str] = ("op_args", "op_kwargs", "templates_dict", "suite", "where", "parameters")
    template_fields_renderers: ClassVar[dict[str, str]] = {"op_args": "py", "op_kwargs": "py"}
    custom_operator_name = "@task.gate"

    def __init__(
        self,
        *,
        python_callable: Callable[..., Any],
        op_args: Sequence[Any] = (),
        op_kwargs: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        call = {"python_callable": python_callable, "op_args": op_args, "op_kwargs": op_kwargs}
        # What the function returns is data: Airflow would print it into the log.
        kwargs.setdefault("show_return_value_in_logs", False)
        super().__init__(kwargs_to_upstream=call, **call, **kwargs)

    def execute(self, context: Context) -> Any:
        """Call, judge, and return the function's own value; the gate's result is the XCom ``gate``."""
        self._data = PythonOperator.execute(self, context)
        self._push(GateOperator.execute(self, context), context)
        return self._data

    def _push(self, result: dict[str, Any], context: Context) -> None:
        """Push the result under its own key; and the value, where ``block`` lets some tasks go on with it."""
        context["ti"].xcom_push(key="gate", value=result)
        if self.block:
            context["ti"].xcom_push(key="return_value", value=self._data)

    def _judged(self, store: Store) -> Judged:
        from airflow_dataops.hooks.gating import judged_data

        kind = f"{type(self._data).__module__.partition('.')[0]} {type(self._data).__name__}"
        return judged_data(self._data, f"what {self.python_callable.__name__} returned ({kind})")


def gate_task(python_callable: Callable[..., Any] | None = None, **kwargs: Any) -> TaskDecorator:
    """Wrap a function into a gated task.

    :param python_callable: returns a pandas, polars or Arrow frame, or a file's path.
    """
    return task_decorator_factory(
        python_callable=python_callable, decorated_operator_class=DecoratedGateOperator, **kwargs
    )
