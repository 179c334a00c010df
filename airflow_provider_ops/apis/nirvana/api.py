"""Nirvana as an :class:`~airflow_provider_ops.apis.base.Api`: its facts, and the conversations around its calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from airflow_provider_ops.apis.base import Api, table
from airflow_provider_ops.apis.calls import Call, Flow, Request, Response, check_path
from airflow_provider_ops.apis.existing import existing, has_status
from airflow_provider_ops.apis.nirvana import platform
from airflow_provider_ops.apis.nirvana.owned import list_owned
from airflow_provider_ops.apis.nirvana.reconcile import PLACES, Place, deleting, find, find_owned, locate, read_at
from airflow_provider_ops.apis.nirvana.schemas import NAME, operation_of, starting, words
from airflow_provider_ops.apis.nirvana.starts import in_project, recognise, submit_of, submitted, tagged
from airflow_provider_ops.apis.operation_lists import OperationList
from airflow_provider_ops.apis.submits import Intent, OwnedResources, SubmitCall, Submitted, generic_submit
from airflow_provider_ops.apis.wire_models import ErrorBody, read_error
from airflow_provider_ops.core.poll_interval import PollPolicy
from airflow_provider_ops.exceptions import Conflict, NotFound, OpsError, reworded
from airflow_provider_ops.operation import Operation, OperationError, OperationState

_MINUTE = 60.0
_CONFLICT = 409


class Nirvana(Api):
    """Nirvana Labs: VMs, volumes, VPCs, Kubernetes."""

    name = NAME
    title = "Nirvana"
    base_url = "https://api.nirvanalabs.io"
    # official tools: 10 min for all, clusters 30 min (raised once already), nodes 15 min; a slow day takes longer
    timeouts = table({"": 15 * _MINUTE, "nks_cluster": 45 * _MINUTE, "nks_node": 30 * _MINUTE})
    # Terraform: 1 s, half a second more each time, at most 10 s; Karpenter: every 5 s for nodes
    polls = table({"": PollPolicy(first=1.0, factor=1.3, cap=10.0)})
    extras = ("project_id",)
    lists_operations = True

    def authenticate(self, key: str) -> Mapping[str, str]:
        """Return ``Authorization: Bearer`` [Nirvana: section 1]."""
        return {"Authorization": f"Bearer {key}"}

    def error(self, response: Response) -> ErrorBody:
        """Read the ``message`` that the official client shows; no schema is published [Nirvana: section 6]."""
        return read_error(response, _code_and_message)

    def check(self) -> Call[str]:
        """``GET /v1/user``: it needs no permission that a key may lack; what it shows is not documented."""
        return Call(platform.get_user().request, _who)

    def apply_connection_defaults(self, request: Request, extras: Mapping[str, Any]) -> Request:
        """Add the connection's project where a call needs one and names none."""
        return in_project(request, extras)

    def get_operation(self, operation_id: str) -> Call[Operation]:
        """``GET /v1/operations/{operation_id}``."""
        return platform.get_operation(operation_id)

    # typed filters instead of **filters
    list_operations = staticmethod(platform.list_operations)  # type: ignore[assignment]

    def open_operations(self) -> Sequence[OperationList]:
        """Return the lists in the order of an operation's states, so that one that moves on is seen twice, not missed.

        Only those of the connection's project; others are read one by one.
        """
        return tuple(platform.looked_at_together(status=status) for status in ("pending", "running", "unknown"))

    def recent_operations(self) -> Sequence[OperationList]:
        """Return the list of operations that changed last."""
        sort = "updated_at:desc"
        return tuple(platform.looked_at_together(status=status, sort=sort) for status in ("done", "failed"))

    def with_idempotency_key(self, submit: SubmitCall, key: str) -> SubmitCall:
        """Put our tag beside the user's, on everything that is created."""
        return tagged(submit, key)

    def is_busy(self, error: OpsError, submit: SubmitCall | None = None) -> bool:  # noqa: ARG002
        """Return whether it is a 409: another operation is active, and nothing was started [Nirvana: section 6]."""
        return isinstance(error, Conflict) and error.status == _CONFLICT

    def submit_flow(self, submit: SubmitCall) -> Flow[Submitted]:
        """Send it; a delete that is refused because the same delete is under way adopts that one."""
        try:
            answer: Submitted = yield submit
        except Conflict as refusal:
            try:
                going_on = yield from deleting(submit.request)
            except OpsError:
                raise refusal from None
            if going_on is None:
                raise
            return going_on
        return answer

    def find_submitted(self, intent: Intent) -> Flow[list[Submitted]] | None:
        """Search by our tag for a create, by resource and kind since the submit for all else."""
        return find(intent)

    def find_owned(self, submit: SubmitCall, is_ours: Callable[[str], bool]) -> Flow[list[Submitted]] | None:
        """Search by our tags, in the list of what it creates."""
        return find_owned(submit, is_ours)

    def list_owned(self) -> Flow[OwnedResources]:
        """List by our tag, in the connection's project."""
        return list_owned()

    def request(
        self, method: str, path: str, *, json: Any = None, query: Mapping[str, Any] | None = None
    ) -> SubmitCall:
        """Recognise all calls of section 4."""
        method = method.upper()
        route = recognise(method, path)
        if route is None or query:
            return generic_submit(method, path, json=json, query=query)
        check_path(method, path)
        return submit_of(Call(Request(method, path, route, json=json), operation_of))

    def read_resource(self, operation: Operation) -> Flow[Mapping[str, Any] | None]:
        """Return the resource of an operation; ``None`` after a delete, and for types that are not known."""
        if operation.kind.endswith(".delete") or operation.resource_type not in PLACES or not operation.resource_id:
            return None
        found = yield from _read(operation)
        if found is None:
            status = 404
            gone = f"there is no {operation.resource_type} {operation.resource_id}"
            raise reworded(NotFound(status, None, gone), gone)
        return found

    def shows_created(self, kind: str, fields: Mapping[str, Any] | None) -> bool:
        """Return whether it carries our tag, which all that is created does."""
        return self.creates(kind) and not (fields or {}).get("project_id")

    def find_resource(self, resource_type: str, resource_id: str) -> Flow[Mapping[str, Any] | None] | None:
        """Read it at its path; lists show what it is inside of."""
        place = PLACES.get(resource_type)
        return None if place is None else existing(_read_by_id(place, resource_id))

    def explain_failure(self, operation: Operation) -> Flow[Operation]:
        """Add the status of the resource and what was to change: a failed operation gives no reason."""
        if operation.state is not OperationState.FAILED:
            return operation
        details = dict(operation.error.details) if operation.error else {}
        found = yield from _read(operation)
        status = found.get("status") if found else None
        what = operation.resource_type or "resource"
        parts = [
            "Nirvana gives no reason",
            f"the {what} cannot be read" if found is None else f"the {what} is in status {status!r}",
        ]
        if changes := words(details.get("changes") or {}):
            parts.append(f"it was to change {changes}")
        if found is not None:
            details["status"] = status
        return replace(operation, error=OperationError("; ".join(parts), details=details))

    def delete_resource(self, resource_type: str, resource_id: str) -> Flow[Submitted | None] | None:
        """Start deleting anything that Nirvana deletes by a call of its own."""
        if resource_type not in PLACES or resource_type == "nks_load_balancer":
            return None
        return _delete(resource_type, resource_id)

    def shows_deletion(self, resource_type: str, resource_id: str) -> Flow[bool] | None:
        """Read whether its status is ``deleting``."""
        place = PLACES.get(resource_type)
        return None if place is None else has_status(_read_by_id(place, resource_id), "deleting")


