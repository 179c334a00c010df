"""Calls that change something and answer with no operation: imports, worker bootstraps, regions and tokens."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypedDict

from airflow_provider_ops.apis.akua.calls import changing, keyed, nothing, reads_as
from airflow_provider_ops.apis.akua.models import AkuaCluster, AkuaRegion, WorkerBootstrap
from airflow_provider_ops.apis.akua.schemas import check_length, listing_models
from airflow_provider_ops.apis.akua.starts import WORKER_BOOTSTRAPS
from airflow_provider_ops.apis.akua.workspace_models import ApiToken, NewApiToken
from airflow_provider_ops.apis.calls import Call, Paged, drop_none
from airflow_provider_ops.apis.times import aware

REGION = "/regions/{region_id}"
TOKENS = "/api_tokens"
_LONGEST_NAME = 100


class ImportedCluster(TypedDict):
    """A cluster that exists elsewhere, and access to it."""

    name: str
    region_id: str
    kubeconfig: str


def import_cluster(
    body: ImportedCluster | Mapping[str, Any], *, idempotency_key: str | None = None
) -> Call[AkuaCluster]:
    """``POST /clusters:import``: the cluster, at once."""
    return keyed(changing("POST", "/clusters:import", reads_as(AkuaCluster), body), idempotency_key)


def create_worker_bootstrap(
    cluster_id: str, *, ttl_seconds: int | None = None, idempotency_key: str | None = None
) -> Call[WorkerBootstrap]:
    """``POST /clusters/{cluster_id}/worker_bootstraps``: the only answer that shows the token.

    :param ttl_seconds: 60 to 86400.
    """
    body = drop_none(ttl_seconds=ttl_seconds) or None
    call = changing("POST", WORKER_BOOTSTRAPS, reads_as(WorkerBootstrap), body, cluster_id=cluster_id)
    return keyed(call, idempotency_key)


def create_region(name: str, *, icon: str | None = None) -> Call[AkuaRegion]:
    """``POST /regions``: the region, at once. It takes no key: sent once.

    :param name: 1 to 100 characters.
    :param icon: URL of at most 256 characters.
    """
    check_length("name", name, _LONGEST_NAME)
    return changing("POST", "/regions", reads_as(AkuaRegion), drop_none(name=name, icon=icon))


def update_region(region_id: str, *, name: str | None = None, icon: str | None = None, etag: str) -> Call[AkuaRegion]:
    """``PATCH /regions/{region_id}``: the region, at once; servers of September 2026 and later.

    :param icon: ``""`` removes it.
    """
    check_length("name", name, _LONGEST_NAME)
    body: dict[str, Any] = drop_none(name=name, icon=icon)
    if icon == "":
        body["icon"] = None
    return changing("PATCH", REGION, reads_as(AkuaRegion), body, etag=etag, region_id=region_id)


def delete_region(region_id: str, *, etag: str) -> Call[None]:
    """``DELETE /regions/{region_id}``: done when it answers; servers of September 2026 and later."""
    return changing("DELETE", REGION, nothing, etag=etag, region_id=region_id)


def create_api_token(name: str, *, expires_at: datetime | None = None) -> Call[NewApiToken]:
    """``POST /api_tokens``: the only answer that shows the token. It takes no key: sent once.

    :param name: 1 to 100 characters.
    :param expires_at: without it the token does not expire; a time without zone is taken as UTC.
    """
    check_length("name", name, _LONGEST_NAME)
    body = drop_none(name=name, expires_at=None if expires_at is None else _unix(expires_at))
    return changing("POST", TOKENS, reads_as(NewApiToken), body)


def list_api_tokens() -> Paged[ApiToken]:
    """``GET /api_tokens``, all pages; the tokens themselves are not shown."""
    return listing_models(TOKENS, ApiToken)


def delete_api_token(api_token_id: str) -> Call[None]:
    """``DELETE /api_tokens/{id}``: the token is good for nothing any more."""
    return changing("DELETE", f"{TOKENS}/{{api_token_id}}", nothing, api_token_id=api_token_id)


def _unix(moment: datetime) -> int:
    return int(aware(moment).timestamp())
