"""What works in a spec and is probably not meant, or promises less than its reader may think."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from airflow_provider_ops.exceptions import SpecProblem
from airflow_provider_ops.spec.auth import ClientCredentials
from airflow_provider_ops.spec.description import Description
from airflow_provider_ops.spec.parts import RequestSpec
from airflow_provider_ops.spec.places import list_requests, pagings, sent, templates_of
from airflow_provider_ops.spec.requests import parse_line
from airflow_provider_ops.spec.sections import CallSpec, FindSpec, LookupSpec
from airflow_provider_ops.spec.source import Source
from airflow_provider_ops.spec.states import ANY_OTHER
from airflow_provider_ops.spec.values import parse_value

#: Methods that APIs often answer with 200 or 204 where everything is as asked already.
_MAY_CHANGE_NOTHING = frozenset({"PUT", "PATCH", "DELETE"})
_DONE = "{204: succeeded}"
#: What to do where nothing shows whether something still exists.
READ_IT = "add 'find.all', or a 'result' whose request has {resource_id}"
#: Options of each type of paging, beside those that all have.
_OPTIONS: dict[str, frozenset[str]] = {
    "page_number": frozenset(
        {"base_page", "page_param", "page_body_path", "page_size", "page_size_param", "total_path"}
    ),
    "offset": frozenset(
        {"limit", "page_size", "limit_param", "limit_body_path", "offset_param", "offset_body_path", "total_path"}
    ),
    "cursor": frozenset({"cursor_path", "cursor_param", "cursor_body_path", "page_size", "page_size_param"}),
    "header_link": frozenset({"links_next_key", "page_size", "page_size_param"}),
    "json_link": frozenset({"next_url_path", "page_size", "page_size_param"}),
}


def advice_on(spec: Description, source: Source | None = None) -> list[SpecProblem]:
    """Return what is probably not meant, and what the spec cannot promise.

    :param source: the file, for scalars that other readers of YAML would have changed.
    """
    found = [
        *_changed_scalars(source),
        *_states(spec),
        *_calls(spec),
        *_ending(spec),
        *_reads(spec),
        *_lists(spec),
        *_paging_options(spec),
        *_ids(spec),
        *_elsewhere(spec),
        *_unused(spec),
    ]
    return list(dict.fromkeys(found))


def _changed_scalars(source: Source | None) -> Iterator[SpecProblem]:
    for place, text, changed in source.changed if source else ():
        if text in ("true", "false"):
            continue
        yield SpecProblem(
            place, f"{text} is read as written; other readers of YAML make {changed} of it: put it in quotes"
        )


def _states(spec: Description) -> Iterator[SpecProblem]:
    operation = spec.operation
    states, verdict = operation.states, operation.verdict
    if states.ended and verdict is None:
        yield SpecProblem(("operation", "states", "ended"), "'ended' without 'verdict': nothing decides how it ended")
    if verdict is not None and not states.ended:
        yield SpecProblem(("operation", "verdict"), "'verdict' without 'ended' in states: it is never asked")
    for name in ("succeeded", "failed", "cancelled"):
        if ANY_OTHER in getattr(states, name):
            text = f"'*' in {name!r}: a word that the API adds later ends waits as {name}; leave '*' out to wait on"
            yield SpecProblem(("operation", "states", name), text)
    can_fail = bool(states.failed) or "failed" in operation.http.values() or bool(verdict and verdict.states.failed)
    if not can_fail:
        text = "no operation can fail: a failure would be waited for to the deadline"
        yield SpecProblem(("operation", "states"), text)
    if operation.http and operation.status:
        text = "'http' decides only where no 'status' is found"
        yield SpecProblem(("operation", "http"), text)


def _calls(spec: Description) -> Iterator[SpecProblem]:
    for index, call in enumerate(spec.calls):
        yield from _call(spec, call, ("calls", index))
    if spec.find is not None and not spec.calls:
        yield SpecProblem(("find",), "is never used: only calls that are listed are searched for")
    if spec.mark is not None and not spec.calls:
        yield SpecProblem(("mark",), "is never used: only calls that are listed get a key")


def _call(spec: Description, call: CallSpec, place: tuple[str | int, ...]) -> Iterator[SpecProblem]:
    method = parse_line(call.request).method
    if method in _MAY_CHANGE_NOTHING and not spec.of_submit(call, "http"):
        text = f"a {method} that has nothing to do may be answered without an operation, which is AmbiguousSubmission"
        yield SpecProblem(place, f"{text}: if the API answers so, say with which status, as in 'http: {_DONE}'")
    inherited = [name for name in ("mark", "find") if not call.has(name) and getattr(spec, name) is not None]
    if call.exclusive and (call.creates or spec.inherited(call, "lookup") is None):
        text = "'exclusive' needs a 'lookup' of the operations of what is there already: nothing else shows ours"
        yield SpecProblem((*place, "exclusive"), text)
    if spec.of_submit(call, "already") and not (spec.inherited(call, "find") or spec.inherited(call, "lookup")):
        where = (*place, "already") if call.has("already") else ("submit", "already")
        yield SpecProblem(where, "'already' finds nothing to adopt without 'find' or 'lookup': add one of them")
    if inherited:
        yield SpecProblem(place, f"inherits {' and '.join(inherited)}: write 'null' where that is not meant")
    mark = spec.inherited(call, "mark")
    if mark is not None and mark.in_ == "body" and method == "DELETE":
        yield SpecProblem(place, "the key goes into the body, and a DELETE has none: use a header or query, or 'null'")
    find, lookup = spec.inherited(call, "find"), spec.inherited(call, "lookup")
    if find is not None:
        yield from _find(spec, call, find, (*place, "find"))
        yield from _pages(spec, find, _place_of(call, "find", place))
    if lookup is not None:
        yield from _pages(spec, lookup, _place_of(call, "lookup", place))
        yield from _order(spec, lookup, _place_of(call, "lookup", place))


def _place_of(call: CallSpec, name: str, place: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """Return where a part of a call is: what all calls inherit is named once."""
    return (*place, name) if call.has(name) else (name,)


def _pages(spec: Description, request: FindSpec | LookupSpec, place: tuple[str | int, ...]) -> Iterator[SpecProblem]:
    """Find a search of which only the first page would be read."""
    if request.entries and spec.paging_of(request) is None and not request.has("paging"):
        text = "there is no 'paging': what is not on the first page counts as not there. Add it to the spec or here"
        yield SpecProblem(place, f"{text}; 'paging: null' says that one answer has all")


def _order(spec: Description, lookup: LookupSpec, place: tuple[str | int, ...]) -> Iterator[SpecProblem]:
    """Find a search that cannot say which of several operations is the first."""
    has_order = lookup.order or (spec.lists is not None and spec.lists.order)
    if lookup.entries and not (has_order or spec.operation.created_at or spec.operation.started_at):
        text = "where it shows several operations nothing says which is meant, which is AmbiguousSubmission"
        yield SpecProblem(place, f"{text}: add 'created_at' to 'operation', or 'order' here")


def _find(spec: Description, call: CallSpec, find: FindSpec, place: tuple[str | int, ...]) -> Iterator[SpecProblem]:
    can_name = find.operation_id or find.resource_id
    if not proves_ours(spec, call, find):
        text = "proves only that nothing was started: neither {mark} in the request nor 'match' shows what is ours"
        yield SpecProblem(place, text)
    elif not can_name:
        yield SpecProblem(place, "names nothing that it finds: add operation_id, or resource_id and a lookup")
    if find.match and spec.inherited(call, "mark") is None:
        yield SpecProblem((*place, "match"), "'match' must hold our key, and this call has no mark")
    if find.resource_id and not find.operation_id and spec.inherited(call, "lookup") is None:
        yield SpecProblem((*place, "resource_id"), "'resource_id' without 'lookup': its operation cannot be found")


def proves_ours(spec: Description, call: CallSpec, find: FindSpec) -> bool:
    """Return whether what a search finds is certainly ours."""
    has_mark = spec.inherited(call, "mark") is not None
    return has_mark and (bool(find.match) or uses(find, "mark"))


def uses(request: RequestSpec, name: str) -> bool:
    """Return whether a request has a placeholder."""
    return any(one.name == name for _, template in templates_of(request) for one in template.placeholders)


def _ending(spec: Description) -> Iterator[SpecProblem]:
    operation = spec.operation
    can_cancel = spec.cancel is not None or any(call.cancel is not None for call in spec.calls)
    verdict = operation.verdict
    names_cancelled = operation.states.cancelled or "cancelled" in operation.http.values()
    if can_cancel and not names_cancelled and not (verdict and verdict.states.cancelled):
        yield SpecProblem(
            ("cancel",), "no word means 'cancelled': what was cancelled reads as failed, or never settles"
        )
    creates = [call for call in spec.calls if call.creates]
    if spec.delete is not None and not creates:
        yield SpecProblem(("delete",), "is never used: no call says with 'creates' what it makes")
    for index, call in enumerate(spec.calls):
        if call.creates and spec.inherited(call, "delete") is None:
            yield SpecProblem(("calls", index, "creates"), "there is no 'delete': what a failed create left stays")


def _reads(spec: Description) -> Iterator[SpecProblem]:
    """Find what calls make that no request shows by its id: whether it still exists cannot be known."""
    for index, call in enumerate(spec.calls):
        if call.creates and list_of_all(spec, call) is None and not reads_by_id(spec, call):
            text = "the spec reads it nowhere, so 'sweep' cannot know whether it still exists"
            yield SpecProblem(("calls", index, "creates"), f"{text}: {READ_IT}")


def list_of_marked(spec: Description, call: CallSpec) -> FindSpec | None:
    """Return the search that lists what all submits of a call have made and marked."""
    find: FindSpec | None = spec.inherited(call, "find")
    if find is None or spec.inherited(call, "mark") is None:
        return None
    if not (call.creates and find.match and find.resource_id):
        return None
    return find if find.all is not None or not uses(find, "mark") else None


def list_of_all(spec: Description, call: CallSpec) -> FindSpec | None:
    """Return the search that lists all that a call has made: what has the user's own value is in no list of keys."""
    find = list_of_marked(spec, call)
    return find if find is not None and (find.all is None or not spec.inherited(call, "mark").keep) else None


