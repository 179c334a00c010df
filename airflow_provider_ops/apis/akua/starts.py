"""The calls that start an operation, as one table [section 5].

Key, etag, kind and the search after a lost answer all follow from method and route, so that they hold for the typed
operators and for ``OperationRequestOperator`` alike.
"""

from __future__ import annotations

import functools
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ParamSpec, TypeVar

from airflow_provider_ops.apis.akua.models import ChangeRequestAccepted, InstallChange, InstallRender
from airflow_provider_ops.apis.akua.wire import OwnerType, body_of, check_header, key_of, started
from airflow_provider_ops.apis.base import Submit, Submitted, read
from airflow_provider_ops.apis.http import Call, Request, Response, given, path
from airflow_provider_ops.exceptions import InvalidArgument
from airflow_provider_ops.operation import Operation

P = ParamSpec("P")
T = TypeVar("T")

KEY, ETAG = "idempotency-key", "if-match"
LONGEST_KEY, LONGEST_ETAG = 64, 256
#: Stands in ``if-match`` until the etag is known; never sent (see :func:`with_etag` and ``Akua.submitting``).
UNREAD = ""

CLUSTER = "/clusters/{cluster_id}"
WORKER_BOOTSTRAP = f"{CLUSTER}/worker_bootstraps/{{worker_bootstrap_id}}"
MACHINE = "/machines/{machine_id}"
INSTALL = "/installs/{install_id}"
PREVIEW_HOSTNAMES = f"{INSTALL}/preview_hostnames"
PREVIEW_HOSTNAME = f"{PREVIEW_HOSTNAMES}/{{preview_hostname_id}}"
WORKSPACE = "/workspaces/{workspace_id}"
CUSTOM_DOMAINS = f"{WORKSPACE}/custom_domains"
CUSTOM_DOMAIN = f"{CUSTOM_DOMAINS}/{{custom_domain_id}}"
CHANGE_REQUEST = "/repository_change_requests/{repository_change_request_id}"


@dataclass(frozen=True, slots=True)
class Start:
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
        """The call, whose answer is an operation."""
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
        """The call, whose answer ``parse`` understands.

        :raises InvalidArgument: an id, the key or the etag cannot be one.
        """
        call = changing(self.method, self.route, parse, body, etag=etag, **ids)
        headers = {ETAG: etag or UNREAD} if self.etag_of else {}
        return keyed(call.changed(headers=headers), idempotency_key) if self.keyed else call.changed(headers=headers)


def changing(
    method: str,
    route: str,
    parse: Callable[[Response], T],
    body: Mapping[str, Any] | None = None,
    *,
    etag: str | None = None,
    **ids: str,
) -> Call[T]:
    """A call that changes something, and is sent once.

    :raises InvalidArgument: an id or the etag cannot be one.
    """
    check_header("etag", etag, LONGEST_ETAG)
    json = None if body is None else dict(body)
    return Call(Request(method, path(route, **ids), route, json=json, headers=given(**{ETAG: etag})), parse)


def keyed(call: Call[T], idempotency_key: str | None) -> Call[T]:
    """The call with an idempotency key, a new one where none is given; so it is safe to send again.

    :raises InvalidArgument: the key cannot be one.
    """
    check_header("idempotency_key", idempotency_key, LONGEST_KEY)
    return call.changed(headers={**call.request.headers, KEY: idempotency_key or new_key()}, idempotent=True)


def new_key() -> str:
    """A key that no other request has."""
    return f"airflow-{uuid.uuid4().hex}"


CREATE_CLUSTER = Start("POST", "/clusters", "cluster.create", "cluster", creates=True)
DELETE_CLUSTER = Start("DELETE", CLUSTER, "cluster.delete", "cluster", CLUSTER)
SUSPEND_CLUSTER = Start("POST", f"{CLUSTER}:suspend", "cluster.suspend", "cluster", CLUSTER)
RESUME_CLUSTER = Start("POST", f"{CLUSTER}:resume", "cluster.resume", "cluster", CLUSTER)
REFRESH_CAPABILITIES = Start("POST", f"{CLUSTER}/capabilities:refresh", "cluster.capabilities.refresh", "cluster")
REVOKE_WORKER_BOOTSTRAP = Start(
    "POST", f"{WORKER_BOOTSTRAP}:revoke", "cluster.worker_bootstrap.revoke", "cluster", WORKER_BOOTSTRAP
)
CREATE_MACHINE = Start("POST", "/machines", "machine.create", "machine", creates=True)
DELETE_MACHINE = Start("DELETE", MACHINE, "machine.delete", "machine", MACHINE)
SUSPEND_MACHINE = Start("POST", f"{MACHINE}:suspend", "machine.suspend", "machine", MACHINE)
RESUME_MACHINE = Start("POST", f"{MACHINE}:resume", "machine.resume", "machine", MACHINE)
CREATE_INSTALL = Start("POST", "/installs", "install.create", "install", creates=True)
DELETE_INSTALL = Start("DELETE", INSTALL, "install.delete", "install", INSTALL)
# which type a render by these two carries is not documented, so the kinds are ours
UPDATE_INSTALL = Start("POST", f"{INSTALL}:update", "install.update", "install", INSTALL)
RESTORE_INSTALL = Start("POST", f"{INSTALL}:restore", "install.restore", "install", INSTALL)
CREATE_PACKAGE = Start("POST", "/packages", "package.create", "package", creates=True)
DELETE_WORKSPACE = Start("DELETE", WORKSPACE, "workspace.delete", "workspace", WORKSPACE)
CANCEL_SUBSCRIPTION = Start(
    "POST", f"{WORKSPACE}/subscription:cancel", "workspace.subscription.cancel", "workspace", WORKSPACE
)
# neither has an operation type in section 4
REACTIVATE_SUBSCRIPTION = Start(
    "POST",
    f"{WORKSPACE}/subscription:reactivate",
    "workspace.subscription.reactivate",
    "workspace",
    WORKSPACE,
    keyed=False,
    word="reactivate",
)
CHANGE_TIER = Start(
    "POST",
    f"{WORKSPACE}/subscription:changeTier",
    "workspace.subscription.change_tier",
    "workspace",
    WORKSPACE,
    keyed=False,
    word="tier",
)
SET_SUBDOMAIN_NAME = Start(
    "POST", f"{WORKSPACE}/subdomain:setName", "workspace.subdomain.set_name", "workspace", WORKSPACE
)
BIND_PINNED = Start("POST", f"{PREVIEW_HOSTNAMES}:bindPinned", "preview_hostname.bind_pinned", "install")
BIND_FLOATING = Start("POST", f"{PREVIEW_HOSTNAMES}:bindFloating", "preview_hostname.bind_floating", "install")
DELETE_PREVIEW_HOSTNAME = Start("DELETE", PREVIEW_HOSTNAME, "preview_hostname.delete", "install", PREVIEW_HOSTNAME)
CREATE_CUSTOM_DOMAIN = Start("POST", CUSTOM_DOMAINS, "custom_domain.create", "workspace")
UPDATE_CUSTOM_DOMAIN = Start("PATCH", CUSTOM_DOMAIN, "custom_domain.update", "workspace", CUSTOM_DOMAIN)
DELETE_CUSTOM_DOMAIN = Start("DELETE", CUSTOM_DOMAIN, "custom_domain.delete", "workspace", CUSTOM_DOMAIN)
ACCEPT_CHANGE_REQUEST = Start(
    "POST",
    f"{CHANGE_REQUEST}:accept",
    "repository_change_request.accept",
    "repository_change_request",
    CHANGE_REQUEST,
)

