"""The rows of APIs that a spec describes: made from the spec alone, so that one that is added has them by itself."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from airflow_provider_ops import specs
from airflow_provider_ops.apis.terminate import terminate
from airflow_provider_ops.core.identity import TaskRun
from airflow_provider_ops.exceptions import AmbiguousSubmission
from airflow_provider_ops.lifecycle.handle_store import HandleStore
from airflow_provider_ops.lifecycle.submitter import Submitter
from airflow_provider_ops.spec import ApiSpec
from dev.guarantees.api_case import TASK, UNKNOWN_STATUS
from dev.guarantees.apis import APIS, all_apis
from dev.guarantees.described import case_of
from dev.guarantees.observe import is_named
from dev.guarantees.scenarios import QUICK, QUICK_DESCRIBED, QUICK_PAUSED, is_quick, phases
from dev.guarantees.stage import Live, Stage
from dev.simulator import Simulator
from tests.attempts import attempt, identity_of
from tests.catalogue.parts import NAMES, hook_of
from tests.lifecycle.submission.parts import StateStore
from tests.spec.examples import JOBS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow_provider_ops.testing import SimulatorServer, VirtualClock
    from dev.guarantees.model import Expect, Scenario
    from tests.catalogue.parts import Hook

_MARK = "    mark: {in: body, name: /labels/airflow, max: 63}\n"
_FIND = JOBS[JOBS.index("    find:") : JOBS.index("  - request: POST /jobs/{job}/restart")]
_CANCEL = "cancel: POST /operations/{operation_id}/cancel\n"
_DELETE = "delete: DELETE /jobs/{resource_id}\n"


def described(*edits: tuple[str, str]) -> ApiSpec:
    text = JOBS
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    return ApiSpec.from_yaml(text)


#: What a spec says, and a spec that says it.
OWN = {
    "search": described(),
    "key": described((f"{_MARK}{_FIND}", "    mark: {in: header, name: Idempotency-Key, idempotent: true}\n")),
    "nothing": described((_MARK, ""), (_FIND, ""), (_CANCEL, ""), (_DELETE, "")),
    "name": described(("name: /labels/airflow", "name: /name, keep: true"), ("match: /labels/airflow", "match: /name")),
}
ALL = {**{name: specs.load(name) for name in NAMES}, **OWN}


def rows_of(spec: ApiSpec) -> dict[str, Scenario]:
    """Return the rows by key and mode."""
    return {
        row.run_id.removeprefix(f"{spec.name}-"): row for phase in phases((case_of(spec),)) for row in phase.scenarios
    }


def expected(name: str, row: str) -> Expect:
    """Return what a row of a spec expects, in whichever mode CI runs it."""
    (found,) = {key[2:]: one.expect for key, one in rows_of(OWN[name]).items() if key[2:] == row}.values()
    return found


def test_the_whole_catalogue_has_rows_in_ci() -> None:
    quick = {name: set[str]() for name in specs.names()}
    for phase in phases():
        for row in filter(is_quick, phase.scenarios):
            quick.setdefault(row.api.name, set()).add(row.key)
    # this one has operators of its own
    assert quick.pop("onvera") == QUICK
    for name in specs.names():
        if name in quick:
            assert quick[name] - {*QUICK_PAUSED} == {*QUICK_DESCRIBED}
            assert len(quick[name] & {*QUICK_PAUSED}) == 1


@pytest.mark.parametrize("name", OWN)
def test_so_has_a_spec_that_is_added(name: str) -> None:
    rows = rows_of(OWN[name]).values()
    assert {row.key for row in rows} - {*QUICK_PAUSED} == {*QUICK_DESCRIBED}
    # a kill in both modes
    assert len([row for row in rows if row.key not in QUICK_PAUSED]) == len(QUICK_DESCRIBED) + 1


def test_a_file_in_the_catalogue_is_all_that_it_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And one among the cases, for APIs that are in no catalogue."""
    (tmp_path / "jobs.yaml").write_text(JOBS)
    monkeypatch.setattr(specs, "_FOLDER", tmp_path)
    assert {api.name for api in all_apis() if api.is_described} == {"jobs", "exports"}
    assert {api.name for api in APIS} > {*NAMES, "exports"}


