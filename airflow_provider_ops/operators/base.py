"""The one operator behind all others: submit once, wait without a worker, finish with the resource."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

from airflow.sdk import BaseOperator

from airflow_provider_ops._compat import TaskDeferralError, TaskDeferralTimeout
from airflow_provider_ops.apis.base import Submit
from airflow_provider_ops.exceptions import InvalidArgument
from airflow_provider_ops.hooks.base import OperationsHook, check_seconds
from airflow_provider_ops.lineage import TellsLineage
from airflow_provider_ops.links import OperationLink
from airflow_provider_ops.operation import Operation
from airflow_provider_ops.operators.fields import check_fields, own_arguments, rendered
from airflow_provider_ops.operators.run import Run
from airflow_provider_ops.retry_policy import retried_only_if_it_helps, use_by_default
from airflow_provider_ops.waiting.progress import Chapter

if TYPE_CHECKING:
    from airflow.sdk import Context

KillPolicy = Literal["cancel", "delete", "leave"]
TimeoutPolicy = Literal["leave", "cancel", "delete"]
FailurePolicy = Literal["leave", "delete"]


class OperationOperator(TellsLineage, BaseOperator):
    """Starts an operation, once, and waits for it.

    Returns ``{"operation_id", "resource_id", "state", "operation": {...}, "resource": {...} or None}``. Pushes
    ``operation_id``, ``resource_id`` and, where there is one, ``operation_url`` to XCom before it waits.

    A subclass for one call declares ``hook_class``, ``starts`` and an ``__init__`` with the request's fields, which
    it hands on as ``fields``.

    :param conn_id: Airflow connection; default ``<type>_default``. Templated, as are all fields of the request.
    :param wait_for_completion: whether to wait until the operation settles.
    :param deferrable: whether to wait in the triggerer, without a worker.
    :param poll_interval: seconds between looks; default is the API's own advice.
    :param timeout: seconds to wait; default per kind of resource. ``execution_timeout`` shortens it.
    :param durable: whether a retry joins what an earlier try of this task run has started.
    :param on_kill: what happens to the operation when a user marks the task failed or clears it:
        ``cancel`` where the API can, ``delete`` what was created, or ``leave`` it.
    :param on_timeout: the same for a passed deadline.
    :param on_failure: ``delete`` removes what a failed operation left behind before a retry submits again.
    """

    template_fields: Sequence[str] = ("conn_id",)
    operator_extra_links = (OperationLink(),)
    ui_color = "#d7e8f7"

    #: Hook of the API; a subclass sets it.
    hook_class: ClassVar[type[OperationsHook]]
    #: Builds what is submitted from the fields of the request, without I/O; a subclass sets it (as ``staticmethod``).
    starts: ClassVar[Callable[..., Submit]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Make every field of the request templated: all arguments that the subclass adds."""
        super().__init_subclass__(**kwargs)
        if "__init__" in vars(cls) and "template_fields" not in vars(cls):
            own = map(attribute, own_arguments(cls.__init__))
            cls.template_fields = (*OperationOperator.template_fields, *own)

    def __init__(
        self,
        *,
        fields: Mapping[str, Any] | None = None,
        conn_id: str | None = None,
        wait_for_completion: bool = True,
        deferrable: bool = True,
        poll_interval: float | None = None,
        timeout: float | None = None,
        durable: bool = True,
        on_kill: KillPolicy = "cancel",
        on_timeout: TimeoutPolicy = "leave",
        on_failure: FailurePolicy = "leave",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        use_by_default(self)
        check_seconds("poll_interval", poll_interval, above=0.0)
        check_seconds("timeout", timeout)
        check_choice("on_kill", on_kill, get_args(KillPolicy))
        check_choice("on_timeout", on_timeout, get_args(TimeoutPolicy))
        check_choice("on_failure", on_failure, get_args(FailurePolicy))
        self.conn_id = self._default_conn_id() if conn_id is None else conn_id
        self.wait_for_completion = wait_for_completion
        self.deferrable = deferrable
        self.poll_interval = poll_interval
        self.timeout = timeout
        self.durable = durable
        # BaseOperator.on_kill is a method, so the policies have names of their own
        self.kill_policy = on_kill
        self.timeout_policy = on_timeout
        self.failure_policy = on_failure
        #: What the extra link leads to; known on a worker only.
        self.remote_url: str | None = None
        self._fields = tuple(fields or ())
        for name, value in (fields or {}).items():
            setattr(self, attribute(name), value)
        if fields is not None:
            check_fields(type(self).starts, fields)
        self._run: Run | None = None
        self._hook: OperationsHook | None = None

    def _default_conn_id(self) -> str:
        return self.hook_class.default_conn_name

    def submit(self) -> Submit:
        """The call that starts the operation, built from the rendered fields. No I/O.

        :raises InvalidArgument: a field has a value that cannot work.
        """
        fields = {name: getattr(self, attribute(name)) for name in self._fields}
        return type(self).starts(**rendered(type(self).starts, fields))

    def arguments(self) -> Mapping[str, Any]:
        """Return what the user asks for, rendered; empty where that is the request itself."""
        return {name: getattr(self, attribute(name)) for name in self._fields}

    def kind(self) -> str:
        """The kind of the submitted operation, on a leg that knows nothing but its id."""
        return self.submit().kind

    def then(self, operation: Operation) -> str | None:  # noqa: ARG002
        """What to wait for after ``operation`` succeeded (an id or ``kind:id``), ``None`` when that was all."""
        return None

    @property
    def hook(self) -> OperationsHook:
        """The hook for ``conn_id``, made at the first use on a worker."""
        if self._hook is None:
            self._hook = self.make_hook()
        return self._hook

    def make_hook(self) -> OperationsHook:
        """A new hook for ``conn_id``."""
        return self.hook_class(conn_id=self.conn_id)

    def execute(self, context: Context) -> dict[str, Any]:
        """Submit or join, push the ids, then wait, deferred or here."""
        with retried_only_if_it_helps(self):
            return self._begin(context)

    def _begin(self, context: Context) -> dict[str, Any]:
        self._run = Run(self, context)
        return self._run.begin()

    def execute_complete(self, context: Context, event: Mapping[str, Any]) -> dict[str, Any]:
        """Go on when the trigger has fired."""
        self._run = Run(self, context)
        return self._run.go_on(event)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Resume, and let a dead trigger or a lost event lead to one more look instead of a failure."""
        with retried_only_if_it_helps(self):
            try:
                return super().resume_execution(next_method, next_kwargs, context)
            except (TaskDeferralTimeout, TaskDeferralError) as error:
                return self._look_again(context, f"{type(error).__name__}: {error}")

    def _look_again(self, context: Context, why: str) -> Any:
        self._run = Run(self, context)
        return self._run.look_again(why)

    def _chapters(self) -> Iterable[Chapter]:
        return self._run.chapters() if self._run is not None else ()

    def on_kill(self) -> None:
        """Carry out the kill policy; Airflow calls this when a running task is killed."""
        if self._run is not None:
            self._run.kill()


def attribute(name: str) -> str:
    """Where an operator keeps a field of its request: under its name, unless Airflow uses that for something else."""
    return f"{name}_" if hasattr(BaseOperator, name) else name


def check_choice(name: str, value: object, allowed: Sequence[str]) -> None:
    """Refuse a value that is not among ``allowed``.

    :raises InvalidArgument: names the argument and the allowed values.
    """
    if value not in allowed:
        msg = f"{name} {value!r} is not known: use {', '.join(map(repr, allowed))}"
        raise InvalidArgument(msg)
