"""How a spec reads an operation, turned around: the JSON in which it finds what is true."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ops.simulator.api import Reply
from airflow_provider_ops.simulator.described.bodies import Answer, made_id, rfc3339, word_of
from airflow_provider_ops.spec.expressions import parse_expression
from airflow_provider_ops.spec.places import sent
from airflow_provider_ops.spec.requests import parse_line
from airflow_provider_ops.spec.states import StateTable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_ops.simulator.described.requests import Known
    from airflow_provider_ops.simulator.records import Operation
    from airflow_provider_ops.spec import ApiSpec
    from airflow_provider_ops.spec.sections import CallSpec, FindSpec

_STATES = {"queued": "pending"}
_ACCEPTED = 202
_LARGEST_ID = 10**12


class Shown:
    """Makes the answers of one API."""

    def __init__(self, spec: ApiSpec) -> None:
        self._spec = spec
        self._operation = spec.operation
        self._words = spec.operation.states.lists()
        placeholders = [one for place in sent(spec) for _, text in place.templates for one in text.placeholders]
        self._has_numbers = any(one.name == "operation_id" and one.form == "int" for one in placeholders)

    def new_id(self, plain: str, call: CallSpec, mark: str | None) -> str:
        """Return the id of a new operation, of which our key may be a part."""
        find = self._spec.inherited(call, "find")
        matches = [parse_expression(text).pointer for text in find.match] if find else []
        chosen = dict.fromkeys(matches, mark) if mark else {}
        plain = str(int(plain.replace("-", ""), 16) % _LARGEST_ID) if self._has_numbers else plain
        return made_id((*self._operation.id, *self._spec.submit.operation_id), plain, chosen)

    def submitted(self, call: CallSpec, operation: Operation) -> Reply:
        """Return the answer to a submit."""
        answer = Answer({})
        answer.put(self._spec.of_submit(call, "operation_id"), operation.id)
        get = self._operation.get
        if get is not None:
            line = parse_line(get.request)
            path = line.path.fill_path(lambda _: operation.id)
            answer.put(self._spec.of_submit(call, "operation_url"), f"/{self._spec.name}{path}")
        resource = self._spec.of_submit(call, "resource")
        if resource is not None:
            answer.put(resource.type, operation.resource.kind)
            answer.put(resource.id, operation.resource.id)
        return Reply(_ACCEPTED, answer.body, answer.headers)

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
        answer.put(spec.id, operation.id)
        answer.put(id_texts, operation.id)
        answer.put(spec.kind, operation.kind)
        if spec.resource is not None:
            answer.put(spec.resource.type, operation.resource.kind)
            answer.put(spec.resource.id, operation.resource.id)
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

    @staticmethod
    def _state(operation: Operation) -> str:
        return _STATES.get(operation.stage, operation.stage)

    def is_in(self, known: Known, operation: Operation, *, settled: bool) -> bool:
        """Return whether a list shows an operation: a word in its query is a filter by state."""
        if operation.settled is not settled:
            return False
        table = StateTable(self._words.items())
        literal = ["".join(map(str, template.parts)) for _, template in known.query if not template.placeholders]
        states = {state for text in literal if (state := table[text]) is not None}
        return not states or self._state(operation) in states

    def found(self, find: FindSpec, operation: Operation) -> dict[str, Any]:
        """Return an entry in which a search finds its key."""
        answer = Answer({})
        answer.put(find.resource_id, operation.resource.id)
        answer.put(find.operation_id, operation.id)
        mark = operation.details.get("mark")
        for text in find.match[:1]:
            pointer = parse_expression(text).pointer
            answer.put(find.match, [mark] if pointer and pointer[-1].endswith("s") and mark else mark)
        body: Mapping[str, Any] = answer.body
        return dict(body)
