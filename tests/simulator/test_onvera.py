"""The simulated Onvera: shapes, life cycle and refusals as its fact sheet has them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from tests.simulator.conftest import World

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def error_of(answer: httpx.Response) -> tuple[int, str]:
    body = answer.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message"}
    assert body["error"]["message"]
    return answer.status_code, body["error"]["code"]


def test_create_answers_ids_and_links_that_lead_somewhere(world: World) -> None:
    made = world.create(name="Team BI", app_type="superset")
    assert re.fullmatch(UUID, made["deployment_id"])
    assert re.fullmatch("op_" + UUID, made["operation_id"])
    assert set(made) == {"deployment_id", "operation_id", "links"}
    for name, kind in (("deployment", "name"), ("operation", "type")):
        answer = world.client.get(world.server.url + made["links"][name])
        assert answer.status_code == 200
        assert kind in answer.json()["data"]


def test_an_operation_goes_through_its_phases_and_the_deployment_follows(world: World) -> None:
    made = world.create()
    seen: list[tuple[str, str | None, str]] = []
    for _ in range(32):
        operation, deployment = world.operation(made), world.get(f"/deployments/{made['deployment_id']}")
        state = (operation["status"], operation.get("progress", {}).get("phase"), deployment["status"])
        if not seen or seen[-1] != state:
            seen.append(state)
        world.clock.advance(4)
    assert seen == [
        ("queued", None, "provisioning"),
        ("running", "provisioning_db", "provisioning"),
        ("running", "provisioning_infrastructure", "provisioning"),
        ("succeeded", "ready", "ready"),
    ]


def test_keys_of_an_operation_are_absent_until_they_apply(world: World) -> None:
    made = world.create()
    always = {"id", "type", "status", "resource", "requested_at"}
    queued = world.operation(made)
    assert set(queued) == always
    assert queued["resource"] == {"type": "deployment", "id": f"dep_{made['deployment_id']}"}
    world.clock.advance(30)
    assert set(world.operation(made)) == always | {"progress", "started_at"}
    world.clock.advance(100)
    done = world.operation(made)
    assert set(done) == always | {"progress", "started_at", "ended_at"}
    assert all(TIME.fullmatch(done[key]) for key in ("requested_at", "started_at", "ended_at"))
    assert done["requested_at"] < done["started_at"] < done["ended_at"]


def test_a_late_look_shows_when_it_happened_and_not_when_it_was_seen(world: World) -> None:
    first, second = world.create(), None
    world.clock.advance(10_000)
    second = world.create()
    assert world.operation(first)["ended_at"] < world.operation(second)["requested_at"]


def test_a_deployment_shows_its_url_when_ready_and_its_operation_while_in_flight(world: World) -> None:
    made = world.create(name="n")
    deployment = world.get(f"/deployments/{made['deployment_id']}")
    assert deployment["url"] is None
    assert deployment["links"]["operation"] == made["links"]["operation"]
    world.clock.advance(200)
    deployment = world.get(f"/deployments/{made['deployment_id']}")
    assert re.fullmatch(r"https://airflow\.[a-z0-9]{6}\.onvera\.io", deployment["url"])
    assert deployment["links"] == {"self": made["links"]["deployment"], "operation": None}
    assert set(deployment) == {
        "id", "name", "app_type", "status", "url", "environment_id", "created_at", "links",
    }  # fmt: skip


def test_destroy_goes_through_its_phases_and_takes_the_deployment_away(world: World) -> None:
    made = world.ready()
    path = f"/deployments/{made['deployment_id']}"
    destroying = world.client.delete(path)
    assert destroying.status_code == 202
    operation = destroying.json()["data"]
    phases = []
    for _ in range(12):
        world.clock.advance(10)
        phases.append(world.operation(operation).get("progress", {}).get("phase"))
    assert list(dict.fromkeys(phases))[-3:] == ["revoking_access", "removing_db_tenant", "tearing_down_infra"]
    assert world.operation(operation)["status"] == "succeeded"
    assert error_of(world.client.get(path)) == (404, "DEPLOYMENT_NOT_FOUND")
    assert error_of(world.client.delete(path)) == (404, "DEPLOYMENT_NOT_FOUND")
    assert world.get("/deployments")["items"] == []
    assert world.server.resources()[0]["deleted"] is True


def test_destroying_twice_is_a_conflict(world: World) -> None:
    path = f"/deployments/{world.ready()['deployment_id']}"
    assert world.client.delete(path).status_code == 202
    assert error_of(world.client.delete(path)) == (409, "RESOURCE_CONFLICT")
    assert world.get(path)["status"] == "destroying"
    assert len(world.server.operations()) == 2


def test_destroying_while_provisioning_cancels_the_create(world: World) -> None:
    made = world.create()
    world.clock.advance(50)
    destroying = world.client.delete(f"/deployments/{made['deployment_id']}").json()["data"]
    create = world.operation(made)
    assert create["status"] == "canceled"
    assert create["error"]["message"]
    deployment = world.get(f"/deployments/{made['deployment_id']}")
    assert (deployment["status"], deployment["links"]["operation"]) == (
        "destroying",
        destroying["links"]["operation"],
    )
    world.clock.advance(200)
    assert world.operation(destroying)["status"] == "succeeded"
    assert world.client.get(f"/deployments/{made['deployment_id']}").status_code == 404


def test_what_a_failed_and_a_canceled_destroy_leave(world: World) -> None:
    failing, cancelling = world.ready(), world.ready()
    rules = [{"fault": "operation_fails", "count": 1}, {"fault": "operation_cancelled", "skip": 1}]
    world.server.faults(*rules)
    for made in (failing, cancelling):
        world.client.delete(f"/deployments/{made['deployment_id']}")
    world.clock.advance(200)
    assert world.get(f"/deployments/{failing['deployment_id']}")["status"] == "failed"
    assert world.get(f"/deployments/{cancelling['deployment_id']}")["status"] == "ready"
    world.server.faults()
    assert world.client.delete(f"/deployments/{failing['deployment_id']}").status_code == 202


def test_both_forms_of_a_deployment_id_are_taken(world: World) -> None:
    made = world.create()
    world.create()
    for spelling in (made["deployment_id"], f"dep_{made['deployment_id']}"):
        assert world.get(f"/deployments/{spelling}")["id"] == made["deployment_id"]
        operations = world.get("/operations", resource_id=spelling)
        assert [row["id"] for row in operations["items"]] == [made["operation_id"]]


def test_an_omitted_name_is_made_up(world: World) -> None:
    assert world.get(f"/deployments/{world.create()['deployment_id']}")["name"].startswith("airflow-")
    assert world.get(f"/deployments/{world.create(name='Ünï ✓')['deployment_id']}")["name"] == "Ünï ✓"


def test_environments_have_items_only(world: World) -> None:
    data = world.get("/environments")
    assert set(data) == {"items"}
    assert set(data["items"][0]) == {"id", "name", "slug", "created_at"}


def test_lists_are_paged(world: World) -> None:
    made = [world.create()["deployment_id"] for _ in range(5)]
    pages = [world.get("/deployments", page=page, per_page=2) for page in (1, 2, 3)]
    assert [row["id"] for page in pages for row in page["items"]] == made[::-1]
    assert pages[2]["pagination"] == {"page": 3, "per_page": 2, "total": 5, "pages": 3}
    past = world.get("/deployments", page=4, per_page=2)
    assert past == {"items": [], "pagination": {"page": 4, "per_page": 2, "total": 5, "pages": 3}}
    assert world.get("/operations", page=1, per_page=100)["pagination"]["pages"] == 1


def test_an_empty_list_has_no_pages(world: World) -> None:
    assert world.get("/operations")["pagination"] == {"page": 1, "per_page": 50, "total": 0, "pages": 0}


def test_operations_are_filtered_by_status_type_and_resource(world: World) -> None:
    first = world.ready()
    world.client.delete(f"/deployments/{first['deployment_id']}")
    second = world.create()
    world.clock.advance(50)

    def found(**filters: Any) -> list[str]:
        return [row["type"] for row in world.get("/operations", **filters)["items"]]

    assert found(status="running") == ["deployment.create", "deployment.destroy"]
    assert found(status="succeeded") == ["deployment.create"]
    assert found(status="running", type="deployment.destroy") == ["deployment.destroy"]
    assert found(status="running", resource_id=second["deployment_id"]) == ["deployment.create"]
    assert found(type="dag_sync.trigger") == []
    world.clock.advance(100)
    assert found(status="running") == []
    assert len(found(status="succeeded")) == 3
    assert found(status="canceled") == []


def test_each_page_of_a_filter_follows_the_time(world: World) -> None:
    made = [world.create()["operation_id"] for _ in range(3)]
    assert world.get("/operations", status="queued")["pagination"]["total"] == 3
    world.clock.advance(50)
    assert world.get("/operations", status="queued")["items"] == []
    assert [row["id"] for row in world.get("/operations", status="running")["items"]] == made[::-1]


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("content", "headers", "code"),
    [
        (b'{"app_type": "spark"}', JSON, "INVALID_REQUEST"),
        (b"{", JSON, "INVALID_REQUEST"),
        (b"", JSON, "INVALID_REQUEST"),
        (b'\xff\xfe{"app_type"', JSON, "INVALID_REQUEST"),
        (b'{"app_type": "airflow"}', {"Content-Type": "text/plain"}, "INVALID_REQUEST"),
        (b'{"app_type": "airflow"}', {}, "INVALID_REQUEST"),
        (b"[]", JSON, "VALIDATION_ERROR"),
        (b"null", JSON, "VALIDATION_ERROR"),
        (b"{}", JSON, "VALIDATION_ERROR"),
        (b'{"app_type": 1}', JSON, "VALIDATION_ERROR"),
        (b'{"app_type": "airflow", "name": 5}', JSON, "VALIDATION_ERROR"),
        (b'{"app_type": "airflow", "name": ""}', JSON, "VALIDATION_ERROR"),
        (b'{"app_type": "airflow", "name": "' + b"x" * 256 + b'"}', JSON, "VALIDATION_ERROR"),
        (b'{"app_type": "airflow", "region": "eu"}', JSON, "VALIDATION_ERROR"),
        (b'{"app_type": "airflow", "name": "' + b"x" * 1_100_000 + b'"}', JSON, "INVALID_REQUEST"),
    ],
)
def test_bad_bodies_are_refused_and_create_nothing(
    world: World, content: bytes, headers: dict[str, str], code: str
) -> None:
    answer = world.client.post("/deployments", content=content, headers=headers)
    assert error_of(answer) == (400, code)
    assert world.server.resources() == []


def test_the_message_names_the_field_and_what_is_allowed(world: World) -> None:
    def message(body: dict[str, Any]) -> str:
        text: str = world.client.post("/deployments", json=body).json()["error"]["message"]
        return text

    assert message({"app_type": "spark"}) == "app_type must be one of: airflow, superset"
    assert message({"app_type": "airflow", "size": 1}) == "unknown body field 'size'; allowed: app_type, name"
    assert message({"name": "x"}) == "body field 'app_type' is required"


@pytest.mark.parametrize(
    "query",
    [
        "page=0",
        "page=-1",
        "page=x",
        "page=1.0",
        "page=1_0",
        "page=",
        "per_page=0",
        "per_page=101",
        "per_page=+5",
        "status=done",
        "status=cancelled",
        "status=",
        "limit=5",
        "page=1&page=2",
    ],
)
def test_bad_queries_are_refused(world: World, query: str) -> None:
    assert error_of(world.client.get(f"/operations?{query}")) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize("path", ["/environments?page=1", "/deployments?status=ready", "/operations/op_1?x=1"])
def test_parameters_of_other_endpoints_are_unknown(world: World, path: str) -> None:
    assert error_of(world.client.get(path)) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/operations/op_unknown", (404, "OPERATION_NOT_FOUND")),
        ("GET", "/deployments/unknown", (404, "DEPLOYMENT_NOT_FOUND")),
        ("DELETE", "/deployments/unknown", (404, "DEPLOYMENT_NOT_FOUND")),
        ("GET", "/operations/a%2Fb", (404, "OPERATION_NOT_FOUND")),
        ("GET", "/openapi", (404, "NOT_FOUND")),
        ("GET", "/operations/", (404, "NOT_FOUND")),
        ("GET", "/operations/a/b", (404, "NOT_FOUND")),
        ("PATCH", "/operations", (405, "METHOD_NOT_ALLOWED")),
        ("POST", "/operations/op_1", (405, "METHOD_NOT_ALLOWED")),
    ],
)
def test_what_is_not_there_is_said_in_the_envelope(
    world: World, method: str, path: str, expected: tuple[int, str]
) -> None:
    assert error_of(world.client.request(method, path)) == expected


def test_a_delete_takes_no_body(world: World) -> None:
    path = f"/deployments/{world.ready()['deployment_id']}"
    assert error_of(world.client.request("DELETE", path, json={})) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (None, "MISSING_API_KEY"),
        ("", "MISSING_API_KEY"),
        ("invalid-key", "INVALID_API_KEY"),
        ("expired-key", "API_KEY_EXPIRED"),
        ("revoked-key", "API_KEY_REVOKED"),
    ],
)
def test_keys_that_are_refused(world: World, connect: Callable[..., httpx.Client], key: str | None, code: str) -> None:
    answer = connect(world.server, key).get("/environments")
    assert error_of(answer) == (401, code)
    if key:
        assert key not in answer.text


def test_a_key_is_checked_before_anything_else(world: World, connect: Callable[..., httpx.Client]) -> None:
    client = connect(world.server, "invalid")
    assert client.post("/deployments", content=b"{").status_code == 401
    assert client.get("/nothing").status_code == 401
    assert world.server.resources() == []


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/deployments", "deployments:read"),
        ("GET", "/deployments/x", "deployments:read"),
        ("POST", "/deployments", "deployments:write"),
        ("DELETE", "/deployments/x", "deployments:write"),
        ("GET", "/operations", "operations:read"),
        ("GET", "/operations/x", "operations:read"),
        ("GET", "/environments", "org:read"),
    ],
)
def test_a_missing_scope_is_named(
    world: World, connect: Callable[..., httpx.Client], method: str, path: str, scope: str
) -> None:
    refused = connect(world.server, f"sk-noscope-{scope}").request(method, path)
    assert error_of(refused) == (403, "INSUFFICIENT_SCOPE")
    assert scope in refused.json()["error"]["message"]
    allowed = connect(world.server, "sk-noscope-other:read").request(method, path)
    assert allowed.status_code != 403
    readonly = connect(world.server, "sk-readonly").request(method, path)
    assert (readonly.status_code == 403) == scope.endswith(":write")