def reads_by_id(spec: Description, call: CallSpec) -> bool:
    """Return whether the request of the result of a call reads what it has made by its id."""
    result = spec.inherited(call, "result")
    if result is None or result.request is None:
        return False
    return uses(result, "resource_id") and not uses(result, "operation_id")


def _lists(spec: Description) -> Iterator[SpecProblem]:
    lists = spec.lists
    if lists is None:
        return
    if lists.recent and lists.order == "oldest":
        text = "what has just settled is at the end of 'recent', and its beginning is read: ask for the newest first"
        yield SpecProblem(("lists", "recent"), text)
    if spec.paging is None and (lists.open or lists.recent):
        yield SpecProblem(("lists",), "there is no 'paging': only the first page of each list is read")
    for place, request in list_requests(spec):
        if parse_line(request.request).method == "POST" and not request.has("body"):
            yield SpecProblem(place, "a list by POST without 'body': most servers refuse that, write 'body: {}'")


def _paging_options(spec: Description) -> Iterator[SpecProblem]:
    for place, paging in pagings(spec):
        for name in paging.model_fields_set - {"type"} - _OPTIONS[paging.type]:
            yield SpecProblem((*place, name), f"{name} has no meaning for {paging.type}: leave it out")
        if paging.page_size_param and paging.page_size is None:
            yield SpecProblem((*place, "page_size_param"), "page_size_param without page_size: it is never sent")


