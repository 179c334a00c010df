"""The facts of LakeSail, and what can be found out after a lost answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_ops.apis.base import Api, table
from airflow_provider_ops.apis.calls import Call, Flow, Paged, Request, Response, path, split_reference
from airflow_provider_ops.apis.existing import existing
from airflow_provider_ops.apis.lakesail import infrastructure, workloads
from airflow_provider_ops.apis.lakesail.operations import NAME, submitted, to_operation, word
from airflow_provider_ops.apis.lakesail.schemas import LakeSailOperation
from airflow_provider_ops.apis.lakesail.shapes import body_of, by_marker, by_number, objects
from airflow_provider_ops.apis.submits import Intent, SubmitCall, Submitted, generic_submit
from airflow_provider_ops.apis.whole_lists import all_items
from airflow_provider_ops.apis.window import Window
from airflow_provider_ops.apis.wire_models import ErrorBody, read, read_error
from airflow_provider_ops.core.poll_interval import PollPolicy
from airflow_provider_ops.exceptions import NotFound
from airflow_provider_ops.operation import Operation

#: Calls with a typed builder, for ``OperationRequestOperator``.
_KNOWN: tuple[tuple[str, str, Callable[..., SubmitCall]], ...] = (
    ("POST", r"/workloads/sessions", workloads.create_session),
    ("DELETE", r"/workloads/sessions/([^/]+)", lambda _body, session: workloads.close_session(session)),
    ("POST", r"/workloads/notebooks/([^/]+)/start", lambda _body, notebook: workloads.start_notebook(notebook)),
    ("POST", r"/workloads/jobs/([^/]+)/runs", lambda body, job: workloads.create_job_run(job, body)),
    ("POST", r"/workloads/jobs/([^/]+)/runs/([^/]+)/ready", lambda _body, job, run: workloads.ready_job_run(job, run)),
)
#: What a call changes, and the words of its status from before that.
_CHANGES: Mapping[str, tuple[str, frozenset[str]]] = {
    "session.close": ("closed_session", frozenset({"pending", "active", "idle"})),
    "notebook.start": ("notebook", frozenset({"stopped"})),
    "job_run.ready": ("job_run", frozenset({"pending"})),
}
_IDS = re.compile(r"/([A-Z0-9]{1,20})(?=/|$)")
#: The collection and, where there is one, the id at the end of a path.
_SUBJECT = re.compile(r"/([a-z][a-z\-]*)(?:/([A-Z0-9]{1,20}))?$")


class LakeSail(Api):
    """``GET /operations/{operationId}`` is all there is of operations: no list, no cancel, no idempotency key."""

    name = NAME
    title = "LakeSail"
    base_url = "https://platform.lakesail.com/api/v1"
    # provisioning takes 5 to 10 minutes, at worst 30 and more [guides/limits]; runs have no limit on the platform
    timeouts = table({"": 3600.0, "session.close": 600.0, "job_run": 86_400.0})
    # the reference says to poll, not how often
    polls = table({"": PollPolicy(first=2.0, factor=1.5, cap=15.0)})
    reference_kinds = workloads.KINDS

    def authenticate(self, key: str) -> Mapping[str, str]:
        """Return ``Authorization: Bearer``, for user sessions and service account keys alike."""
        return {"Authorization": f"Bearer {key}"}

    def error(self, response: Response) -> ErrorBody:
        """Read an undocumented envelope: that of operations is inferred, ``{"message"}`` is the older API's."""
        return read_error(response, _find_error)

    def check(self) -> Call[str]:
        """``GET /me/clusters``."""
        return infrastructure.check()

    def get_operation(self, operation_id: str) -> Call[Operation]:
        """``GET /operations/{operationId}``; a session, notebook or run by its own status for ``kind:id``."""
        kind, bare = split_reference("operation_id", operation_id)
        if kind is not None:
            return workloads.get_workload(kind, bare)
        route = "/operations/{operation_id}"
        request = Request("GET", path(route, operation_id=bare), route)
        return Call(request, lambda response: to_operation(body_of(response)))

    def describe_operation(self, operation_id: str) -> Call[LakeSailOperation]:
        """``GET /operations/{operationId}`` as LakeSail has it, with typed ``progress``, ``error`` and ``result``."""
        route = "/operations/{operation_id}"
        request = Request("GET", path(route, operation_id=operation_id), route)
        return Call(request, lambda response: read(LakeSailOperation, body_of(response)))

    def validate_operation_id(self, operation_id: object) -> str:
        """Also refuses the reference of a run that has no job in it."""
        known = super().validate_operation_id(operation_id)
        self.get_operation(known)
        return known

    def request(
        self, method: str, path: str, *, json: Any = None, query: Mapping[str, Any] | None = None
    ) -> SubmitCall:
        """Recognise the workload calls; of others, which are not documented, any answer that names an operation."""
        for known, pattern, build in _KNOWN:
            match = re.fullmatch(pattern, path.rstrip("/")) if method.upper() == known else None
            if match:
                submit = build(json if isinstance(json, dict) else None, *match.groups())
                return submit.with_request(query=dict(query or {}), **({} if json is None else {"json": json}))
        plain = generic_submit(method, path, json=json, query=query)
        subject = _SUBJECT.search(path.rstrip("/"))
        collection, resource_id = subject.groups() if subject else (None, None)
        kind = f"{plain.request.method} {collection}" if collection else ""
        return SubmitCall(plain.request, lambda response: submitted(response, kind, collection, resource_id), kind=kind)

    def find_submitted(self, intent: Intent) -> Flow[list[Submitted]] | None:
        """Search by the status of the resource; for a session also by its name, if one was given.

        A run and everything that is provisioned carry no ownership tag, and no list says who started them.
        """
        submit = intent.submit
        if submit.kind == "session.create":
            body = submit.request.json
            name = body.get("name") if isinstance(body, dict) else None
            return self._find_session(intent, name) if name else None
        return self._find_changed(submit) if submit.kind in _CHANGES else None

    def _find_session(self, intent: Intent, name: str) -> Flow[list[Submitted]]:
        window = Window(intent)
        sessions = yield from all_items(window.noting(workloads.list_sessions()))
        open_ones = [one for one in sessions if one.name == name and one.status not in ("closed", "failed")]
        # whether sessions show when they were created is not documented
        created = {f"session:{one.id}": one.created_at for one in open_ones}
        found = [Submitted(f"session:{one.id}", intent.submit.kind, "session", one.id) for one in open_ones]
        return window.choose(found, lambda one: created[one.operation_id])

    def _find_changed(self, submit: SubmitCall) -> Flow[list[Submitted]]:
        """Read what the call changes: the call was carried out if that is no longer as it was before."""
        what, before = _CHANGES[submit.kind]
        ids = ".".join(_IDS.findall(submit.request.path))
        try:
            operation: Operation = yield workloads.get_workload(what, ids)
        except NotFound:
            if submit.kind != "session.close":
                raise
            operation = workloads.as_operation(what, ids, {"status": "closed"})
        if word(operation.raw_state) in before:
            return []
        return [Submitted(operation.id, submit.kind, operation.resource_type, operation.resource_id, operation)]

    def read_resource(self, operation: Operation) -> Flow[Mapping[str, Any] | None]:
        """Read the session, notebook or run; a cluster, network or connection as far as the lists show it."""
        kind, _ = split_reference("operation_id", operation.id)
        if kind is not None:
            return dict(operation.raw) or (yield from self._read_workload(operation))
        paged = _listed(operation.resource_type or "")
        if paged is None or not operation.resource_id:
            return None
        return (yield from _in_list(paged, operation.resource_id))

    def creates(self, kind: str) -> bool:
        """Return whether it opens a session or provisions something."""
        return kind == "session.create" or kind.endswith(".provision")

    def find_resource(self, resource_type: str, resource_id: str) -> Flow[Mapping[str, Any] | None] | None:
        """Read a session; search the lists for what is provisioned, because there is no call that reads one."""
        if resource_type == "session":
            return existing(_session(resource_id))
        paged = _listed(resource_type)
        return None if paged is None else existing(_in_list(paged, resource_id))

    def _read_workload(self, operation: Operation) -> Flow[Mapping[str, Any] | None]:
        # an operation that came through an event has no raw
        again: Operation = yield self.get_operation(operation.id)
        return again.raw

    def delete_resource(self, resource_type: str, resource_id: str) -> Flow[Submitted | None] | None:
        """Close the session. How what is provisioned is deleted is not documented."""
        return _closing(resource_id) if resource_type == "session" else None


