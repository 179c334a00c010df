"""The shared parts: table, paging, routes, life cycle, and that an API is one class."""

from __future__ import annotations

import asyncio
import random
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ops.simulator.api import Call, Principal, Reply, SimulatedApi, read_key
from airflow_provider_ops.simulator.app import Simulator
from airflow_provider_ops.simulator.ids import Ids
from airflow_provider_ops.simulator.lifecycle import Fate, Script, timetable
from airflow_provider_ops.simulator.paging import page_cursor
from airflow_provider_ops.simulator.records import Phase
from airflow_provider_ops.simulator.routing import Match, NoMatch, Route, Router
from airflow_provider_ops.simulator.table import Table
from airflow_provider_ops.simulator.validation import Kind, Problem, QueryInt, Strict
from airflow_provider_ops.simulator.world import Settings, World
from airflow_provider_ops.testing import VirtualClock, slow_cancel

if TYPE_CHECKING:
    from collections.abc import Mapping

SCRIPT = Script((Phase("one", "One"), Phase("two", "Two")))


@dataclass
class Row:
    id: str
    color: str
    size: int
    seq: int = -1


def table_of(rows: list[Row]) -> Table[Row]:
    table: Table[Row] = Table({"color": lambda row: row.color, "size": lambda row: row.size})
    for row in rows:
        table.add(row)
    return table


changes = st.lists(st.tuples(st.integers(0, 9), st.sampled_from("rgb"), st.integers(0, 2)), max_size=40)
wishes = st.fixed_dictionaries({}, optional={"color": st.sampled_from("rgb"), "size": st.integers(0, 2)})


@given(changes, wishes, st.integers(0, 12), st.integers(1, 5), st.booleans())
def test_a_select_is_what_a_filter_would_find(
    changes: list[tuple[int, str, int]], wish: dict[str, Any], offset: int, limit: int, newest_first: bool
) -> None:
    rows = [Row(str(n), "r", 0) for n in range(10)]
    table = table_of(rows)
    table.select(0, 1, {"color": "r"})  # one index exists before the changes, the others are made after them
    for n, color, size in changes:
        rows[n].color, rows[n].size = color, size
        table.changed(rows[n])
    wanted = [row for row in rows if all(getattr(row, key) == value for key, value in wish.items())]
    ordered = wanted[::-1] if newest_first else wanted
    found = table.select(offset, limit, wish, newest_first=newest_first)
    assert found.items == ordered[offset : offset + limit]
    assert found.total == len(wanted)


@given(st.integers(1, 7), st.integers(0, 20))
def test_cursors_walk_through_everything_once_though_rows_are_added(limit: int, size: int) -> None:
    table = table_of([Row(str(n), "rg"[n % 2], 0) for n in range(size)])
    seen: list[str] = []
    cursor: str | None = None
    while True:
        rows, info = page_cursor(table, cursor, limit, {"color": "r"})
        seen += [row.id for row in rows]
        table.add(Row(f"new{len(table)}", "r", 0))
        if info.next_cursor is None:
            break
        cursor = info.next_cursor
    assert seen == [str(n) for n in range(size) if n % 2 == 0][::-1]


def test_a_cursor_belongs_to_its_filters() -> None:
    table = table_of([Row(str(n), "r", 0) for n in range(4)])
    _, info = page_cursor(table, None, 2, {"color": "r"})
    for cursor, filters in ((info.next_cursor, {"size": 0}), ("nonsense", {"color": "r"}), ("W10", {}), ("é", {})):
        with pytest.raises(Problem, match="cursor"):
            page_cursor(table, cursor, 2, filters)


def answer(_call: Call) -> Reply:
    return Reply(200)


@pytest.mark.parametrize(
    ("path", "template", "params"),
    [
        ("/operations", "/operations", {}),
        ("/operations/op_1", "/operations/{id}", {"id": "op_1"}),
        ("/operations/op_1:wait", "/operations/{id}:wait", {"id": "op_1"}),
        ("/operations/op_1%3Await", "/operations/{id}:wait", {"id": "op_1"}),
        ("/operations/op_1%3await", "/operations/{id}:wait", {"id": "op_1"}),
        ("/quotas/compute%2Fmachines", "/quotas/{metric}", {"metric": "compute/machines"}),
        ("/vms/os_images", "/vms/os_images", {}),
        ("/vms/os_images/volumes", "/vms/{vm}/volumes", {"vm": "os_images"}),
    ],
)
def test_routes_are_found(path: str, template: str, params: dict[str, str]) -> None:
    templates = (
        "/operations", "/operations/{id}", "/operations/{id}:wait", "/quotas/{metric}",
        "/vms/os_images", "/vms/{id}", "/vms/{vm}/volumes",
    )  # fmt: skip
    router = Router([Route("GET", one, answer) for one in templates])
    match = router.match("GET", path)
    assert isinstance(match, Match)
    assert (match.route.template, match.params) == (template, params)
    assert router.match("PUT", path) == NoMatch(("GET",))
    assert router.match("GET", path + "/x/y/z") == NoMatch()