@pytest.mark.parametrize(
    ("name", "row", "created", "state", "says"),
    [
        ("search", "answer-lost", 1, "success", "found operation"),
        ("key", "answer-lost", 1, "success", "searching for what it started"),
        ("nothing", "answer-lost", 1, "failed", "the outcome of .* is unknown"),
        ("nothing", "before-submit", 0, "failed", "the outcome of .* is unknown"),
        ("search", "failed", 1, "failed", "was asked to cancel"),
        ("search", "failed-delete", 1, "failed", "is being deleted"),
        ("nothing", "failed", 1, "failed", "continues remotely, because"),
        ("nothing", "failed-delete", 1, "failed", "nothing that could be deleted"),
        ("search", "cleared", 2, "success", "submitting a new one"),
        ("nothing", "cleared", 1, "success", "still ours: adopting it"),
    ],
)
def test_what_is_expected_is_what_the_spec_can(name: str, row: str, created: int, state: str, says: str) -> None:
    expect = expected(name, row)
    assert (expect.created, expect.state) == (created, state)
    assert says in expect.sentence


@pytest.mark.parametrize("name", ALL)
def test_what_a_row_made_and_ended_is_seen(
    name: str, operations_simulator: SimulatorServer, virtual_time: VirtualClock
) -> None:
    """Its answer is lost, which a rule for this run alone does; then a kill ends what was made."""
    handle = None
    with live_row(ALL[name], "answer-lost", operations_simulator) as (live, hook):
        api = live.scenario.api
        live.stage.set_rules([live.scenario])
        try:
            handle = submitter(hook, live.scenario).run().handle
        except AmbiguousSubmission:
            assert api.finds == "no"
        if handle is not None and api.ending is not None:
            policy = "cancel" if api.can_cancel else "delete"
            assert hook.run(terminate(hook.api, handle, policy)).is_accepted
        live.stage.read_simulator()
        assert [rule["fired"] for rule in live.stage.simulator.control("faults")["rules"]] == [1]
    assert (len(live.resources), len(live.operations)) == (1, 1)
    assert bool(live.endings) == bool(api.ending and handle)


def test_a_put_that_is_repeated_has_made_one_resource(
    operations_simulator: SimulatorServer, virtual_time: VirtualClock
) -> None:
    with live_row(specs.load("azure"), "answer-held", operations_simulator) as (live, hook):
        for _ in range(2):
            # the next try comes after the operation of the first is over
            hook.wait_for_operation(submitter(hook, live.scenario).run().handle.operation_id or "")
        live.stage.read_simulator()
    (made,) = live.resources
    assert len(operations_simulator.operations("azure")) == 2
    # its name is in the path, so that no log has to name an operation
    assert is_named(made, "")


def test_an_operation_that_takes_longer_is_not_over() -> None:
    """Where any word that is not listed is that of a failure, a known one is shown."""
    words = {name: case_of(spec).status for name, spec in ALL.items()}
    assert words.pop("snowflake") == "333333"
    assert set(words.values()) == {UNKNOWN_STATUS}


@contextmanager
def live_row(spec: ApiSpec, key: str, world: SimulatorServer) -> Iterator[tuple[Live, Hook]]:
    """Yield a row, as the runner sees it, and a hook that does what its task does."""
    world.add(spec)
    row = next(row for row in rows_of(spec).values() if row.key == key)
    simulator = Simulator(urlsplit(world.url).port or 0)
    with closing(simulator), closing(hook_of(spec, world.base_url(spec.name))) as hook:
        yield Live(Stage(None, simulator, None, print), row), hook  # type: ignore[arg-type]


def submitter(hook: Hook, row: Scenario) -> Submitter:
    """Return what submits the request of a row, as its task does."""
    given = row.api.arguments
    path, body = given["path"].replace("{{ run_id }}", row.run_id), given["json"] and {"name": row.run_id}
    submit = hook.api.request(given["method"], path, json=body)
    identity = identity_of(submit, attempt(), run=TaskRun(row.dag_id, row.run_id, TASK))
    store = HandleStore(StateStore(), lambda _: None, "here")
    return Submitter(hook, submit, identity, store, deadline=hook.clock.time() + 3600, log=lambda _: None)