def _ids(spec: Description) -> Iterator[SpecProblem]:
    """Find ids with ``/`` that are put into a path where ``/`` is escaped."""
    texts = [*spec.operation.id, *spec.submit.operation_id, *(one for call in spec.calls for one in call.operation_id)]
    has_slash = any(
        isinstance(part, str) and "/" in part
        for text in texts
        if (template := parse_value(text).template) is not None
        for part in template.parts
    )
    for place in sent(spec):
        for where, template in place.templates:
            if has_slash and any(one.name == "operation_id" and not one.keeps_slash for one in template.placeholders):
                yield SpecProblem(
                    (*place.place, *where), "ids have '/', which {operation_id} escapes: write {+operation_id}"
                )


def _elsewhere(spec: Description) -> Iterator[SpecProblem]:
    origin = urlsplit(spec.base_url)[:2]
    for index, auth in enumerate(spec.auth):
        if isinstance(auth, ClientCredentials) and not auth.token_url.startswith("/"):
            other = urlsplit(auth.token_url)
            if other[:2] != origin:
                place = ("auth", index, "token_url")
                yield SpecProblem(place, f"login and password are sent to another origin, {other.netloc}")


def _unused(spec: Description) -> Iterator[SpecProblem]:
    used = {one.name for place in sent(spec) for _, template in place.templates for one in template.placeholders}
    for name in spec.variables:
        if name not in used:
            yield SpecProblem(("variables", name), f"{{{name}}} stands in no request: leave the variable out")
    kinds = [call.kind for call in spec.calls]
    for prefix in spec.timeouts:
        if prefix and kinds and not spec.operation.kind and not any(kind.startswith(prefix) for kind in kinds):
            yield SpecProblem(("timeouts", prefix), f"no kind begins with {prefix!r}")
    budget = spec.budget
    if budget is not None and bool(budget.ratelimit_remaining_header) != bool(budget.ratelimit_reset_header):
        text = "ratelimit_remaining_header and ratelimit_reset_header go together: add the other"
        yield SpecProblem(("budget",), text)