API = LakeSail()


def _closing(session_id: str) -> Flow[Submitted | None]:
    closed: Submitted = yield workloads.close_session(session_id)
    return closed


def _in_list(paged: Paged[dict[str, Any]], resource_id: str) -> Flow[Mapping[str, Any] | None]:
    found = yield from all_items(paged)
    return next((one for one in found if one.get("id") == resource_id), None)


def _session(session_id: str) -> Flow[Mapping[str, Any] | None]:
    session: Operation = yield workloads.get_workload("session", session_id)
    return session.raw


def _listed(resource_type: str) -> Paged[dict[str, Any]] | None:
    """Return the list that may show a resource of this type; the words for types are not documented."""
    text = resource_type.lower()
    if "cluster" in text:
        return by_number("/me/clusters", {}, infrastructure.cluster_objects)
    if "network" in text:
        return by_marker("/infra/networks", "/infra/networks", {}, lambda answer: objects(answer, "networks"))
    if "connection" in text:
        return by_marker("/infra/connections", "/infra/connections", {}, lambda answer: objects(answer, "connections"))
    return None


def _find_error(body: Any) -> tuple[Any, Any]:
    error = body.get("error", body)
    if isinstance(error, str):
        return body.get("code"), body.get("message") or error
    return error.get("code"), error.get("message")
