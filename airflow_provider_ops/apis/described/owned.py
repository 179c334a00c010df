"""What creates of a described API have made: all that carries a key of ours, what one task run made, one by its id."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from airflow_provider_ops.apis.calls import Call, Flow
from airflow_provider_ops.apis.described.entries import Entries
from airflow_provider_ops.apis.described.filling import Values, fill
from airflow_provider_ops.apis.described.reading import json_or_none
from airflow_provider_ops.apis.described.searching import EPOCH, DescribedSearch
from airflow_provider_ops.apis.described.secrets import without_secrets
from airflow_provider_ops.apis.described.submits import DescribedSubmit
from airflow_provider_ops.apis.existing import existing, is_gone, status_of
from airflow_provider_ops.apis.submits import OwnedResource, OwnedResources, Submitted
from airflow_provider_ops.apis.whole_lists import IncompleteList
from airflow_provider_ops.exceptions import NotFound, PermissionDenied
from airflow_provider_ops.operation import Operation
from airflow_provider_ops.spec import ApiSpec
from airflow_provider_ops.spec.advice import READ_IT, list_of_all, list_of_marked, reads_by_id, uses
from airflow_provider_ops.spec.expressions import Exchange
from airflow_provider_ops.spec.keys import short_in
from airflow_provider_ops.spec.sections import AllSpec, CallSpec, FindSpec, ResultSpec
from airflow_provider_ops.spec.templates import as_text
from airflow_provider_ops.spec.values import find_all, find_text

Reader = Callable[[str], Call[Operation]]


class Owned:
    """List what the creates of one API have made.

    :param read: returns the call that reads an operation.
    """

    def __init__(self, spec: ApiSpec, variables: Mapping[str, str], search: DescribedSearch, read: Reader) -> None:
        self._spec = spec
        self._variables = variables
        self._values = Values(variables)
        self._search = search
        self._entries = Entries(spec)
        self._read = read

    def shows(self, kind: str) -> bool:
        """Return whether what a call of this kind has made is listed."""
        return any(call.kind == kind for call, _ in self._calls())

    def why_not_shown(self, kind: str) -> str | None:
        """Return which keys a call of this kind lacks; ``None`` where it has no mark."""
        call = next((one for one in self._spec.calls if one.kind == kind), None)
        if call is None or self._spec.inherited(call, "mark") is None:
            return None
        find: FindSpec | None = self._spec.inherited(call, "find")
        if find is None:
            return "the spec has no 'find' for its mark"
        given = {"creates": call.creates, "find.match": find.match, "find.resource_id": find.resource_id}
        missing = [name for name, value in given.items() if not value]
        if find.all is None and uses(find, "mark"):
            missing.append("find.all")
        return f"the spec has no {' and no '.join(map(repr, missing))} for it" if missing else None

    def why_not_read(self, resource_type: str) -> str:
        """Return which keys would give a read of a resource by its id."""
        if not any(one.creates == resource_type for one in self._spec.calls):
            return f"no call of the spec has 'creates: {resource_type}'"
        return f"the spec reads it nowhere: {READ_IT}"

    def all(self) -> Flow[OwnedResources] | None:
        """Return the flow that lists it; ``None`` where the spec has no request for that."""
        calls = list(self._calls())
        return self._all(calls) if calls else None

    def resource(self, resource_type: str, resource_id: str) -> Flow[Mapping[str, Any] | None] | None:
        """Return the flow that reads a resource by its id, ``None`` for one that is gone.

        No flow where neither a list nor a request shows it: that a deletion has a path does not say that a read has it.
        """
        call = next((one for one in self._spec.calls if one.creates == resource_type), None)
        if call is None:
            return None
        listed = list_of_all(self._spec, call)
        if listed is not None:
            return existing(self._in_list(listed, resource_id))
        if not reads_by_id(self._spec, call):
            return None
        return existing(self._at_result(self._spec.inherited(call, "result"), call, resource_id))

    def _in_list(self, find: FindSpec, resource_id: str) -> Flow[Mapping[str, Any] | None]:
        rows = yield from self._rows(find, "resource_id")
        row = next((one for one in rows if find_text(find.resource_id, Exchange(), one) == resource_id), None)
        return row if row is None or isinstance(row, Mapping) else {"value": row}

    def _at_result(self, result: ResultSpec, call: CallSpec, resource_id: str) -> Flow[Mapping[str, Any] | None]:
        values = self._values.having(resource_id=resource_id, kind=call.kind)
        answered: Any = yield Call(fill(result, values), json_or_none)
        body = without_secrets(answered, self._spec.secrets)
        return body if isinstance(body, Mapping) else {"value": body}

    def of_task_run(self, submit: DescribedSubmit, is_ours: Callable[[str], bool]) -> Flow[list[Submitted]] | None:
        """Return the flow that finds what submits like this have started, each with its key.

        ``None`` where the spec has no list of it.

        :param is_ours: whether a key is one of those that are searched for.
        """
        find = next((find for call, find in self._calls() if call is submit.call), None)
        return None if find is None or submit.call is None else self._of_task_run(submit, submit.call, find, is_ours)

    def _of_task_run(
        self, submit: DescribedSubmit, call: CallSpec, find: FindSpec, is_ours: Callable[[str], bool]
    ) -> Flow[list[Submitted]]:
        values = submit.values(self._spec, self._variables)
        found: list[Submitted] = []
        for row in (yield from self._rows(find, "match", values)):
            owned = self._marked(call, find, row)
            if owned is None or not is_ours(owned.key):
                continue
            for one in (yield from self._search.named(submit, call, find, row, values)):
                operation = yield from self._operation(one.operation_id)
                found.append(replace(one, key=owned.key, operation=operation))
        return found

    def _operation(self, operation_id: str) -> Flow[Operation | None]:
        try:
            operation: Operation = yield self._read(operation_id)
        except NotFound:
            return None
        return operation

    def _calls(self) -> Iterator[tuple[CallSpec, FindSpec]]:
        for call in self._spec.calls:
            find = list_of_marked(self._spec, call)
            if find is not None:
                yield call, find

    def _all(self, calls: list[tuple[CallSpec, FindSpec]]) -> Flow[OwnedResources]:
        found: list[OwnedResource] = []
        problems: list[str] = []
        for call, find in calls:
            try:
                rows = yield from self._rows(find, "match")
            except (PermissionDenied, IncompleteList) as error:
                problems.append(f"{call.creates} cannot be listed: {error}")
            else:
                owned = (self._marked(call, find, row) for row in rows)
                found += (one for one in owned if one is not None and not is_gone(one.state))
        return OwnedResources(found, problems)

    def _rows(self, find: FindSpec, part: str, values: Values | None = None) -> Flow[list[Any]]:
        """Return the entries of the list that shows all.

        :param part: of ``find``: says what is compared in them.
        :raises IncompleteList: there may be more, or nothing can be compared.
        """
        request: AllSpec | FindSpec = find if find.all is None else find.all
        with_since = (values or self._values).having(since=EPOCH)
        key = "find" if find.all is None else "find.all"
        read = yield from self._entries.read(key, request, with_since, entries=request.entries or find.entries)
        if read.gap is not None:
            raise read.gap
        self._entries.require_field(key, request, part, getattr(find, part), read.items)
        return read.items

    def _marked(self, call: CallSpec, find: FindSpec, row: Any) -> OwnedResource | None:
        mark = self._spec.inherited(call, "mark")
        resource_id = find_text(find.resource_id, Exchange(), row)
        values = find_all(find.match, Exchange(), row)
        texts = [one for value in values for one in (value if isinstance(value, list) else [value])]
        keys = (short_in(mark, as_text(one)) for one in texts if not isinstance(one, (dict, list)))
        key = next((one for one in keys if one is not None), None)
        if key is None or resource_id is None:
            return None
        state = status_of(row) if isinstance(row, Mapping) else None
        return OwnedResource(key, call.creates or "", resource_id, state=state)
