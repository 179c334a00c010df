"""The errors that say why nothing is submitted."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_provider_ops.apis.base import Api
from airflow_provider_ops.apis.submits import NamesNoOperation, SubmitCall, Submitted
from airflow_provider_ops.apis.whole_lists import IncompleteList
from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.core.submit_decision import Action, Decision
from airflow_provider_ops.core.wording import utc
from airflow_provider_ops.exceptions import (
    AmbiguousSubmission,
    ApiError,
    DifferentRequest,
    OperationLost,
    OpsError,
    reworded,
)


def refusal(decision: Decision, found: Handle) -> OpsError:
    """Return the error for a request that must not be submitted now."""
    operation_id = found.operation_id
    if decision.action is Action.REFUSE_DIFFERENT:
        what_now = (
            "Wait until it settles, or end it" if operation_id else "Search for what it started, end what is not wanted"
        )
        return DifferentRequest(f"{decision.why}; nothing was submitted. {what_now}, then clear this task.")
    resource = f" Search for {found.resource_type} {found.resource_id}." if found.resource_id else ""
    return OperationLost(
        f"operation {operation_id}, which this task run submitted, is not known any more; nothing new was submitted."
        f"{resource} Clear this task to submit again."
    )


def ambiguous(
    api: Api,
    submit: SubmitCall,
    handle: Handle,
    matches: Sequence[Submitted],
    refusal: ApiError | None = None,
    *,
    conn_id: str,
) -> AmbiguousSubmission:
    """Return the error for a submit whose outcome cannot be known.

    :param matches: operations that it may have started; empty where the API has no way to find out.
    :param refusal: how the API refused the request when it was sent again, where nothing was found after that.
    """
    candidates = [str(match) for match in matches]
    what = f"{submit.request} sent at {utc(handle.submitted_at)}"
    has_mark = api.with_idempotency_key(submit, handle.key).request != submit.request
    marked = f" marked {handle.key!r}" if has_mark else ""
    if candidates:
        seen = f"several operations may have come of it: {', '.join(candidates)}"
    elif refusal is not None:
        seen = f"nothing that it started is found, though {api.title} refuses to carry it out again ({refusal.what})"
    else:
        seen = f"{api.title} offers no way to find out"
    listed = f" (`airflow operations list --conn-id {conn_id}` shows operations)" if api.lists_operations else ""
    return AmbiguousSubmission(
        f"the outcome of {what} is unknown and {seen}. Nothing was submitted again. Search for {api.title} "
        f"objects made at that time{marked}{listed}. If one is what this task is to have, pass the id of its operation "
        "as operation_id; remove what is not wanted, then clear this task. A retry stops here again.",
        candidates,
    )


def no_search(api: Api) -> str:
    """Return, for the log, that nothing shows what a request has started."""
    return f"{api.title} cannot be searched for what it started"


def search_failed(submit: SubmitCall, handle: Handle, error: OpsError) -> OpsError:
    """Return the error for a search that failed: what may exist is not forgotten for that.

    :param error: why it failed; it stays what it is, so that a retry is decided by it.
    """
    what = f"the outcome of {submit.request} sent at {utc(handle.submitted_at)} is unknown"
    text = f"{what}, since the search for what it started (key {handle.key!r}) failed: {error.what}"
    again = "A retry or a clear searches again before it sends anything."
    if isinstance(error, IncompleteList):
        again += " Or search for what it started yourself, and pass the id of its operation as operation_id."
    advice = f"{error.advice} {again}".strip()
    return reworded(error, text, advice=advice)


def with_cause(api: Api, error: AmbiguousSubmission, cause: OpsError) -> AmbiguousSubmission:
    """Return the error with what must be mended first, where the request was carried out and only the spec is wrong.

    :param cause: why the outcome of the submit was not known.
    """
    if api.spec_hash is None or not isinstance(cause, NamesNoOperation):
        return error
    first = "Mend the spec before you clear this task: clearing it now creates another."
    return reworded(error, f"{cause.what.rstrip('.')}. {first} {error.what}")
