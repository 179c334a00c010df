"""Strict reading of bodies and query strings, and the one exception by which a request is refused."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import parse_qsl

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Kind = Literal[
    "malformed",
    "invalid",
    "unauthenticated",
    "forbidden",
    "no_route",
    "no_method",
    "rate_limited",
    "broken",
]
"""Refusals that the shared part of the simulator makes; each API says which status and code they get."""

_DIGITS = re.compile(r"\d{1,9}", re.ASCII)


class Problem(Exception):
    """A request is refused. Raised with a `kind` by shared code, with `status` and `code` by an API."""

    def __init__(
        self,
        message: str,
        *,
        kind: Kind | None = None,
        status: int | None = None,
        code: str | int | None = None,
        where: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.kind = kind
        self.status = status
        self.code = code
        self.where = tuple(where)
        """Path of the field that is wrong, for APIs that name it."""
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})


class Strict(BaseModel):
    """Base of all request models: no unknown keys, no conversions between JSON types."""

    model_config = ConfigDict(extra="forbid", strict=True)


class NoQuery(Strict):
    """For endpoints without query parameters."""


def _digits(value: object) -> object:
    if isinstance(value, str):
        if not _DIGITS.fullmatch(value):
            message = "must be a whole number"
            raise ValueError(message)
        return int(value)
    return value


def _flag(value: object) -> object:
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


QueryInt = Annotated[int, BeforeValidator(_digits)]
"""A number in a query string: digits only, where pydantic by itself takes `1_0` and ` 1 `."""

QueryBool = Annotated[bool, BeforeValidator(_flag)]
"""`true` or `false` in a query string."""


def parse_query(model: type[BaseModel], raw: str) -> BaseModel:
    """Return the query parameters of a request as the route's model."""
    if not raw and model is NoQuery:
        return NoQuery()
    values: dict[str, Any] = {}
    for name, value in parse_qsl(raw, keep_blank_values=True):
        if name in values and getattr(model, "repeats", False):
            values[name] = [*(values[name] if isinstance(values[name], list) else [values[name]]), value]
            continue
        if name in values:
            message = f"query parameter '{name}' is given more than once"
            raise Problem(message, kind="invalid", where=("query", name))
        values[name] = value
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise _refused(error, model, "query") from None


def parse_body(model: type[BaseModel] | None, raw: bytes, content_type: str, *, optional: bool) -> BaseModel | None:
    """Return the JSON body of a request as the route's model; None where there is none and none is needed."""
    if model is None:
        if raw.strip():
            message = "this endpoint takes no body"
            raise Problem(message, kind="invalid", where=("body",))
        return None
    # clients that are made from a contract may send `null` for a body that is not there
    if optional and raw.strip() in (b"", b"null"):
        return None
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == "application/x-www-form-urlencoded" and getattr(model, "takes_forms", False):
        return model.model_validate(dict(parse_qsl(raw.decode("utf-8", "replace"))))
    if media_type != "application/json":
        message = "the body must be sent as Content-Type: application/json"
        raise Problem(message, kind="malformed", where=("body",))
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        raise _refused(error, model, "body") from None


def _refused(error: ValidationError, model: type[BaseModel], part: str) -> Problem:
    first = error.errors(include_url=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        return Problem("the body is not valid JSON", kind="malformed", where=(part,))
    path = tuple(str(item) for item in first["loc"])
    name = ".".join(path) or part
    message = f"{part} field '{name}': {first['msg'].removeprefix('Value error, ')}" if path else first["msg"]
    if first["type"] == "extra_forbidden":
        message = f"unknown {part} field '{name}'; allowed: {', '.join(_names(model)) or 'none'}"
    elif first["type"] == "missing":
        message = f"{part} field '{name}' is required"
    return Problem(message, kind="invalid", where=(part, *path))


def _names(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]
