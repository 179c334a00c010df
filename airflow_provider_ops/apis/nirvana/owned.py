"""Everything in the connection's project that carries a tag of ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from airflow_provider_ops.apis.calls import Flow
from airflow_provider_ops.apis.existing import is_gone
from airflow_provider_ops.apis.nirvana.reconcile import PLACES, Place
from airflow_provider_ops.apis.nirvana.schemas import as_json, listing
from airflow_provider_ops.apis.submits import OwnedResource, OwnedResources
from airflow_provider_ops.apis.times import Time
from airflow_provider_ops.apis.whole_lists import all_items
from airflow_provider_ops.apis.wire_models import WireModel, read
from airflow_provider_ops.core.identity import is_our_key
from airflow_provider_ops.exceptions import NotFound, PermissionDenied


class _Tagged(WireModel):
    id: str
    name: str | None = None
    status: str | None = None
    created_at: Time | None = None
    tags: Sequence[Any] | None = None


def list_owned() -> Flow[OwnedResources]:
    """Return a flow that reads all lists of the connection's project; one that the key may not read is a problem."""
    found: list[OwnedResource] = []
    problems: list[str] = []
    for resource_type, place in PLACES.items():
        # load balancers are made by what runs in a cluster, never by us
        if resource_type == "nks_load_balancer":
            continue
        try:
            rows = yield from _rows(place)
        except PermissionDenied as error:
            problems.append(f"{resource_type} cannot be listed: {error}")
        else:
            found += _marked(resource_type, rows)
    return OwnedResources(found, problems)


def _rows(place: Place) -> Flow[list[Mapping[str, Any]]]:
    if place.holder is None or place.held is None:
        return (yield from all_items(listing(place.collection, as_json)))
    holder = PLACES[place.holder]
    rows: list[Mapping[str, Any]] = []
    for one in (yield from all_items(listing(holder.collection, as_json))):
        if one.get(place.held):
            try:
                rows += yield from all_items(listing(place.collection, as_json, {}, **{holder.id_name: str(one["id"])}))
            except NotFound:
                # it went meanwhile, and what was inside of it too
                continue
    return rows


def _marked(resource_type: str, rows: Sequence[Mapping[str, Any]]) -> Iterator[OwnedResource]:
    for row in rows:
        one = read(_Tagged, row)
        key = next((tag for tag in one.tags or () if is_our_key(tag)), None)
        if key is not None and not is_gone(one.status):
            yield OwnedResource(key, resource_type, one.id, one.name, one.status, one.created_at)
