"""A deletion that is refused with 409: what the API shows to be deleted already is no leftover, all else is one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.apis.terminate import Termination, terminate
from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.hooks.akua import AkuaHook
from airflow_provider_ops.hooks.nirvana import NirvanaHook
from airflow_provider_ops.hooks.onvera import OnveraHook
from airflow_provider_ops.testing import SimulatorServer, VirtualClock, fail_first, hang, html

if TYPE_CHECKING:
    from airflow_provider_ops.hooks.base import OperationsHook

DURATION = 3600.0
REFUSED = fail_first(999, status=409, method="DELETE")


@pytest.fixture(params=["onvera", "nirvana", "akua"])
def made(request: pytest.FixtureRequest, server: SimulatorServer, clock: VirtualClock) -> tuple[OperationsHook, Handle]:
    """Something that is being made, with its hook."""
    server.reset()
    if request.param == "onvera":
        hook: Any = OnveraHook(clock=clock)
        started = hook.create_deployment("airflow")
        ids = (started.operation_id, "deployment", started.deployment_id)
    else:
        hook = (NirvanaHook if request.param == "nirvana" else AkuaHook)(clock=clock)
        started = (
            hook.create_vpc(name="n", region="us-sva-2", subnet_name="s")
            if request.param == "nirvana"
            else hook.create_cluster(name="c", region_id="reg_eu")
        )
        ids = (started.id, started.resource_type, started.resource_id)
    names = ("operation_id", "resource_type", "resource_id")
    return hook, Handle.placeholder("x.create", api=request.param, **dict(zip(names, ids, strict=True)))


def terminate_now(hook: OperationsHook, handle: Handle) -> Termination:
    return hook.run(terminate(hook.api, handle, "delete"))


def begin_deletion(hook: OperationsHook, handle: Handle, clock: VirtualClock) -> None:
    """Have it deleted, as another try does, once it exists."""
    clock.advance(2 * DURATION)
    flow = hook.api.delete_resource(str(handle.resource_type), str(handle.resource_id))
    assert flow is not None
    assert hook.run(flow) is not None


def deletions(server: SimulatorServer) -> int:
    return len([one for one in server.requests() if one["method"] == "DELETE"])


def test_what_the_api_shows_to_be_deleted_already_is_no_refusal(
    made: tuple[OperationsHook, Handle], server: SimulatorServer, clock: VirtualClock
) -> None:
    hook, handle = made
    begin_deletion(hook, handle, clock)
    server.faults(REFUSED)
    before = deletions(server)
    ended = terminate_now(hook, handle)
    assert ended.text == f"{handle.resource_type} {handle.resource_id} is being deleted already"
    assert (ended.removed, ended.is_done) == (True, True)
    assert not ended.is_accepted, "it was asked for by another request"
    assert ended.deletion is not None
    assert ended.deletion.in_retrospect == f"{handle.resource_type} {handle.resource_id} was being deleted already."
    assert deletions(server) == before + 1, "there is nothing to ask for again"


def test_what_is_being_made_and_refused_still_exists(
    made: tuple[OperationsHook, Handle], server: SimulatorServer
) -> None:
    server.faults(REFUSED)
    ended = terminate_now(*made)
    assert "still exists: the deletion was refused" in ended.text
    assert (ended.removed, ended.is_done, ended.deletion) == (False, False, None)


@pytest.mark.parametrize(
    "read",
    [
        fail_first(999, status=404, method="GET"),
        fail_first(999, status=403, method="GET"),
        fail_first(999, status=503, method="GET"),
        html(999, status=404, method="GET"),
        hang(40, 999, method="GET"),
    ],
    ids=["404", "403", "503", "page", "hang"],
)
# Akua deletes with an etag, which it reads before
@pytest.mark.parametrize("made", ["onvera", "nirvana"], indirect=True)
def test_what_cannot_be_read_is_not_taken_for_deleted(
    made: tuple[OperationsHook, Handle], server: SimulatorServer, clock: VirtualClock, read: Any
) -> None:
    hook, handle = made
    begin_deletion(hook, handle, clock)
    server.faults(REFUSED, read)
    ended = terminate_now(hook, handle)
    assert (ended.removed, ended.is_done, ended.deletion) == (False, False, None), ended.text
