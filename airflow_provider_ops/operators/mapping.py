"""Mapped tasks: checked when the DAG is parsed, and with the retry policy of all others."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk.bases.operator import BaseOperator
from airflow.sdk.definitions.mappedoperator import MappedOperator, OperatorPartial

from airflow_provider_ops._compat import ASKS_RETRY_POLICY
from airflow_provider_ops.operators.fields import own_arguments
from airflow_provider_ops.operators.fitting import NEVER_LEFT_OUT, gave_none
from airflow_provider_ops.retry_policy import OperationRetryPolicy

if TYPE_CHECKING:
    from airflow.sdk.definitions.xcom_arg import PlainXComArg


class CheckedPartial(OperatorPartial):
    """A ``partial()`` that also checks the values it is expanded over, as far as they are known."""

    def expand(self, **mapped_kwargs: Any) -> MappedOperator:
        """Map over the values of each argument."""
        # otherwise Airflow adds a warning to the error
        self._expand_called = True
        for name, values in mapped_kwargs.items():
            for value in values if isinstance(values, (list, tuple)) else ():
                self._check({name: value})
        return super().expand(**mapped_kwargs)

    def expand_kwargs(self, kwargs: Any, *, strict: bool = True) -> MappedOperator:
        """Map over sets of arguments."""
        self._expand_called = True
        for arguments in kwargs if isinstance(kwargs, (list, tuple)) else ():
            if isinstance(arguments, Mapping):
                self._check(arguments)
        return super().expand_kwargs(kwargs, strict=strict)

    def _check(self, arguments: Mapping[str, Any]) -> None:
        known = self.operator_class.check_mapped(arguments)  # type: ignore[attr-defined]
        for name in NEVER_LEFT_OUT:
            if name in known and known[name] is None:
                raise gave_none(name)


class CheckedMapping(BaseOperator):
    """A task whose ``partial()`` refuses what its constructor would refuse."""

    #: Used where neither the task nor ``default_args`` names a policy.
    default_retry_policy = OperationRetryPolicy()

    if TYPE_CHECKING:
        # Airflow declares a wider type, of which checkers know no `output["resource_id"]`
        @property
        def output(self) -> PlainXComArg: ...  # noqa: D102

    @classmethod
    def check_arguments(cls, arguments: Mapping[str, Any]) -> None:
        """Refuse arguments that cannot work, each by itself and as far as it is known; without I/O.

        :raises InvalidArgument: names the argument and what is allowed.
        """

    @classmethod
    def check_mapped(cls, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Do as :meth:`check_arguments` with what goes there unchanged, and return that.

        :raises InvalidArgument: names the argument and what is allowed.
        """
        redefined = cls._redefined()
        known = {name: value for name, value in arguments.items() if name not in redefined}
        cls.check_arguments(known)
        return known

    @classmethod
    def _redefined(cls) -> set[str]:
        """Return the arguments that a subclass takes itself, and may mean otherwise than the class that checks them."""
        found: set[str] = set()
        taken: set[str] = set()
        for parent in cls.__mro__:
            if "check_arguments" in vars(parent):
                break
            own = own_arguments(parent) - taken
            found |= own - cls._hands_on(parent)
            taken |= own
        return found

    @classmethod
    def _hands_on(cls, parent: type) -> set[str]:  # noqa: ARG003
        """Return the arguments that a class takes and means as :meth:`check_arguments` does."""
        return set()

    @classmethod
    def partial(cls, *, task_id: str, **kwargs: Any) -> OperatorPartial:
        """Set the arguments that all mapped tasks share.

        :raises InvalidArgument: one of them cannot work.
        """
        cls.check_mapped(kwargs)
        made = super().partial(task_id=task_id, **kwargs)
        checked = CheckedPartial(operator_class=cls, kwargs=made.kwargs, params=made.params)
        # this one is never expanded, and Airflow would warn about it
        made._expand_called = True  # noqa: SLF001
        try:
            cls.check_mapped(_defaults(made.kwargs, kwargs.get("default_args")))
        except Exception:
            checked._expand_called = True  # noqa: SLF001
            raise
        # an error while a mapped task is made from its arguments is judged by the policy that stands here
        if ASKS_RETRY_POLICY and made.kwargs.get("retry_policy") is None:
            made.kwargs["retry_policy"] = cls.default_retry_policy
        return checked


def _defaults(kwargs: Mapping[str, Any], own: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the default arguments that a mapped task gets when it is made, those that it overrides left out."""
    holders = (kwargs["dag"], kwargs["task_group"])
    found: dict[str, Any] = {}
    for holder in holders:
        found |= (holder.default_args or {}) if holder is not None else {}
    return {name: value for name, value in {**found, **(own or {})}.items() if name not in kwargs}


def is_mapped(task: BaseOperator) -> bool:
    """Return whether a mapped task was made from its arguments, which are known by then."""
    return bool(getattr(task, "_BaseOperator__from_mapped", False))


def names_mapped_over(task: Any, names: Collection[str], context: Any) -> set[str]:
    """Return those of ``names`` that a mapped task was given by what it is mapped over."""
    mapped = task.dag.task_dict.get(task.task_id) if is_mapped(task) and task.has_dag() else None
    if not isinstance(mapped, MappedOperator) or not names:
        return set()
    over: Any = mapped._get_specified_expand_input().value  # noqa: SLF001
    if not isinstance(over, Mapping):
        if not any(name in task._BaseOperator__init_kwargs for name in names):  # noqa: SLF001
            # spares reading the result of the other task once more
            return set()
        over, _ = mapped._expand_mapped_kwargs(context)  # noqa: SLF001
    return {name for name in names if name in over}
