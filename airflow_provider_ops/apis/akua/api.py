"""Akua as one of our APIs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from airflow_provider_ops.apis.akua import owned, reconcile, references, starts
from airflow_provider_ops.apis.akua.calls import ETAG, KEY, LONGEST_KEY
from airflow_provider_ops.apis.akua.errors import error_body
from airflow_provider_ops.apis.akua.models import AkuaCluster
from airflow_provider_ops.apis.akua.packages import PACKAGE
from airflow_provider_ops.apis.akua.packages import delete_package as _delete_package
from airflow_provider_ops.apis.akua.schemas import (
    API,
    AkuaOperation,
    OwnerType,
    body_of,
    is_header,
    listing,
    listing_models,
    reading,
    to_operation,
)
from airflow_provider_ops.apis.akua.starts import UNREAD, AkuaCall, start_of
from airflow_provider_ops.apis.base import Api, table
from airflow_provider_ops.apis.calls import (
    Call,
    Flow,
    Paged,
    Request,
    Response,
    check_id,
    drop_none,
    path,
    split_reference,
)
from airflow_provider_ops.apis.existing import existing, has_status
from airflow_provider_ops.apis.operation_lists import OperationList, raw_entry
from airflow_provider_ops.apis.submits import Intent, OwnedResources, SubmitCall, Submitted, generic_submit
from airflow_provider_ops.apis.wire_models import ErrorBody
from airflow_provider_ops.core.poll_interval import PollPolicy
from airflow_provider_ops.exceptions import (
    CancelNotSupported,
    Conflict,
    InvalidArgument,
    InvalidConnection,
    NotFound,
    TransportError,
)
from airflow_provider_ops.operation import Operation

T = TypeVar("T")

OPERATION = "/operations/{operation_id}"
#: How often an etag that we have read ourselves may turn out to be stale.
_ETAG_TRIES = 3
#: Seconds an answer to ``:wait`` may take beyond what was asked for.
_WAIT_MARGIN = 15.0

#: Where the entity that an operation acts on is read.
_READS: Mapping[str, str] = {
    "cluster": starts.CLUSTER,
    "machine": starts.MACHINE,
    "install": starts.INSTALL,
    "package": PACKAGE,
    "workspace": starts.WORKSPACE,
    "repository": "/repositories/{repository_id}",
    "repository_change_request": starts.CHANGE_REQUEST,
}
_SHOW_DELETION = ("cluster", "machine")
_CREATES = frozenset(start.kind for start in starts.STARTS.values() if start.creates)
_DELETES: Mapping[str, AkuaCall] = {
    "cluster": starts.DELETE_CLUSTER,
    "machine": starts.DELETE_MACHINE,
    "install": starts.DELETE_INSTALL,
    # the only call that takes a change request back; none deletes one
    "repository_change_request": starts.WITHDRAW_CHANGE_REQUEST,
}


class Akua(Api):
    """Operations, their long poll, keys and etags [the Akua sheet]."""

    name = API
    title = "Akua"
    base_url = "https://api.akua.dev/v1"
    can_cancel = True
    lists_operations = True
    # no steps [section 3]
    lists_show_progress = False
    # the documented maximum of :wait, and what the published agent guidance uses [section 10]
    longest_poll = 60.0
    reference_kinds = references.KINDS
    extras = ("workspace_id",)
    # no durations are documented; the one sample is a cluster after 95 s. Clusters as long as elsewhere in the field,
    # installs long enough for image pulls, workspaces with all that is in them
    timeouts = table(
        {
            "": 1800.0,
            "cluster.": 2700.0,
            "machine.": 1200.0,
            "install.": 3600.0,
            "package.": 1800.0,
            "workspace.delete": 3600.0,
        }
    )
    # with :wait these are only the floor under a server that answers at once; else they are when to read
    polls = table({"": PollPolicy(first=1.0, factor=1.5, cap=10.0)})

    def authenticate(self, key: str) -> Mapping[str, str]:
        """Return ``Authorization: Bearer`` [section 1]."""
        return {"Authorization": f"Bearer {key}"}

    def apply_connection_defaults(self, request: Request, extras: Mapping[str, Any]) -> Request:
        """Add ``akua-context`` from the connection's ``workspace_id``; tokens for several workspaces need it.

        :raises InvalidConnection: it cannot be an id.
        """
        workspace_id = extras.get("workspace_id")
        if not workspace_id:
            return request
        try:
            check_id("workspace_id", workspace_id)
        except InvalidArgument as error:
            raise InvalidConnection(f"extra {error}") from None
        return replace(request, headers={"akua-context": workspace_id, **request.headers})

    def error(self, response: Response) -> ErrorBody:
        """Read all forms of section 7."""
        return error_body(response)

    def check(self) -> Call[str]:
        """``GET /clusters``: names the workspace where a cluster shows it."""
        first = listing_models("/clusters", AkuaCluster).first

        def parse(response: Response) -> str:
            clusters = first.parse(response).items
            known = clusters[0].workspace_id if clusters else None
            return f"workspace {known}" if known else "its workspace"

        return Call(replace(first.request, query={"limit": 1}), parse)

    def get_operation(self, operation_id: str) -> Call[Operation]:
        """``GET /operations/{operation_id}``; for ``install:`` and ``render:`` the read of that."""
        kind, bare = split_reference("operation_id", operation_id)
        if kind is not None:
            return references.following(kind, bare)
        return Call(
            Request("GET", path(OPERATION, operation_id=bare), OPERATION),
            lambda response: to_operation(body_of(response)),
        )

    def describe_operation(self, operation_id: str) -> Call[AkuaOperation]:
        """``GET /operations/{operation_id}`` as Akua has it, with typed ``metadata`` and ``response``."""
        return reading(OPERATION, AkuaOperation, operation_id=operation_id)

    def list_operations(  # type: ignore[override]  # typed filters instead of **filters
        self, *, owner_type: OwnerType | None = None, owner_id: str | None = None
    ) -> Paged[Operation]:
        """``GET /operations``, all pages, newest first, without steps.

        :raises InvalidArgument: one of the filters without the other.
        """
        if (owner_type is None) != (owner_id is None):
            raise InvalidArgument("owner_type and owner_id must be given together")
        return listing("/operations", to_operation, drop_none(owner_type=owner_type, owner_id=owner_id))

    def open_operations(self) -> Sequence[OperationList]:
        """Return all operations, newest first: there is no filter by state. Entries lack steps."""
        return (OperationList(listing("/operations", raw_entry), to_operation),)

    def long_poll(self, operation_id: str, seconds: float) -> Call[Operation]:
        """``POST /operations/{operation_id}:wait``, which changes nothing and so may be sent again."""
        kind, bare = split_reference("operation_id", operation_id)
        if kind is not None:
            return references.following(kind, bare)
        timeout = max(1, min(int(seconds), int(self.longest_poll)))
        route = f"{OPERATION}:wait"
        request = Request(
            "POST",
            path(route, operation_id=bare),
            route,
            query={"timeout": timeout},
            idempotent=True,
            read_timeout=timeout + _WAIT_MARGIN,
        )
        return Call(request, lambda response: to_operation(body_of(response)))

    def cancel_operation(self, operation_id: str, key: str | None = None) -> Call[Operation]:
        """``POST /operations/{operation_id}:cancel``: the operation, usually still running; 422 when it is over.

        :raises CancelNotSupported: an install or a render, which are no operations.
        """
        kind, bare = split_reference("operation_id", operation_id)
        if kind is not None:
            raise CancelNotSupported(
                f"{operation_id} is no operation of Akua and cannot be cancelled: cancel the operation that made it, "
                "or delete it."
            )
        route = f"{OPERATION}:cancel"
        # a key stands for one intended action, so that of the submit must not be used again
        own = f"cancel-{key or bare}"[:LONGEST_KEY]
        request = Request("POST", path(route, operation_id=bare), route, headers={KEY: own}, idempotent=True)
        return Call(request, lambda response: to_operation(body_of(response)))

    def request(
        self, method: str, path: str, *, json: Any = None, query: Mapping[str, Any] | None = None
    ) -> SubmitCall:
        """Recognise every call that starts an operation, in both spellings of the colon."""
        known = starts.recognise(method.upper(), path)
        if known is None or query:
            return generic_submit(method, path, json=json, query=query)
        start, ids = known
        return starts.submit_of(start.call(json, idempotency_key=None, **ids))

    def with_idempotency_key(self, submit: SubmitCall, key: str) -> SubmitCall:
        """Send ``key`` as the ``idempotency-key`` of every call that takes one.

        A call we do not know gets it too, since many require one, but whether it honours it is not known: it is not
        taken to be safe to send again.
        """
        start = start_of(submit.request)
        if start is not None and not start.keyed:
            return submit
        return submit.with_request(headers={**submit.request.headers, KEY: key}, idempotent=start is not None)

    def submit_flow(self, submit: SubmitCall) -> Flow[Submitted]:
        """Read the etag just before sending where the call needs one and the user gave none.

        A refusal with an etag that has changed since is no refusal of what is wanted: read and send again, with the
        same key, because the refused and the new request are the same intended action. An etag that has not changed
        means that the conflict is another one, which the caller must get.
        """
        start = start_of(submit.request)
        try:
            if start is None or start.etag_of is None or submit.request.headers.get(ETAG) != UNREAD:
                answer: Submitted = yield submit
                return answer
            return (yield from self._with_fresh_etag(start.etag_of, submit))
        except NotFound:
            if start is None or submit.request.method != "DELETE":
                raise
            # an earlier try may have deleted it, whose answer was lost
            deletion = yield from reconcile.find_deletion(start, submit.request)
            if deletion is None:
                raise
            return deletion

    def _with_fresh_etag(self, route: str, submit: SubmitCall) -> Flow[Submitted]:
        read = _reading(route, _etag, starts.ids_of(submit.request))
        etag: str = yield read
        for _ in range(_ETAG_TRIES - 1):
            try:
                answer: Submitted = yield _guarded(submit, etag)
            except Conflict:
                before, etag = etag, (yield read)
                if etag == before:
                    raise
            else:
                return answer
        last: Submitted = yield _guarded(submit, etag)
        return last

    def find_submitted(self, intent: Intent) -> Flow[list[Submitted]] | None:
        """Search by the key that the operation carries, else by what it acts on since the intent."""
        start = start_of(intent.submit.request)
        return reconcile.find(start, intent) if start is not None and reconcile.can_find(start) else None

    def find_owned(self, submit: SubmitCall, is_ours: Callable[[str], bool]) -> Flow[list[Submitted]] | None:
        """Search by the keys that operations carry; those of clusters and machines carry none."""
        start = start_of(submit.request)
        return reconcile.find_owned(start, is_ours) if start and start.creates and reconcile.can_find(start) else None

    def list_owned(self) -> Flow[OwnedResources]:
        """List what was made by operations that carry an idempotency key of ours."""
        return owned.list_owned(self.read_resource)

    def read_resource(self, operation: Operation) -> Flow[Mapping[str, Any] | None]:
        """Return the entity that the operation acted on."""
        route = _READS.get(operation.resource_type or "")
        if route is None or not operation.resource_id:
            return None
        ids = {f"{operation.resource_type}_id": operation.resource_id}
        resource: Mapping[str, Any] = yield _reading(route, body_of, ids)
        return resource

    def creates(self, kind: str) -> bool:
        """Return whether it makes a thing of its own; hostnames and domains are parts of what was there before."""
        return kind in _CREATES

    def shows_created(self, kind: str, fields: Mapping[str, Any] | None) -> bool:  # noqa: ARG002
        """Return whether its operation shows our idempotency key."""
        return kind in _CREATES and kind in reconcile.WITH_KEY

    def find_resource(self, resource_type: str, resource_id: str) -> Flow[Mapping[str, Any] | None] | None:
        """Read it by its own call."""
        route = _READS.get(resource_type)
        return None if route is None else existing(_one(_reading(route, body_of, {f"{resource_type}_id": resource_id})))

    def delete_resource(self, resource_type: str, resource_id: str) -> Flow[Submitted | None] | None:
        """Delete what our creates make; never a workspace."""
        if resource_type == "package":
            return self._delete_package(resource_id)
        start = _DELETES.get(resource_type)
        if start is None:
            return None
        ids = {f"{resource_type}_id": resource_id}
        call = start.call(None, idempotency_key=None, etag=None, **ids)
        return self.submit_flow(starts.submit_of(call))

    def shows_deletion(self, resource_type: str, resource_id: str) -> Flow[bool] | None:
        """Read whether its state is ``deleting``, which clusters and machines have."""
        if resource_type not in _SHOW_DELETION:
            return None
        return has_status(
            _one(_reading(_READS[resource_type], body_of, {f"{resource_type}_id": resource_id})), "deleting"
        )

    def _delete_package(self, package_id: str) -> Flow[None]:
        etag: str = yield _reading(PACKAGE, _etag, {"package_id": package_id})
        yield _delete_package(package_id, etag=etag)

    def resource_url(self, resource: Mapping[str, Any]) -> str | None:
        """Return the first address of an install that works, else its first, else the page of Akua about it."""
        listed = resource.get("urls")
        urls = [url for url in listed if isinstance(url, Mapping)] if isinstance(listed, list) else []
        best = next((url for url in urls if url.get("status") == "active"), urls[0] if urls else {})
        page = best.get("url") or resource.get("html_url")
        return page if isinstance(page, str) else None


def _one(call: Call[dict[str, Any]]) -> Flow[Mapping[str, Any] | None]:
    resource: Mapping[str, Any] = yield call
    return resource


def _reading(route: str, parse: Callable[[Response], T], ids: Mapping[str, str]) -> Call[T]:
    wanted = {name: value for name, value in ids.items() if f"{{{name}}}" in route}
    return Call(Request("GET", path(route, **wanted), route), parse)


def _etag(response: Response) -> str:
    etag = body_of(response).get("etag") or response.headers.get("etag")
    if not isinstance(etag, str) or not is_header(etag):
        raise TransportError("the answer has no etag, without which this cannot be changed", reason="unreadable")
    return etag


def _guarded(submit: SubmitCall, etag: str) -> SubmitCall:
    return submit.with_request(headers={**submit.request.headers, ETAG: etag})