@given(st.floats(0, 1000), st.floats(0, 1000))
def test_a_time_table_is_in_order_and_settles_in_time(start: float, duration: float) -> None:
    steps = timetable(start, duration, SCRIPT, Fate())
    times = [step.at for step in steps]
    assert times == sorted(times)
    assert [step.stage for step in steps] == ["queued", "running", "running", "succeeded"]
    assert times[-1] == pytest.approx(start + duration)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("invalid-1", "invalid"),
        ("expired", "expired"),
        ("revoked-x", "revoked"),
        ("sk-1", Principal()),
        ("sk-invalid", Principal()),
        ("readonly-1", Principal(readonly=True)),
        ("k-noscope-vm:edit", Principal(lacks="vm:edit")),
    ],
)
def test_what_keys_mean(key: str, expected: Principal | str) -> None:
    assert read_key(key) == expected


def make_world(clock: VirtualClock) -> World:
    return World("any", Settings(duration=100), clock, {}, {})


def test_a_cancel_drains_and_the_old_time_table_is_void() -> None:
    clock = VirtualClock(auto=False)
    world = make_world(clock)
    resource = world.add("thing", "r1", "n", "new", {})
    ended: list[str] = []
    operation = world.start("make", "o1", resource, SCRIPT, Fate(), lambda o: ended.append(o.stage))
    clock.advance(30)
    world.advance()
    world.cancel(operation, "stop", default_seconds=5)
    world.cancel(operation, "again", default_seconds=500)
    assert (operation.stage, operation.cancel_requested_at) == ("running", clock.time())
    draining = resource.operation
    assert draining is operation
    clock.advance(500)
    world.advance()
    assert (operation.stage, operation.reason, ended) == ("cancelled", "stop", ["cancelled"])
    assert resource.operation is None
    world.cancel(operation, "too late")
    assert operation.reason == "stop"


def test_slow_cancel_overrides_how_long_a_cancel_drains() -> None:
    clock = VirtualClock(auto=False)
    world = make_world(clock)
    resource = world.add("thing", "r1", "n", "new", {})
    operation = world.start("make", "o1", resource, SCRIPT, Fate(cancel_seconds=50))
    world.cancel(operation, "stop", default_seconds=1)
    clock.advance(49)
    world.advance()
    assert not operation.settled
    clock.advance(1)
    world.advance()
    assert operation.stage == "cancelled"


async def test_a_long_poll_ends_when_the_operation_settles_is_cancelled_or_time_is_up() -> None:
    clock = VirtualClock()
    world = make_world(clock)
    resource = world.add("thing", "r1", "n", "new", {})
    first = world.start("make", "o1", resource, SCRIPT, Fate())
    began = clock.time()
    await world.until_settled(first, 60)
    assert (first.settled, clock.time() - began) == (False, 60)
    await world.until_settled(first, 1000)
    assert first.stage == "succeeded"
    assert clock.time() == first.ended_at
    second = world.start("make", "o2", resource, SCRIPT, Fate(endless=True))
    clock.auto = False
    waiting = asyncio.gather(*(world.until_settled(second, 1000) for _ in range(3)))
    await asyncio.sleep(0.01)
    world.cancel(second, "stop")
    await asyncio.wait_for(waiting, 1)
    assert second.settled


def test_ids_have_their_forms() -> None:
    ids = Ids(random.Random(1))
    assert len(ids.uuid()) == 36
    assert ids.lower(6).isalnum()
    assert re.fullmatch(r"[A-Z0-9]{10}", ids.upper(10))


class WaitQuery(Strict):
    timeout: QueryInt = 30


