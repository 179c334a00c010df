"""From an answer, or an entry of a list, to an operation."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from airflow_provider_ops.apis.calls import Response
from airflow_provider_ops.apis.described.secrets import has_secret_answers, shown, without_secrets
from airflow_provider_ops.apis.operation_lists import NotDecided
from airflow_provider_ops.apis.times import read_time
from airflow_provider_ops.apis.wire_models import ErrorBody
from airflow_provider_ops.core.changes import WarningLine, unknown_state
from airflow_provider_ops.core.gate import one_line
from airflow_provider_ops.exceptions import TransportError
from airflow_provider_ops.operation import Operation, OperationError, OperationState, Progress, Step, web_address
from airflow_provider_ops.spec import ApiSpec
from airflow_provider_ops.spec.expressions import Exchange
from airflow_provider_ops.spec.sections import ErrorSpec, OperationSpec
from airflow_provider_ops.spec.states import StateTable, to_state
from airflow_provider_ops.spec.values import find_first, find_text, finder, is_there, text_finder

#: RFC 9457, then the envelopes that most APIs have, for specs without ``error``.
_CODES = ("/error/code", "/code", "/error_code", "/errorCode", "/error/type", "/type", "/errors/0/code")
_MESSAGES = (
    "/detail",
    "/error/message",
    "/message",
    "/error_description",
    "/errors/0/detail",
    "/errors/0/message",
    "/errors/0/reason",
    "/detail/0/msg",
    "/title",
    "/error",
)
_MOST_STEPS = 100
_ALL = 100
_REDIRECTS = 300
#: The word for a state that is not there.
_MISSING = "missing"
#: For entries of lists: made once, not for each of thousands.
_NO_EXCHANGE = Exchange()


def json_or_none(response: Response) -> Any:
    """Return the body as JSON, ``None`` where it is none; many submits and cancels are answered by no body."""
    try:
        return response.json() if response.content.strip() else None
    except TransportError:
        return None


def exchange_of(response: Response, submit: Exchange | None = None) -> Exchange:
    """Return what expressions may read of an answer and, where it is known, of the submit."""
    base = submit or Exchange()
    return Exchange(
        url=base.url,
        method=base.method,
        status=response.status,
        path=base.path,
        query=base.query,
        headers=base.headers,
        body=base.body,
        response_headers=response.headers,
        response_body=json_or_none(response),
    )


class OperationReader:
    """Read operations of one API."""

    def __init__(self, spec: ApiSpec) -> None:
        self._name, self._title = spec.name, spec.shown_title
        self._secrets = spec.secrets
        self._spec: OperationSpec = spec.operation
        self._states = StateTable(spec.operation.states.lists().items())
        verdict = spec.operation.verdict
        self._verdict = None if verdict is None else StateTable(verdict.states.lists().items())
        one, resource = spec.operation, spec.operation.resource
        # looked up once: these are found in every entry of every list
        self._id, self._kind, self._status = text_finder(one.id), text_finder(one.kind), finder(one.status)
        self._url, self._resource_type = text_finder(one.url), text_finder(resource.type if resource else ())
        self._resource_id = text_finder(resource.id if resource else ())
        self._times = [finder(values) for values in (one.created_at, one.started_at, one.updated_at, one.ended_at)]
        self._percent, self._steps = finder(one.progress), finder(one.steps)
        self._phase, self._message = text_finder(one.phase), text_finder(one.message)

    def from_answer(self, response: Response, operation_id: str) -> Operation:
        """Return the operation that an answer shows.

        :param operation_id: the one that was asked for, where the answer does not repeat it.
        """
        exchange = exchange_of(response)
        if exchange.response_body is None and response.content.strip() and response.status < _REDIRECTS:
            # a page of a proxy says nothing about the operation, whatever its status
            start = _beginning(response, None, self._secrets, 80)
            msg = f"the answer (HTTP {response.status}) is not JSON; it starts with {start!r}"
            raise TransportError(msg, reason="unreadable")
        return self.read(self._entry(exchange), exchange, operation_id)

    def _entry(self, exchange: Exchange) -> Any:
        body = exchange.response_body
        return find_first(self._spec.entry, exchange, body) if self._spec.entry else body

    def from_entry(self, entry: Mapping[str, Any]) -> Operation:
        """Return the operation in an entry of a list.

        :raises NotDecided: it has ended, and the entry has no field at all where its answer would say how.
        """
        operation = self.read(entry, _NO_EXCHANGE, None)
        missing = self._left_out(entry) if operation.state.is_terminal or self._states_ended(entry) else None
        if missing is not None:
            raise NotDecided(replace(operation, state=OperationState.UNKNOWN, error=None), missing)
        return operation

    def as_shown(self, entry: Mapping[str, Any]) -> Operation:
        """As :meth:`from_entry`; in state unknown where the entry does not say how it has ended."""
        try:
            return self.from_entry(entry)
        except NotDecided as undecided:
            return undecided.operation

    def _states_ended(self, entry: Any) -> bool:
        return self._states[self._status(_NO_EXCHANGE, entry)] == "ended"

    def _left_out(self, entry: Any) -> str | None:
        """Return what decides about an entry that has ended and is not there: left out, unlike null."""
        verdict = self._spec.verdict
        decides = verdict.status if verdict is not None and self._states_ended(entry) else self._spec.status
        return None if not decides or is_there(decides, entry) else ", ".join(decides)

    def several(self, entries: Iterable[Any], wanted: Container[str]) -> dict[str, Operation]:
        """Return the wanted operations among entries; one that cannot be read is left out."""
        found = {}
        for entry in entries:
            if (name := self.id_of(entry)) in wanted:
                with contextlib.suppress(TransportError):
                    found[name] = self.from_entry(entry)
        return found

    def id_of(self, entry: Any) -> str:
        """Return the id in an entry of a list, or an empty text."""
        return self._id(_NO_EXCHANGE, entry) or ""

    def read(self, entry: Any, exchange: Exchange, operation_id: str | None) -> Operation:
        """Return an entry as an operation.

        :raises TransportError: reason ``unreadable`` when id or state cannot be read.
        """
        spec = self._spec
        is_address = operation_id is not None and operation_id.startswith("/")
        # an operation that is named by its address may call itself what it likes
        found_id = operation_id if is_address or not spec.id else self._id(exchange, entry)
        if not found_id:
            raise TransportError("the entry names no operation: 'id' finds nothing in it", reason="unreadable")
        state, word = self._state(entry, exchange)
        if self._secrets:
            # only now: what decides is read from what the API said
            is_answer, exchange = exchange is not _NO_EXCHANGE, shown(exchange, self._secrets)
            entry = self._entry(exchange) if is_answer else entry
            entry = without_secrets(entry, self._secrets, of_entry=True)
            word = self._state(entry, exchange)[1]
        created_at, started_at, updated_at, ended_at = [_time(find(exchange, entry)) for find in self._times]
        return Operation(
            id=found_id,
            api=self._name,
            kind=self._kind(exchange, entry) or "",
            state=to_state(state),
            raw_state=word,
            resource_type=self._resource_type(exchange, entry),
            resource_id=self.resource_id(entry, exchange),
            progress=self._progress(entry, exchange),
            error=error_of(spec.error, exchange, entry) if state not in ("pending", "running", "succeeded") else None,
            url=web_address(self._url(exchange, entry)),
            created_at=created_at,
            started_at=started_at,
            updated_at=updated_at,
            ended_at=ended_at,
            raw=entry if isinstance(entry, Mapping) else {},
        )

    def resource_id(self, entry: Any, exchange: Exchange) -> str | None:
        """Return the id of what an operation acts on."""
        return self._resource_id(exchange, entry)

    def explain_unknown_state(self, operation: Operation, *, listed: bool) -> str:
        """Return a log line about an operation whose state the spec does not list; see ``Api``."""
        spec = self._spec
        if operation.raw_state != _MISSING or self._status(_NO_EXCHANGE, operation.raw) is not None:
            return unknown_state(operation, "is not one of the states that the spec lists")
        request = f" of {spec.get.request}" if spec.get else ""
        place = "an entry of the lists" if listed else f"the answer{request}"
        return WarningLine(
            f"{', '.join(spec.status)} finds nothing in {place}, so the state is not known; waiting on. "
            f"If that is no state of it, mend operation.status in the spec of {self._title} and restart the triggerer "
            "(do not clear the task: the operation may have succeeded); else list null as one of operation.states"
        )

    def _state(self, entry: Any, exchange: Exchange) -> tuple[str | None, str]:
        """Return the name of the state and the word of the API for it."""
        spec = self._spec
        status = self._status(exchange, entry)
        if status is None and exchange.status in spec.http:
            return spec.http[exchange.status], f"HTTP {exchange.status}"
        if not spec.status:
            return None, f"HTTP {exchange.status}"
        if status is None and not isinstance(entry, Mapping):
            raise TransportError("the answer is not an operation: it is no object", reason="unreadable")
        if isinstance(status, (Mapping, list)):
            raise TransportError("the answer has no text where 'status' points to", reason="unreadable")
        state = self._states[status]
        word = _MISSING if status is None else _shown(status)
        if state != "ended":
            return state, word
        if self._verdict is None or spec.verdict is None:
            return None, word
        verdict = find_first(spec.verdict.status, exchange, entry)
        return self._verdict[verdict], word if verdict is None else f"{word}: {_shown(verdict)}"

    def _progress(self, entry: Any, exchange: Exchange) -> Progress | None:
        percent, names = _percent(self._percent(exchange, entry)), self._steps(exchange, entry)
        phase, message = self._phase(exchange, entry), self._message(exchange, entry)
        steps = tuple(_step(one) for one in names[:_MOST_STEPS]) if isinstance(names, list) else ()
        if percent is None and phase is None and message is None and not steps:
            return None
        return Progress(phase, message, steps=steps, done=percent, total=None if percent is None else _ALL)


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        code = value.get("code") or value.get("message")
        return code if isinstance(code, str) else "present"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _step(value: Any) -> Step:
    if isinstance(value, Mapping):
        name, state = value.get("name") or value.get("id"), value.get("status") or value.get("state")
        return Step(str(name or ""), str(state or ""))
    return Step(str(value), "")


def _percent(value: Any) -> int | None:
    try:
        number = math.nan if value is None or isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None
    return int(min(max(number, 0), _ALL)) if math.isfinite(number) else None


def _time(found: Any) -> datetime | None:
    if found is None or isinstance(found, (bool, dict, list)):
        return None
    try:
        return read_time(found)
    except (ValueError, TypeError, OverflowError):
        return None


def error_of(spec: ErrorSpec | None, exchange: Exchange, entry: Any) -> OperationError | None:
    """Return why an operation failed, as far as it is said."""
    if spec is None:
        return None
    code, message = find_text(spec.code, exchange, entry), find_text(spec.message, exchange, entry)
    return None if code is None and message is None else OperationError(message or "", code)


def error_body(spec: ErrorSpec | None, response: Response, secrets: Sequence[str] = ()) -> ErrorBody:
    """Return what an error answer says; one without the API's own fields is not the API's.

    :param secrets: what the spec calls secret; nothing of that is in it.
    """
    exchange = shown(exchange_of(response), secrets)
    body = exchange.response_body
    codes, messages = (_CODES, _MESSAGES) if spec is None else (spec.code, spec.message)
    code, message = find_text(codes, exchange, body), find_text(messages, exchange, body)
    is_from_api = (message if messages else code) is not None
    return ErrorBody(code, message or code or _beginning(response, body, secrets) or "(no message)", is_from_api)


def _beginning(response: Response, body: Any, secrets: Sequence[str], most: int = 120) -> str:
    """Return the beginning of a body for people, without what the spec calls secret.

    :param body: as JSON, blanked out; ``None`` where it is none.
    """
    if not has_secret_answers(secrets):
        return response.text(most)
    if body is not None:
        return response.shown(one_line(json.dumps(body, ensure_ascii=False)))[:most]
    # cut in the middle, for example: where its secrets are is not known
    is_like_json = response.content.lstrip()[:1] in (b"{", b"[", b'"')
    return "(not shown: it may have a secret in it)" if is_like_json else response.text(most)
