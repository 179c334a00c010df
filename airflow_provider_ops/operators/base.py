"""The one operator behind all others: submit once, wait without a worker, finish with the resource."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, get_args

from airflow.sdk import BaseOperator
from typing_extensions import Unpack

from airflow_provider_ops._compat import TaskDeferralError, TaskDeferralTimeout
from airflow_provider_ops.apis.submits import SubmitCall
from airflow_provider_ops.core.arguments import Seconds, check_choice, check_seconds
from airflow_provider_ops.core.gate import line_log_of
from airflow_provider_ops.core.operation_history import OperationHistory
from airflow_provider_ops.core.values import lasting
from airflow_provider_ops.hooks.base import OperationsHook
from airflow_provider_ops.lifecycle.attempt import TaskAttempt
from airflow_provider_ops.lifecycle.attempt_record import KillSwitch
from airflow_provider_ops.lifecycle.failed_start import failed_start_recorded
from airflow_provider_ops.lifecycle.options import AttemptOptions
from airflow_provider_ops.lineage import LineageMixin
from airflow_provider_ops.links import OperationLink
from airflow_provider_ops.operation import Operation
from airflow_provider_ops.operators.arguments import (
    AirflowArguments,
    FailurePolicy,
    KillPolicy,
    OperatorArguments,
    Templated,
    TimeoutPolicy,
)
from airflow_provider_ops.operators.describing import parameters_of, with_all_arguments
from airflow_provider_ops.operators.fields import (
    annotations_of,
    arguments_of,
    check_each,
    check_fields,
    given,
    hints_of,
    own_arguments,
)
from airflow_provider_ops.operators.fitting import Stage, check_declared
from airflow_provider_ops.operators.mapping import CheckedMapping, is_mapped
from airflow_provider_ops.operators.rendering import DeclaredTemplates
from airflow_provider_ops.retry_policy import (
    enforce_retry_policy,
    fails_at_once,
    set_default_retry_policy,
    starts_nothing,
)
from airflow_provider_ops.triggers.operation import OperationTrigger

if TYPE_CHECKING:
    from airflow.sdk import Context

#: Text is no flag: 'False' would count as true. None counts as false.
_FLAGS: Sequence[object] = (True, False, None)
_CHOICES: Mapping[str, Sequence[object]] = {
    **dict.fromkeys(("wait_for_completion", "deferrable", "durable"), _FLAGS),
    "on_kill": (*get_args(KillPolicy), None),
    "on_timeout": get_args(TimeoutPolicy),
    "on_failure": get_args(FailurePolicy),
}


class OperationOperator(DeclaredTemplates, LineageMixin, CheckedMapping):
    """Start an operation, once, and wait for it.

    Returns ``{"operation_id", "resource_id", "state", "operation": {...}, "resource": {...} or None}``. Pushes
    ``operation_id``, ``resource_id`` and, where there is one, ``operation_url`` to XCom before it waits.

    A subclass for one call declares ``hook_class``, ``build_request`` and an ``__init__`` with the fields of the
    request, under :func:`~airflow_provider_ops.operators.declared.request_fields`, or one that hands them on as
    ``fields``.

    :param conn_id: Airflow connection; default ``<type>_default``. Templated, as are all fields of the request.
    :param wait_for_completion: whether to wait until the operation settles.
    :param deferrable: whether to wait in the triggerer, without a worker.
    :param operation_id: an operation that exists: the task adopts it and submits nothing.
    :param poll_interval: seconds or a ``timedelta`` between two polls; default is the API's own advice.
    :param timeout: seconds or a ``timedelta`` to wait; default per kind of resource. ``execution_timeout`` shortens it.
    :param durable: whether a retry adopts what an earlier try of this task run has started.
    :param on_kill: what happens to the operation when a user marks the task failed or clears it: ``cancel``,
        ``delete`` what was created, or ``leave``; default is to cancel where the API can.
    :param on_timeout: the same for a passed deadline; default is ``leave``.
    :param on_failure: ``delete`` removes what a failed operation left behind before a retry submits again.
    """

    template_fields: Sequence[str] = ("conn_id", "operation_id")
    _declared_types: ClassVar[Mapping[str, Any]] = {"conn_id": str | None, "operation_id": str | None}
    operator_extra_links = (OperationLink(),)
    ui_color = "#d7e8f7"

    #: Hook of the API; a subclass sets it.
    hook_class: ClassVar[type[OperationsHook]]
    #: Builds what is submitted from the fields of the request, without I/O; a subclass sets it (as ``staticmethod``).
    build_request: ClassVar[Callable[..., SubmitCall]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Make every field of the request templated, where the subclass declares a call of its own."""
        super().__init_subclass__(**kwargs)
        if vars(cls).get("__doc__"):
            cls.__doc__ = with_all_arguments(cls.__doc__, _DESCRIBED, OperatorArguments.__annotations__)
        if "build_request" in vars(cls) and "template_fields" not in vars(cls):
            own = [name for name in arguments_of(cls.__init__) if name in annotations_of(cls.build_request)]
            cls.template_fields = tuple(dict.fromkeys((*cls.template_fields, *map(attribute, own))))

    def __init__(
        self,
        *,
        fields: Mapping[str, Any] | None = None,
        conn_id: Templated[str] | None = None,
        operation_id: Templated[str] | None = None,
        wait_for_completion: bool = True,
        deferrable: bool = True,
        poll_interval: Seconds | None = None,
        timeout: Seconds | None = None,
        durable: bool = True,
        on_kill: KillPolicy | None = None,
        on_timeout: TimeoutPolicy = "leave",
        on_failure: FailurePolicy = "leave",
        **kwargs: Unpack[AirflowArguments],
    ) -> None:
        super().__init__(**kwargs)
        set_default_retry_policy(self, self.default_retry_policy)
        fields = None if fields is None else {name: lasting(value) for name, value in fields.items()}
        self.wait_for_completion = wait_for_completion
        self.deferrable = deferrable
        self.durable = durable
        with enforce_retry_policy(self):
            self.poll_interval = check_seconds("poll_interval", poll_interval, above=0.0)
            self.timeout = check_seconds("timeout", timeout)
            flags = {"wait_for_completion": wait_for_completion, "deferrable": deferrable, "durable": durable}
            policies = {"on_kill": on_kill, "on_timeout": on_timeout, "on_failure": on_failure}
            self.check_arguments({"conn_id": conn_id, "operation_id": operation_id, **flags, **policies})
            if fields is not None:
                check_fields(type(self).build_request, fields, Stage.MAPPED if is_mapped(self) else Stage.PARSED)
        self.conn_id: Any = self._default_conn_id() if conn_id is None else conn_id
        self.operation_id = operation_id
        self._not_given = [
            name for name, value in (("conn_id", conn_id), ("operation_id", operation_id)) if value is None
        ]
        self.on_kill_argument = on_kill
        self.timeout_policy = on_timeout
        self.failure_policy = on_failure
        #: What the extra link leads to; known on a worker only.
        self.remote_url: str | None = None
        self._set_fields(fields or {})
        self._attempt: TaskAttempt | None = None
        #: Thrown when this process is asked to stop; made before anything else, so that no kill is lost.
        self.kill_switch = KillSwitch()
        self._hook: OperationsHook | None = None

    def _set_fields(self, fields: Mapping[str, Any]) -> None:
        self._fields = tuple(fields)
        for name, value in fields.items():
            setattr(self, attribute(name), value)
        # a subclass may pass more fields than it takes as arguments, and may leave out fields that its parent takes
        names = tuple(dict.fromkeys((*self.template_fields, *map(attribute, fields))))
        if names != self.template_fields:
            self.template_fields = names
        for name in names:
            if not hasattr(self, name):
                setattr(self, name, None)

    @classmethod
    def check_arguments(cls, arguments: Mapping[str, Any]) -> None:
        """Refuse arguments that cannot work, each by itself and as far as it is known; without I/O.

        :raises InvalidArgument: names the argument and what is allowed.
        """
        check_seconds("poll_interval", arguments.get("poll_interval"), above=0.0)
        check_seconds("timeout", arguments.get("timeout"))
        check_declared(cls._declared_types, arguments)
        for name, choices in _CHOICES.items():
            if name in arguments:
                check_choice(name, arguments[name], choices)
        for build_request, names in cls._request_arguments():
            check_each(build_request, {name: arguments[name] for name in names if name in arguments})

    @classmethod
    def _request_arguments(cls) -> Iterator[tuple[Callable[..., SubmitCall], set[str]]]:
        """Yield the calls that the class and its parents declare, with the arguments that go into each unchanged."""
        taken: set[str] = set()
        for parent in cls.__mro__:
            own = own_arguments(parent) - taken
            if "build_request" in vars(parent):
                yield parent.build_request, own & cls._hands_on(parent)  # type: ignore[attr-defined]
            taken |= own

    @classmethod
    def _hands_on(cls, parent: type) -> set[str]:
        """Return the arguments that a class takes as fields of the request that it declares."""
        return set(annotations_of(parent.build_request)) if "build_request" in vars(parent) else set()  # type: ignore[attr-defined]

    @property
    def kill_policy(self) -> KillPolicy:
        """Return what happens to the operation when the task is killed; by default what the API can do."""
        # BaseOperator.on_kill is a method, so the policies have names of their own
        return self.on_kill_argument or ("cancel" if self.hook.api.can_cancel else "leave")

    def _default_conn_id(self) -> str:
        return self.hook_class.default_conn_name

    def submit(self) -> SubmitCall:
        """Return the call that starts the operation, built from the rendered fields. No I/O.

        :raises InvalidArgument: a field has a value that cannot work.
        """
        build_request = type(self).build_request
        return build_request(
            **given(build_request, {name: self.rendered_field(attribute(name)) for name in self._fields})
        )

    def declared(self, name: str) -> Any:
        """Return the type of a template field."""
        fields = {attribute(field): field for field in self._fields}
        if name not in fields:
            return super().declared(name)
        return hints_of(type(self).build_request).get(fields[name], Any)

    def arguments(self) -> Mapping[str, Any]:
        """Return what the user asks for, rendered; empty where that is the request itself."""
        return {name: getattr(self, attribute(name)) for name in self._fields}

    def kind(self) -> str:
        """Return the kind of the submitted operation, on a leg that knows nothing but its id."""
        return self.submit().kind

    def next_operation(self, operation: Operation) -> str | None:  # noqa: ARG002
        """Return what to wait for after ``operation`` succeeded (an id or ``kind:id``), ``None`` when that was all."""
        return None

    @property
    def hook(self) -> OperationsHook:
        """Return the hook for ``conn_id``, made at the first use on a worker."""
        if self._hook is None:
            self.conn_id = self.rendered_field("conn_id")
            self._hook = self.make_hook()
        return self._hook

    def make_hook(self) -> OperationsHook:
        """Return a new hook for ``conn_id``."""
        return self.hook_class(conn_id=self.conn_id)

    def execute(self, context: Context) -> dict[str, Any]:
        """Submit or adopt, push the ids, then wait, deferred or here."""
        with failed_start_recorded(self, context), enforce_retry_policy(self):
            adopted = self.rendered_field("operation_id")
            return self._begin(context) if adopted is None else self._new_attempt(context).adopt(adopted)

    def _new_attempt(self, context: Context) -> TaskAttempt:
        """Return the attempt of this leg, to which a kill applies from now on."""
        if self.operation_id is not None:
            starts_nothing(self)
        self._attempt = TaskAttempt(self._attempt_options(), self.hook, context)
        return self._attempt

    def _attempt_options(self) -> AttemptOptions:
        return AttemptOptions(
            submit=self.submit,
            arguments=self.arguments,
            kind=self.kind,
            next_operation=self.next_operation,
            fails_at_once=partial(fails_at_once, self),
            show_link=self._show_link,
            kill_switch=self.kill_switch,
            log=line_log_of(self),
            defer=self.defer,
            make_trigger=OperationTrigger,
            deferrable=self.deferrable,
            poll_interval=self.poll_interval,
            wait_for_completion=self.wait_for_completion,
            durable=self.durable,
            timeout=self.timeout,
            execution_timeout=self.execution_timeout,
            retries=self.retries or 0,
            on_kill=self.on_kill_argument,
            kill_policy=self.kill_policy,
            timeout_policy=self.timeout_policy,
            failure_policy=self.failure_policy,
        )

    def _show_link(self, link: str | None) -> None:
        self.remote_url = link

    def _begin(self, context: Context) -> dict[str, Any]:
        return self._new_attempt(context).start()

    def execute_complete(self, context: Context, event: Mapping[str, Any]) -> dict[str, Any]:
        """Continue after the trigger has fired."""
        return self._new_attempt(context).resume(event)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Resume, and after a dead trigger or a lost event check the operation once more instead of failing."""
        with enforce_retry_policy(self):
            try:
                return super().resume_execution(next_method, next_kwargs, context)
            except (TaskDeferralTimeout, TaskDeferralError) as error:
                return self._recheck(context, f"{type(error).__name__}: {error}")

    def _recheck(self, context: Context, why: str) -> Any:
        return self._new_attempt(context).recheck(why)

    def _histories(self) -> Iterable[OperationHistory]:
        return self._attempt.histories if self._attempt is not None else ()

    def on_kill(self) -> None:
        """Start the kill policy; Airflow calls this from a signal handler when a running task is killed.

        It sets a flag, wakes the main path, which carries the policy out, and returns. A second call does nothing.
        """
        if self.kill_switch.throw() and self._attempt is not None:
            self._attempt.kill()


_DESCRIBED = parameters_of(OperationOperator.__doc__)
OperationOperator.__doc__ = with_all_arguments(OperationOperator.__doc__, {}, OperatorArguments.__annotations__)


def attribute(name: str) -> str:
    """Return the attribute of a field of the request: its name, unless Airflow uses that for something else."""
    return f"{name}_" if hasattr(BaseOperator, name) else name