STARTS: Mapping[tuple[str, str], Start] = {
    (value.method, value.route): value for value in list(globals().values()) if isinstance(value, Start)
}


def start_of(request: Request) -> Start | None:
    """What a request starts, when it is one of these calls."""
    return STARTS.get((request.method, request.route))


def _pattern(route: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/:]+)", re.escape(route)))


_PATTERNS = {route: _pattern(route) for _, route in STARTS}


def recognise(method: str, where: str) -> tuple[Start, dict[str, str]] | None:
    """The call that a method and a path stand for, with the ids in the path."""
    # both spellings of the colon reach the same call
    where = where.replace("%3A", ":").replace("%3a", ":")
    for (its_method, route), start in STARTS.items():
        if its_method == method and (match := _PATTERNS[route].fullmatch(where)):
            return start, match.groupdict()
    return None


def ids_of(request: Request) -> dict[str, str]:
    """The ids in the path of a request, by the names its route has for them."""
    match = _PATTERNS[request.route].fullmatch(request.path)
    return match.groupdict() if match else {}


def owner_id(start: Start, request: Request) -> str | None:
    """The id of the entity that a request acts on; ``None`` where it makes a new one."""
    return ids_of(request).get(f"{start.owner}_id")


def submit_of(call: Call[Any]) -> Submit:
    """The submit of one of these calls."""
    start = STARTS[call.request.method, call.request.route]
    return Submit(
        call.request,
        lambda response: submitted(start, call.request, response),
        kind=start.kind,
        creates=start.creates,
    )


def submits(build: Callable[P, Call[Any]]) -> Callable[P, Submit]:
    """The function an operator starts with: takes the arguments of ``build``."""

    @functools.wraps(build)
    def begin(*args: P.args, **kwargs: P.kwargs) -> Submit:
        return submit_of(build(*args, **kwargs))

    return begin


def with_etag(build: Callable[P, Call[T]]) -> Callable[P, Call[T]]:
    """``build`` for callers that have nobody who reads the etag for them: it must be given."""

    @functools.wraps(build)
    def checked(*args: P.args, **kwargs: P.kwargs) -> Call[T]:
        call = build(*args, **kwargs)
        if call.request.headers.get(ETAG) == UNREAD:
            raise InvalidArgument(f"etag must be given: {call.request} wants the etag of the last read")
        return call

    return checked


def submitted(start: Start, request: Request, response: Response) -> Submitted:
    """What the answer to a submit says, whatever its shape."""
    if start in (UPDATE_INSTALL, RESTORE_INSTALL):
        return _changing(start, ids_of(request)["install_id"], read(InstallChange, body_of(response)))
    if start is ACCEPT_CHANGE_REQUEST:
        accepted = read(ChangeRequestAccepted, body_of(response))
        return Submitted(accepted.operation_id, start.kind, start.owner, owner_id(start, request))
    operation = started(response)
    return replace(
        Submitted.of(operation),
        kind=start.kind,
        resource_type=operation.resource_type or start.owner,
        resource_id=operation.resource_id or owner_id(start, request),
        key=key_of(operation),
    )


def _changing(start: Start, install_id: str, change: InstallChange) -> Submitted:
    """The render's operation; without one the render itself, and without a render the install."""
    if change.render is None:
        follow = f"install:{install_id}"
    elif change.render.operation_id is None:
        follow = render_reference(install_id, change.render)
    else:
        follow = change.render.operation_id
    return Submitted(follow, start.kind, "install", install_id)


def render_reference(install_id: str, render: InstallRender) -> str:
    """What a render can be waited for by: ``render:<install>.<render>``, as its read needs both ids."""
    return f"render:{install_id}.{render.id}"
