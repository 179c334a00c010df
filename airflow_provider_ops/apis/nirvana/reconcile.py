"""Search for what a submit with a lost answer started, and read what an operation was about.

A create is found by our tag on its resource. All other calls carry no mark of ours: their operation is known by its
resource, its kind, what it changes, and by not being older than the submit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, TypeVar

from airflow_provider_ops.apis.calls import Call, Flow, Paged, Pause, Request
from airflow_provider_ops.apis.calls import path as path_of
from airflow_provider_ops.apis.nirvana import compute, networking, nks
from airflow_provider_ops.apis.nirvana.platform import get_operation, list_operations
from airflow_provider_ops.apis.nirvana.schemas import as_json, body_of, filters, listing
from airflow_provider_ops.apis.nirvana.starts import NirvanaCall, ids_of, start_of
from airflow_provider_ops.apis.submits import Intent, SubmitCall, Submitted
from airflow_provider_ops.apis.whole_lists import all_items
from airflow_provider_ops.apis.window import Window, began
from airflow_provider_ops.exceptions import AmbiguousSubmission, InvalidRequest, NotFound
from airflow_provider_ops.operation import Operation, OperationState

T = TypeVar("T")

#: An operation may seem older than its request by this much where only the time distinguishes one update of a resource
#: from the one before: dates of answers count whole seconds.
_SMALL_SKEW = timedelta(seconds=3)
#: Seconds between reads of operations whose resource cannot be read yet.
_UNREADABLE_PAUSES = (2.0, 5.0, 10.0, 20.0)
_LISTED_TYPES = frozenset({"create", "update", "delete", "restart"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where resources of one type are.

    :param holder: type of the resource in whose path they are.
    :param held: field of the holder that lists them.
    """

    route: str
    id_name: str
    holder: str | None = None
    held: str | None = None

    @property
    def collection(self) -> str:
        """Return the route of their list."""
        return self.route.rpartition("/")[0]


PLACES: Mapping[str, Place] = {
    "vm": Place(compute.ONE_VM, "vm_id"),
    "volume": Place(compute.ONE_VOLUME, "volume_id"),
    "vpc": Place(networking.ONE_VPC, "vpc_id"),
    "firewall_rule": Place(networking.ONE_RULE, "firewall_rule_id", "vpc", "firewall_rule_ids"),
    "connect_connection": Place(networking.ONE_CONNECTION, "connection_id"),
    "nks_cluster": Place(nks.ONE_CLUSTER, "cluster_id"),
    "nks_node_pool": Place(nks.ONE_POOL, "pool_id", "nks_cluster", "pool_ids"),
    "nks_load_balancer": Place(nks.ONE_LOAD_BALANCER, "load_balancer_id", "nks_cluster"),
}
#: Name of the id in the path by which a call acts on a type of resource.
_ID_NAMES: Mapping[str, str] = {**{name: place.id_name for name, place in PLACES.items()}, "nks_node": "node_id"}


def find(intent: Intent) -> Flow[list[Submitted]] | None:
    """Return a flow that searches for what an unanswered submit started; ``None`` for calls not Nirvana's own."""
    start = start_of(intent.submit.request)
    if start is None:
        return None
    return _find_created(intent, start) if start.creates else _find_done(intent, start)


def find_owned(submit: SubmitCall, is_ours: Callable[[str], bool]) -> Flow[list[Submitted]] | None:
    """Return a flow that finds what creates like this have made, by their tags; ``None`` for calls that carry none."""
    start = start_of(submit.request)
    return _find_tagged(submit, start, is_ours) if start is not None and start.creates else None


def _find_tagged(submit: SubmitCall, start: NirvanaCall, is_ours: Callable[[str], bool]) -> Flow[list[Submitted]]:
    request = submit.request
    project_id = _project_in(request)
    keys: dict[str, str] = {}
    for found in (yield from _beside(request, project_id)):
        key = next((tag for tag in _tags(found) if isinstance(tag, str) and is_ours(tag)), None)
        if key is not None and found.get("id"):
            keys[str(found["id"])] = key
    if not keys:
        return []
    operations = yield from _operations(project_id or (yield from _project_of(request)), start.resource_type)
    return [
        replace(Submitted.of(operation), key=keys[operation.resource_id])
        for operation in operations
        if operation.kind == start.kind and operation.resource_id in keys
    ]


