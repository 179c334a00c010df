"""Mapped tasks: checked when the DAG is parsed, and with the retry policy of all others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk.bases.operator import BaseOperator
from airflow.sdk.definitions.mappedoperator import MappedOperator, OperatorPartial

from airflow_provider_ops._compat import ASKS_RETRY_POLICY
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
        self.operator_class.check_arguments(arguments)  # type: ignore[attr-defined]


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
    def partial(cls, *, task_id: str, **kwargs: Any) -> OperatorPartial:
        """Set the arguments that all mapped tasks share.

        :raises InvalidArgument: one of them cannot work.
        """
        cls.check_arguments(kwargs)
        made = super().partial(task_id=task_id, **kwargs)
        checked = CheckedPartial(operator_class=cls, kwargs=made.kwargs, params=made.params)
        # this one is never expanded, and Airflow would warn about it
        made._expand_called = True  # noqa: SLF001
        try:
            cls.check_arguments(_defaults(made.kwargs, kwargs.get("default_args")))
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
