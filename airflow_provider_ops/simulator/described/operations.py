"""How a spec reads an operation, turned around: the JSON in which it finds what is true."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ops.simulator.api import Reply
from airflow_provider_ops.simulator.described.bodies import Answer, made_id, placed, rfc3339, word_of
from airflow_provider_ops.simulator.described.requests import OPERATIONS, RESULTS
from airflow_provider_ops.spec.expressions import ALL_ITEMS, has_field, parse_expression
from airflow_provider_ops.spec.places import sent
from airflow_provider_ops.spec.requests import parse_line
from airflow_provider_ops.spec.states import StateTable
from airflow_provider_ops.spec.values import parse_value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_ops.simulator.described.requests import Known
    from airflow_provider_ops.simulator.records import Operation
    from airflow_provider_ops.spec import ApiSpec
    from airflow_provider_ops.spec.sections import CallSpec, FindSpec, LookupSpec

_STATES = {"queued": "pending"}
_ACCEPTED = 202
#: What the status of an answer to a submit says of an operation that has begun.
_UNDER_WAY = ("pending", "running")
_LARGEST_ID = 10**12
#: What stands where a spec says that a secret is.
SECRET = "simulated-secret-of-an-answer"  # noqa: S105


class Shown:
    """Make the answers of one API."""

    def __init__(self, spec: ApiSpec) -> None:
        self._spec = spec
        self._operation = spec.operation
        self._words = spec.operation.states.lists()
        verdict = spec.operation.verdict
        self._names_cancelled = bool(
            self._words["cancelled"]
            or (verdict is not None and verdict.states.cancelled)
            or "cancelled" in spec.operation.http.values()
        )
        placeholders = [one for place in sent(spec) for _, text in place.templates for one in text.placeholders]
        #: Ids that are numbers, by the name of their placeholder.
        self._numbers = {one.name for one in placeholders if one.form == "int"}

    def new_id(self, plain: str, call: CallSpec, mark: str | None, values: Mapping[str, str]) -> str:
        """Return the id of a new operation, of which our key and what stands in the path may be a part."""
        find = self._spec.inherited(call, "find")
        matches = [parse_expression(text).pointer for text in find.match] if find else []
        chosen: dict[tuple[str, ...], str] = {(name,): value for name, value in values.items()}
        chosen |= dict.fromkeys(matches, mark) if mark else {}
        plain = self._in_form("operation_id", plain)
        return made_id((*self._operation.id, *self._spec.submit.operation_id), plain, chosen)

    def new_resource_id(self, plain: str) -> str:
        """Return the id of a new resource."""
        return self._in_form("resource_id", plain)

    def _in_form(self, name: str, plain: str) -> str:
        return str(int(plain.replace("-", ""), 16) % _LARGEST_ID) if name in self._numbers else plain

    def _json_id(self, name: str, value: str) -> Any:
        """Return an id as it stands in JSON."""
        return int(value) if name in self._numbers and value.isdecimal() else value

    def submitted(self, call: CallSpec, operation: Operation) -> Reply:
        """Return the answer to a submit."""
        answer = Answer({})
        self._put_ids(answer, self._spec.of_submit(call, "operation_id"), operation)
        get = self._operation.get
        line = parse_line(get.request if get is not None else f"GET {OPERATIONS}/{{operation_id}}")
        path = line.path.fill_path(lambda _: operation.id)
        answer.put(self._spec.of_submit(call, "operation_url"), f"/{self._spec.name}{path}")
        self._put_secrets(answer)
        if self._is_located(call):
            answer.headers.setdefault("Location", f"/{self._spec.name}{RESULTS}/{operation.id}")
        resource = self._spec.of_submit(call, "resource")
        if resource is not None:
            answer.put(resource.type, operation.resource.kind)
            answer.put(resource.id, self._json_id("resource_id", operation.resource.id))
        statuses = [code for code, state in self._spec.of_submit(call, "http").items() if state in _UNDER_WAY]
        return Reply(next(iter(statuses), _ACCEPTED), answer.body, answer.headers)

    def _put_ids(self, answer: Answer, texts: Sequence[str], operation: Operation) -> None:
        """Put the operation where an answer names it first, whole where there is room; other lists are empty."""
        for text in reversed(texts):
            expression = parse_value(text).expression
            if expression is not None and ALL_ITEMS in expression.pointer:
                answer.body = placed(answer.body, expression.pointer[: expression.pointer.index(ALL_ITEMS)], [])
        expression = parse_value(texts[0]).expression if texts else None
        ids = parse_value(self._operation.id[0]).expression if self._operation.id else None
        if expression is not None and ids is not None and expression.place == "body":
            above = expression.pointer[: -len(ids.pointer)]
            if above and expression.pointer == (*above, *ids.pointer):
                answer.body = placed(answer.body, above, self.entry(operation))
        answer.put(texts, self._json_id("operation_id", operation.id))

    def _put_secrets(self, answer: Answer) -> None:
        for text in self._spec.secrets:
            expression = parse_value(text).expression
            if expression is not None and expression.source == "response" and ALL_ITEMS not in expression.pointer:
                answer.put((text,), SECRET)

    def _is_located(self, call: CallSpec) -> bool:
        result = self._spec.inherited(call, "result")
        return result is not None and result.final_state_via in ("auto", "location")

    def one(self, operation: Operation, *, accepted: bool = False) -> Reply:
        """Return the answer to a read of one operation."""
        status = 200
        if not self._operation.status:
            state = self._state(operation)
            status = next((code for code, name in self._operation.http.items() if name == state), status)
        entry = self.entry(operation)
        answer = Answer()
        if self._operation.entry:
            answer.put(self._operation.entry, entry)
        else:
            answer.body = entry
        return Reply(_ACCEPTED if accepted else status, answer.body, answer.headers)

    def entry(self, operation: Operation, id_texts: Sequence[str] = ()) -> dict[str, Any]:
        """Return an operation as it stands in a list."""
        spec, answer = self._operation, Answer({})
        operation_id = self._json_id("operation_id", operation.id)
        answer.put(spec.id, operation_id)
        answer.put(id_texts, operation_id)
        answer.put(spec.kind, operation.kind)
        if spec.resource is not None:
            answer.put(spec.resource.type, operation.resource.kind)
            answer.put(spec.resource.id, self._json_id("resource_id", operation.resource.id))
        self._put_state(answer, operation)
        if spec.error is not None and operation.stage in ("failed", "cancelled"):
            answer.put(spec.error.code, operation.code or "FAILED")
            answer.put(spec.error.message, operation.reason or operation.stage)
        answer.put(spec.progress, 100 if operation.settled else 50)
        answer.put(spec.phase, operation.phase.name if operation.phase else None)
        answer.put(spec.message, operation.phase.message if operation.phase else None)
        answer.put(spec.created_at, rfc3339(operation.created_at))
        answer.put(spec.started_at, rfc3339(operation.started_at))
        answer.put(spec.updated_at, rfc3339(operation.shown_updated_at))
        answer.put(spec.ended_at, rfc3339(operation.shown_ended_at))
        body: dict[str, Any] = answer.body
        return body

    def _put_state(self, answer: Answer, operation: Operation) -> None:
        spec, state = self._operation, self._state(operation)
        if operation.word is not None:
            answer.put(spec.status, operation.word)
            return
        word = word_of(self._words, state)
        if state == "pending" and word is None and None not in self._words["pending"]:
            word = word_of(self._words, "running")
        if word is None and operation.settled and self._words["ended"]:
            word = word_of(self._words, "ended")
            if spec.verdict is not None:
                verdicts = spec.verdict.states.lists()
                listed = word_of(verdicts, state)
                known = None in verdicts[state]
                answer.put(spec.verdict.status, listed if listed is not None or known else state)
        answer.put(spec.status, word)

    def _state(self, operation: Operation) -> str:
        if operation.stage == "cancelled" and not self._names_cancelled:
            # an API without a word for it shows what was cancelled as failed
            return "failed"
        return _STATES.get(operation.stage, operation.stage)

    def is_in(self, known: Known, operation: Operation, *, settled: bool) -> bool:
        """Return whether a list shows an operation: a word in its query is a filter by state."""
        if operation.settled is not settled:
            return False
        table = StateTable(self._words.items())
        states = {state for text in _literals(known) if (state := table[text]) is not None}
        return not states or self._state(operation) in states

    def is_by_end(self, known: Known) -> bool:
        """Return whether a list is sorted by the end of its operations: its query names the field that has it."""
        fields = [parse_value(text).expression for text in self._operation.ended_at]
        names = {one.pointer[-1] for one in fields if one is not None and one.pointer}
        return any(text.lstrip("-+") in names for text in _literals(known))

    def found(self, find: FindSpec, operation: Operation, *, has_key: bool = True) -> dict[str, Any]:
        """Return an entry in which a search finds its key; null or an empty list stands for a key that is not there."""
        answer = Answer({})
        answer.put(find.resource_id, self._json_id("resource_id", operation.resource.id))
        answer.put(find.operation_id, self._json_id("operation_id", operation.id))
        mark = operation.details.get("mark") if has_key else None
        expression = parse_value(find.match[0]).expression if find.match else None
        pointer = expression.pointer if expression else ()
        is_list = bool(pointer) and (ALL_ITEMS in pointer or pointer[-1].endswith("s"))
        if mark:
            answer.put(find.match, [mark] if is_list and ALL_ITEMS not in pointer else mark)
        elif pointer and not has_field(answer.body, pointer):
            above = pointer[: pointer.index(ALL_ITEMS)] if ALL_ITEMS in pointer else pointer
            answer.body = placed(answer.body, above, [] if is_list else None)
        body: Mapping[str, Any] = answer.body
        return dict(body)

    def looked_up(self, lookup: LookupSpec, operation: Operation) -> dict[str, Any]:
        """Return an entry in which a search finds the operation of a resource."""
        answer = Answer(self.entry(operation, lookup.operation_id))
        answer.put(lookup.match, self._json_id("resource_id", operation.resource.id))
        body: dict[str, Any] = answer.body
        return body


def _literals(known: Known) -> list[str]:
    """Return what stands in the query of a request without placeholders."""
    return ["".join(map(str, template.parts)) for _, template in known.query if not template.placeholders]
