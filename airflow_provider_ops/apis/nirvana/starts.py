"""The calls that start an operation, as one table: what they start, where a tag of ours fits, what can be asked before.

Submits, availability, cost, tags and the default project all follow from method and route, so that they hold for the
typed operators and for ``OperationRequestOperator`` alike.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ParamSpec, TypeVar

from airflow_provider_ops.apis.calls import Call, Request, Response
from airflow_provider_ops.apis.nirvana import compute, networking, nks, platform
from airflow_provider_ops.apis.nirvana.account import Cost, CostChange
from airflow_provider_ops.apis.nirvana.schemas import body_of, operation_of
from airflow_provider_ops.apis.submits import SubmitCall, Submitted
from airflow_provider_ops.apis.wire_models import read
from airflow_provider_ops.exceptions import InvalidConnection
from airflow_provider_ops.operation import Operation

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class NirvanaCall:
    """What one call starts.

    :param kind: of its operation, as ``Operation.kind`` has it.
    :param also: other types its operation may have, where the sheet does not say which it has.
    :param also_on: names of further ids (in path or body) that its operation may be about.
    """

    method: str
    route: str
    kind: str
    also: frozenset[str] = field(default=frozenset())
    also_on: tuple[str, ...] = ()

    @property
    def creates(self) -> bool:
        """Return whether success leaves a new resource."""
        return self.kind.endswith(".create")

    @property
    def resource_type(self) -> str:
        """Return what it acts on, like ``vm``."""
        return self.kind.partition(".")[0]


_UPDATE = frozenset({"update"})

_STARTS = (
    NirvanaCall("POST", compute.VMS, "vm.create"),
    NirvanaCall("PATCH", compute.ONE_VM, "vm.update"),
    NirvanaCall("DELETE", compute.ONE_VM, "vm.delete"),
    NirvanaCall("POST", f"{compute.ONE_VM}/restart", "vm.restart"),
    NirvanaCall("POST", compute.VOLUMES, "volume.create"),
    NirvanaCall("PATCH", compute.ONE_VOLUME, "volume.update"),
    NirvanaCall("DELETE", compute.ONE_VOLUME, "volume.delete"),
    # neither type nor resource of these two is documented; an update of the volume is plausible
    NirvanaCall("POST", f"{compute.ONE_VOLUME}/attach", "volume.update", also_on=("vm_id",)),
    NirvanaCall("POST", f"{compute.ONE_VOLUME}/detach", "volume.update"),
    NirvanaCall("POST", networking.VPCS, "vpc.create"),
    NirvanaCall("PATCH", networking.ONE_VPC, "vpc.update"),
    NirvanaCall("DELETE", networking.ONE_VPC, "vpc.delete"),
    NirvanaCall("POST", networking.RULES, "firewall_rule.create"),
    NirvanaCall("PATCH", networking.ONE_RULE, "firewall_rule.update"),
    NirvanaCall("DELETE", networking.ONE_RULE, "firewall_rule.delete"),
    NirvanaCall("POST", networking.CONNECTIONS, "connect_connection.create"),
    NirvanaCall("PATCH", networking.ONE_CONNECTION, "connect_connection.update"),
    NirvanaCall("DELETE", networking.ONE_CONNECTION, "connect_connection.delete"),
    NirvanaCall("POST", nks.CLUSTERS, "nks_cluster.create"),
    NirvanaCall("PATCH", nks.ONE_CLUSTER, "nks_cluster.update"),
    NirvanaCall("DELETE", nks.ONE_CLUSTER, "nks_cluster.delete"),
    NirvanaCall("POST", nks.POOLS, "nks_node_pool.create"),
    NirvanaCall("PATCH", nks.ONE_POOL, "nks_node_pool.update"),
    NirvanaCall("DELETE", nks.ONE_POOL, "nks_node_pool.delete"),
    # whether its resource is the node or the pool is not documented
    NirvanaCall("DELETE", nks.ONE_NODE, "nks_node.delete", also=_UPDATE, also_on=("pool_id",)),
    NirvanaCall("PATCH", nks.ONE_LOAD_BALANCER, "nks_load_balancer.update"),
)
_BY_ROUTE: Mapping[tuple[str, str], NirvanaCall] = {(start.method, start.route): start for start in _STARTS}

#: Creates that belong to a project by their body; what is made inside another resource has that one's project.
_IN_PROJECT = frozenset({compute.VMS, compute.VOLUMES, networking.VPCS, networking.CONNECTIONS, nks.CLUSTERS})
_ASKABLE = re.compile(r"/(availability|cost)$")


def start_of(request: Request) -> NirvanaCall | None:
    """Return what a request starts, when it is one of Nirvana's calls."""
    return _BY_ROUTE.get((request.method, request.route))


def ids_of(request: Request) -> dict[str, str]:
    """Return the ids in the path of a request, by the names its route has for them."""
    places = zip(request.route.split("/"), request.path.split("/"), strict=True)
    return {place[1:-1]: value for place, value in places if place.startswith("{")}


