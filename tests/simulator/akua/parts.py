"""The simulated Akua: what its tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

from tests.simulator.conftest import DURATION

if TYPE_CHECKING:
    from tests.simulator.conftest import World


FIELDS = {
    "id", "workspace_id", "organization_id", "owner_type", "owner_id", "parent_operation_id", "state", "done",
    "html_url", "metadata", "response", "error", "last_error", "started_at", "completed_at",
}  # fmt: skip


STEP_FIELDS = {
    "name", "status", "execution_type", "started_at", "completed_at", "error_message", "retryable", "skippable",
}  # fmt: skip


HELM = {"kind": "helm", "repo_url": "oci://charts", "target_revision": "1.0.0"}


CLUSTER = {"name": "c", "region_id": "reg_eu"}


class Akua:
    """A client, in virtual time."""

    def __init__(self, world: World, http: httpx.Client) -> None:
        self.world, self.http = world, http
        self._keys = 0

    def key(self) -> str:
        self._keys += 1
        return f"key-{self._keys}"

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.request(method, path, json=body, headers=named)

    def get(self, path: str, **params: Any) -> Any:
        answer = self.http.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def start(self, method: str, path: str, body: Any = None, **headers: str) -> dict[str, Any]:
        answer = self.send(method, path, body, **headers)
        assert answer.status_code == 202, answer.text
        operation: dict[str, Any] = answer.json()
        return operation

    def settled(self, operation: dict[str, Any]) -> Any:
        self.world.clock.advance(2 * DURATION)
        return self.get(f"/operations/{operation['id']}")

    def change(self, method: str, path: str, body: Any = None, *, of: str | None = None) -> dict[str, Any]:
        """Send what needs key and etag."""
        etag = self.get(of or path.partition(":")[0])["etag"]
        return self.start(method, path, body, if_match=etag, idempotency_key=self.key())

    def cluster(self) -> str:
        operation = self.start("POST", "/clusters", CLUSTER)
        self.settled(operation)
        return str(operation["owner_id"])

    def machine(self, cluster_id: str) -> str:
        body = {"cluster_id": cluster_id, "instance_type": "m", "compute_config_id": "cc_small"}
        operation = self.start("POST", "/machines", body)
        self.settled(operation)
        return str(operation["owner_id"])


def error_of(answer: httpx.Response) -> tuple[int, int]:
    body = answer.json()
    assert set(body) == {"success", "errors", "result"}
    assert (body["success"], body["result"]) == (False, {})
    (entry,) = body["errors"]
    assert entry["message"]
    assert isinstance(entry["code"], int)
    return answer.status_code, entry["code"]
