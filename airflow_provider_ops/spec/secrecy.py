"""What a spec calls secret although it cannot be kept secret."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_provider_ops.exceptions import SpecProblem
from airflow_provider_ops.spec.description import Description
from airflow_provider_ops.spec.expressions import Expression
from airflow_provider_ops.spec.places import sent
from airflow_provider_ops.spec.requests import parse_line
from airflow_provider_ops.spec.sections import CallSpec, ResultSpec
from airflow_provider_ops.spec.source import Place
from airflow_provider_ops.spec.values import parse_value

#: Methods of which ``final_state_via: auto`` reads what the submit was sent to.
_READ_ANEW = ("PUT", "PATCH")


def secrecy(spec: Description) -> Iterator[SpecProblem]:
    """Find what is shown or stored wherever its request is."""
    secrets = [(text, one) for text in spec.secrets for one in parse_value(text).expressions]
    for index, text in enumerate(spec.secrets):
        for one in parse_value(text).expressions:
            if one.source in ("url", "method", "statusCode") or (one.source, one.place) == ("request", "path"):
                said = f"{text!r} cannot be secret, for paths and statuses stand in logs: send it in a body or header"
                yield SpecProblem(("secrets", index), said)
    for place in sent(spec):
        path = parse_line(place.request.request).path if place.request is not None else None
        for placeholder in path.placeholders if path is not None else ():
            read = placeholder.expression
            if read is not None and any(_is_part(read, secret) for _, secret in secrets):
                said = f"{placeholder.text} is secret, and paths stand in logs: send it in a body, query or header"
                yield SpecProblem((*place.place, "request"), said)
    in_query = next((text for text, one in secrets if (one.source, one.place) == ("request", "query")), None)
    if in_query is not None:
        yield from _stored(spec, in_query)


def _is_part(read: Expression, secret: Expression) -> bool:
    is_same = (read.source, read.place, read.name) == (secret.source, secret.place, secret.name)
    return is_same and read.pointer[: len(secret.pointer)] == secret.pointer


def _stored(spec: Description, text: str) -> Iterator[SpecProblem]:
    """Find results that are read at the address of the submit, which has a secret in its query."""
    found: list[tuple[Place, ResultSpec | None, str]] = [(("result",), spec.result, "")]
    found += [_result_of(spec, index, call) for index, call in enumerate(spec.calls)]
    places = [place for place, result, method in found if result is not None and _reads_submit(result, method)]
    for place in dict.fromkeys(places):
        said = f"the result is read at the address of the submit, which has {text} in it, and no secret is stored"
        yield SpecProblem(place, f"{said}: name a 'request' that reads it, or 'none'")


def _result_of(spec: Description, index: int, call: CallSpec) -> tuple[Place, ResultSpec | None, str]:
    place: Place = ("calls", index, "result") if call.has("result") else ("result",)
    return place, spec.inherited(call, "result"), parse_line(call.request).method


def _reads_submit(result: ResultSpec, method: str) -> bool:
    via = result.final_state_via if result.request is None else None
    return via == "original_uri" or (via == "auto" and method in _READ_ANEW)
