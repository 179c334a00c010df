"""Which of several operations of a resource is ours: times say so, or a known order; a position alone never does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_ops.exceptions import AmbiguousSubmission
from tests.lifecycle.submission import described
from tests.lifecycle.submission.described import LOST, OPERATION
from tests.lifecycle.submission.parts import StateStore
from tests.played import Request, reply

OURS = {"id": "ours", "s": "bad"}
CLEANUP = {"id": "other", "s": "ok"}
EARLY, LATE = {"at": "2026-03-01T08:00:00Z"}, {"at": "2026-03-01T08:01:00Z"}
SPEC: dict[str, Any] = {
    "name": "vms",
    "base_url": "http://127.0.0.1:1",
    "auth": "none",
    "submit": {"operation_id": "$response.body#/op", "resource": {"type": "vm", "id": "$response.body#/vm"}},
    "lookup": {"request": "GET /vms/{resource_id}/ops", "entries": "/ops"},
    "operation": OPERATION,
}
CREATE = {
    "request": "POST /vms",
    "kind": "vm.create",
    "creates": "vm",
    "mark": {"in": "body", "name": "/k"},
    "find": {"request": "GET /vms", "entries": "/vms", "match": "/k", "resource_id": "/id"},
}
OF_VM = {"resource": {"type": "vm", "id": "$request.path.id"}}
REBOOT = {"request": "POST /vms/{id}/reboot", "kind": "vm.reboot", "exclusive": True, **OF_VM}
DELETE = {"request": "DELETE /vms/{id}", "kind": "vm.delete", "already": {"status": 409}, **OF_VM}
TIMES = {"operation": {**OPERATION, "created_at": "/at"}}


class Server:
    """An API whose operations on a resource are these once a request has come, whose answer is ``answered``."""

    def __init__(self, *after: Any, before: tuple[Any, ...] = (), answered: bytes = LOST) -> None:
        self.before, self.after, self.answered = before, after, answered
        self.key, self.sent = "", 0

    def __call__(self, request: Request) -> bytes:
        if request.method != "GET":
            self.sent += 1
            self.key = json.loads(request.body)["k"] if request.body else ""
            return self.answered
        if request.path == "/vms":
            return reply(200, {"vms": [{"id": "7", "k": self.key}] if self.sent else []})
        return reply(200, {"ops": self.after if self.sent else self.before})


def submitted(server: Server, call: Any, **other: Any) -> str | None:
    """Return the operation of a request."""
    method, path = call["request"].replace("{id}", "7").split()
    return described.submitted(
        {**SPEC, "calls": [call], **other}, server, method, path, json={} if path == "/vms" else None
    )


NAMES_VM = reply(201, {"vm": "7"})
CONFLICT = reply(409, {"error": {"message": "is being deleted"}})


@pytest.mark.parametrize("answered", [LOST, NAMES_VM], ids=["lost", "names the resource"])
@pytest.mark.parametrize(
    ("ops", "other", "expected"),
    [
        ((CLEANUP, OURS), {}, None),
        ((CLEANUP, OURS), {"lists": {"by_ids": "GET /ops?id={ids}", "order": "newest"}}, "ours"),
        ((CLEANUP, OURS), {"lookup": {**SPEC["lookup"], "order": "newest"}}, "ours"),
        ((OURS, CLEANUP), {"lookup": {**SPEC["lookup"], "order": "oldest"}}, "ours"),
        (({**CLEANUP, **LATE}, {**OURS, **EARLY}), TIMES, "ours"),
        (({**CLEANUP, **EARLY}, {**OURS, **EARLY}), TIMES, None),
        (({**CLEANUP, **LATE}, OURS), TIMES, None),
        ((OURS, OURS), {}, "ours"),
    ],
)
def test_the_oldest_operation_of_a_new_resource(answered: bytes, ops: Any, other: Any, expected: str | None) -> None:
    server = Server(*ops, answered=answered)
    if expected is None:
        with pytest.raises(AmbiguousSubmission, match="operation other, operation ours may be its"):
            submitted(server, CREATE, **other)
    else:
        assert submitted(server, CREATE, **other) == expected
    assert server.sent == 1


@pytest.mark.parametrize("answered", [LOST, reply(202, {"vm": "7"})], ids=["lost", "names the resource"])
@pytest.mark.parametrize(
    ("other", "expected"),
    [({}, None), ({"lookup": {**SPEC["lookup"], "order": "newest"}}, "ours")],
)
def test_the_oldest_of_what_is_new_on_a_resource(answered: bytes, other: Any, expected: str | None) -> None:
    old = {"id": "old", "s": "ok"}
    server = Server(CLEANUP, OURS, old, before=(old,), answered=answered)
    if expected is None:
        with pytest.raises(AmbiguousSubmission, match="operation other, operation ours may be its"):
            submitted(server, REBOOT, **other)
    else:
        assert submitted(server, REBOOT, **other) == expected
    assert server.sent == 1


@pytest.mark.parametrize(
    ("other", "expected"),
    [({}, None), ({"lookup": {**SPEC["lookup"], "order": "newest"}}, "ours")],
)
def test_the_newest_where_an_api_says_that_it_is_under_way(other: Any, expected: str | None) -> None:
    server = Server({"id": "ours", "s": "run"}, {"id": "old", "s": "ok"}, answered=CONFLICT)
    if expected is None:
        with pytest.raises(AmbiguousSubmission, match="operation ours, operation old may be its"):
            submitted(server, DELETE)
    else:
        assert submitted(server, DELETE, **other) == expected


def test_what_is_ambiguous_is_not_stored_as_refused() -> None:
    server, state = Server(CLEANUP, OURS, answered=NAMES_VM), StateStore()
    for tries in (1, 2):
        with pytest.raises(AmbiguousSubmission):
            described.submitted({**SPEC, "calls": [CREATE]}, server, "POST", "/vms", json={}, state=state, tries=tries)
    assert server.sent == 1
