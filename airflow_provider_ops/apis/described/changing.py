"""Operations on a resource that was there before: which of its operations is the one that we have started.

Such a call needs no key where only this task starts it on its resource: what is new after the request is ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from airflow_provider_ops.apis.calls import Flow, Pause
from airflow_provider_ops.apis.described.choosing import Found, choose
from airflow_provider_ops.apis.described.filling import Values
from airflow_provider_ops.apis.described.searching import DescribedSearch
from airflow_provider_ops.apis.described.submits import DescribedSubmit
from airflow_provider_ops.apis.submits import Intent, Submitted
from airflow_provider_ops.apis.whole_lists import IncompleteList
from airflow_provider_ops.apis.window import Window
from airflow_provider_ops.exceptions import OpsError
from airflow_provider_ops.spec import ApiSpec
from airflow_provider_ops.spec.expressions import Exchange
from airflow_provider_ops.spec.sections import LookupSpec
from airflow_provider_ops.spec.values import find_text

#: Seconds between searches for an operation that the API has taken and does not show yet.
_PAUSES = (0.5, 1.0, 2.0)
#: Requests whose resource's operations are remembered.
_MOST_KNOWN = 1000


class Changes:
    """Find the operations of changes at one API."""

    def __init__(self, spec: ApiSpec, variables: Mapping[str, str], search: DescribedSearch) -> None:
        self._spec = spec
        self._variables = variables
        self._search = search
        #: Ids of the operations that the resource of a request had before it was sent.
        self._known: dict[str, frozenset[str]] = {}

    def read_before(self, submit: DescribedSubmit) -> Flow[None]:
        """Read which operations the resource of a request has, where they are looked up afterwards."""
        self._known.pop(str(submit.request), None)
        with suppress(OpsError):
            # without them the time decides, and where that cannot, nothing is sent again
            found = yield from self._operations(submit)
            if found is not None:
                if len(self._known) >= _MOST_KNOWN:
                    self._known.clear()
                self._known[str(submit.request)] = frozenset(one.operation_id for one in found)

    def started(self, submit: DescribedSubmit, resource_type: str | None, resource_id: str) -> Flow[Submitted | None]:
        """Return the operation of a request whose answer names the resource only, ``None`` where none shows."""
        if submit.creates or str(submit.request) not in self._known:
            found: Submitted | None = yield from self._search.of_resource(submit, resource_type, resource_id)
            return found
        known = self._known[str(submit.request)]
        for pause in (*_PAUSES, None):
            try:
                listed = yield from self._operations(submit)
            except IncompleteList:
                if pause is None:
                    raise
                listed = None
            new = self._choose(submit, [one for one in listed or () if one.operation_id not in known])
            if new is not None:
                return Submitted(new.operation_id, submit.kind, resource_type, resource_id)
            if pause is not None:
                yield Pause(pause)
        return None

    def _choose(self, submit: DescribedSubmit, new: Sequence[Found]) -> Found | None:
        """Return the one that is ours, the oldest of those that are new.

        :raises AmbiguousSubmission: nothing shows which that is.
        """
        lookup = self._lookup(submit)
        return choose(new, None if lookup is None else self._search.order_of(lookup), submit.request)

    def find(self, intent: Intent, submit: DescribedSubmit) -> Flow[list[Submitted]] | None:
        """Return the flow that finds what an intent has started; ``None`` where others may start the same."""
        call = submit.call
        is_ours = call is not None and call.exclusive and self._lookup(submit) is not None
        return self._find(intent, submit) if is_ours and self._resource_id(submit) is not None else None

    def _find(self, intent: Intent, submit: DescribedSubmit) -> Flow[list[Submitted]]:
        """Return what is new; of several the oldest is ours.

        :raises AmbiguousSubmission: only the time could show it, and it does not.
        """
        window = Window(intent)
        found: list[Found] = (yield from self._operations(submit, window)) or []
        known = self._known.get(str(submit.request))
        resource_id = self._resource_id(submit)
        kind, type_ = submit.kind, submit.call.noun if submit.call else None
        new = {one.operation_id: one for one in found if known is None or one.operation_id not in known}
        submitted = [Submitted(name, kind, type_, resource_id) for name in new]
        if known is None:
            submitted = window.choose(submitted, lambda one: new[one.operation_id].created_at)
        ours = self._choose(submit, [new[one.operation_id] for one in submitted])
        return [one for one in submitted if ours is not None and one.operation_id == ours.operation_id]

    def _operations(self, submit: DescribedSubmit, window: Window | None = None) -> Flow[list[Found] | None]:
        """Return the operations of the resource, as the API lists them; ``None`` where they cannot be looked up."""
        lookup, resource_id = self._lookup(submit), self._resource_id(submit)
        if lookup is None or resource_id is None:
            return None
        values: Values = submit.values(self._spec, self._variables).having(resource_id=resource_id)
        found: list[Found] = yield from self._search.matching(lookup, values, window)
        return found

    def _lookup(self, submit: DescribedSubmit) -> LookupSpec | None:
        if submit.call is None or submit.creates:
            return None
        lookup: LookupSpec | None = self._spec.inherited(submit.call, "lookup")
        return lookup

    def _resource_id(self, submit: DescribedSubmit) -> str | None:
        call = submit.call
        resource = self._spec.of_submit(call, "resource") if call is not None else None
        exchange = submit.values(self._spec, self._variables).exchange
        return find_text(resource.id, exchange or Exchange(), None) if resource is not None else None
