"""What a submit has started whose answer was never seen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from airflow_provider_ops.apis.calls import Call, Flow
from airflow_provider_ops.apis.described.choosing import Found, choose
from airflow_provider_ops.apis.described.entries import Entries
from airflow_provider_ops.apis.described.filling import Values, fill
from airflow_provider_ops.apis.described.reading import OperationReader
from airflow_provider_ops.apis.described.submits import DescribedSubmit, value_of
from airflow_provider_ops.apis.submits import Intent, Submitted
from airflow_provider_ops.apis.whole_lists import ListRead
from airflow_provider_ops.apis.window import Window, date_of
from airflow_provider_ops.exceptions import AmbiguousSubmission, TransportError
from airflow_provider_ops.operation import Operation
from airflow_provider_ops.spec import ApiSpec
from airflow_provider_ops.spec.advice import proves_ours, uses
from airflow_provider_ops.spec.expressions import Exchange
from airflow_provider_ops.spec.sections import CallSpec, FindSpec, LookupSpec
from airflow_provider_ops.spec.templates import as_text
from airflow_provider_ops.spec.values import find_all, find_text

#: Seconds by which a submit may have come earlier than its age says: how long its request may have been under way.
_MARGIN = 120.0
#: Entries that an error names.
_MOST_NAMED = 10
EPOCH = datetime.fromtimestamp(0, timezone.utc)


class DescribedSearch:
    """Searches of one API."""

    def __init__(self, spec: ApiSpec, variables: Mapping[str, str], reader: OperationReader) -> None:
        self._spec = spec
        self._variables = variables
        self._reader = reader
        self._entries = Entries(spec)

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
        ours = yield from self._ours(find, values, values.named.get("mark"))
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
        # what moves to another page while they are read is shown twice
        return list({one.operation_id: one for one in found}.values())

    def _ours(self, find: FindSpec, values: Values, wanted: Any) -> Flow[list[Any]]:
        """Return the entries that hold a key.

        :raises IncompleteList: none of those that could be read does, and there may be more, or none can show it.
        """
        read: ListRead[Any] = yield from self._entries.read("find", find, values)
        ours = self._entries.holding("find", find, read.items, wanted)
        if read.gap is not None and not ours:
            raise read.gap
        self._entries.require_field("find", find, "match", find.match, read.items)
        return ours

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
            ids = yield from self.look_up(lookup, values.having(resource_id=resource_id), submit)
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
        ids = yield from self.look_up(lookup, values, submit)
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
            found: list[Submitted] = []
            for entry in (yield from self._ours(find, values, wanted)):
                found += yield from self.named(submit, call, find, entry, values)
            return found
        resource = call.resource or self._spec.submit.resource
        resource_id = find_text(resource.id, values.exchange or Exchange(), None) if resource else None
        if lookup is None or resource_id is None:
            return []
        with_id = values.having(resource_id=resource_id)
        ids = yield from self.look_up(lookup, with_id, submit, newest=not call.creates)
        return [Submitted(one, submit.kind, call.creates, resource_id) for one in ids]

    def look_up(
        self, lookup: LookupSpec, values: Values, submit: DescribedSubmit, *, newest: bool = False
    ) -> Flow[list[str]]:
        """Return the id of the operation of a resource; of several the oldest is that of its creation.

        :param newest: whether the newest is meant.
        :raises AmbiguousSubmission: nothing shows which of several that is.
        """
        found = yield from self.matching(lookup, values)
        one = choose(found, self.order_of(lookup), submit.request, newest=newest)
        return [] if one is None else [one.operation_id]

    def order_of(self, lookup: LookupSpec) -> str | None:
        """Return which operations of a resource come first."""
        return lookup.order or (self._spec.lists.order if self._spec.lists else None)

    def matching(self, lookup: LookupSpec, values: Values, window: Window | None = None) -> Flow[list[Found]]:
        """Return the operations of a resource, as the API lists them.

        :param window: notes when the API has answered.
        :raises IncompleteList: there may be more, or one cannot be identified.
        """
        if uses(lookup, "since") and values.named.get("since") is None:
            values = values.having(since=EPOCH)
        read: ListRead[Any] = yield from self._entries.read("lookup", lookup, values, window=window)
        if read.gap is not None:
            raise read.gap
        self._entries.require_field("lookup", lookup, "match", lookup.match, read.items)
        found = []
        texts = lookup.operation_id or self._spec.operation.id
        for entry in self._entries.holding("lookup", lookup, read.items, values.named.get("resource_id")):
            names = find_all(texts, Exchange(), entry)
            if not names:
                raise self._entries.unclear(
                    "lookup", f"{lookup.request}: {', '.join(texts)} finds no operation in what was answered"
                )
            found.append(Found(as_text(names[0]), self._created_at(entry)))
        return found

    def _created_at(self, entry: Any) -> datetime | None:
        try:
            operation: Operation = self._reader.as_shown(entry)
        except TransportError:
            return None
        return operation.created_at or operation.started_at

    def _since(self, intent: Intent) -> Flow[datetime]:
        """Return when the submit began, by the clock of the API.

        :raises AmbiguousSubmission: the API does not say what time it is.
        """
        if intent.age is None or not intent.is_exact or self._spec.check is None:
            # another process has sent it, by a clock of its own
            return EPOCH
        now: datetime | None = yield Call(fill(self._spec.check, Values(self._variables)), date_of)
        return EPOCH if now is None else now - timedelta(seconds=intent.age() + _MARGIN)
