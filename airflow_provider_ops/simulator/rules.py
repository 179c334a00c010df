"""The fault plan as users write it: one model per fault, selected by the key `fault`.

A rule says where it applies, when it fires and what happens then. `docs/reference/simulator.md` has the table.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

Seconds = Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)]


class DateIn(BaseModel):
    """A Retry-After that names a date so many seconds from now."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    date_in: Seconds


class MillisIn(BaseModel):
    """The header `retry-after-ms` in place of Retry-After."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    ms: Annotated[int, Field(ge=0)]


class Rule(BaseModel):
    """Where and when: what all faults have in common."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    api: str | None = None
    method: str | None = None
    route: str | None = None
    """A template (`/deployments/{id}`) or a glob over paths (`/deployments/*`)."""
    resource: str | None = None
    """Glob over the id of the resource that the request is about."""
    name: str | None = None
    """Glob over the name of that resource, or over the name that the request gives."""
    skip: Annotated[int, Field(ge=0)] = 0
    """Let so many matching requests pass first."""
    count: Annotated[int, Field(ge=1)] | None = None
    """Fire at most so often."""
    probability: Annotated[float, Field(gt=0, le=1)] = 1.0
    after: Seconds = 0.0
    """Not before so many seconds since the plan was set."""
    during: Annotated[Seconds | None, Field(alias="for")] = None
    """For so many seconds from then on."""

    @field_validator("method")
    @classmethod
    def _upper(cls, value: str | None) -> str | None:
        return value.upper() if value else value


class RequestRule(Rule):
    """A fault of one request and its answer; the first rule that fires wins."""

    @property
    def executes(self) -> bool:
        """Return whether the request is carried out all the same, although the caller may never learn that."""
        return False


class MayExecute(RequestRule):
    """A fault before or after the request is carried out; `execute: true` means after."""

    execute: bool = False

    @property
    def executes(self) -> bool:
        """Return whether the rule says so."""
        return self.execute


class AfterExecution(RequestRule):
    """A fault of the answer: the request is always carried out."""

    @property
    def executes(self) -> bool:
        """Always."""
        return True


class StatusFault(MayExecute):
    """The API answers with an error, in its own envelope."""

    fault: Literal["status"]
    status: Annotated[int, Field(ge=400, le=599)]
    code: str | int | None = None
    message: str = "injected fault"
    retry_after: Annotated[float, Field(ge=0)] | DateIn | MillisIn | None = None


class ResetFault(RequestRule):
    """The connection is reset before the request is carried out."""

    fault: Literal["reset"]


class AcceptThenDropFault(AfterExecution):
    """The request is carried out and the connection reset before the answer."""

    fault: Literal["accept_then_drop"]


class HangFault(MayExecute):
    """No answer for a while, then the connection is reset."""

    fault: Literal["hang"]
    seconds: Seconds = 30.0


class TrickleFault(AfterExecution):
    """The right answer, in small pieces spread over a time."""

    fault: Literal["trickle"]
    seconds: Seconds = 5.0
    pieces: Annotated[int, Field(ge=1, le=10_000)] = 10


class HtmlFault(MayExecute):
    """A page of HTML, as from a proxy in between."""

    fault: Literal["html"]
    status: Annotated[int, Field(ge=200, le=599)] = 200


class TruncatedFault(AfterExecution):
    """The answer ends early: as JSON that does not parse, or (`cut`) as a connection that ends in mid-body."""

    fault: Literal["truncated"]
    cut: bool = False


class PoisonFault(AfterExecution):
    """The right answer with something odd in it that a JSON library would not write."""

    fault: Literal["poison"]
    fields: list[str] = ["*"]
    """Globs over places like `data.progress.message` or `data.items.error`; objects and lists are named whole."""
    but: list[str] = []
    """Globs over places that stay as they are."""
    value: str = '"\\u0000"'
    """What stands there instead, as it is sent: JSON, or text that only resembles it."""
    headers: dict[str, str] = {}
    """Further headers of the answer."""


class OperationRule(Rule):
    """A fault of an operation, decided when it is created; all rules that fire apply together."""

    kind: str | None = None
    """Glob over the kind of the operation, as in `deployment.*`."""


class UnknownStatusFault(OperationRule):
    """The operation shows an undocumented status word, for the first seconds of its running."""

    fault: Literal["unknown_status"]
    word: Annotated[str, Field(min_length=1)] = "hibernating"
    seconds: Seconds = 2.0


