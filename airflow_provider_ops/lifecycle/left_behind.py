"""Finds operations of earlier tries without a stored handle: Airflow 3.4 deletes it when a user clears the task."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from airflow_provider_ops.apis.submits import SubmitCall, Submitted
from airflow_provider_ops.apis.terminate import PATIENT, terminate
from airflow_provider_ops.core.clear_or_retry import Cause, cause_without_handle
from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.exceptions import AmbiguousSubmission
from airflow_provider_ops.hooks.base import OperationsHook
from airflow_provider_ops.lifecycle.submit_identity import SubmitIdentity
from airflow_provider_ops.operation import OperationState

Log = Callable[[str], None]

_SPENT = (OperationState.FAILED, OperationState.CANCELLED)


class PreviousOperation:
    """Search by the prefix of the task run's keys, and treat what is found as the kill policy says."""

    def __init__(
        self, hook: OperationsHook, submit: SubmitCall, identity: SubmitIdentity, *, log: Log, warn: Log
    ) -> None:
        self._hook = hook
        self._api = hook.api
        self._submit = submit
        self._identity = identity
        self._log = log
        self._warn = warn

    def adopt(self) -> Submitted | None:
        """Return the operation to continue with; ``None`` when a new one may be submitted.

        :raises AmbiguousSubmission: several may be the one to continue with.
        :raises OpsError: the search failed, so nothing may be submitted yet.
        """
        flow = self._api.find_owned(self._submit, self._identity.resembles)
        if flow is None:
            self._log(
                "no earlier try has stored a submit, so none was sent, unless a clear has discarded what was stored; "
                f"{self._api.title} cannot be searched for it"
            )
            return None
        found = self._hook.run(flow)
        mine = [one for one in found if self._identity.owns(one.key or "")]
        for one in found:
            if one not in mine:
                # it must not be ended or adopted by guess: a task of another Airflow may wait for it
                self._warn(
                    f"{_name(one)} has the ids of this task run, but another Airflow or release made it, or this one "
                    "before the run began again with a changed DAG: it is left alone"
                )
        if cause_without_handle(self._identity.attempt) is Cause.CLEARED:
            return self._after_a_clear(mine)
        return self._only([one for one in mine if _state(one) not in _SPENT])

    def _after_a_clear(self, mine: Sequence[Submitted]) -> Submitted | None:
        running = [one for one in mine if not _state(one).is_terminal]
        for one in mine:
            if one not in running:
                self._log(
                    f"{_name(one)} was made before the task was cleared, and stays as it is; "
                    "`airflow operations sweep` lists what it made, unless that was deleted since"
                )
        if not self._identity.kill_policy_terminates:
            return self._only(running)
        for one in running:
            ended = self._hook.run(terminate(self._api, self._handle(one), self._identity.kill_policy, within=PATIENT))
            self._log(f"the task was cleared, and clearing ends its operation: {ended.text}")
        return None

    def _only(self, candidates: Sequence[Submitted]) -> Submitted | None:
        if len(candidates) > 1:
            names = [_name(one).rstrip(",") for one in candidates]
            raise AmbiguousSubmission(
                f"nothing is stored of what earlier tries of this task run have started, and {self._api.title} has "
                f"several operations of it: {', '.join(names)}. Nothing was submitted. Remove what is not wanted, then "
                "clear this task.",
                names,
            )
        for one in candidates:
            self._warn(
                f"nothing is stored of earlier tries, but {self._api.title} has {_name(one)} of this task run: "
                "continuing with it, nothing is submitted. If you cleared the task to get a new one, clear it again"
            )
            return one
        return None

    def _handle(self, one: Submitted) -> Handle:
        return Handle.placeholder(
            one.kind,
            api=self._api.name,
            operation_id=one.operation_id,
            resource_type=one.resource_type,
            resource_id=one.resource_id,
            operation_url=one.operation_url,
        )


def _state(one: Submitted) -> OperationState:
    return one.operation.state if one.operation else OperationState.UNKNOWN


def _name(one: Submitted) -> str:
    what = f" ({one.resource_type} {one.resource_id})" if one.resource_id else ""
    return f"operation {one.operation_id}{what}, {_state(one)},"
