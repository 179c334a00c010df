"""What the models of a spec are made of: the base model, and the texts in it, checked when a spec is read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError
from typing_extensions import Self

from airflow_provider_ops.exceptions import SpecProblem
from airflow_provider_ops.spec.nearest import nearest
from airflow_provider_ops.spec.requests import parse_line
from airflow_provider_ops.spec.source import typed
from airflow_provider_ops.spec.templates import as_text, parse_template, templates_in
from airflow_provider_ops.spec.values import parse_value

#: Type of the errors of pydantic that carry our own problems.
SEVERAL = "spec_problems"


def refuse(problems: list[SpecProblem]) -> PydanticCustomError:
    """Return the error with which a validator refuses several things, each with its place below the model."""
    said = "; ".join(map(str, problems)).replace("{", "{{").replace("}", "}}")
    return PydanticCustomError(SEVERAL, said, {"problems": problems})


def _again(item: ErrorDetails) -> InitErrorDetails:
    """Return an error of pydantic in the form in which it can be raised once more."""
    facts, kind = item.get("ctx", {}), item["type"]
    error = refuse(facts["problems"]) if kind == SEVERAL else kind
    return InitErrorDetails(type=error, loc=item["loc"], input=item["input"], ctx=facts)


class Part(BaseModel):
    """Base of the models of a spec: frozen, without unknown keys, and written without what was not given."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True, use_attribute_docstrings=True
    )

    #: Key that a text in place of the object is the value of.
    shorthand: ClassVar[str] = ""

    @model_validator(mode="wrap")
    @classmethod
    def _read(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        # numbers of Python and JSON; in YAML they are still texts here
        if cls.shorthand and isinstance(data, (str, int, float)):
            data = {cls.shorthand: data}
        if not isinstance(data, Mapping):
            return handler(data)
        data = cls.unfold(dict(data))
        known = {name for field, info in cls.model_fields.items() for name in (field, info.alias or field)}
        unknown = [SpecProblem((str(name),), cls._unknown(str(name))) for name in data if name not in known]
        if not unknown:
            return handler(data)
        # the other keys are read all the same, so that all mistakes are named at once
        found = [InitErrorDetails(type=refuse(unknown), input=data)]
        try:
            handler({name: value for name, value in data.items() if name in known})
        except ValidationError as error:
            found += map(_again, error.errors(include_url=False))
        refusal = ValidationError.from_exception_data(cls.__name__, found)
        raise refusal

    @classmethod
    def unfold(cls, data: dict[str, Any]) -> dict[str, Any]:
        """Return the keys of an object that was written in a shorter form."""
        return data

    @classmethod
    def _unknown(cls, name: str) -> str:
        known = [info.alias or field for field, info in cls.model_fields.items()]
        near = nearest(name, known)
        return f"unknown key {name!r}: " + (f"did you mean {near!r}?" if near else f"use {', '.join(known)}")

    @model_serializer(mode="wrap")
    def _write(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields = type(self).model_fields
        given = {fields[name].alias or name for name in self.model_fields_set}
        return {name: value for name, value in handler(self).items() if name in given}

    def has(self, name: str) -> bool:
        """Return whether a key was given, be it as ``null``."""
        return name in self.model_fields_set


def _text(value: Any) -> Any:
    return as_text(value) if isinstance(value, (bool, int, float)) else value


def _many(value: Any) -> Any:
    if isinstance(value, (str, bool, int, float)) or value is None:
        return (value,)
    return tuple(value) if isinstance(value, list) else value


def _checked(parse: Callable[[str], Any]) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        value = _text(value)
        if isinstance(value, str):
            parse(value)
            return str(value)
        return value

    return check


def _value(text: str) -> None:
    value = parse_value(text)
    if not value.expressions:
        raise ValueError(
            f"{text!r} is no expression: write {'/' + text.replace('.', '/')!r} for a field of the entry, "
            "$response.body#/... for one of the answer"
        )


def _one_or_many(item: Any) -> Any:
    return Annotated[tuple[item, ...], BeforeValidator(_many, json_schema_input_type=item | list[item])]


#: A text; numbers and booleans become what they are written as.
Text = Annotated[str, BeforeValidator(_text, json_schema_input_type=str | float | bool)]
#: A text that must read something, and one that may also be a constant.
Read = Annotated[str, BeforeValidator(_checked(_value))]
ReadOrConstant = Annotated[str, BeforeValidator(_checked(parse_value))]
#: One or several: the first that finds something counts.
Reads = Annotated[tuple[Read, ...], BeforeValidator(_many, json_schema_input_type=str | list[str])]
ReadsOrConstant = Annotated[tuple[ReadOrConstant, ...], BeforeValidator(_many, json_schema_input_type=str | list[str])]
#: Values of a state; ``null`` for one that is not there.
Word = Annotated[str | None, BeforeValidator(_text)]
Words = Annotated[
    tuple[Word, ...], BeforeValidator(_many, json_schema_input_type=str | int | bool | None | list[str | None])
]
Texts = Annotated[tuple[Text, ...], BeforeValidator(_many, json_schema_input_type=str | list[str])]
Statuses = Annotated[
    tuple[Annotated[int, Field(ge=100, le=599)], ...], BeforeValidator(_many, json_schema_input_type=int | list[int])
]
RequestLine = Annotated[str, BeforeValidator(_checked(parse_line))]
TemplateText = Annotated[str, BeforeValidator(_checked(parse_template))]
TemplateTexts = Annotated[tuple[TemplateText, ...], BeforeValidator(_many, json_schema_input_type=str | list[str])]
Seconds = Annotated[float, Field(gt=0, le=366 * 86400, allow_inf_nan=False)]
StateName = Literal["pending", "running", "succeeded", "failed", "cancelled"]


#: A token of HTTP.
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def check_header_name(name: str) -> str:
    """Return the name of a header.

    :raises ValueError: no header may have it.
    """
    if not _HEADER.fullmatch(name):
        raise ValueError(f"{name!r} cannot name a header: use letters, digits and '-'")
    return name


HeaderName = Annotated[Text, AfterValidator(check_header_name)]


def _json(value: Any) -> Any:
    value = typed(value)
    templates_in(value)
    return value


def _parameter(value: Any) -> Any:
    if isinstance(value, Mapping) and list(value.values()) == [None]:
        (name,) = value
        raise ValueError(f'YAML reads {{{name}}} without quotes as an object: write "{{{name}}}"')
    return _json(value)


#: Any JSON whose texts may have placeholders.
Json = Annotated[Any, BeforeValidator(_json)]
#: The value of a header, or of a parameter of a query.
Parameter = Annotated[Any, BeforeValidator(_parameter)]
Headers = dict[HeaderName, Parameter]


class RequestSpec(Part):
    """One request."""

    shorthand = "request"

    request: RequestLine
    """``METHOD /path/{placeholder}?query={placeholder}``."""
    query: dict[str, Parameter] = Field(default_factory=dict)
    """Parameters beside those in ``request``; objects and lists are sent as JSON."""
    headers: Headers = Field(default_factory=dict)
    """Headers; objects and lists are sent as JSON."""
    body: Json = None
    """Sent as JSON."""

    @classmethod
    def unfold(cls, data: dict[str, Any]) -> dict[str, Any]:
        """Lift the keys of a request that was written as an object of its own."""
        inner = data.get("request")
        return {**data, **inner} if isinstance(inner, Mapping) else data
