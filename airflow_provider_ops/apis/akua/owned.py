"""Everything whose creation carries an idempotency key of ours, and that still exists."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_ops.apis.akua.reconcile import WITH_KEY
from airflow_provider_ops.apis.akua.schemas import key_of, listing, to_operation
from airflow_provider_ops.apis.calls import Flow
from airflow_provider_ops.apis.existing import is_gone, status_of
from airflow_provider_ops.apis.submits import OwnedResource, OwnedResources
from airflow_provider_ops.apis.whole_lists import all_items
from airflow_provider_ops.core.identity import is_our_key
from airflow_provider_ops.exceptions import NotFound
from airflow_provider_ops.operation import Operation


def list_owned(read: Callable[[Operation], Flow[Mapping[str, Any] | None]]) -> Flow[OwnedResources]:
    """Return a flow that reads all operations.

    :param read: flow that reads what an operation acted on.
    """
    operations = yield from all_items(listing("/operations", to_operation))
    found: dict[tuple[str, str], OwnedResource] = {}
    for operation in operations:
        key, kind, entity = _key(operation), operation.resource_type, operation.resource_id
        if key is None or kind is None or entity is None or not _made(operation.kind, kind):
            continue
        try:
            resource = yield from read(operation)
        except NotFound:
            continue
        if resource is not None and not is_gone(status_of(resource)):
            name = resource.get("name")
            found[kind, entity] = OwnedResource(
                key, kind, entity, name if isinstance(name, str) else None, status_of(resource), operation.created_at
            )
    return OwnedResources(list(found.values()))


def _made(operation_kind: str, resource_type: str) -> bool:
    # of what carries our key, hostnames and domains are parts of what was there before
    return operation_kind == f"{resource_type}.create" and operation_kind in WITH_KEY


def _key(operation: Operation) -> str | None:
    key = key_of(operation)
    return key if is_our_key(key) else None