def _find_created(intent: Intent, start: NirvanaCall) -> Flow[list[Submitted]]:
    """Search by our tag. Operations whose resource cannot be read yet may be ours, so that it waits for those."""
    request = intent.submit.request
    unreadable: list[Operation] = []
    tagged: list[str] = []
    window = Window(intent)
    for pause in (0.0, *_UNREADABLE_PAUSES):
        if pause:
            yield Pause(pause)
        tagged = yield from _tagged(request, intent.key, _project_in(request))
        project_id = _project_in(request) or (yield from _project_of(request))
        operations = yield from _operations(project_id, start.resource_type, window)
        created = [operation for operation in operations if operation.kind == start.kind]
        if tagged:
            if made_by := _made_by(tagged, created):
                return made_by
            continue
        fresh = [operation for operation in created if _may_be_ours(operation, intent, window)]
        unreadable, readable = yield from _split(fresh, request, start, operations)
        if mine := [operation for operation, found in readable if intent.key in _tags(found)]:
            return [Submitted.of(operation) for operation in mine]
        if not unreadable:
            return []
    if tagged:
        raise AmbiguousSubmission(
            f"{', '.join(tagged)} carries our tag {intent.key!r}, but the operation that made it is not listed. "
            "Nothing was submitted again; remove it or its tag, then clear this task.",
            tagged,
        )
    names = [f"operation {one.id} ({one.kind}, {one.raw_state})" for one in unreadable]
    raise AmbiguousSubmission(
        f"the outcome of {request} is unknown: what {', '.join(names)} makes cannot be read yet, so "
        f"it is not known whether it carries our tag {intent.key!r}. Nothing was submitted again; clear this task to "
        "search again.",
        names,
    )


def _tagged(request: Request, tag: str, project_id: str | None) -> Flow[list[str]]:
    """Return ids of the resources with our tag, in the list in which the request makes them."""
    # lists of NKS have no filters at all
    query = {} if request.route.startswith(nks.CLUSTERS) else {"tags": [tag]}
    resources = yield from _beside(request, project_id, query)
    return [str(found["id"]) for found in resources if tag in _tags(found) and found.get("id")]


def _beside(
    request: Request, project_id: str | None, query: Mapping[str, Any] | None = None
) -> Flow[list[Mapping[str, Any]]]:
    """Return the list in which a request makes its resource."""

    def build(**more: Any) -> Paged[Mapping[str, Any]]:
        return listing(request.route, as_json, filters(project_id=project_id, **more), **ids_of(request))

    try:
        return (yield from _filtered(build, query or {}))
    except NotFound:
        # what it would be inside of is gone, and everything in it
        return []


def _made_by(resource_ids: Sequence[str], created: Sequence[Operation]) -> list[Submitted]:
    """Return the operations that made these resources; none as long as one of them is not listed."""
    operations = {operation.resource_id: operation for operation in created}
    if not operations.keys() >= set(resource_ids):
        return []
    return [Submitted.of(operations[resource_id]) for resource_id in resource_ids]


def _may_be_ours(operation: Operation, intent: Intent, window: Window) -> bool:
    """Return whether a create may be ours.

    Failed creates without a readable resource left nothing; of those of long ago, only running ones count.
    """
    if operation.state is OperationState.FAILED or not operation.resource_id:
        return False
    if not operation.state.is_terminal:
        return not window.is_certain or window.contains(operation.created_at)
    return intent.age is not None and window.contains(operation.created_at)


def _split(
    fresh: Sequence[Operation], request: Request, start: NirvanaCall, operations: Sequence[Operation]
) -> Flow[tuple[list[Operation], list[tuple[Operation, Mapping[str, Any]]]]]:
    deleted = {operation.resource_id for operation in operations if operation.kind.endswith(".delete")}
    unreadable, readable = [], []
    for operation in fresh:
        found = yield from _read_beside(request, start, operation.resource_id or "")
        if found is not None:
            readable.append((operation, found))
        elif operation.resource_id not in deleted and not (yield from _is_elsewhere(request, start, operation)):
            unreadable.append(operation)
    return unreadable, readable


def _read_beside(request: Request, start: NirvanaCall, resource_id: str) -> Flow[Mapping[str, Any] | None]:
    place = PLACES[start.resource_type]
    return (yield from read_at(place, {**ids_of(request), place.id_name: resource_id}))


def _is_elsewhere(request: Request, start: NirvanaCall, operation: Operation) -> Flow[bool]:
    """Return whether what a request would make inside one resource has been made inside another."""
    place = PLACES[start.resource_type]
    if place.holder is None:
        return False
    holder_id = yield from _holder_of(place, operation.resource_id or "", operation.raw.get("project_id"))
    return holder_id not in (None, *ids_of(request).values())


def _find_done(intent: Intent, start: NirvanaCall) -> Flow[list[Submitted]]:
    """Search by resource and kind; return the last of several deletes of one thing, and all of anything else."""
    request = intent.submit.request
    if intent.age is None and request.method != "DELETE":
        # without a time nothing distinguishes our update from earlier ones; repeating one changes nothing more
        return []
    project_id = yield from _project_of(request)
    window = Window(intent, _SMALL_SKEW)
    operations = yield from _operations(project_id, start.resource_type, window)
    matches = [operation for operation in operations if _matches(operation, request, start)]
    if request.method == "DELETE":
        matches = sorted(matches, key=_started)[-1:]
        if matches and matches[0].state not in (OperationState.FAILED, OperationState.CANCELLED):
            # two deletions of one thing are one, no matter who asked first
            return [Submitted.of(matches[0])]
    return window.choose([Submitted.of(operation) for operation in matches], began)


