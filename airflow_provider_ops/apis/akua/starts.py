"""The calls that start an operation, as one table [section 5].

Key, etag, kind and the search after a lost answer all follow from method and route, so that they hold for the typed
operators and for ``OperationRequestOperator`` alike.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ParamSpec, TypeVar

from airflow_provider_ops.apis.akua.calls import ETAG, changing, keyed
from airflow_provider_ops.apis.akua.install_models import (
    ChangeRequest,
    ChangeRequestAccepted,
    InstallRender,
)
from airflow_provider_ops.apis.akua.schemas import OwnerType, body_of, key_of, started
from airflow_provider_ops.apis.calls import Call, Request, Response
from airflow_provider_ops.apis.submits import SubmitCall, Submitted
from airflow_provider_ops.apis.wire_models import read
from airflow_provider_ops.exceptions import InvalidArgument
from airflow_provider_ops.operation import Operation

P = ParamSpec("P")
T = TypeVar("T")

#: Stands in ``if-match`` until the etag is known; never sent (see :func:`with_etag` and ``Akua.submitting``).
UNREAD = ""

CLUSTER = "/clusters/{cluster_id}"
WORKER_BOOTSTRAPS = f"{CLUSTER}/worker_bootstraps"
WORKER_BOOTSTRAP = f"{WORKER_BOOTSTRAPS}/{{worker_bootstrap_id}}"
MACHINE = "/machines/{machine_id}"
INSTALL = "/installs/{install_id}"
PREVIEW_HOSTNAMES = f"{INSTALL}/preview_hostnames"
PREVIEW_HOSTNAME = f"{PREVIEW_HOSTNAMES}/{{preview_hostname_id}}"
WORKSPACE = "/workspaces/{workspace_id}"
CUSTOM_DOMAINS = f"{WORKSPACE}/custom_domains"
CUSTOM_DOMAIN = f"{CUSTOM_DOMAINS}/{{custom_domain_id}}"
SUBDOMAIN = f"{WORKSPACE}/subdomain"
RENDERS = f"{INSTALL}/renders"
CHANGE_REQUESTS = "/repository_change_requests"
CHANGE_REQUEST = f"{CHANGE_REQUESTS}/{{repository_change_request_id}}"


@dataclass(frozen=True, slots=True)
class AkuaCall:
    """What one call starts.

    :param kind: ``metadata.type`` of its operation.
    :param owner: type of the entity that its operation acts on.
    :param etag_of: the read whose ``etag`` it wants as ``if-match``.
    :param keyed: whether it takes an ``idempotency-key``.
    :param word: what the undocumented type of its operation is likely to contain.
    """

    method: str
    route: str
    kind: str
    owner: OwnerType
    etag_of: str | None = None
    keyed: bool = True
    creates: bool = False
    word: str | None = None

    def call(
        self, body: Mapping[str, Any] | None = None, *, idempotency_key: str | None, etag: str | None = None, **ids: str
    ) -> Call[Operation]:
        """Return the call, whose answer is an operation."""
        return self.reading(started, body, idempotency_key=idempotency_key, etag=etag, **ids)

    def reading(
        self,
        parse: Callable[[Response], T],
        body: Mapping[str, Any] | None = None,
        *,
        idempotency_key: str | None,
        etag: str | None = None,
        **ids: str,
    ) -> Call[T]:
        """Return the call, whose answer ``parse`` understands.

        :raises InvalidArgument: an id, the key or the etag cannot be one.
        """
        call = changing(self.method, self.route, parse, body, etag=etag, **ids)
        headers = {ETAG: etag or UNREAD} if self.etag_of else {}
        return keyed(call.changed(headers=headers), idempotency_key) if self.keyed else call.changed(headers=headers)


CREATE_CLUSTER = AkuaCall("POST", "/clusters", "cluster.create", "cluster", creates=True)
DELETE_CLUSTER = AkuaCall("DELETE", CLUSTER, "cluster.delete", "cluster", CLUSTER)
SUSPEND_CLUSTER = AkuaCall("POST", f"{CLUSTER}:suspend", "cluster.suspend", "cluster", CLUSTER)
RESUME_CLUSTER = AkuaCall("POST", f"{CLUSTER}:resume", "cluster.resume", "cluster", CLUSTER)
REFRESH_CAPABILITIES = AkuaCall("POST", f"{CLUSTER}/capabilities:refresh", "cluster.capabilities.refresh", "cluster")
REVOKE_WORKER_BOOTSTRAP = AkuaCall(
    "POST", f"{WORKER_BOOTSTRAP}:revoke", "cluster.worker_bootstrap.revoke", "cluster", WORKER_BOOTSTRAP
)
CREATE_MACHINE = AkuaCall("POST", "/machines", "machine.create", "machine", creates=True)
DELETE_MACHINE = AkuaCall("DELETE", MACHINE, "machine.delete", "machine", MACHINE)
SUSPEND_MACHINE = AkuaCall("POST", f"{MACHINE}:suspend", "machine.suspend", "machine", MACHINE)
RESUME_MACHINE = AkuaCall("POST", f"{MACHINE}:resume", "machine.resume", "machine", MACHINE)
CREATE_INSTALL = AkuaCall("POST", "/installs", "install.create", "install", creates=True)
DELETE_INSTALL = AkuaCall("DELETE", INSTALL, "install.delete", "install", INSTALL)
# which type a render by these two carries is not documented, so the kinds are ours
UPDATE_INSTALL = AkuaCall("POST", f"{INSTALL}:update", "install.update", "install", INSTALL)
RESTORE_INSTALL = AkuaCall("POST", f"{INSTALL}:restore", "install.restore", "install", INSTALL)
SET_AUTOMATIC_UPDATES = AkuaCall(
    "PATCH", f"{INSTALL}/automatic_updates", "install.automatic_updates", "install", INSTALL
)
CREATE_RENDER = AkuaCall("POST", RENDERS, "install.render", "install")
CREATE_PACKAGE = AkuaCall("POST", "/packages", "package.create", "package", creates=True)
DELETE_WORKSPACE = AkuaCall("DELETE", WORKSPACE, "workspace.delete", "workspace", WORKSPACE)
CANCEL_SUBSCRIPTION = AkuaCall(
    "POST", f"{WORKSPACE}/subscription:cancel", "workspace.subscription.cancel", "workspace", WORKSPACE
)
# the contract has no operation type for either
REACTIVATE_SUBSCRIPTION = AkuaCall(
    "POST",
    f"{WORKSPACE}/subscription:reactivate",
    "workspace.subscription.reactivate",
    "workspace",
    WORKSPACE,
    keyed=False,
    word="reactivate",
)
CHANGE_TIER = AkuaCall(
    "POST",
    f"{WORKSPACE}/subscription:changeTier",
    "workspace.subscription.change_tier",
    "workspace",
    WORKSPACE,
    keyed=False,
    word="tier",
)
SET_SUBDOMAIN_NAME = AkuaCall("POST", f"{SUBDOMAIN}:setName", "workspace.subdomain.set_name", "workspace", SUBDOMAIN)
BIND_PINNED = AkuaCall("POST", f"{PREVIEW_HOSTNAMES}:bindPinned", "preview_hostname.bind_pinned", "install")
BIND_FLOATING = AkuaCall("POST", f"{PREVIEW_HOSTNAMES}:bindFloating", "preview_hostname.bind_floating", "install")
DELETE_PREVIEW_HOSTNAME = AkuaCall("DELETE", PREVIEW_HOSTNAME, "preview_hostname.delete", "install", PREVIEW_HOSTNAME)
CREATE_CUSTOM_DOMAIN = AkuaCall("POST", CUSTOM_DOMAINS, "custom_domain.create", "workspace")
UPDATE_CUSTOM_DOMAIN = AkuaCall("PATCH", CUSTOM_DOMAIN, "custom_domain.update", "workspace", CUSTOM_DOMAIN)
DELETE_CUSTOM_DOMAIN = AkuaCall("DELETE", CUSTOM_DOMAIN, "custom_domain.delete", "workspace", CUSTOM_DOMAIN)
CREATE_CHANGE_REQUEST = AkuaCall(
    "POST", CHANGE_REQUESTS, "repository_change_request.create", "repository_change_request", creates=True
)
ACCEPT_CHANGE_REQUEST, REJECT_CHANGE_REQUEST, WITHDRAW_CHANGE_REQUEST = (
    AkuaCall(
        "POST",
        f"{CHANGE_REQUEST}:{verb}",
        f"repository_change_request.{verb}",
        "repository_change_request",
        CHANGE_REQUEST,
    )
    for verb in ("accept", "reject", "withdraw")
)

STARTS: Mapping[tuple[str, str], AkuaCall] = {
    (value.method, value.route): value for value in list(globals().values()) if isinstance(value, AkuaCall)
}


def start_of(request: Request) -> AkuaCall | None:
    """Return what a request starts, when it is one of these calls."""
    return STARTS.get((request.method, request.route))


def _pattern(route: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/:]+)", re.escape(route)))


_PATTERNS = {route: _pattern(route) for _, route in STARTS}


def recognise(method: str, where: str) -> tuple[AkuaCall, dict[str, str]] | None:
    """Return the call that a method and a path stand for, with the ids in the path."""
    # both spellings of the colon reach the same call
    where = where.replace("%3A", ":").replace("%3a", ":")
    for (its_method, route), start in STARTS.items():
        if its_method == method and (match := _PATTERNS[route].fullmatch(where)):
            return start, match.groupdict()
    return None


def ids_of(request: Request) -> dict[str, str]:
    """Return the ids in the path of a request, by the names its route has for them."""
    match = _PATTERNS[request.route].fullmatch(request.path)
    return match.groupdict() if match else {}


def owner_id(start: AkuaCall, request: Request) -> str | None:
    """Return the id of the entity that a request acts on; ``None`` where it makes a new one."""
    return ids_of(request).get(f"{start.owner}_id")


def submit_of(call: Call[Any]) -> SubmitCall:
    """Return the submit of one of these calls."""
    start = STARTS[call.request.method, call.request.route]
    return SubmitCall(
        call.request,
        lambda response: submitted(start, call.request, response),
        kind=start.kind,
        creates=start.creates,
    )


def submits(build: Callable[P, Call[Any]]) -> Callable[P, SubmitCall]:
    """Return the function an operator starts with: takes the arguments of ``build``."""

    @functools.wraps(build)
    def begin(*args: P.args, **kwargs: P.kwargs) -> SubmitCall:
        return submit_of(build(*args, **kwargs))

    return begin


def with_etag(build: Callable[P, Call[T]]) -> Callable[P, Call[T]]:
    """Return ``build`` for callers for which no flow reads the etag: it must be given."""

    @functools.wraps(build)
    def checked(*args: P.args, **kwargs: P.kwargs) -> Call[T]:
        call = build(*args, **kwargs)
        if call.request.headers.get(ETAG) == UNREAD:
            raise InvalidArgument(f"etag must be given: {call.request} wants the etag of the last read")
        return call

    return checked


def submitted(start: AkuaCall, request: Request, response: Response) -> Submitted:
    """Return what the answer to a submit says, whatever its shape."""
    if start in _ANSWERS:
        return _ANSWERS[start](start, ids_of(request), response)
    operation = started(response)
    return replace(
        Submitted.of(operation),
        kind=start.kind,
        resource_type=operation.resource_type or start.owner,
        resource_id=operation.resource_id or owner_id(start, request),
        key=key_of(operation),
    )


def _changed(start: AkuaCall, ids: Mapping[str, str], response: Response) -> Submitted:
    """Follow the operation of the render; without one the render itself, and without a render the install."""
    # the rest of the answer is not needed, so nothing in it can hide what was started
    install_id, render = ids["install_id"], body_of(response).get("render")
    if render is not None:
        follow = _render_operation(install_id, read(InstallRender, render))
    else:
        # a switch changes nothing in the cluster, so an install that was unhealthy before stays so
        follow = f"{'reconciled_install' if start is SET_AUTOMATIC_UPDATES else 'install'}:{install_id}"
    return Submitted(follow, start.kind, "install", install_id)


def _rendered(start: AkuaCall, ids: Mapping[str, str], response: Response) -> Submitted:
    follow = _render_operation(ids["install_id"], read(InstallRender, body_of(response)))
    return Submitted(follow, start.kind, "install", ids["install_id"])


def _render_operation(install_id: str, render: InstallRender) -> str:
    return render.operation_id or render_reference(install_id, render)


def render_reference(install_id: str, render: InstallRender) -> str:
    """Return what a render can be waited for by: ``render:<install>.<render>``, as its read needs both ids."""
    return f"render:{install_id}.{render.id}"


def _accepted(start: AkuaCall, ids: Mapping[str, str], response: Response) -> Submitted:
    operation_id = read(ChangeRequestAccepted, body_of(response)).operation_id
    return Submitted(operation_id, start.kind, start.owner, ids["repository_change_request_id"])


def _turned_down(start: AkuaCall, ids: Mapping[str, str], _response: Response) -> Submitted:
    """Follow the change request: the answer does not name the operation."""
    name = ids["repository_change_request_id"]
    word = "rejected" if start is REJECT_CHANGE_REQUEST else "withdrawn"
    return Submitted(f"{word}_change_request:{name}", start.kind, start.owner, name)


def _requested(start: AkuaCall, _ids: Mapping[str, str], response: Response) -> Submitted:
    made = read(ChangeRequest, body_of(response))
    return Submitted(f"change_request:{made.id}", start.kind, start.owner, made.id, operation_url=made.html_url)


#: Calls whose answer is not their operation.
_ANSWERS: Mapping[AkuaCall, Callable[[AkuaCall, Mapping[str, str], Response], Submitted]] = {
    UPDATE_INSTALL: _changed,
    RESTORE_INSTALL: _changed,
    SET_AUTOMATIC_UPDATES: _changed,
    CREATE_RENDER: _rendered,
    ACCEPT_CHANGE_REQUEST: _accepted,
    REJECT_CHANGE_REQUEST: _turned_down,
    WITHDRAW_CHANGE_REQUEST: _turned_down,
    CREATE_CHANGE_REQUEST: _requested,
}
