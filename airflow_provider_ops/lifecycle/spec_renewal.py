"""Keeps the hash of the spec in the stored handle up to date, so that a change is said once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from airflow_provider_ops.apis.base import Api
from airflow_provider_ops.core.changed_spec import describe_changed_spec
from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.lifecycle.handle_store import HandleStore


def with_this_spec(found: Handle, api: Api, store: HandleStore, warn: Callable[[str], None]) -> Handle:
    """Return the handle as one of the spec that the connection has now; say once that it was another."""
    if api.spec_hash == found.spec or found.api != api.name:
        return found
    renewed = replace(found, spec=api.spec_hash)
    submitted = found.operation_id or "the request"
    said = describe_changed_spec(found.spec, api.spec_hash, title=api.title, submitted=submitted)
    if said is not None:
        warn(said)
        store.save(renewed)
    return renewed
