"""Akua: how operations are started, found again, and what is around them."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.apis.akua import (
    API,
    change_requests,
    clusters,
    installs,
    packages,
    related,
    workspaces,
)
from airflow_provider_ops.apis.akua.install_models import Install, InstallStatus, Package, PackageVersion
from airflow_provider_ops.apis.akua.models import AkuaCluster, Machine
from airflow_provider_ops.apis.akua.starts import STARTS, UNREAD
from airflow_provider_ops.apis.akua.workspace_models import NewApiToken, Workspace
from airflow_provider_ops.apis.calls import Call, Response
from airflow_provider_ops.apis.submits import Intent
from airflow_provider_ops.exceptions import (
    Conflict,
    InvalidArgument,
    NotFound,
    TransportError,
)
from airflow_provider_ops.hooks.akua import AkuaHook
from tests.apis.akua_calls import running, started
from tests.apis.answers import answer, drive
from tests.apis.test_akua import listed, understood

if TYPE_CHECKING:
    from collections.abc import Callable


def conflict() -> Conflict:
    return Conflict(409, "7002", "ABORTED")


def test_every_start_has_its_call() -> None:
    builders = [
        value
        for module in (change_requests, clusters, installs, workspaces)
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and not name.startswith("_")
    ]
    words: dict[str, dict[str, Any]] = {
        "cancel_subscription": {"effective": "period_end"},
        "create_package": {"sources": [{"kind": "x"}]},
        "create_repository_change_request": {"body": {}},
        "reject_repository_change_request": {"rejection_reason": "r"},
    }
    words["create_install"] = {"product_id": "p", "package_id": None, "package_version_pin": None}
    words["create_custom_domain"] = {"target": {"kind": "cluster", "cluster_id": "c"}}
    found = set()
    for build in builders:
        needed = {
            name: "x"
            for name, parameter in inspect.signature(build).parameters.items()
            if parameter.default is inspect.Parameter.empty
        }
        call = build(**{**needed, **words.get(build.__name__, {})})
        request = getattr(call, "request", None)
        if request is not None and (request.method, request.route) in STARTS:
            found.add((request.method, request.route))
    assert found == set(STARTS)


def test_a_key_makes_a_call_safe_to_send_again_and_no_key_does_not() -> None:
    keyed = started(clusters.suspend_cluster, "clu_a1")
    assert keyed.request.headers == {"idempotency-key": "our-key", "if-match": UNREAD}
    assert keyed.request.replayable
    bare = started(workspaces.change_tier, "ws_a1", "pro")
    assert bare.request.headers == {"if-match": UNREAD}
    assert not bare.request.replayable


def test_the_hook_makes_a_key_and_wants_an_etag() -> None:
    first, second = (clusters.create_cluster(name="c", region_id="r").request for _ in range(2))
    assert first.headers["idempotency-key"] != second.headers["idempotency-key"]
    chosen = clusters.create_cluster(name="c", region_id="r", idempotency_key="mine").request
    assert chosen.headers == {"idempotency-key": "mine"}
    with pytest.raises(InvalidArgument, match="etag must be given"):
        AkuaHook().delete_cluster("clu_a1")


@pytest.mark.parametrize(
    ("build", "arguments"),
    [
        (installs.set_automatic_updates, {"install_id": "i", "automatic_updates_enabled": True, "etag": "1"}),
        (installs.create_render, {"install_id": "i"}),
        (change_requests.create_repository_change_request, {"body": {}}),
        (
            change_requests.reject_repository_change_request,
            {"repository_change_request_id": "r", "rejection_reason": "no", "etag": "1"},
        ),
        (change_requests.withdraw_repository_change_request, {"repository_change_request_id": "r", "etag": "1"}),
        (change_requests.create_repository_change_request_token, {"repository_change_request_id": "r"}),
        (related.import_cluster, {"body": {}}),
        (related.create_worker_bootstrap, {"cluster_id": "c"}),
        (packages.import_package, {"body": {}}),
        (packages.delete_package, {"package_id": "p", "etag": "1"}),
        (packages.create_repository, {}),
        (packages.create_repository_token, {"repository_id": "r"}),
    ],
)
def test_calls_without_an_operation_have_a_key_too(build: Callable[..., Call[Any]], arguments: dict[str, Any]) -> None:
    first, second = (build(**arguments).request for _ in range(2))
    assert first.headers["idempotency-key"] != second.headers["idempotency-key"]
    assert first.replayable
    assert first.headers.get("if-match") == arguments.get("etag")
    assert build(**arguments, idempotency_key="mine").request.headers["idempotency-key"] == "mine"
    with pytest.raises(InvalidArgument, match="idempotency_key"):
        build(**arguments, idempotency_key="k" * 65)


@pytest.mark.parametrize(
    ("build", "arguments", "named"),
    [
        (clusters.create_cluster, {"name": "", "region_id": "r"}, "name"),
        (clusters.create_cluster, {"name": "x" * 101, "region_id": "r"}, "name"),
        (clusters.create_cluster, {"name": "x", "region_id": "r", "idempotency_key": "k" * 65}, "idempotency_key"),
        (clusters.delete_cluster, {"cluster_id": "c", "etag": ""}, "etag"),
        (clusters.delete_cluster, {"cluster_id": "c", "etag": "a\r\nb"}, "printable"),
        (clusters.delete_cluster, {"cluster_id": "c", "idempotency_key": "ü"}, "printable"),
        (clusters.create_machine, {"cluster_id": "c", "instance_type": "m", "name": "x" * 121}, "name"),
        (installs.create_package, {"name": "p", "sources": []}, "sources"),
        (installs.create_package, {"name": "p", "sources": [{"kind": "helm", "repo_url": "https://x"}]}, "oci://"),
        (installs.create_package, {"name": "p", "sources": [{"kind": "helm", "repo_url": "oci://x"}]}, "revision"),
        (installs.create_install, {"region_id": "r"}, "product_id or package_id"),
        (installs.create_install, {"region_id": "r", "product_id": "p", "package_id": "q"}, "exactly one"),
        (installs.create_install, {"region_id": "r", "package_id": "q"}, "package_version_pin"),
        (
            installs.create_install,
            {"region_id": "r", "package_id": "q", "package_version_pin": {"kind": "pinned"}},
            "version",
        ),
        (packages.delete_package, {"package_id": "p", "etag": "a\nb"}, "printable"),
        (installs.create_render, {"install_id": "a/b"}, "install_id"),
        (installs.create_render, {"install_id": "i", "message": "x" * 256}, "message"),
        (change_requests.reject_repository_change_request, {"repository_change_request_id": "r"}, "rejection_reason"),
        (
            change_requests.reject_repository_change_request,
            {"repository_change_request_id": "r", "rejection_reason": "x" * 2001},
            "rejection_reason",
        ),
        (change_requests.open_change_request, {"parent_repository_id": "r", "kind": "agent"}, "agent_id"),
        (change_requests.open_change_request, {"parent_repository_id": "r", "agent_id": "a"}, "agent_id"),
        (related.create_api_token, {"name": ""}, "name"),
        (workspaces.set_subdomain_name, {"workspace_id": "w", "name": "x" * 64}, "name"),
        (workspaces.create_custom_domain, {"workspace_id": "w", "hostname": "h", "target": {"kind": "x"}}, "target"),
        (
            workspaces.create_custom_domain,
            {"workspace_id": "w", "hostname": "h", "target": {"kind": "external"}},
            "endpoint",
        ),
    ],
)
def test_what_the_sheet_bounds_is_refused_before_it_is_sent(
    build: Callable[..., Any], arguments: dict[str, Any], named: str
) -> None:
    with pytest.raises(InvalidArgument, match=named):
        build(**arguments)


def test_hosted_sources_of_newer_clients_pass() -> None:
    source: Any = {"kind": "hosted", "repository_id": "repo_a1", "ref": "main"}
    assert installs.create_package(name="p", sources=[source]).request.json == {"name": "p", "sources": [source]}


@pytest.mark.parametrize("colon", [":", "%3A", "%3a"])
def test_the_generic_operator_knows_the_calls(colon: str) -> None:
    submit = API.with_idempotency_key(
        API.request("post", f"/machines/mch_a1{colon}suspend", json={"reason": "manual"}), "k"
    )
    assert (submit.kind, submit.request.path) == ("machine.suspend", "/machines/mch_a1:suspend")
    assert submit.request.headers == {"idempotency-key": "k", "if-match": UNREAD}
    assert submit.request.idempotent


def test_an_unknown_call_gets_a_key_but_is_not_taken_for_safe() -> None:
    submit = API.with_idempotency_key(API.request("POST", "/clusters:import", json={}), "k")
    assert submit.request.headers == {"idempotency-key": "k"}
    assert not submit.request.replayable
    assert API.find_submitted(Intent(submit, "k")) is None


# -- etags


def etag(value: str) -> Response:
    return answer({"id": "clu_a1", "etag": value})


ACCEPTED = answer(running("cluster.suspend", "cluster", "clu_a1"), 202)


def test_an_etag_that_changes_meanwhile_is_read_again() -> None:
    flow = API.submit_flow(started(clusters.suspend_cluster, "clu_a1"))
    submitted = drive(flow, etag("1"), conflict(), etag("2"), conflict(), etag("3"), ACCEPTED)
    assert submitted.operation_id == "op_a1"


def test_it_gives_up_after_three() -> None:
    flow = API.submit_flow(started(clusters.suspend_cluster, "clu_a1"))
    with pytest.raises(Conflict):
        drive(flow, etag("1"), conflict(), etag("2"), conflict(), etag("3"), conflict())


def test_a_conflict_of_another_kind_is_not_sent_again() -> None:
    flow = API.submit_flow(started(clusters.delete_cluster, "clu_a1"))
    with pytest.raises(Conflict):
        drive(flow, etag("1"), conflict(), etag("1"))


def test_an_etag_of_the_user_is_not_replaced() -> None:
    flow = API.submit_flow(started(clusters.suspend_cluster, "clu_a1", etag="mine"))
    with pytest.raises(Conflict):
        drive(flow, conflict())


def test_the_etag_may_be_in_the_header_and_must_be_somewhere() -> None:
    flow = API.submit_flow(started(clusters.suspend_cluster, "clu_a1"))
    assert drive(flow, answer({"id": "clu_a1"}, etag="7"), ACCEPTED).operation_id == "op_a1"
    for bad in ({"id": "clu_a1"}, {"etag": 7}, {"etag": "ü"}):
        with pytest.raises(TransportError, match="no etag"):
            drive(API.submit_flow(started(clusters.suspend_cluster, "clu_a1")), answer(bad))


def test_a_deletion_whose_answer_was_lost_is_found_when_its_object_is_gone() -> None:
    gone = NotFound(404, "7002", "gone")
    failed = running("cluster.delete", "cluster", "clu_a1", "op_a2", state="FAILED")
    other = running("cluster.suspend", "cluster", "clu_a1", "op_a3")
    done = running("cluster.delete", "cluster", "clu_a1", state="SUCCEEDED")
    flow = API.submit_flow(started(clusters.delete_cluster, "clu_a1"))
    assert drive(flow, gone, listed(failed, other, done)).operation_id == "op_a1"
    with pytest.raises(NotFound):
        drive(API.submit_flow(started(clusters.delete_cluster, "clu_a1")), gone, listed(failed, other))
    with pytest.raises(NotFound):
        drive(API.submit_flow(started(clusters.suspend_cluster, "clu_a1")), gone)


# -- resources


def test_the_owner_is_the_resource() -> None:
    operation = understood()
    assert drive(API.read_resource(operation), answer({"id": "clu_a1", "new": 1})) == {"id": "clu_a1", "new": 1}
    with pytest.raises(NotFound):
        drive(API.read_resource(operation), NotFound(404, None, "gone"))
    assert drive(API.read_resource(replace(operation, resource_type="moon"))) is None


def test_what_policies_may_delete() -> None:
    assert API.delete_resource("workspace", "ws_a1") is None
    change = API.delete_resource("repository_change_request", "rcr_a1")
    assert change is not None
    withdrawn = drive(change, answer({"id": "rcr_a1", "etag": "1"}), answer({"withdrawn_at": 1786000000}))
    assert withdrawn.operation_id == "withdrawn_change_request:rcr_a1"
    package = API.delete_resource("package", "pkg_a1")
    assert package is not None
    assert drive(package, answer({"id": "pkg_a1", "etag": "1"}), answer(None, 204)) is None
    machine = API.delete_resource("machine", "mch_a1")
    assert machine is not None
    deleting = answer(running("machine.delete", "machine", "mch_a1"), 202)
    assert drive(machine, answer({"id": "mch_a1", "etag": "1"}), deleting).operation_id == "op_a1"


def test_the_address_of_an_install() -> None:
    urls = [{"url": "https://a", "status": "failed"}, {"url": "https://b", "status": "active"}]
    assert API.resource_url({"urls": urls}) == "https://b"
    assert API.resource_url({"urls": urls[:1], "html_url": "https://akua"}) == "https://a"
    assert API.resource_url({"urls": [], "html_url": "https://akua"}) == "https://akua"
    for unusable in (None, ["https://a"], [{"url": 1}], [None]):
        assert API.resource_url({"urls": unusable}) is None


def test_former_names_warn_for_one_release() -> None:
    with pytest.warns(DeprecationWarning, match="rejection_reason"):
        call = change_requests.reject_repository_change_request("rcr_a1", reason="late", etag="1")
    assert call.request.json == {"rejection_reason": "late"}
    with pytest.warns(DeprecationWarning, match="view"):
        assert clusters.get_machine("mch_a1", view="full").request.query == {}
    models: list[tuple[Any, str, Any]] = [
        (PackageVersion(id="v", semver="1.0.0"), "version", "1.0.0"),
        (InstallStatus(install_id="i"), "id", "i"),
        (Install(id="i"), "package_id", None),
        (Install(id="i"), "name", None),
        (AkuaCluster(id="c"), "region_id", None),
        (Machine(id="m"), "instance_type", None),
        (Package(id="p"), "updated_at", None),
        (Package(id="p"), "reconciling", None),
        (Workspace(id="w"), "workspace_id", "w"),
        (Workspace(id="w"), "reconciling", None),
        (NewApiToken(id="t", token="x"), "expires_at", None),
    ]
    for model, name, value in models:
        with pytest.warns(DeprecationWarning, match=r"always None|use |does not say|list_api_tokens"):
            assert getattr(model, name) == value


@pytest.mark.parametrize(
    ("reference", "body", "state"),
    [
        ("change_request:r", {"state": "AWAITING_CHANGES"}, "running"),
        ("change_request:r", {"state": "READY"}, "succeeded"),
        ("change_request:r", {"state": "EXPIRED"}, "failed"),
        ("rejected_change_request:r", {"state": "READY"}, "running"),
        ("rejected_change_request:r", {"state": "REJECTED"}, "succeeded"),
        ("rejected_change_request:r", {"state": "ACCEPTED"}, "failed"),
        ("withdrawn_change_request:r", {"state": "WITHDRAWN"}, "succeeded"),
        ("withdrawn_change_request:r", {"state": "REJECTED", "rejection_reason": "late"}, "failed"),
        ("withdrawn_change_request:r", {"state": "MOON"}, "unknown"),
        ("reconciled_install:i", {"state": "degraded", "reconciling": True}, "running"),
        ("reconciled_install:i", {"state": "degraded", "reconciling": False}, "succeeded"),
        ("reconciled_install:i", {"state": "failed", "reconciling": False}, "failed"),
    ],
)
def test_what_is_followed_by_its_own_state(reference: str, body: dict[str, Any], state: str) -> None:
    operation = API.get_operation(reference).parse(answer({"id": reference.partition(":")[2], **body}))
    assert (operation.id, operation.state.value) == (reference, state)
    assert (operation.error is not None) is (state == "failed")


def test_the_check_names_the_workspace_where_it_can() -> None:
    call = API.check()
    assert call.parse(listed({"id": "clu_a1", "workspace_id": "ws_a1"})) == "workspace ws_a1"
    assert call.parse(listed()) == "its workspace"
    for data in (["x"], 5, "x"):
        with pytest.raises(TransportError, match=r"data|no AkuaCluster"):
            call.parse(answer({"data": data}))