class Toy(SimulatedApi):
    """Another API: bearer keys, an envelope, codes and a validation status of its own, and a long poll."""

    name = "toy"
    mount = "/toy/v1"
    choices: ClassVar[Mapping[str, str]] = {}
    problems: ClassVar[Mapping[Kind, tuple[int, str | int]]] = {"malformed": (400, 7000), "invalid": (422, 7001)}
    codes: ClassVar[Mapping[int, str | int]] = {400: 1, 500: 2}

    def routes(self) -> list[Route]:
        return [
            Route("POST", "/things", self.create),
            Route("POST", "/operations/{id}:wait", self.wait, query=WaitQuery),
            Route("POST", "/operations/{id}:cancel", self.cancel),
        ]

    def authenticate(self, headers: Mapping[str, str]) -> Principal:
        verdict = read_key(headers.get("authorization", "").removeprefix("Bearer "))
        if isinstance(verdict, str):
            raise Problem("no", status=401, code=verdict)
        return verdict

    def envelope(self, status: int, code: str | int, problem: Problem) -> Any:
        errors = [{"code": code, "message": problem.message, "path": list(problem.where)}]
        return {"success": False, "errors": errors, "status": status}

    def create(self, call: Call) -> Reply:
        thing = self.world.add("thing", f"t_{self.world.ids.lower(4)}", "n", "new", {})
        operation = self.start(call, "make", f"o_{self.world.ids.lower(4)}", thing, SCRIPT, lambda _operation: None)
        return Reply(202, {"id": operation.id}, {"ETag": '"1"'})

    async def wait(self, call: Call) -> Reply:
        operation = self.read_operation(call.params["id"])
        assert operation is not None
        await self.world.until_settled(operation, call.query.timeout)
        return Reply(200, {"done": operation.settled, "stage": operation.stage})

    def cancel(self, call: Call) -> Reply:
        operation = self.read_operation(call.params["id"])
        assert operation is not None
        self.world.cancel(operation, "asked for", default_seconds=1)
        return Reply(202, {"stage": operation.stage})


async def test_another_api_is_one_class() -> None:
    clock = VirtualClock()
    simulator = Simulator(Settings(duration=100), clock, apis=(Toy,))
    transport = httpx.ASGITransport(simulator.app)
    headers = {"Authorization": "Bearer k"}
    async with httpx.AsyncClient(transport=transport, base_url="http://simulator/toy/v1", headers=headers) as client:
        made = await client.post("/things")
        assert (made.status_code, made.headers["etag"]) == (202, '"1"')
        path = f"/operations/{made.json()['id']}"
        assert (await client.post(f"{path}:wait?timeout=20")).json() == {"done": False, "stage": "running"}
        refused = await client.post(f"{path}%3Await?timeout=x")
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, 7001)
        assert refused.json()["errors"][0]["path"] == ["query", "timeout"]
        assert (await client.post(f"{path}%3Await?timeout=3000")).json()["done"] is True
        unknown = await client.get("/things", headers={"Authorization": "Bearer invalid"})
        assert (unknown.status_code, unknown.json()["errors"][0]["code"]) == (401, "invalid")
        simulator.set_faults([slow_cancel(40, route="/things"), {"fault": "status", "status": 504, "skip": 2}])
        other = (await client.post("/things")).json()["id"]
        asked_at = clock.time()
        assert (await client.post(f"/operations/{other}:cancel")).json() == {"stage": "queued"}
        failing = await client.post("/things")
        assert (failing.status_code, failing.json()["errors"][0]["code"]) == (504, 2)
        simulator.set_faults([])
        assert (await client.post(f"/operations/{other}:wait")).json()["done"] is False
        assert (await client.post(f"/operations/{other}:wait")).json()["stage"] == "cancelled"
        assert clock.time() - asked_at == 40


async def test_without_a_socket_a_cut_is_an_error_of_the_transport() -> None:
    simulator = Simulator(Settings(), VirtualClock())
    simulator.set_faults([{"fault": "reset"}])
    transport = httpx.ASGITransport(simulator.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://simulator/onvera/api/v1") as client:
        with pytest.raises(ConnectionResetError):
            await client.get("/operations")


def test_the_simulator_imports_neither_airflow_nor_the_provider() -> None:
    script = (
        "import sys, airflow_provider_ops.simulator.serve\n"
        "own = {name.split('.')[1] for name in sys.modules if name.startswith('airflow_provider_ops.')}\n"
        "print(sorted(own - {'simulator'}), 'airflow' in sys.modules, 'httpx' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["[]", "False", "False"]
