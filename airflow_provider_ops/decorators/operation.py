"""``@task.operation``: the function returns what to wait for, the task waits for it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk.bases.decorator import DecoratedOperator, _TaskDecorator

from airflow_provider_ops._compat import ASKS_RETRY_POLICY
from airflow_provider_ops.apis.submits import SubmitCall
from airflow_provider_ops.core.event_codec import WaitFor, check_wait_for
from airflow_provider_ops.core.gate import line_log_of
from airflow_provider_ops.core.operation_history import OperationHistory
from airflow_provider_ops.core.poll_interval import seconds_to_wait
from airflow_provider_ops.core.values import is_list
from airflow_provider_ops.decorators.request import OperationRequest
from airflow_provider_ops.exceptions import InvalidArgument
from airflow_provider_ops.hooks.base import OperationsHook
from airflow_provider_ops.hooks.lookup import hook_for
from airflow_provider_ops.lifecycle.options import WaitOptions
from airflow_provider_ops.operation import Operation
from airflow_provider_ops.operators.base import OperationOperator
from airflow_provider_ops.operators.fields import check_ids, ids_of
from airflow_provider_ops.retry_policy import enforce_retry_policy, set_default_retry_policy, starts_nothing
from airflow_provider_ops.sensors.attempts import DEFAULT_TIMEOUT, SensorAttempt, unique
from airflow_provider_ops.triggers.operation import OperationTrigger

if TYPE_CHECKING:
    from airflow.sdk import Context

#: XCom with the ids that the function returned, for later legs.
AWAITED = "awaited_operations"


class DecoratedOperationOperator(DecoratedOperator, OperationOperator):
    """Wait for what a function with ``@task.operation`` returns: ids, or a request that the task sends first.

    The function runs once per try at most, and not at all where a try continues with what an earlier one has started.

    :param wait_for: of several ids, ``all`` (the first failure fails the task) or ``any``.
    """

    custom_operator_name = "@task.operation"
    template_fields: Sequence[str] = ("conn_id", "operation_id", "op_args", "op_kwargs")
    _declared_types: ClassVar[Mapping[str, Any]] = {"conn_id": str, "operation_id": str | None}
    template_fields_renderers: ClassVar[dict[str, str]] = {"op_args": "py", "op_kwargs": "py"}

    def __init__(
        self, *, conn_id: str, python_callable: Callable[..., Any], wait_for: str = "all", **kwargs: Any
    ) -> None:
        if inspect.iscoroutinefunction(python_callable):
            msg = f"@task.operation takes no async function, and {python_callable.__name__} is one: use def"
            raise InvalidArgument(msg)
        super().__init__(conn_id=conn_id, python_callable=python_callable, **kwargs)
        with enforce_retry_policy(self):
            self.wait_for: WaitFor = check_wait_for(wait_for)
        self._submit: SubmitCall | None = None
        self._wait_attempt: SensorAttempt | None = None

    @classmethod
    def check_arguments(cls, arguments: Mapping[str, Any]) -> None:
        """Refuse arguments that cannot work, each by itself and as far as it is known; without I/O.

        :raises InvalidArgument: names the argument and what is allowed.
        """
        super().check_arguments(arguments)
        check_wait_for(arguments.get("wait_for", "all"))

    def make_hook(self) -> OperationsHook:
        """Return the hook for the type of ``conn_id``."""
        return hook_for(self.conn_id)

    def submit(self) -> SubmitCall:
        """Return the request that the function returned in this try.

        :raises InvalidArgument: nothing yet.
        """
        if self._submit is None:
            msg = f"{self.python_callable.__name__} was not called yet, so that its request is not known"
            raise InvalidArgument(msg)
        return self._submit

    def kind(self) -> str:
        """Return an empty text: later legs do not call the function again."""
        return ""

    def ids_complete(self, context: Context, event: Mapping[str, Any]) -> Any:
        """Continue after the trigger for the function's ids has fired."""
        awaited = self._awaited(context) or list(event.get("operation_ids") or ())
        return self._observe(awaited, context, lambda attempt: attempt.resume(event), is_resumed=True)

    def _begin(self, context: Context) -> Any:
        attempt = self._new_attempt(context)
        resumed = attempt.resume_previous()
        if resumed is not None:
            return resumed
        returned = self._ask(context)
        if isinstance(returned, OperationRequest):
            returned = returned.submit(self.hook.api)
        if isinstance(returned, SubmitCall):
            self._submit = returned
            return attempt.start()
        return self._wait_for_ids(returned, context)

    def _ask(self, context: Context) -> Any:
        known = {**context, **self.op_kwargs}
        return self.python_callable(*self.op_args, **_keywords(self.python_callable, len(self.op_args), known))

    def _wait_for_ids(self, returned: object, context: Context) -> Any:
        awaited = self._checked(returned)
        if not self.wait_for_completion:
            msg = "with wait_for_completion=False there is nothing to do about operation ids: return a request"
            raise InvalidArgument(msg)
        # before they are pushed: what is no id of this API is refused
        unique(self.hook, _listed(awaited))
        context["ti"].xcom_push(key=AWAITED, value=awaited)
        context["ti"].xcom_push(key="operation_id", value=awaited)
        return self._observe(awaited, context, SensorAttempt.start)

    def _checked(self, returned: object) -> str | list[str]:
        name = f"what {self.python_callable.__name__} returned"
        if isinstance(returned, str) or is_list(returned):
            check_ids(name, ids := ids_of(name, returned))
            return ids[0] if isinstance(returned, str) else ids
        msg = (
            f"{self.python_callable.__name__} returned {returned!r:.80}: return an operation id, "
            "a list of ids, an OperationRequest, or what a builder of the API's module made"
        )
        raise InvalidArgument(msg)

    def _observe(
        self,
        awaited: str | list[str],
        context: Context,
        leg: Callable[[SensorAttempt], list[Operation]],
        *,
        is_resumed: bool = False,
    ) -> Any:
        starts_nothing(self)
        attempt = self._new_attempt(context)
        limit = DEFAULT_TIMEOUT if self.timeout is None else self.timeout
        self._wait_attempt = SensorAttempt(
            self.hook,
            _listed(awaited),
            WaitOptions(
                defer=self.defer,
                make_trigger=OperationTrigger,
                resume_method="ids_complete",
                deferrable=self.deferrable,
                poll_interval=self.poll_interval,
                wait_for=self.wait_for,
            ),
            started_at=self.hook.on_clock(context["ti"].start_date),
            timeout=seconds_to_wait(limit, self.execution_timeout),
            ti=context["ti"],
            log=line_log_of(self),
            store=context.get("task_state_store"),
            is_resumed=is_resumed,
        )
        results = [attempt.result_for(operation) for operation in leg(self._wait_attempt)]
        return results[0] if isinstance(awaited, str) else results

    def _histories(self) -> Iterable[OperationHistory]:
        return super()._histories() if self._wait_attempt is None else self._wait_attempt.histories

    def _recheck(self, context: Context, why: str) -> Any:
        # after a trigger has died, Airflow does not say which trigger it was
        awaited = self._awaited(context)
        if awaited is None:
            return super()._recheck(context, why)
        return self._observe(awaited, context, lambda attempt: attempt.recheck(why), is_resumed=True)

    def _awaited(self, context: Context) -> str | list[str] | None:
        ti = context["ti"]
        awaited: str | list[str] | None = ti.xcom_pull(task_ids=ti.task_id, key=AWAITED, map_indexes=ti.map_index)
        return awaited


