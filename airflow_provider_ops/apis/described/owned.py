"""Everything at a described API that carries a key of ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from airflow_provider_ops.apis.base import OwnedResource, OwnedResources
from airflow_provider_ops.apis.calls import Flow, all_items
from airflow_provider_ops.apis.described.filling import Values, fill
from airflow_provider_ops.apis.described.listing import paged
from airflow_provider_ops.exceptions import NotFound, PermissionDenied
from airflow_provider_ops.spec import ApiSpec
from airflow_provider_ops.spec.advice import uses
from airflow_provider_ops.spec.expressions import Exchange
from airflow_provider_ops.spec.keys import short_in
from airflow_provider_ops.spec.parts import RequestSpec
from airflow_provider_ops.spec.sections import CallSpec, FindSpec
from airflow_provider_ops.spec.templates import as_text
from airflow_provider_ops.spec.values import find_all, find_text


class Owned:
    """Lists what the creates of one API have made."""

    def __init__(self, spec: ApiSpec, variables: Mapping[str, str]) -> None:
        self._spec = spec
        self._values = Values(variables)

    def shows(self, kind: str) -> bool:
        """Return whether what a call of this kind has made is listed."""
        return any(call.kind == kind for call, _ in self._calls())

    def all(self) -> Flow[OwnedResources] | None:
        """Return the flow that lists it; ``None`` where the spec has no request for that."""
        calls = list(self._calls())
        return self._all(calls) if calls else None

    def _calls(self) -> Iterator[tuple[CallSpec, FindSpec]]:
        for call in self._spec.calls:
            find: FindSpec | None = self._spec.inherited(call, "find")
            mark = self._spec.inherited(call, "mark")
            if find is None or mark is None or not (call.creates and find.match and find.resource_id):
                continue
            if find.all is not None or not uses(find, "mark"):
                yield call, find

    def _all(self, calls: list[tuple[CallSpec, FindSpec]]) -> Flow[OwnedResources]:
        found: list[OwnedResource] = []
        problems: list[str] = []
        for call, find in calls:
            request: RequestSpec = find if find.all is None else find.all
            entries = (find.all.entries if find.all is not None else ()) or find.entries
            try:
                rows = yield from self._rows(request, entries)
            except PermissionDenied as error:
                problems.append(f"{call.creates} cannot be listed: {error}")
            else:
                found += (one for row in rows if (one := self._marked(call, find, row)) is not None)
        return OwnedResources(found, problems)

    def _rows(self, request: RequestSpec, entries: tuple[str, ...]) -> Flow[list[Any]]:
        filled = fill(request, self._values, idempotent=True)
        try:
            listed = paged(filled, entries, self._spec.paging, lambda entry: entry, self._spec.secrets)
            return (yield from all_items(listed))
        except NotFound:
            return []

    def _marked(self, call: CallSpec, find: FindSpec, row: Any) -> OwnedResource | None:
        mark = self._spec.inherited(call, "mark")
        resource_id = find_text(find.resource_id, Exchange(), row)
        values = find_all(find.match, Exchange(), row)
        texts = [one for value in values for one in (value if isinstance(value, list) else [value])]
        keys = (short_in(mark, as_text(one)) for one in texts if not isinstance(one, (dict, list)))
        key = next((one for one in keys if one is not None), None)
        return None if key is None or resource_id is None else OwnedResource(key, call.creates or "", resource_id)
