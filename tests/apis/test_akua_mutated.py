"""Whatever Akua answers: there is a value, or it is said that there is none."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ops.apis.akua import API, clusters, install_models, installs, models, submits, workspace_models
from airflow_provider_ops.apis.wire_models import WireModel, read
from tests.apis.answers import JUNK, answer, mutated, value_or_unreadable
from tests.apis.test_akua import SAMPLE, STEP

TRACKED = {
    "id": "x_a1",
    "name": "n",
    "workspace_id": "ws_a1",
    "etag": "1",
    "reconciling": False,
    "created_at": 1786000000,
}
RENDER = {
    "id": "rnd_a1",
    "install_id": "inst_a1",
    "operation_id": "op_a1",
    "state": "running",
    "updated_at": 1786000000,
}
INSTALL = {
    "id": "inst_a1",
    "current_version": {"id": "pkv_a1", "semver": "1.0.0"},
    "automatic_updates_enabled": True,
    "etag": "2",
}
QUOTA = {"metric": "compute/machines", "limit": 3, "usage": 1, "remaining": 2, "resets_at": 1786000000}
SAMPLES: dict[type[WireModel], dict[str, Any]] = {
    models.AkuaCluster: {**TRACKED, "state": "active", "provider": "managed_kaas"},
    models.Machine: {**TRACKED, "state": "ACTIVE", "provider_resource": {"public_ip": "203.0.113.1"}},
    install_models.Install: {**TRACKED, "state": "healthy", "urls": [{"url": "https://a", "status": "active"}]},
    install_models.InstallStatus: {"state": "healthy"},
    install_models.InstallRender: RENDER,
    install_models.InstallChange: {"install": INSTALL, "render": RENDER},
    install_models.ChangeRequestAccepted: {"operation_id": "op_a1", "accepted_at": 1786000000},
    install_models.Package: {**TRACKED, "latest_version_id": "pkv_a1"},
    install_models.PackageVersion: {"id": "pkv_a1", "semver": "1.0.0", "created_at": 1786000000},
    models.AkuaRegion: {"id": "reg_a1", "name": "Europe"},
    models.ComputeConfig: {"id": "cc_a1", "name": "Small"},
    models.AkuaQuota: QUOTA,
    workspace_models.Workspace: TRACKED,
    install_models.Repository: {**TRACKED, "purpose": "deploy"},
    workspace_models.NewApiToken: {"id": "tok_a1", "name": "ci", "token": "sk"},
    workspace_models.CustomDomain: {
        **TRACKED,
        "target": {"kind": "install", "install_id": "i"},
        "ssl": {"status": "active"},
    },
    install_models.ChangeRequest: {**TRACKED, "state": "READY", "expires_at": 1786000000},
}
OPERATION = {**SAMPLE, "last_error": {"message": "m", "step_name": "s"}, "steps": [STEP, STEP]}


@pytest.mark.parametrize("model", SAMPLES)
@given(data=st.data())
def test_mutated_models(model: type[WireModel], data: st.DataObject) -> None:
    value_or_unreadable(lambda: read(model, data.draw(mutated(SAMPLES[model]))))


@given(body=mutated(OPERATION))
def test_mutated_operations(body: Any) -> None:
    value_or_unreadable(lambda: API.get_operation("op_a1").parse(answer(body)))
    value_or_unreadable(lambda: API.describe_operation("op_a1").parse(answer(body)))
    value_or_unreadable(lambda: API.long_poll("op_a1", 60).parse(answer(body)))
    value_or_unreadable(lambda: submits(clusters.suspend_machine)("mch_a1").parse(answer(body)))


@given(body=mutated({**OPERATION, "state": "FAILED", "error": {"message": "m"}}))
def test_mutated_failures(body: Any) -> None:
    value_or_unreadable(lambda: API.get_operation("op_a1").parse(answer(body)))


@given(body=mutated({"install": INSTALL, "render": RENDER}))
def test_mutated_changes(body: Any) -> None:
    value_or_unreadable(lambda: submits(installs.update_install)("inst_a1", "pkv_a1").parse(answer(body)))


@given(body=mutated({"id": "rnd_a1", "state": "failed", "message": "m"}))
def test_mutated_references(body: Any) -> None:
    for kind in ("install", "reconciled_install", "change_request", "rejected_change_request"):
        value_or_unreadable(partial(API.get_operation(f"{kind}:x_a1").parse, answer(body)))
    value_or_unreadable(lambda: API.get_operation("render:inst_a1.rnd_a1").parse(answer(body)))


@given(body=mutated({"data": [OPERATION], "has_more": True, "next_cursor": "c"}))
def test_mutated_lists(body: Any) -> None:
    value_or_unreadable(lambda: API.list_operations().first.parse(answer(body)))


@given(body=JUNK | mutated({"errors": [{"code": 7002, "message": "m", "path": ["a"]}], "error": {"code": "c"}}))
def test_mutated_errors_always_have_a_message(body: Any) -> None:
    assert API.error(answer(body, 400)).message