def _matches(operation: Operation, request: Request, start: NirvanaCall) -> bool:
    body = request.json if isinstance(request.json, Mapping) else {}
    named = {**body, **ids_of(request)}
    ids = {named.get(name) for name in (_ID_NAMES[start.resource_type], *start.also_on)}
    what, _, how = operation.kind.partition(".")
    types = {start.kind.partition(".")[2], *start.also}
    return (
        operation.resource_id in ids
        and what == start.resource_type
        and (how in types or how not in _LISTED_TYPES)
        and not _contradicts(operation, body)
    )


def _contradicts(operation: Operation, body: Mapping[str, Any]) -> bool:
    """Return whether the operation shows a change to something else than the body asks for."""
    details = operation.raw.get("details")
    changes = details.get("changes") if isinstance(details, Mapping) else None
    if not isinstance(changes, Mapping):
        return False
    return any(
        name in body and isinstance(change, Mapping) and "to" in change and change["to"] != body[name]
        for name, change in changes.items()
    )


def _started(operation: Operation) -> float:
    return operation.created_at.timestamp() if operation.created_at else 0.0


def deleting(request: Request) -> Flow[Submitted | None]:
    """Return the operation that is already deleting what a refused request wanted to delete."""
    start = start_of(request)
    if start is None or request.method != "DELETE":
        return None
    project_id = yield from _project_of(request)
    operations = yield from _operations(project_id, start.resource_type)
    running = [found for found in operations if not found.state.is_terminal and _matches(found, request, start)]
    return Submitted.of(running[0]) if len(running) == 1 else None


def _operations(project_id: str | None, kind: str, window: Window | None = None) -> Flow[list[Operation]]:
    """Return operations on resources of one kind, newest first; filtered here again: servers may not know it."""

    def build(**query: Any) -> Paged[Operation]:
        listing = list_operations(project_id, **query)
        return window.noting(listing) if window is not None else listing

    operations = yield from _filtered(build, {"kind": kind, "sort": "created_at:desc"})
    return [operation for operation in operations if operation.kind.partition(".")[0] == kind]


def _filtered(build: Callable[..., Paged[T]], query: Mapping[str, Any]) -> Flow[list[T]]:
    """Return all items of a list, without its filters where the server is too old to know them."""
    try:
        return (yield from all_items(build(**query)))
    except InvalidRequest:
        if not query:
            raise
        return (yield from all_items(build()))


def _project_in(request: Request) -> str | None:
    """Return the project that the body of a request names."""
    body = request.json if isinstance(request.json, Mapping) else {}
    project_id = body.get("project_id")
    return project_id if isinstance(project_id, str) else None


def _project_of(request: Request) -> Flow[str | None]:
    """Return the project of the resource that a request is about; ``None`` leaves it to the connection."""
    owner_route, owner_path = _owner(request)
    if owner_path is None:
        return None
    try:
        owner = yield Call(Request("GET", owner_path, owner_route), body_of)
    except NotFound:
        return None
    project_id = owner.get("project_id")
    return project_id if isinstance(project_id, str) else None


def _owner(request: Request) -> tuple[str, str | None]:
    """Return the outermost resource in the path of a request, which is the one that shows its project."""
    places, parts = request.route.split("/"), request.path.split("/")
    first = next((n for n, place in enumerate(places) if place.startswith("{")), None)
    if first is None:
        return "", None
    return "/".join(places[: first + 1]), "/".join(parts[: first + 1])


def _tags(resource: Mapping[str, Any]) -> Sequence[Any]:
    tags = resource.get("tags")
    return tags if isinstance(tags, list) else ()


def read_at(place: Place, ids: Mapping[str, str]) -> Flow[Mapping[str, Any] | None]:
    """Return a resource as JSON; ``None`` where there is none (yet, or any more)."""
    try:
        found: Mapping[str, Any] = yield Call(Request("GET", path_of(place.route, **ids), place.route), body_of)
    except NotFound:
        return None
    return found


def locate(place: Place, resource_id: str, operation: Operation | None = None) -> Flow[dict[str, str] | None]:
    """Find the ids in the path of a resource. An operation does not show what its resource is inside of."""
    ids = {place.id_name: resource_id}
    if place.holder is None:
        return ids
    project_id = operation.raw.get("project_id") if operation else None
    if operation is not None and project_id is None:
        # what comes from the triggerer has no raw answer
        project_id = (yield get_operation(operation.id)).raw.get("project_id")
    holder_id = yield from _holder_of(place, resource_id, project_id)
    return None if holder_id is None else {PLACES[place.holder].id_name: holder_id, **ids}


def _holder_of(place: Place, resource_id: str, project_id: str | None) -> Flow[str | None]:
    holder = PLACES[place.holder or ""]
    holders: Paged[Mapping[str, Any]] = listing(holder.collection, as_json, filters(project_id=project_id))
    for candidate in (yield from all_items(holders)):
        holder_id = str(candidate.get("id"))
        if place.held is not None:
            if resource_id in (candidate.get(place.held) or ()):
                return holder_id
        elif (yield from read_at(place, {holder.id_name: holder_id, place.id_name: resource_id})) is not None:
            return holder_id
    return None
