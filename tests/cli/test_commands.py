"""``check``, ``list``, ``show``, ``wait`` and ``cancel`` against the simulator, through the real parser."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import sys
import threading
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.cli import commands
from airflow_provider_ops.cli.output import age
from airflow_provider_ops.hooks.akua import AkuaHook
from airflow_provider_ops.hooks.onvera import OnveraHook
from airflow_provider_ops.operation import OperationState
from airflow_provider_ops.provider_info import typed_apis
from airflow_provider_ops.testing import fail_first, never_settles, operation_fails

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ops.testing import SimulatorServer

    Operations = Callable[..., Any]

ONVERA = ("--conn-id", "onvera_default")
AKUA = ("--conn-id", "akua_default")


def deploy(count: int = 1) -> list[str]:
    hook = OnveraHook()
    return [hook.create_deployment("airflow").operation_id for _ in range(count)]


def cluster() -> str:
    hook = AkuaHook()
    return str(hook.create_cluster(name="c", region_id=next(hook.list_regions()).id).id)


def rows(ran: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(ran.out)
    return found


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min 0 s"), (3 * 3600 + 125, "3 h 2 min"), (50 * 3600, "2 d 2 h"), (-5, "0 s")],
)
def test_an_age_has_its_two_largest_units(seconds: float, said: str) -> None:
    at = datetime(2026, 3, 1, 8, tzinfo=timezone.utc)
    assert age(at, at.timestamp() + seconds) == said
    assert age(None, 0.0) is None


@pytest.mark.usefixtures("world")
class TestCheck:
    def test_all_default_connections(self, operations: Operations) -> None:
        ran = operations("check", "--output", "json")
        assert ran.code == 0
        # the simulator may serve APIs that another test has added
        assert [row["conn_id"] for row in rows(ran)] == [f"{api}_default" for api in typed_apis()]
        assert {row["works"] for row in rows(ran)} == {True}

    def test_a_wrong_key_is_said_and_not_shown(
        self, world: SimulatorServer, operations: Operations, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        key = "invalid-sekret-key-42"
        monkeypatch.setenv("AIRFLOW_CONN_WRONG", world.connection_json("akua", key))
        ran = operations("check", *AKUA, "--conn-id", "wrong", "--output", "json")
        assert ran.code == 1
        assert [row["works"] for row in rows(ran)] == [True, False]
        assert "key" in rows(ran)[1]["message"]
        assert key not in ran.out + ran.err

    def test_a_connection_that_does_not_exist_does_not_hide_the_others(self, operations: Operations) -> None:
        ran = operations("check", "--conn-id", "nowhere", *ONVERA, "-o", "json")
        assert ran.code == 1
        assert [row["works"] for row in rows(ran)] == [False, True]
        assert "nowhere" in rows(ran)[0]["message"]


@pytest.mark.usefixtures("world")
class TestConnections:
    def test_several_defaults_are_named(self, operations: Operations) -> None:
        ran = operations("list")
        assert (ran.code, ran.out) == (4, "")
        assert "onvera_default or nirvana_default" in ran.err

    def test_the_only_default_is_used(
        self, world: SimulatorServer, operations: Operations, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for api in set(world.apis) - {"onvera"}:
            monkeypatch.delenv(f"AIRFLOW_CONN_{api.upper()}_DEFAULT")
        (operation_id,) = deploy()
        assert operation_id in operations("list").out

    def test_none_at_all(self, world: SimulatorServer, operations: Operations, monkeypatch: pytest.MonkeyPatch) -> None:
        for api in world.apis:
            monkeypatch.delenv(f"AIRFLOW_CONN_{api.upper()}_DEFAULT")
        ran = operations("list")
        assert ran.code == 4
        assert "--conn-id" in ran.err

    def test_one_of_another_provider(self, operations: Operations, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AIRFLOW_CONN_SHOP", "postgres://user:pass@db/shop")
        ran = operations("show", "op_1", "--conn-id", "shop")
        assert ran.code == 4
        assert "'postgres'" in ran.err
        assert "pass@" not in ran.err


@pytest.mark.usefixtures("world")
class TestList:
    def test_newest_first_up_to_a_limit(self, operations: Operations) -> None:
        deploy(3)
        shown = rows(operations("list", *ONVERA, "-o", "json"))
        assert len(shown) == 3
        ran = operations("list", *ONVERA, "-o", "json", "--limit", "1")
        assert len(rows(ran)) == 1
        assert ran.err == "2 more; --limit shows them.\n"

    def test_how_old_each_is(self, operations: Operations) -> None:
        deploy()
        (row,) = rows(operations("list", *ONVERA, "-o", "json"))
        assert re.fullmatch(r"\d+ s", row["age"])
        assert "age" in operations("list", *ONVERA).out

    @pytest.mark.parametrize(
        ("broken", "ended_as"), [(None, "succeeded"), ("no capacity", "failed: OPERATION_FAILED: no capacity")]
    )
    def test_what_has_ended_shows_how_and_no_phase_of_before(
        self, broken: str | None, ended_as: str, world: SimulatorServer, operations: Operations
    ) -> None:
        if broken:
            world.faults(operation_fails(broken))
        (operation_id,) = deploy()
        operations("wait", operation_id, *ONVERA)
        assert OnveraHook().get_operation(operation_id).progress is not None, "the API keeps its last phase"
        (row,) = rows(operations("list", *ONVERA, "-o", "json"))
        assert row["progress"] == ended_as

    def test_by_state_and_kind(self, world: SimulatorServer, operations: Operations) -> None:
        world.duration = 60
        (first, second) = deploy(2)
        ids = {row["id"] for row in rows(operations("list", *ONVERA, "--kind", "deployment", "-o", "json"))}
        assert ids == {first, second}
        assert rows(operations("list", *ONVERA, "--kind", "cluster", "-o", "json")) == []
        assert rows(operations("list", *ONVERA, "--state", "failed", "-o", "json")) == []

    def test_open_ones_do_not_read_all_that_ever_was(self, world: SimulatorServer, operations: Operations) -> None:
        world.duration = 60
        deploy(2)
        ran = operations("list", *ONVERA, "--state", "running", "--state", "pending", "-o", "json")
        assert len(rows(ran)) == 2
        asked = [one["query"] for one in world.requests("onvera") if one["method"] == "GET"]
        assert asked
        assert all("status" in query for query in asked)

    def test_an_api_without_a_list(self, operations: Operations) -> None:
        ran = operations("list", "--conn-id", "lakesail_default")
        assert ran.code == 4
        assert "LakeSail has no call" in ran.err

    @pytest.mark.parametrize("output", ["table", "yaml", "plain", "json"])
    def test_all_outputs(self, output: str, operations: Operations) -> None:
        (operation_id,) = deploy()
        ran = operations("list", *ONVERA, "--output", output)
        assert ran.code == 0
        # in one piece, or nobody can copy it
        assert operation_id in ran.out


@pytest.mark.usefixtures("world")
class TestShow:
    def test_facts_story_and_link(self, operations: Operations) -> None:
        (operation_id,) = deploy()
        assert operations("wait", operation_id, *ONVERA).code == 0
        (shown,) = rows(operations("show", operation_id, *ONVERA, "-o", "json"))
        assert (shown["id"], shown["state"], shown["resource_type"]) == (operation_id, "succeeded", "deployment")
        assert [event["what"] for event in shown["timeline"]] == ["created", "started", "succeeded"]
        assert shown["url"].startswith("https://")
        table = operations("show", operation_id, *ONVERA).out
        assert all(word in table for word in (operation_id, "resource_id", "started"))

    def test_steps_are_part_of_the_story(self, operations: Operations) -> None:
        operation_id = cluster()
        operations("wait", operation_id, *AKUA)
        (shown,) = rows(operations("show", operation_id, *AKUA, "-o", "json"))
        assert any(event["what"].startswith("step ") for event in shown["timeline"])
        assert [event["at"] for event in shown["timeline"]] == sorted(event["at"] for event in shown["timeline"])

    def test_what_an_api_says_does_not_reach_the_terminal_as_a_command(
        self, world: SimulatorServer, operations: Operations
    ) -> None:
        world.faults(operation_fails("no [red]quota[/red] \x1b]0;title\x07 left"))
        (operation_id,) = deploy()
        operations("wait", operation_id, *ONVERA)
        for output in ("table", "plain"):
            shown = operations("show", operation_id, *ONVERA, "-o", output).out
            assert "no [red]quota[/red]" in shown
            assert "\x1b" not in shown
            assert "\x07" not in shown

    def test_an_id_that_nobody_knows(self, operations: Operations) -> None:
        ran = operations("show", "op_nobody", *ONVERA)
        assert (ran.code, ran.out) == (4, "")
        assert "there is no operation op_nobody" in ran.err
        assert len(ran.err.splitlines()) == 1

    def test_an_id_that_cannot_be_one(self, world: SimulatorServer, operations: Operations) -> None:
        ran = operations("show", "../keys", *ONVERA)
        assert ran.code == 4
        assert "cannot be an id" in ran.err
        assert not world.requests("onvera")


@pytest.mark.usefixtures("world")
class TestWait:
    def test_success(self, operations: Operations) -> None:
        ids = deploy(2)
        ran = operations("wait", *ids, *ONVERA, "--poll-interval", "0.05", "-o", "json")
        assert ran.code == 0
        assert [(row["id"], row["outcome"]) for row in rows(ran)] == [(one, "succeeded") for one in ids]
        assert f"{ids[0]}: succeeded" in ran.err

    def test_a_failure_with_its_reason(self, world: SimulatorServer, operations: Operations) -> None:
        world.faults(operation_fails("no capacity"))
        (operation_id,) = deploy()
        ran = operations("wait", operation_id, *ONVERA, "-o", "json")
        assert (ran.code, rows(ran)[0]["outcome"]) == (1, "failed")
        assert "no capacity" in rows(ran)[0]["error"]

    def test_a_timeout_says_that_it_goes_on(self, world: SimulatorServer, operations: Operations) -> None:
        world.faults(never_settles())
        (operation_id,) = deploy()
        ran = operations("wait", operation_id, *ONVERA, "--timeout", "0.2", "--poll-interval", "0.05", "-o", "json")
        assert (ran.code, rows(ran)[0]["outcome"], rows(ran)[0]["error"]) == (3, "timeout", None)
        assert f"{operation_id} did not settle in time. It continues remotely." in ran.err

    def test_any_ends_with_the_first_success(self, world: SimulatorServer, operations: Operations) -> None:
        world.faults(never_settles(1))
        ids = deploy(2)
        ran = operations("wait", *ids, *ONVERA, "--wait-for", "any", "--poll-interval", "0.05", "-o", "json")
        assert ran.code == 0
        assert [row["outcome"] for row in rows(ran)] == ["not waited for any more", "succeeded"]

    def test_passing_trouble_is_tolerated(self, world: SimulatorServer, operations: Operations) -> None:
        (operation_id,) = deploy()
        world.faults(fail_first(2, status=503, method="GET", skip=1))
        assert operations("wait", operation_id, *ONVERA).code == 0

    def test_interrupting_it_leaves_the_operation_running(self, world: SimulatorServer, operations: Operations) -> None:
        world.faults(never_settles())
        operation_id = cluster()
        # a shell starts what runs in its background with SIGINT ignored
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        try:
            ran = operations("wait", operation_id, *AKUA)
        finally:
            signal.signal(signal.SIGINT, before)
        timer.join()
        assert ran.code == 130
        assert "nothing was cancelled" in ran.err
        assert f"airflow operations wait --conn-id akua_default {operation_id}" in ran.err
        assert AkuaHook().get_operation(operation_id).state.value == "running"

    def test_a_terminal_gets_a_bar(self, operations: Operations, monkeypatch: pytest.MonkeyPatch) -> None:
        class Terminal(io.StringIO):
            def isatty(self) -> bool:
                return True

        terminal = Terminal()
        operation_id = cluster()
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setattr(sys, "stderr", terminal)
        ran = operations("wait", operation_id, *AKUA, "-o", "json")
        assert (ran.code, rows(ran)[0]["outcome"]) == (0, "succeeded")
        drawn = terminal.getvalue()
        assert "━" in drawn
        assert "\x1b[" in drawn
        assert f"{operation_id}: " not in drawn, "lines for changes are for logs"


@pytest.mark.usefixtures("world")
class TestCancel:
    def test_where_the_api_can(self, world: SimulatorServer, operations: Operations) -> None:
        world.duration = 60
        operation_id = cluster()
        ran = operations("cancel", operation_id, *AKUA, "-o", "json")
        assert ran.code == 0
        assert rows(ran)[0]["id"] == operation_id
        assert operations("wait", operation_id, *AKUA).code == 1
        assert AkuaHook().get_operation(operation_id).state.value == "cancelled"

    def test_where_it_cannot(self, world: SimulatorServer, operations: Operations) -> None:
        world.duration = 60
        (operation_id,) = deploy()
        ran = operations("cancel", operation_id, *ONVERA)
        assert (ran.code, ran.out) == (1, "")
        assert "Onvera has no call that cancels" in ran.err
        assert "Nothing was changed" in ran.err

    def test_what_is_over_already(self, operations: Operations) -> None:
        operation_id = cluster()
        operations("wait", operation_id, *AKUA)
        ran = operations("cancel", operation_id, *AKUA)
        assert ran.code == 1
        assert ran.err.startswith(f"Akua operation {operation_id} (cluster.create, SUCCEEDED) is over already")

    @pytest.mark.parametrize("has_ended", [True, False])
    def test_what_is_refused_is_read_again(
        self, world: SimulatorServer, operations: Operations, monkeypatch: pytest.MonkeyPatch, has_ended: bool
    ) -> None:
        if not has_ended:
            world.duration = 60
        operation_id = cluster()
        if has_ended:
            operations("wait", operation_id, *AKUA)
        operation = AkuaHook().get_operation(operation_id)
        # it settles between the read and the cancel
        early = replace(operation, kind="", raw_state="RUNNING", state=OperationState.RUNNING)
        monkeypatch.setattr(commands, "_known", lambda *_: early)
        world.faults(fail_first(1, status=409, method="POST", api="akua"))
        ran = operations("cancel", operation_id, *AKUA)
        assert ran.code == 1
        assert f"operation {operation_id} (RUNNING)" in ran.err
        assert ("has ended meanwhile (SUCCEEDED)" if has_ended else "which still runs") in ran.err


def test_an_api_that_does_not_answer_is_one_paragraph(
    operations: Operations, monkeypatch: pytest.MonkeyPatch, retry_at_once: None
) -> None:
    conn = {"conn_type": "onvera", "host": "http://127.0.0.1:9/onvera/api/v1", "password": "sekret-key-42"}
    monkeypatch.setenv("AIRFLOW_CONN_DEAD", json.dumps(conn))
    ran = operations("show", "op_1", "--conn-id", "dead")
    assert ran.code == 4
    patience, error = ran.err.splitlines()
    assert "trying again" in patience
    assert "no connection" in error


def test_logging_and_the_environment_are_as_before(world: SimulatorServer, operations: Operations) -> None:
    import logging  # noqa: PLC0415

    before = (logging.root.manager.disable, dict(os.environ))
    operations("show", "op_1", *ONVERA)
    assert (logging.root.manager.disable, dict(os.environ)) == before


def test_a_person_is_told_that_reads_are_tried_again(world: SimulatorServer, operations: Operations) -> None:
    (operation_id,) = deploy()
    world.faults(fail_first(4, status=503, method="GET"))
    ran = operations("show", operation_id, *ONVERA, "-o", "json")
    assert (ran.code, rows(ran)[0]["id"]) == (0, operation_id)
    assert ran.err.count("trying again") == 1
    assert "503" in ran.err
    assert "Ctrl-C" in ran.err