def recognise(method: str, path: str) -> str | None:
    """Return the route of a path that starts an operation."""
    parts = path.split("/")
    for start in _STARTS:
        places = start.route.split("/")
        if start.method == method and len(places) == len(parts) and _fits(places, parts):
            return start.route
    return None


def _fits(places: list[str], parts: list[str]) -> bool:
    return all(place == part or (place.startswith("{") and part) for place, part in zip(places, parts, strict=True))


def submit_of(call: Call[Operation], *, preflight: bool = False) -> SubmitCall:
    """Return the submit of a call that starts an operation.

    :param preflight: whether to ask before for the availability of what it makes.
    """
    start = _BY_ROUTE[call.request.method, call.request.route]
    return SubmitCall(
        call.request,
        submitted,
        kind=start.kind,
        creates=start.creates,
        preflight=_asking(call.request, "availability", lambda _: None) if preflight else None,
    )


def submitted(response: Response) -> Submitted:
    """Return the operation in an answer, as what was submitted."""
    return Submitted.of(operation_of(response))


def submits(build: Callable[P, Call[Operation]]) -> Callable[..., SubmitCall]:
    """Return the function an operator starts with: takes the fields of ``build``, and ``preflight``."""

    @functools.wraps(build)
    def start(*, preflight: bool = False, **fields: Any) -> SubmitCall:
        return submit_of(build(**fields), preflight=preflight)  # type: ignore[call-arg]

    start.__annotations__ = {**build.__annotations__, "preflight": bool}
    return start


def availability(build: Callable[P, Call[Operation]]) -> Callable[P, Call[None]]:
    """Return the call that asks whether what ``build`` describes could be had now; an error means that it could not.

    Success is a snapshot: nothing is reserved.
    """
    return _question(build, "availability", lambda _: None)


def cost(build: Callable[P, Call[Operation]]) -> Callable[P, Call[Cost]]:
    """Return the call that asks what the thing that ``build`` describes would cost a month."""
    return _question(build, "cost", lambda response: read(Cost, body_of(response)))


def cost_change(build: Callable[P, Call[Operation]]) -> Callable[P, Call[CostChange]]:
    """Return the call that asks how the update that ``build`` describes would change the price."""
    return _question(build, "cost", lambda response: read(CostChange, body_of(response)))


def _question(build: Callable[P, Call[Operation]], what: str, parse: Callable[[Response], T]) -> Callable[P, Call[T]]:
    @functools.wraps(build)
    def ask(*args: P.args, **kwargs: P.kwargs) -> Call[T]:
        return _asking(build(*args, **kwargs).request, what, parse)

    ask.__doc__ = f"``{what}`` of: {build.__doc__}"
    return ask


def _asking(request: Request, what: str, parse: Callable[[Response], T]) -> Call[T]:
    # it changes nothing, so it may be sent again
    asked = replace(request, path=f"{request.path}/{what}", route=f"{request.route}/{what}", idempotent=True)
    return Call(asked, parse)


def tagged(submit: SubmitCall, tag: str) -> SubmitCall:
    """Put ``tag`` beside the user's tags, on all that ``submit`` makes; change nothing where the body takes none."""
    body = submit.request.json
    if not submit.creates or not isinstance(body, Mapping):
        return submit
    marked: dict[str, Any] = {**body, **_with_tag(body, tag)}
    if "boot_volume" in body:
        marked["boot_volume"] = _with_tag(body["boot_volume"], tag)
    if isinstance(body.get("data_volumes"), list):
        marked["data_volumes"] = [_with_tag(volume, tag) for volume in body["data_volumes"]]
    return submit.with_request(json=marked)


def _with_tag(body: Any, tag: str) -> Any:
    """Add a tag to ``body``; leave it unchanged when it is not what the API takes, for the API to say so."""
    tags = body.get("tags") or [] if isinstance(body, Mapping) else None
    return {**body, "tags": [*tags, tag]} if isinstance(tags, list) else body


def in_project(request: Request, extras: Mapping[str, Any]) -> Request:
    """Return ``request`` with the connection's project where it needs one and names none.

    :raises InvalidConnection: neither names one.
    """
    route = _ASKABLE.sub("", request.route)
    if request.method == "GET" and (route in _IN_PROJECT or route == platform.OPERATIONS):
        query = {"project_id": _project(request.query, extras), **request.query}
        return replace(request, query=query)
    if request.method == "POST" and route in _IN_PROJECT and isinstance(request.json, Mapping):
        return replace(request, json={**request.json, "project_id": _project(request.json, extras)})
    return request


def _project(given: Mapping[str, Any], extras: Mapping[str, Any]) -> str:
    project_id = given.get("project_id") or extras.get("project_id")
    if not project_id:
        raise InvalidConnection(
            "this call of Nirvana belongs to a project: pass project_id, "
            "or set the extra project_id of the connection to the project that calls belong to by default"
        )
    return str(project_id)