def _keywords(function: Callable[..., Any], positional: int, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return the items of ``known`` that a function takes by name, beside ``positional`` arguments by place."""
    # DecoratedOperator.determine_kwargs does not exist before Airflow 3.2
    parameters = inspect.signature(function).parameters.values()
    by_place = [one.name for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    wanted = known if any(one.kind is one.VAR_KEYWORD for one in parameters) else {one.name for one in parameters}
    return {name: known[name] for name in wanted if name in known and name not in by_place[:positional]}


def _listed(awaited: str | list[str]) -> list[str]:
    return [awaited] if isinstance(awaited, str) else awaited


class _OperationTask(_TaskDecorator[Any, Any, DecoratedOperationOperator]):
    """Check its arguments when the DAG is parsed, and give mapped tasks the same retry policy as all others."""

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()  # type: ignore[no-untyped-call]
        self.operator_class.check_mapped(self.kwargs)

    def _expand(self, expand_input: Any, *, strict: bool) -> Any:
        made: Any = super()._expand(expand_input, strict=strict)
        mapped = made.operator
        self.operator_class.check_mapped(mapped.partial_kwargs)
        if ASKS_RETRY_POLICY:
            set_default_retry_policy(mapped, self.operator_class.default_retry_policy)
        return made


def operation_task(python_callable: Callable[..., Any] | None = None, **kwargs: Any) -> Any:
    """Make a task that waits for the operation whose id or request the function returns.

    The function returns an operation id, a list of ids, an :class:`~airflow_provider_ops.decorators.OperationRequest`,
    or what a builder of the API's module made (``onvera.create_deployment(...)``). A request is sent by the task, once,
    with all guarantees of the operators; the function itself must start nothing.

    The task returns what the operators return; for a list of ids a list of that. Registered as ``@task.operation``.

    :param conn_id: Airflow connection, of any type of this provider; may come from ``default_args``.
    :param wait_for: of several ids, ``all`` (the first failure fails the task) or ``any``.
    :param wait_for_completion: for requests, whether to wait until the operation settles.
    :param deferrable: whether to wait in the triggerer, without a worker.
    :param poll_interval: seconds between polls; default is the API's own advice.
    :param timeout: seconds to wait; default per kind of resource, for ids a day.
    :param durable: for requests, whether a retry adopts what an earlier try of this task run has started.
    :param on_kill: for requests, what happens to the operation when a user marks the task failed or clears it.
    :param on_timeout: for requests, the same for a passed deadline.
    :param on_failure: for requests, ``delete`` removes what a failed operation left before a retry submits again.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        # only the arguments that were given are passed on: default_args must be able to set the rest
        return _OperationTask(
            function=function,
            operator_class=DecoratedOperationOperator,
            multiple_outputs=False,
            kwargs=dict(kwargs),
            decorator_name="task.operation",
        )

    return decorate if python_callable is None else decorate(python_callable)
