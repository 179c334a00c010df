"""What a submit has started whose answer was never seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

from airflow_provider_ops.apis.calls import Call, Flow, Response, all_items
from airflow_provider_ops.apis.described.filling import Values, fill
from airflow_provider_ops.apis.described.listing import paged
from airflow_provider_ops.apis.described.reading import OperationReader, exchange_of
from airflow_provider_ops.apis.described.submits import DescribedSubmit, value_of
from airflow_provider_ops.apis.submits import Intent, Submitted
from airflow_provider_ops.apis.window import Window, date_of
from airflow_provider_ops.exceptions import AmbiguousSubmission, NotFound, TransportError
from airflow_provider_ops.operation import Operation
from airflow_provider_ops.spec import ApiSpec
from airflow_provider_ops.spec.advice import proves_ours, uses
from airflow_provider_ops.spec.expressions import Exchange
from airflow_provider_ops.spec.parts import RequestSpec
from airflow_provider_ops.spec.sections import CallSpec, FindSpec, LookupSpec
from airflow_provider_ops.spec.templates import as_text
from airflow_provider_ops.spec.values import find_all, find_text

#: Seconds by which a submit may have come earlier than its age says: how long its request may have been under way.
_MARGIN = 120.0
#: Entries that an error names.
_MOST_NAMED = 10
EPOCH = datetime.fromtimestamp(0, timezone.utc)


class Found(NamedTuple):
    """An operation of a resource."""

    operation_id: str
    created_at: datetime | None


class DescribedSearch:
    """Searches of one API."""

    def __init__(self, spec: ApiSpec, variables: Mapping[str, str], reader: OperationReader) -> None:
        self._spec = spec
        self._variables = variables
        self._reader = reader

    def find(self, intent: Intent) -> Flow[list[Submitted]] | None:
        """Return the flow that finds what an intent started; ``None`` where nothing can be found out."""
        submit = intent.submit
        call = submit.call if isinstance(submit, DescribedSubmit) else None
        find = None if call is None else self._spec.inherited(call, "find")
        if not isinstance(submit, DescribedSubmit) or call is None or find is None:
            return None
        if submit.short_key is None and (find.match or uses(find, "mark")):
            # the user's own value stands where our key would be
            return None
        return self._find(intent, submit, call, find)

    def _find(self, intent: Intent, submit: DescribedSubmit, call: CallSpec, find: FindSpec) -> Flow[list[Submitted]]:
        values = submit.values(self._spec, self._variables)
        lookup: LookupSpec | None = self._spec.inherited(call, "lookup")
        if uses(find, "since") or (lookup is not None and uses(lookup, "since")):
            values = values.having(since=(yield from self._since(intent)))
        entries = yield from self._entries(find, find.entries, values)
        mark = values.named.get("mark")
        ours = [one for one in entries if not find.match or _holds(find.match, one, mark)]
        if ours and not proves_ours(self._spec, call, find):
            found_ones = [self._described(find, one) for one in ours[:_MOST_NAMED]]
            raise AmbiguousSubmission(
                f"the outcome of {submit.request} is unknown: {', '.join(found_ones)} may be its, and has no key of "
                "ours. Nothing was submitted again. Check whether what was asked for exists; if it does, mark this "
                "task as successful, else clear it.",
                found_ones,
            )
        found: list[Submitted] = []
        for entry in ours:
            found += yield from self.named(submit, call, find, entry, values)
        return found

    def _described(self, find: FindSpec, entry: Any) -> str:
        name = find_text((*find.operation_id, *find.resource_id), Exchange(), entry)
        return f"entry {name}" if name else "an entry without id"

    def named(
        self, submit: DescribedSubmit, call: CallSpec, find: FindSpec, entry: Any, values: Values
    ) -> Flow[list[Submitted]]:
        """Return the operations that an entry of ours names, itself or through its resource.

        :raises AmbiguousSubmission: it exists, but its operation cannot be found.
        """
        resource_id = find_text(find.resource_id, Exchange(), entry)
        resource_type = call.creates or (find_text(call.resource.type, Exchange(), entry) if call.resource else None)
        ids = [as_text(one) for one in find_all(find.operation_id, Exchange(), entry)]
        lookup: LookupSpec | None = self._spec.inherited(call, "lookup")
        if not ids and resource_id is not None and lookup is not None:
            ids = yield from self.look_up(lookup, values.having(resource_id=resource_id))
        if not ids:
            raise AmbiguousSubmission(
                f"{submit.request} was carried out: {resource_type or 'resource'} {resource_id or ''} has our key, but "
                "its operation cannot be found. Nothing was submitted again. Wait until it is ready, then mark this "
                "task as successful; or remove it and clear this task.",
                [self._described(find, entry)],
            )
        return [Submitted(ids[0], submit.kind, resource_type, resource_id, others=tuple(ids[1:]))]

    def of_resource(
        self, submit: DescribedSubmit, resource_type: str | None, resource_id: str
    ) -> Flow[Submitted | None]:
        """Return the operation of a resource that an answer has named, ``None`` where it has none."""
        lookup = None if submit.call is None else self._spec.inherited(submit.call, "lookup")
        if lookup is None:
            return None
        values = submit.values(self._spec, self._variables).having(resource_id=resource_id, since=EPOCH)
        ids = yield from self.look_up(lookup, values)
        return Submitted(ids[0], submit.kind, resource_type, resource_id) if ids else None

    def existing(self, submit: DescribedSubmit) -> Flow[list[Submitted]]:
        """Return the operation of what a request asks for, which exists or is under way.

        Unlike a search for what we have started, it may be of somebody else: it carries the value of the request, be
        that our key or the user's own, or acts on its resource.
        """
        call, find = submit.call, None
        if call is None:
            return []
        values = submit.values(self._spec, self._variables).having(since=EPOCH)
        find, lookup = self._spec.inherited(call, "find"), self._spec.inherited(call, "lookup")
        mark = self._spec.inherited(call, "mark")
        wanted = values.named.get("mark") if submit.short_key else mark and value_of(mark, submit.request)
        if find is not None and wanted is not None:
            values = values.having(mark=wanted)
            entries = yield from self._entries(find, find.entries, values)
            found: list[Submitted] = []
            for entry in entries:
                if not find.match or _holds(find.match, entry, wanted):
                    found += yield from self.named(submit, call, find, entry, values)
            return found
        resource = call.resource or self._spec.submit.resource
        resource_id = find_text(resource.id, values.exchange or Exchange(), None) if resource else None
        if lookup is None or resource_id is None:
            return []
        ids = yield from self.look_up(lookup, values.having(resource_id=resource_id), newest=not call.creates)
        return [Submitted(one, submit.kind, call.creates, resource_id) for one in ids]

    def look_up(self, lookup: LookupSpec, values: Values, *, newest: bool = False) -> Flow[list[str]]:
        """Return the id of the operation of a resource; of several the oldest is that of its creation.

        :param newest: whether the newest is meant.
        """
        found = yield from self.matching(lookup, values)
        return [one.operation_id for one in (found[-1:] if newest else found[:1])]

    def matching(self, lookup: LookupSpec, values: Values, window: Window | None = None) -> Flow[list[Found]]:
        """Return the operations of a resource, the oldest first.

        :param window: notes when the API has answered.
        """
        if uses(lookup, "since") and values.named.get("since") is None:
            values = values.having(since=EPOCH)
        entries = yield from self._entries(lookup, lookup.entries, values, window)
        wanted = values.named.get("resource_id")
        matching = [one for one in entries if not lookup.match or _holds(lookup.match, one, wanted)]
        texts = lookup.operation_id or self._spec.operation.id
        found = [
            Found(as_text(name), self._created_at(entry))
            for entry in matching
            for name in find_all(texts, Exchange(), entry)[:1]
        ]
        return sorted(found, key=lambda one: one.created_at or EPOCH)

    def _created_at(self, entry: Any) -> datetime | None:
        try:
            operation: Operation = self._reader.as_shown(entry)
        except TransportError:
            return None
        return operation.created_at or operation.started_at

    def _entries(
        self, request: RequestSpec, entries: Sequence[str], values: Values, window: Window | None = None
    ) -> Flow[list[Any]]:
        """Read all entries of an answer; none where the API says 404."""
        try:
            if not entries:
                one = yield Call(fill(request, values), _whole)
                return [] if one is None else [one]
            listed = paged(fill(request, values), entries, self._spec.paging, lambda entry: entry)
            return (yield from all_items(listed if window is None else window.noting(listed)))
        except NotFound:
            return []

    def _since(self, intent: Intent) -> Flow[datetime]:
        """Return when the submit began, by the clock of the API.

        :raises AmbiguousSubmission: the API does not say what time it is.
        """
        if intent.age is None or not intent.is_exact or self._spec.check is None:
            # another process has sent it, by a clock of its own
            return EPOCH
        now: datetime | None = yield Call(fill(self._spec.check, Values(self._variables)), date_of)
        return EPOCH if now is None else now - timedelta(seconds=intent.age() + _MARGIN)


def _whole(response: Response) -> Any:
    return exchange_of(response).response_body


def _holds(match: Sequence[str], entry: Any, wanted: Any) -> bool:
    """Return whether an entry has a value, itself or in a list."""
    found = find_all(match, Exchange(), entry)
    flat = [one for value in found for one in (value if isinstance(value, list) else [value])]
    return wanted is not None and any(
        as_text(one) == as_text(wanted) for one in flat if not isinstance(one, (dict, list))
    )
