"""What comes from Onvera over the wire, and how it becomes ours [api-reference]."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from airflow_provider_ops.apis.calls import Response
from airflow_provider_ops.apis.times import Time
from airflow_provider_ops.apis.wire_models import WireModel, read
from airflow_provider_ops.exceptions import TransportError

M = TypeVar("M", bound=WireModel)

NAME = "onvera"


class DeploymentLinks(WireModel):
    """Links of a deployment; ``operation`` is the path of the operation in flight, else ``None``."""

    operation: str | None = None


class Deployment(WireModel):
    """A deployment as ``GET /deployments`` and ``GET /deployments/{id}`` show it [api-reference/deployments].

    ``status`` is ``provisioning``, ``ready``, ``destroying``, ``failed`` or ``destroyed``; ``url`` is known when ready.
    """

    id: str
    name: str | None = None
    app_type: str | None = None
    status: str | None = None
    url: str | None = None
    environment_id: str | None = None
    created_at: Time | None = None
    links: DeploymentLinks | None = None


class DeploymentSubmitted(WireModel):
    """The 202 answer to a create or destroy: the ids to continue with."""

    deployment_id: str | None = None
    operation_id: str


class Environment(WireModel):
    """An environment [concepts/environments]."""

    id: str
    name: str | None = None
    slug: str | None = None
    created_at: Time | None = None


def bare_id(deployment_id: str) -> str:
    """Return the UUID of a deployment: operations write ``dep_<uuid>``, paths in the reference show the bare UUID."""
    return deployment_id.removeprefix("dep_")


def body_of(response: Response) -> dict[str, Any]:
    """Return what is in the envelope of an answer.

    :raises TransportError: reason ``unreadable`` when there is none.
    """
    body = response.json()
    if not isinstance(body, dict) or not isinstance(body.get("data"), dict):
        msg = "the answer has no object 'data', which every Onvera answer has"
        raise TransportError(msg, reason="unreadable")
    data: dict[str, Any] = body["data"]
    return data


def items_of(model: type[M], response: Response) -> list[M]:
    """Return the entries of an answer, each as a wire model."""
    return [read(model, item) for item in _entries(body_of(response))]


def _entries(body: Mapping[str, Any]) -> list[Any]:
    entries = body.get("items") or []
    if not isinstance(entries, list):
        raise TransportError("'items' of the answer is no list", reason="unreadable")
    return entries
