"""When and where the rules of a fault plan strike, and which plans are refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops import testing
from tests.simulator.faulty import BODY, statuses

if TYPE_CHECKING:
    from tests.simulator.conftest import World


def test_skip_and_count(world: World) -> None:
    world.server.faults(testing.fail_first(2, skip=1))
    assert statuses(world.client, 5) == [200, 503, 503, 200, 200]


def test_rules_take_turns_when_the_first_is_used_up(world: World) -> None:
    world.server.faults(testing.fail_first(1, status=500), testing.fail_first(1, status=502))
    assert statuses(world.client, 3) == [500, 502, 200]


def test_probability_comes_from_the_seed(world: World) -> None:
    world.server.faults(testing.fail_sometimes(0.3))
    first = statuses(world.client, 60)
    world.server.faults(testing.fail_sometimes(0.3))
    assert statuses(world.client, 60) == first
    assert 8 <= first.count(503) <= 30


def test_an_outage_begins_and_ends(world: World) -> None:
    world.server.faults(testing.outage(60, after=10))
    seen = []
    for step in (9, 2, 58, 2):
        world.clock.advance(step)
        seen.append(world.client.get("/operations").status_code)
    assert seen == [200, 503, 503, 200]


@pytest.mark.parametrize(
    ("where", "struck"),
    [
        ({"route": "/operations/{operation_id}"}, ["operation"]),
        ({"route": "/onvera/api/v1/operations/{id}"}, ["operation"]),
        ({"route": "/operations"}, ["operations"]),
        ({"route": "/operations*"}, ["operation", "operations"]),
        ({"route": "/onvera/*/deployments/*"}, ["deployment"]),
        ({"method": "post"}, ["create"]),
        ({"method": "GET", "api": "onvera"}, ["deployment", "operation", "operations"]),
        ({"name": "x*"}, ["create", "deployment", "operation"]),
        ({"name": "y"}, []),
        ({"resource": "<bare>"}, ["deployment", "operation"]),
        ({"resource": "dep_<bare>"}, ["deployment", "operation"]),
        ({"resource": "dep_*"}, ["deployment", "operation"]),
    ],
)
def test_where_a_rule_applies(world: World, where: dict[str, Any], struck: list[str]) -> None:
    made = world.create(name="xyz")
    where = {key: value.replace("<bare>", made["deployment_id"]) for key, value in where.items()}
    world.server.faults(testing.fail_first(100, status=418, **where))
    requests = {
        "create": ("POST", "/deployments", {**BODY, "name": "xyz"}),
        "deployment": ("GET", f"/deployments/{made['deployment_id']}", None),
        "operation": ("GET", f"/operations/{made['operation_id']}", None),
        "operations": ("GET", "/operations", None),
    }
    seen = {name: world.client.request(m, path, json=body).status_code for name, (m, path, body) in requests.items()}
    assert sorted(name for name, status in seen.items() if status == 418) == struck


def test_operation_faults_ask_for_kind_and_name(world: World) -> None:
    world.server.faults({"fault": "operation_fails", "kind": "*.destroy", "name": "b*"})
    kept, broken = world.ready(name="a"), world.ready(name="b")
    for made in (kept, broken):
        world.client.delete(f"/deployments/{made['deployment_id']}")
    world.clock.advance(200)
    ends = {(row["resource_name"], row["kind"]): row["stage"] for row in world.server.operations()}
    assert ends[("b", "deployment.destroy")] == "failed"
    assert [stage for key, stage in ends.items() if key != ("b", "deployment.destroy")] == ["succeeded"] * 3


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ("{", "not valid JSON"),
        ("5", "a list of rules"),
        ({"rulez": []}, "unknown key 'rulez' in the fault plan; allowed: rules"),
        ({"rules": 5}, "rules: "),
        ([5], "rules[0]: "),
        ([{}], "rules[0]: the key 'fault' is missing; allowed: status, reset"),
        ([{"fault": "reset"}, {"fault": "explode"}], "rules[1]: unknown fault 'explode'; allowed: status, reset"),
        ([{"fault": "reset", "cuont": 1}], "rules[0]: unknown key 'cuont'; allowed: api, method"),
        ([{"fault": "status"}], "rules[0]: status: Field required"),
        ([{"fault": "status", "status": 200}], "rules[0]: status: "),
        ([{"fault": "status", "status": 503, "retry_after": {"in": 5}}], "rules[0]: retry_after"),
        ([{"fault": "reset", "probability": 0}], "rules[0]: probability: "),
        ([{"fault": "reset", "probability": 1.5}], "rules[0]: probability: "),
        ([{"fault": "reset", "count": 0}], "rules[0]: count: "),
        ([{"fault": "hang", "seconds": -1}], "rules[0]: seconds: "),
        ([{"fault": "reset", "api": "overa"}], "rules[0]: unknown api 'overa'; allowed: onvera"),
        ([{"fault": "reset", "route": "/deploy/{id}"}], "no route has the path '/deploy/{id}'; allowed: /"),
    ],
)
def test_a_plan_that_cannot_be_used_is_refused_and_the_old_one_stays(world: World, plan: Any, message: str) -> None:
    world.server.faults(testing.never_settles())
    content = plan if isinstance(plan, str) else json.dumps(plan)
    answer = world.control("faults", "POST", content=content)
    assert answer.status_code == 400
    assert message in answer.json()["error"]
    assert world.server.operations() == []
    plan_now = world.control("faults").json()
    assert [rule["fault"] for rule in plan_now["rules"]] == ["endless"]


def test_a_bad_rule_is_an_error_in_python_as_well(world: World) -> None:
    with pytest.raises(ValueError, match="unknown fault 'explode'"):
        world.server.faults({"fault": "explode"})


def test_every_helper_makes_a_rule_that_is_accepted(world: World) -> None:
    rules = [
        testing.fail_first(2),
        testing.fail_sometimes(0.5),
        testing.outage(1),
        testing.rate_limited(),
        testing.reset_connection(),
        testing.drop_answer(),
        testing.hang(1),
        testing.trickle(1),
        testing.html(),
        testing.truncated(),
        testing.poison("NaN"),
        testing.unknown_status(),
        testing.not_found_first(),
        testing.operation_fails(),
        testing.operation_cancelled(),
        testing.never_settles(),
        testing.slow_cancel(),
        testing.list_lag(),
        testing.early_dates(),
    ]
    world.server.faults(*rules)
    from airflow_provider_ops.simulator.rules import FAULTS  # noqa: PLC0415

    assert {rule["fault"] for rule in rules} == set(FAULTS)


def test_faults_are_counted_by_kind_and_by_rule(world: World) -> None:
    world.server.faults(testing.fail_first(2), testing.never_settles())
    statuses(world.client, 3)
    world.create()
    assert world.server.stats()["faults"] == {"status": 2, "endless": 1}
    plan = world.control("faults").json()["rules"]
    assert [(rule["seen"], rule["fired"]) for rule in plan] == [(4, 2), (1, 1)]