class NotFoundFirstFault(OperationRule):
    """The first single reads of the operation answer 404; lists show it."""

    fault: Literal["not_found_first"]
    reads: Annotated[int, Field(ge=1)] = 2


class OperationFailsFault(OperationRule):
    """The operation fails when it should have succeeded."""

    fault: Literal["operation_fails"]
    reason: str = "injected failure"
    code: str | None = None
    retryable: bool | None = None
    """What the API says about trying again, where it says anything (LakeSail)."""
    retry_after: Seconds | None = None


class OperationCancelledFault(OperationRule):
    """The operation ends as cancelled when it should have succeeded."""

    fault: Literal["operation_cancelled"]
    reason: str = "injected cancellation"


class EndlessFault(OperationRule):
    """The operation never settles."""

    fault: Literal["endless"]


class ListLagFault(OperationRule):
    """Lists show the operation as it was so long ago; single reads show it as it is."""

    fault: Literal["list_lag"]
    seconds: Seconds = 15.0


class EarlyDatesFault(OperationRule):
    """The operation is said to have ended and changed earlier than it did, at its start at the earliest."""

    fault: Literal["early_dates"]
    seconds: Seconds = 86_400.0
    no_end: bool = False
    """Leave the date of the end out altogether."""


class SlowCancelFault(OperationRule):
    """A cancel of the operation drains for this long."""

    fault: Literal["slow_cancel"]
    seconds: Seconds = 10.0


AnyRule = Annotated[
    StatusFault
    | ResetFault
    | AcceptThenDropFault
    | HangFault
    | TrickleFault
    | HtmlFault
    | TruncatedFault
    | PoisonFault
    | UnknownStatusFault
    | NotFoundFirstFault
    | OperationFailsFault
    | OperationCancelledFault
    | EndlessFault
    | ListLagFault
    | EarlyDatesFault
    | SlowCancelFault,
    Field(discriminator="fault"),
]


class _Plan(BaseModel):
    model_config = ConfigDict(extra="forbid")
    rules: list[AnyRule] = []


FAULTS: dict[str, type[Rule]] = {
    get_args(model.model_fields["fault"].annotation)[0]: model for model in get_args(get_args(AnyRule)[0])
}
"""All faults by the word that a plan uses."""

_PLAN: TypeAdapter[_Plan] = TypeAdapter(_Plan)


class BadPlanError(ValueError):
    """A fault plan cannot be used; the message names the key and says what is allowed."""


def keys_of(fault: str) -> list[str]:
    """Return the keys that a rule with this fault may have."""
    return [field.alias or name for name, field in FAULTS[fault].model_fields.items()]


def parse_plan(document: str | bytes | list[Any] | dict[str, Any]) -> list[Rule]:
    """Return the rules of a fault plan: JSON text or a document, `{"rules": [...]}` or the bare list."""
    if isinstance(document, (str, bytes)):
        try:
            document = json.loads(document)
        except ValueError as error:
            message = f"the fault plan is not valid JSON: {error}"
            raise BadPlanError(message) from None
    if isinstance(document, list):
        document = {"rules": document}
    if not isinstance(document, dict):
        message = 'a fault plan is {"rules": [...]} or a list of rules'
        raise BadPlanError(message)
    try:
        return list(_PLAN.validate_python(document).rules)
    except ValidationError as error:
        raise BadPlanError(_explain(error)) from None


def _explain(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    location = list(first["loc"])
    if first["type"] == "extra_forbidden" and location[0] != "rules":
        return f"unknown key '{location[0]}' in the fault plan; allowed: rules"
    where, path = _place(location)
    if first["type"] == "union_tag_not_found":
        return f"{where}: the key 'fault' is missing; allowed: {', '.join(FAULTS)}"
    if first["type"] == "union_tag_invalid":
        return f"{where}: unknown fault '{first['ctx']['tag']}'; allowed: {', '.join(FAULTS)}"
    if first["type"] == "extra_forbidden" and len(path) == 1:
        return f"{where}: unknown key '{path[0]}'; allowed: {', '.join(keys_of(str(location[2])))}"
    return f"{where}: {'.'.join(path) + ': ' if path else ''}{first['msg']}"


def _place(location: list[int | str]) -> tuple[str, list[str]]:
    """Return `rules[0]` and the path inside the rule; in between pydantic puts the fault's word."""
    if len(location) < 2:  # noqa: PLR2004 - the list itself is wrong
        return "rules", []
    return f"rules[{location[1]}]", [str(item) for item in location[3:]]
