"""Submits of a described API: known calls, our key in them, and what their answers name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from airflow_provider_ops.apis.calls import Request, Response, check_path
from airflow_provider_ops.apis.described.addresses import below, carries, id_or_address
from airflow_provider_ops.apis.described.filling import Values, header_values, parameters
from airflow_provider_ops.apis.described.listing import set_at
from airflow_provider_ops.apis.described.reading import OperationReader, exchange_of
from airflow_provider_ops.apis.described.results import result_path
from airflow_provider_ops.apis.described.secrets import all_texts_in, secrets_in
from airflow_provider_ops.apis.submits import NamesNoOperation, SubmitCall, Submitted
from airflow_provider_ops.core.gate import cut_text
from airflow_provider_ops.core.parsing import LongNumber, with_long_numbers
from airflow_provider_ops.exceptions import InvalidArgument, TransportError
from airflow_provider_ops.operation import Operation, OperationState
from airflow_provider_ops.spec import ApiSpec
from airflow_provider_ops.spec.expressions import Exchange, follow, parse_pointer
from airflow_provider_ops.spec.keys import key_text, short_key
from airflow_provider_ops.spec.promises import is_idempotent
from airflow_provider_ops.spec.requests import parse_line
from airflow_provider_ops.spec.sections import CallSpec, MarkSpec, Repeat
from airflow_provider_ops.spec.values import find_all, find_text

#: Operations that one submit may start.
_MOST_OPERATIONS = 100
_SHOWN_ID = 200


#: States in which there is nothing to wait for.
_SETTLED = ("succeeded", "failed", "cancelled")


class NamesResourceOnly(TransportError):
    """The answer to a submit names the resource, whose operation has to be looked up."""

    def __init__(self, resource_type: str | None, resource_id: str) -> None:
        what = f"the answer names {resource_type or 'resource'} {resource_id}, and no operation of it is found"
        super().__init__(what, reason="unreadable")
        self.resource_type = resource_type
        self.resource_id = resource_id


@dataclass(frozen=True, slots=True)
class DescribedSubmit(SubmitCall):
    """A submit and the call that it is.

    :param call: ``None`` for one that the spec does not list.
    :param names: values of the placeholders in its path.
    :param short_key: what stands for our key, where the request carries it.
    """

    call: CallSpec | None = None
    names: tuple[tuple[str, str], ...] = ()
    short_key: str | None = None

    def values(self, spec: ApiSpec, variables: Mapping[str, str]) -> Values:
        """Return what the placeholders of a search for this submit stand for."""
        named: dict[str, Any] = {**variables, **dict(self.names), "kind": self.kind}
        mark = None if self.call is None else spec.inherited(self.call, "mark")
        if mark is not None and self.short_key is not None:
            named["mark"] = key_text(mark, self.short_key)
        exchange = exchange_for(self.request, self.names)
        return Values(named, self.short_key, exchange, all_texts_in(exchange, spec.secrets))


def exchange_for(request: Request, names: Sequence[tuple[str, str]] = ()) -> Exchange:
    """Return a submit as expressions read it."""
    return Exchange(
        url=request.path,
        method=request.method,
        path=dict(names),
        query=request.query,
        headers={name.lower(): value for name, value in request.headers.items()},
        body=request.json,
    )


def find_call(spec: ApiSpec, method: str, path: str) -> tuple[CallSpec, dict[str, str]] | None:
    """Return the listed call that a request is, and the values in its path; a literal segment wins."""
    found = [
        (parse_line(call.request).literals, call, names)
        for call in spec.calls
        if (names := parse_line(call.request).match(method, path)) is not None
    ]
    if not found:
        return None
    _, call, names = max(found, key=lambda one: one[0])
    return call, names


class DescribedCalls:
    """Build the submits of one API."""

    def __init__(self, spec: ApiSpec, variables: Mapping[str, str], reader: OperationReader) -> None:
        self._spec = spec
        self._variables = variables
        self._reader = reader
        self._gets = parse_line(spec.operation.get.request) if spec.operation.get else None

    def build(self, method: str, path: str, json: Any, query: Mapping[str, Any]) -> DescribedSubmit:
        """Return the submit for a request of a user.

        :raises InvalidArgument: method or path cannot be sent.
        """
        method = method.upper()
        check_path(method, path)
        known = find_call(self._spec, method, path)
        call, names = known or (None, {})
        self._check_variables(f"{method} {path}", names)
        owner = self._spec.submit if call is None else call
        values = Values({**self._variables, **names, "kind": call.kind if call else method})
        line = parse_line(call.request) if call else None
        fixed = {name: template.fill_typed(values.look_up) for name, template in line.query} if line else {}
        request = Request(
            method,
            path,
            line.route if line else path,
            query={**self._added(owner, "query", values), **fixed, **query},
            json=json,
            headers=self._added(owner, "headers", values),
            idempotent=is_idempotent(self._spec, call) if call else method in self._idempotent_methods(),
        )
        return DescribedSubmit(
            request,
            lambda response: self.read(response, request, call, names),
            kind=call.kind if call else method,
            creates=bool(call and call.creates),
            call=call,
            names=tuple(names.items()),
        )

    def _check_variables(self, request: str, names: Mapping[str, str]) -> None:
        """Check that a path has the values of the connection: what it starts is read with those.

        :raises InvalidArgument: it has another.
        """
        for name, value in names.items():
            if self._variables.get(name, value) != value:
                raise InvalidArgument(
                    f"{request} has {value!r} where the connection's variable {name} is {self._variables[name]!r}, and "
                    f"what it starts would be read there: use that in the path, or a connection whose {name} is {value}"
                )

    def _idempotent_methods(self) -> set[str]:
        return {one.upper() for one in self._spec.submit.idempotent}

    def _added(self, owner: Any, name: str, values: Values) -> dict[str, Any]:
        given = {**getattr(self._spec.submit, name), **getattr(owner, name)}
        # a key of ours that stands in one of these is put in when the request has it
        return header_values(given, values) if name == "headers" else parameters(given, values)

    def with_key(self, submit: DescribedSubmit, key: str) -> DescribedSubmit:
        """Return a submit with our key in it, where its call has a place for one.

        :raises InvalidArgument: the body has no place where the spec says.
        """
        mark: MarkSpec | None = None if submit.call is None else self._spec.inherited(submit.call, "mark")
        if mark is None:
            return submit
        text = key_text(mark, short_key(key))
        request = submit.request
        if mark.keep and value_of(mark, request) is not None:
            return submit
        match mark.in_:
            case "header":
                request = replace(request, headers={**request.headers, mark.name: text})
            case "query":
                request = replace(request, query={**request.query, mark.name: text})
            case _:
                try:
                    request = replace(request, json=set_at(request.json, parse_pointer(mark.name), text))
                except ValueError as error:
                    raise InvalidArgument(f"{request}: our key cannot be put at {mark.name}: {error}") from None
        repeated = None if mark.repeat is None else self._repeated_with(submit, mark, mark.repeat, short_key(key))
        request = replace(request, idempotent=request.idempotent or mark.idempotent, repeated_with=repeated)
        return replace(submit, request=request, short_key=short_key(key))

    def _repeated_with(
        self, submit: DescribedSubmit, mark: MarkSpec, repeat: Repeat, short: str
    ) -> tuple[dict[str, str], dict[str, Any]]:
        """Return what goes only with a repetition of a request."""
        named = {**self._variables, **dict(submit.names), "kind": submit.kind, "mark": key_text(mark, short)}
        values = Values(named, short, exchange_for(submit.request, submit.names))
        return header_values(repeat.headers, values), parameters(repeat.query, values)

    def read(self, response: Response, request: Request, call: CallSpec | None, names: Mapping[str, str]) -> Submitted:
        """Return what the answer to a submit names.

        :raises TransportError: reason ``unreadable`` when it names no operation; it may have started one.
        """
        spec = self._spec
        kind = call.kind if call else request.method
        exchange = exchange_of(response, exchange_for(request, tuple(names.items())))
        ids = self._ids(exchange, call)
        resource = spec.of_submit(call, "resource")
        resource_type = find_text(resource.type, exchange, exchange.response_body) if resource else None
        resource_id = find_text(resource.id, exchange, exchange.response_body) if resource else None
        if call is not None and call.creates and resource_type is None:
            resource_type = call.creates
        secrets = secrets_in(exchange, spec.secrets)
        final = result_path(spec, call, request, response, secrets)
        http = spec.of_submit(call, "http").get(response.status)
        address = self._address(response, exchange, call, secrets) if not ids else None
        if not ids and address in (None, exchange.url) and response.content.lstrip().startswith(b"<"):
            # the page of a proxy says nothing about the request, whatever its status
            response.json()
        if address is not None and (address != exchange.url or http not in _SETTLED):
            ids = [address]
        if ids:
            others = tuple(ids[1:])
            return Submitted(ids[0], kind, resource_type, resource_id, others=others, result_path=final)
        if resource_id and call is not None and spec.inherited(call, "lookup") is not None:
            raise NamesResourceOnly(resource_type, resource_id)
        if http not in _SETTLED:
            raise NamesNoOperation(
                f"the answer (HTTP {response.status}) names no operation: {self._places(call, response)} in the spec "
                f"of {spec.shown_title}, and 'http' does not say that it has settled"
            )
        operation = Operation(
            id=address or resource_id or f"http-{response.status}",
            api=spec.name,
            kind=kind,
            state=OperationState(http),
            raw_state=f"HTTP {response.status}",
            resource_type=resource_type,
            resource_id=resource_id,
        )
        return replace(Submitted.of(operation), result_path=final)

    def _ids(self, exchange: Exchange, call: CallSpec | None) -> list[str]:
        spec, body = self._spec, exchange.response_body
        texts: Sequence[str] = spec.of_submit(call, "operation_id")
        found = [str(one) for one in find_all(texts, exchange, body) if not isinstance(one, (dict, list, bool))]
        ids = list(dict.fromkeys(one for one in found if one))
        if len(ids) > _MOST_OPERATIONS:
            raise TransportError(
                f"the answer names {len(ids)} operations, more than {_MOST_OPERATIONS}", reason="unreadable"
            )
        return ids

    def _places(self, call: CallSpec | None, response: Response) -> str:
        """Return where the spec says that an answer names its operation, and that nothing is there."""
        spec = self._spec
        names = ("operation_id", "operation_url")
        texts = {name: spec.of_submit(call, name) for name in names}
        given = [f"{name} ({', '.join(found)})" for name, found in texts.items() if found]
        body = with_long_numbers(response.content)
        there = find_all([*texts["operation_id"], *texts["operation_url"]], Exchange(response_body=body), body)
        what = next((f"{one}, too long to be read," for one in there if isinstance(one, LongNumber)), "nothing")
        return (
            f"{what} is where {' and '.join(given)} {'point' if given[1:] else 'points'} to"
            if given
            else ("neither operation_id nor operation_url is")
        )

    @property
    def follows_addresses(self) -> bool:
        """Return whether answers name operations by their address."""
        calls = self._spec.calls
        return bool(self._spec.submit.operation_url) or any(call.operation_url for call in calls)

    def _address(
        self, response: Response, exchange: Exchange, call: CallSpec | None, secrets: Sequence[str]
    ) -> str | None:
        """Return the operation that an answer names by its address: its id, or path and query of the address.

        :raises TransportError: requests cannot go there, or it cannot be stored.
        """
        spec = self._spec
        urls: Sequence[str] = spec.of_submit(call, "operation_url")
        url = find_text(urls, exchange, exchange.response_body)
        if not url or url == exchange.url:
            # what the request acts on, which is below the base URL already
            return url or None
        try:
            address = below(url, response.base_url or spec.base_url, exchange.url)
            found = address if self._gets is None else id_or_address(address, self._gets, self._variables)
        except ValueError as error:
            shown = cut_text(url, _SHOWN_ID)
            raise NamesNoOperation(f"the answer names an operation by its address {shown!r}, which {error}") from None
        if carries(found, secrets):
            raise NamesNoOperation(
                "the answer names an operation by an address that has a secret of the request in it, so that it cannot "
                "be stored"
            )
        return found


def value_of(mark: MarkSpec, request: Request) -> Any:
    """Return what a request has where our key would go."""
    match mark.in_:
        case "header":
            return {name.lower(): value for name, value in request.headers.items()}.get(mark.name.lower())
        case "query":
            return request.query.get(mark.name)
        case _:
            found = follow(request.json, [one for one in parse_pointer(mark.name) if one != "-"])
            # a list that is appended to keeps what is in it
            return None if mark.name.endswith("/-") else next(iter(found), None)