def _read(operation: Operation) -> Flow[Mapping[str, Any] | None]:
    place = PLACES.get(operation.resource_type or "")
    if place is None or not operation.resource_id:
        return None
    ids = yield from locate(place, operation.resource_id, operation)
    return None if ids is None else (yield from read_at(place, ids))


def _read_by_id(place: Place, resource_id: str) -> Flow[Mapping[str, Any] | None]:
    ids = yield from locate(place, resource_id)
    return None if ids is None else (yield from read_at(place, ids))


def _delete(resource_type: str, resource_id: str) -> Flow[Submitted | None]:
    place = PLACES[resource_type]
    ids = yield from locate(place, resource_id)
    if ids is None:
        status = 404
        gone = f"no {place.holder} of the project has {resource_type} {resource_id}"
        raise reworded(NotFound(status, None, gone), gone)
    call = starting("DELETE", place.route, None, **ids)
    answer: Submitted = yield Call(call.request, submitted)
    return answer


def _code_and_message(body: Any) -> tuple[Any, Any]:
    error = body.get("error")
    inner = error if isinstance(error, dict) else body
    message = inner.get("message") or body.get("detail") or (error if isinstance(error, str) else None)
    return inner.get("code") or body.get("code"), message


def _who(response: Response) -> str:
    body = response.json()
    names = (body.get(name) for name in ("email", "name", "id")) if isinstance(body, dict) else ()
    who = next((name for name in names if isinstance(name, str) and name), None)
    return f"user {who}" if who else "the user of the key"
