"""What cannot work in a spec, so that it is refused: each mistake with its place and what to write."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from airflow_provider_ops.exceptions import SpecProblem
from airflow_provider_ops.spec.auth import Paging
from airflow_provider_ops.spec.description import Description
from airflow_provider_ops.spec.expressions import Expression
from airflow_provider_ops.spec.keys import KEY_LENGTH, key_text
from airflow_provider_ops.spec.kinds import kinds
from airflow_provider_ops.spec.nearest import nearest
from airflow_provider_ops.spec.parts import Part, check_header_name
from airflow_provider_ops.spec.places import RESERVED, Sent, marks, pagings, sent
from airflow_provider_ops.spec.requests import READS, parse_line
from airflow_provider_ops.spec.secrecy import secrecy
from airflow_provider_ops.spec.sections import MarkSpec, Refusal, States
from airflow_provider_ops.spec.source import Place
from airflow_provider_ops.spec.states import twice
from airflow_provider_ops.spec.templates import Placeholder, Template, parse_template
from airflow_provider_ops.spec.values import parse_value

P = TypeVar("P", bound=Part)

_SUCCESS = range(200, 300)
_STATUSES = range(100, 600)
_DECIDED = ("succeeded", "failed", "cancelled")


def mistakes_in(spec: Description) -> list[SpecProblem]:
    """Return everything that cannot work."""
    found = [
        *_variables(spec),
        *_auth(spec),
        *(one for place in sent(spec) for one in _placeholders(place)),
        *_calls(spec),
        *(one for place, mark in marks(spec) for one in _mark(place, mark)),
        *_operation(spec),
        *_states(spec),
        *_lists(spec),
        *secrecy(spec),
        *kinds(spec),
        *(one for place, paging in pagings(spec) for one in _paging(place, paging)),
    ]
    return list(dict.fromkeys(found))


def mistakes_in_parts(data: Any) -> Iterator[SpecProblem]:
    """Return what cannot work in the parts that can be judged alone, of a spec that cannot be read as a whole."""
    words: list[Place] = [("operation", "states"), ("operation", "verdict", "states")]
    for place in words:
        yield from _alone(data, place, States, _in_two_lists)
    yield from _alone(data, ("paging",), Paging, _paging)
    calls = data.get("calls") if isinstance(data, Mapping) else None
    own: list[Place] = [("calls", index, "mark") for index in range(len(calls) if isinstance(calls, list) else 0)]
    for place in [("mark",), *own]:
        yield from _alone(data, place, MarkSpec, _mark)


def _alone(
    data: Any, place: Place, model: type[P], check: Callable[[Place, P], Iterator[SpecProblem]]
) -> Iterator[SpecProblem]:
    for key in place:
        is_there = isinstance(data, list) if isinstance(key, int) else isinstance(data, Mapping) and key in data
        data = data[key] if is_there else None
    try:
        part = None if data is None else model.model_validate(data)
    except ValidationError:
        # named with the rest
        return
    if part is not None:
        yield from check(place, part)


def _variables(spec: Description) -> Iterator[SpecProblem]:
    for name in spec.variables:
        if not name.isidentifier():
            yield SpecProblem(("variables", name), "the name of a variable must be letters, digits and '_'")
        elif name in RESERVED:
            yield SpecProblem(
                ("variables", name), f"{{{name}}} has a meaning of its own: give the variable another name"
            )


def _auth(spec: Description) -> Iterator[SpecProblem]:
    types = [one.type for one in spec.auth]
    for index, name in enumerate(types):
        if name in types[:index]:
            text = f"{name} stands twice, and a connection chooses by that word: leave one"
            yield SpecProblem(("auth", index), text)


def _placeholders(place: Sent) -> Iterator[SpecProblem]:
    used: set[str] = set()
    for where, template in place.templates:
        for one in template.placeholders:
            used.add(one.name)
            if problem := _unfilled(place, one):
                yield SpecProblem((*place.place, *where), problem)
    if place.needed and not place.needed & used:
        wanted = " or ".join(f"{{{name}}}" for name in sorted(place.needed))
        yield SpecProblem(
            (*place.place, "request"), f"the request has no {wanted}, so it is about no operation: add it"
        )
    if place.part == "wait" and "seconds" not in used:
        yield SpecProblem((*place.place, "request"), "the request has no {seconds}: say how long the API may hold it")
    if place.part == "delete" and "resource_id" not in used:
        yield SpecProblem((*place.place, "request"), "the request has no {resource_id}: say what is deleted")


def _unfilled(place: Sent, one: Placeholder) -> str | None:
    names = ", ".join(f"{{{name}}}" for name in sorted(place.names)) or "none"
    known = f"known here: {names}; others are declared in variables"
    if one.expression is not None:
        return _unread(place, one.text, one.expression, known)
    if one.name in place.names:
        return None
    if one.name in ("login", "password"):
        return f"only auth's login sees {one.text}: secrets go nowhere else"
    near = nearest(one.name, place.names)
    return f"nothing fills {one.text}: " + (f"did you mean {{{near}}}?" if near else known)


def _unread(place: Sent, text: str, expression: Expression, known: str) -> str | None:
    if expression.source == "entry":
        meant = f"write {{$request.body#{text[1:-1]}}}" if place.knows_submit else known
        return f"{text} is relative to an entry, and a request has none; {meant}"
    if expression.source in ("response", "statusCode"):
        return f"{text} reads an answer, and a request has none yet; {known}"
    return None if place.knows_submit else f"{text} reads the submit, which is over by then; {known}"


def _calls(spec: Description) -> Iterator[SpecProblem]:
    seen: dict[tuple[str, str], int] = {}
    yield from _not_success(("submit", "http"), spec.submit.http)
    yield from _busy_or_there(("submit",), spec.submit.busy, spec.submit.already)
    for index, call in enumerate(spec.calls):
        line, place = parse_line(call.request), ("calls", index, "request")
        if line.method in READS:
            yield SpecProblem(place, f"{line.method} starts nothing: a call is POST, PUT, PATCH or DELETE")
        names = [one.name for one in line.path.placeholders]
        double = next((name for name in names if names.count(name) > 1), None)
        if double:
            yield SpecProblem(place, f"{{{double}}} stands twice in the path: give the second another name")
        same = (line.method, _shape(line.path))
        if same in seen:
            yield SpecProblem(place, f"is the same call as number {seen[same] + 1}: put both into one")
        seen.setdefault(same, index)
        yield from _not_success(("calls", index, "http"), call.http)
        if call.has("already") or call.has("busy"):
            yield from _busy_or_there(("calls", index), spec.of_submit(call, "busy"), spec.of_submit(call, "already"))
        yield from _names_no_operation(spec, index)
    if not spec.calls and not (spec.submit.operation_id or spec.submit.operation_url or spec.submit.http):
        yield SpecProblem(("submit",), _NAMES_NONE)


def _busy_or_there(place: Place, busy: Refusal | None, already: Refusal | None) -> Iterator[SpecProblem]:
    if busy is not None and already is not None and busy.overlaps(already):
        text = "an answer may be both 'busy' and 'already', and only one can count: distinguish them by status or code"
        yield SpecProblem((*place, "already"), text)


def _not_success(place: Place, http: Mapping[int, str]) -> Iterator[SpecProblem]:
    for status in http:
        if status not in _SUCCESS:
            yield SpecProblem(
                (*place, str(status)),
                f"{status} is no answer to a submit that was taken: use 200 to 299, busy or already",
            )


_NAMES_NONE = "no answer can name an operation: add operation_id, operation_url, http or a lookup"


def _names_no_operation(spec: Description, index: int) -> Iterator[SpecProblem]:
    call = spec.calls[index]
    known = any(spec.of_submit(call, name) for name in ("operation_id", "operation_url", "http"))
    if not known and spec.inherited(call, "lookup") is None:
        yield SpecProblem(("calls", index), _NAMES_NONE)


def _shape(path: Template) -> str:
    return "".join("{}" if isinstance(part, Placeholder) else part for part in path.parts)


def _mark(place: Place, mark: MarkSpec) -> Iterator[SpecProblem]:
    template = parse_template(mark.format)
    names = [one.name for one in template.placeholders]
    odd = next((one.text for one in template.placeholders if one.name != "mark"), None)
    if odd:
        yield SpecProblem((*place, "format"), f"nothing fills {odd} in a format: use {{mark}} or {{mark:uuid}}")
    elif names.count("mark") != 1:
        yield SpecProblem((*place, "format"), f"{mark.format!r} must have {{mark}} or {{mark:uuid}} once")
    length = 0 if odd else len(key_text(mark, "0" * KEY_LENGTH))
    if mark.max is not None and length > mark.max:
        yield SpecProblem((*place, "max"), f"the key has {length} characters, more than max {mark.max}: shorten format")
    if mark.in_ == "body" and not mark.name.startswith("/"):
        yield SpecProblem((*place, "name"), f"in a body the name is a pointer: write {'/' + mark.name!r}")
    elif mark.in_ == "body":
        yield from _body_pointer(place, mark.name)
    elif mark.in_ == "header":
        yield from _header(place, mark.name)
    elif not mark.name or mark.name.startswith("/") or not mark.name.isprintable() or " " in mark.name:
        yield SpecProblem((*place, "name"), f"{mark.name!r} cannot name a {mark.in_}: use letters, digits and '-'")


def _header(place: Place, name: str) -> Iterator[SpecProblem]:
    try:
        check_header_name(name)
    except ValueError as error:
        yield SpecProblem((*place, "name"), str(error))


def _body_pointer(place: Place, name: str) -> Iterator[SpecProblem]:
    try:
        parts = parse_value(name).expressions[0].pointer
    except (ValueError, IndexError) as error:
        yield SpecProblem((*place, "name"), f"{name!r} is no pointer ({error})")
        return
    if "*" in parts:
        yield SpecProblem((*place, "name"), f"{name!r}: the key goes to one place, so '*' has no meaning here")
    if "-" in parts[:-1]:
        yield SpecProblem((*place, "name"), f"{name!r}: '-' appends to a list and must be the last part")


def _operation(spec: Description) -> Iterator[SpecProblem]:
    operation, place = spec.operation, ("operation",)
    has_url = any(spec.of_submit(call, "operation_url") for call in spec.calls) or spec.submit.operation_url
    if operation.get is None and not has_url:
        yield SpecProblem((*place, "get"), "'get' is missing: write the request that reads one operation")
    if operation.get is not None and parse_line(operation.get.request).method not in ("GET", "POST"):
        yield SpecProblem((*place, "get"), "an operation is read by GET, or by POST where the API has it so")
    if not operation.status and not operation.http:
        yield SpecProblem((*place, "status"), "'status' is missing: say where the state is, or use 'http'")
    for name in type(operation).model_fields:
        values = getattr(operation, name)
        texts = [one for one in values if isinstance(one, str)] if isinstance(values, tuple) else []
        yield from _needs_no_submit((*place, name), texts)
    for part in ("resource", "error", "verdict"):
        owner = getattr(operation, part)
        for name in type(owner).model_fields if owner is not None else ():
            values = getattr(owner, name)
            if isinstance(values, tuple):
                yield from _needs_no_submit((*place, part, name), [one for one in values if isinstance(one, str)])


def _needs_no_submit(place: Place, texts: list[str]) -> Iterator[SpecProblem]:
    for text in texts:
        if any(one.needs_submit for one in parse_value(text).expressions):
            yield SpecProblem(place, f"{text!r} reads the submit, which is not known here: read the answer")


def _states(spec: Description) -> Iterator[SpecProblem]:
    operation = spec.operation
    yield from _in_two_lists(("operation", "states"), operation.states)
    for status in operation.http:
        if status not in _STATUSES:
            yield SpecProblem(("operation", "http", str(status)), f"{status} is no HTTP status: use 100 to 599")
    can_succeed = bool(operation.states.succeeded) or "succeeded" in operation.http.values()
    if operation.verdict is not None:
        place: Place = ("operation", "verdict", "states")
        yield from _in_two_lists(place, operation.verdict.states)
        for name, words in operation.verdict.states.lists().items():
            if words and name not in _DECIDED:
                yield SpecProblem((*place, name), f"a verdict is {', '.join(_DECIDED)}, never {name}")
        if not operation.verdict.states.succeeded:
            text = "no verdict can be 'succeeded': list its words, or null where success has no field there"
            yield SpecProblem(place, text)
            return
        can_succeed = can_succeed or bool(operation.states.ended)
    if not can_succeed:
        yield SpecProblem(("operation", "states"), "no operation can succeed: list the words for 'succeeded'")


def _in_two_lists(place: Place, states: States) -> Iterator[SpecProblem]:
    for name, earlier, word in twice(states.lists()):
        shown = "null" if word is None else repr(word)
        where = "twice" if name == earlier else f"in {earlier!r} and in {name!r}"
        yield SpecProblem((*place, name), f"the word {shown} stands {where} (case does not count): leave one")


def _lists(spec: Description) -> Iterator[SpecProblem]:
    if spec.lists is None:
        return
    if not spec.lists.open and spec.lists.by_ids is None:
        yield SpecProblem(("lists",), "neither 'open' nor 'by_ids': say which list shows what has not settled")
    if not spec.operation.id:
        yield SpecProblem(("operation", "id"), "'id' is missing: without it an entry of a list cannot be identified")
    for place in sent(spec):
        if place.part in ("open", "recent") and place.request is not None:
            yield from _list_request(spec, place)


def _list_request(spec: Description, place: Sent) -> Iterator[SpecProblem]:
    method, paging = parse_line(place.request.request).method if place.request else "GET", spec.paging
    in_body = (
        [name for name in type(paging).model_fields if name.endswith("_body_path") and getattr(paging, name)]
        if paging
        else []
    )
    if in_body and method != "POST":
        yield SpecProblem(("paging", in_body[0]), f"{in_body[0]} needs a list by POST, and {method} has no body")


def _paging(place: Place, paging: Paging) -> Iterator[SpecProblem]:
    match paging.type:
        case "cursor":
            if paging.cursor_path is None:
                yield SpecProblem((*place, "cursor_path"), "the cursor cannot advance: add cursor_path")
            if paging.cursor_param is None and paging.cursor_body_path is None:
                yield SpecProblem(
                    (*place, "cursor_param"), "the cursor goes nowhere: add cursor_param or cursor_body_path"
                )
        case "json_link" if paging.next_url_path is None:
            yield SpecProblem((*place, "next_url_path"), "the next page cannot be found: add next_url_path")
        case "offset" if paging.limit is None and paging.page_size is None:
            yield SpecProblem((*place, "limit"), "the offset cannot advance: add limit, the entries per page")
